"""Objects as S3 really holds them, through the core's own reading."""

import gzip
from datetime import timedelta

from firelake import aws
from firelake.catalog import prepare_lake
from firelake.layout import Zone

from tests.contract.core.lake import DAY, TestLake, body_of, record


def test_a_content_encoding_changes_nothing(lake: TestLake) -> None:
    body = body_of([record(1), record(2)])
    key = lake.put(DAY + timedelta(hours=1), body)
    bucket = lake.lake.bucket(Zone.RAW)
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentEncoding="gzip")
    twice = lake.put(DAY + timedelta(hours=2), b"")
    aws.client("s3").put_object(Bucket=bucket, Key=twice, Body=gzip.compress(body), ContentEncoding="gzip")
    accounting = lake.run("2026-11-21").accounting
    assert (accounting.trusted_new, accounting.duplicates, accounting.quarantined) == (2, 2, {})


def test_partition_keys_and_prefixes_without_a_slash_are_found_on_s3(lake: TestLake) -> None:
    name = lake.dataset.name
    prefixes = {
        f"{name}-k/site=!{{partitionKeyFromQuery:s}}/dt=!{{timestamp:yyyy-MM-dd}}/": [
            f"{name}-k/site=oslo/dt=2026-11-21/a",
            f"{name}-k/site=bergen/dt=2026-11-21/b",
            f"{name}-k/site=bergen/dt=2026-11-22/c",
            f"{name}-k/processing-failed/dt=2026-11-21/d",
        ],
        f"{name}-n/!{{timestamp:yyyyMMdd}}-": [
            f"{name}-n/20261121-a",
            f"{name}-n/20261121-b",
            f"{name}-n/20261122-c",
        ],
    }
    for prefix, keys in prefixes.items():
        raw = lake.dataset.raw.model_copy(update={"prefix": prefix})
        made = TestLake(lake.lake, lake.dataset.model_copy(update={"raw": raw}))
        prepare_lake(made.lake, [made.dataset])
        for number, key in enumerate(keys):
            aws.client("s3").put_object(
                Bucket=made.lake.bucket(Zone.RAW), Key=key, Body=body_of([record(number)])
            )
        assert made.stage("2026-11-21").accounting.raw_objects == 2
