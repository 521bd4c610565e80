"""Fixtures that every kind of test may use."""

pytest_plugins = [
    "tests.fixtures.airflow_home",
    "tests.fixtures.local_aws",
    "tests.fixtures.athena",
    "tests.fixtures.rabbitmq",
]
