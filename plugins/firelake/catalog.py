"""Preparing a lake: buckets, databases, tables, the Athena workgroup, crawlers and topics."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from firelake import aws
from firelake.layout import Lake, Zone, uri
from firelake.spec import Dataset
from firelake.spec.alerts import Alerts, is_arn
from firelake.summary.spec import SummaryTable
from firelake.tables import OPERATIONAL, quarantine, summary, trusted

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import CreateCrawlerRequestTypeDef

_CRAWLER_ROLE = "FIRELAKE_CRAWLER_ROLE"


def prepare_lake(lake: Lake, datasets: Iterable[Dataset], summaries: Iterable[SummaryTable] = ()) -> None:
    """Make whatever of the lake does not exist yet. What exists is left as it is.

    Raises
    ------
    LakeUnreachable
        If AWS does not answer or denies access.
    """
    for zone in Zone:
        aws.ensure_bucket(lake.bucket(zone))
        _ensure_database(lake.database(zone), f"{lake.name}: {zone} zone")
    _ensure_workgroup(lake)
    for declaration in OPERATIONAL:
        declaration.ensure(lake)
    for dataset in datasets:
        trusted(dataset).ensure(lake)
        quarantine(dataset).ensure(lake)
        _ensure_crawler(lake, dataset)
        _ensure_topic(lake, dataset.alerts)
    for table in summaries:
        summary(table).ensure(lake)
        _ensure_topic(lake, table.alerts)


def _ensure_database(name: str, description: str) -> None:
    glue = aws.client("glue")
    with aws.reaching(f"database {name}"):
        try:
            glue.create_database(DatabaseInput={"Name": name, "Description": description})
        except glue.exceptions.AlreadyExistsException:
            return


def _ensure_workgroup(lake: Lake) -> None:
    athena = aws.client("athena")
    with aws.reaching(f"Athena workgroup {lake.athena_workgroup}"):
        try:
            athena.get_work_group(WorkGroup=lake.athena_workgroup)
        except athena.exceptions.InvalidRequestException:
            # Athena's way of saying that there is none.
            _create_workgroup(lake)


def _create_workgroup(lake: Lake) -> None:
    aws.client("athena").create_work_group(
        Name=lake.athena_workgroup,
        Description="Firelake's own queries and its analysts'",
        Configuration={
            "ResultConfiguration": {"OutputLocation": lake.athena_results},
            "EnforceWorkGroupConfiguration": False,
            "PublishCloudWatchMetricsEnabled": True,
        },
    )


def _ensure_topic(lake: Lake, alerts: Alerts | None) -> None:
    if alerts is not None and not is_arn(alerts.sns_topic):
        aws.ensure_topic(lake.topic(alerts.sns_topic))


def _ensure_crawler(lake: Lake, dataset: Dataset) -> None:
    glue = aws.client("glue")
    name = lake.raw_crawler(dataset.name)
    with aws.reaching(f"crawler {name}"):
        try:
            glue.create_crawler(**_crawler(lake, dataset))
        except glue.exceptions.AlreadyExistsException:
            return


def _crawler(lake: Lake, dataset: Dataset) -> CreateCrawlerRequestTypeDef:
    """Declare the crawler whose schema of the raw objects is compared with the spec."""
    return {
        "Name": lake.raw_crawler(dataset.name),
        "Role": os.environ.get(_CRAWLER_ROLE, f"{lake.name}-crawler"),
        "DatabaseName": lake.database(Zone.RAW),
        "Description": f"Schema of {dataset.name} as it arrives, for comparison with its spec",
        "Targets": {
            "S3Targets": [{"Path": uri(lake.bucket(Zone.RAW), dataset.raw.layout.folder), "SampleSize": 20}]
        },
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "Configuration": '{"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}',
    }
