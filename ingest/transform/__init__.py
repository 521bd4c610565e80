"""The Lambda function through which a Firehose stream may send its records."""
