"""Local AWS: the AWS services Firelake speaks to, really working, on one local port."""
