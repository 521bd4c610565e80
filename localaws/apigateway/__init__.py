"""API Gateway: what ministack's REST APIs lack, integrations that put records into Firehose."""
