"""What Local AWS adds to ministack's S3: a table of operations, lifecycle rules and what they do."""
