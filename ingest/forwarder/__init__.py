"""From a RabbitMQ queue to a Firehose stream: a message is acknowledged only when Firehose has it."""
