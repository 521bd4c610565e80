"""CloudFormation, whose resources are made in the services of Local AWS."""
