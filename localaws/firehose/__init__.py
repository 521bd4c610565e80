"""Firehose: buffers records on disk and delivers them to S3 as AWS does."""
