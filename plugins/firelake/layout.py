"""Where everything lies: the only module that builds bucket names and S3 keys."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum

from firelake.errors import FirelakeError

_LAKE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,40}[a-z0-9]")


class Zone(StrEnum):
    """One bucket and one Glue database each."""

    RAW = "raw"
    TRUSTED = "trusted"
    SUMMARY = "summary"
    QUARANTINE = "quarantine"
    OPS = "ops"


def uri(bucket: str, key: str) -> str:
    """Return the ``s3://`` address of an object or prefix."""
    return f"s3://{bucket}/{key}"


def split_uri(address: str) -> tuple[str, str]:
    """Return the bucket and key of an ``s3://`` address.

    Raises
    ------
    FirelakeError
        If it is no such address.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise FirelakeError(f"{address!r} is no s3:// address")
    return bucket, key


@dataclass(frozen=True)
class Lake:
    """The names of one lake's buckets, databases and keys.

    Parameters
    ----------
    name
        Prefix of every bucket: lower-case letters, digits and hyphens.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse names that S3 would refuse, before anything is built from them."""
        if not _LAKE_NAME.fullmatch(self.name):
            raise FirelakeError(f"FIRELAKE_NAME={self.name!r}: use 3 to 42 of a-z, 0-9 and hyphens")

    @classmethod
    def from_environment(cls) -> Lake:
        """Return the lake that ``FIRELAKE_NAME`` names (default ``firelake``)."""
        return cls(os.environ.get("FIRELAKE_NAME", "firelake"))

    def bucket(self, zone: Zone) -> str:
        """Return the bucket of a zone."""
        return f"{self.name}-{zone}"

    def database(self, zone: Zone) -> str:
        """Return the Glue database of a zone."""
        return str(zone)

    def table_location(self, zone: Zone, table: str) -> str:
        """Return where an Iceberg table's data and metadata lie."""
        return uri(self.bucket(zone), table)

    @property
    def athena_results(self) -> str:
        """Where Athena writes what queries return."""
        return uri(self.bucket(Zone.OPS), "athena-results/")

    @property
    def athena_workgroup(self) -> str:
        """The workgroup all of Firelake's queries run in."""
        return self.name

    def raw_crawler(self, dataset: str) -> str:
        """Return the Glue crawler that keeps a dataset's raw table."""
        return f"{self.name}-raw-{dataset}"

    def topic(self, name: str) -> str:
        """Return the SNS topic that a declaration names."""
        return f"{self.name}-{name}"


def data_prefix(table: str) -> str:
    """Return the folder of a table's data files, which lifecycle rules act on."""
    return f"{table}/data/"


def data_key(table: str, partition: str, run_id: str, number: int) -> str:
    """Return the key of a staged data file; it becomes visible when a snapshot names it."""
    return f"{table}/data/{partition}/{run_id}-{number:05d}.parquet"


def unload_prefix(table: str, partition: str, run_id: str) -> str:
    """Return the folder into which Athena unloads one partition of a summary."""
    return f"{table}/data/{partition}/{run_id}/"


def failed_rows_key(table: str, run_id: str) -> str:
    """Return the key of the rows that a run refused by rules, typed; no snapshot ever names it."""
    return f"{table}/data/failed/{run_id}.parquet"


def stage_prefix(table: str) -> str:
    """Return the folder of a table's stages."""
    return f"stages/{table}/"


def stage_key(table: str, run_id: str) -> str:
    """Return the key of the manifest of what a run has staged."""
    return f"{stage_prefix(table)}{run_id}.json"


def verdict_key(table: str, run_id: str) -> str:
    """Return the key of the gate's verdict on what a run has staged."""
    return f"{verdict_prefix(table)}{run_id}.json"


def acceptance_key(table: str, run_id: str) -> str:
    """Return the key of a steward's word for a batch that the gate refused."""
    return f"acceptances/{table}/{run_id}.json"


def verdict_prefix(table: str) -> str:
    """Return the folder of all verdicts on a table's stages."""
    return f"verdicts/{table}/"


def report_key(table: str, partition: str, run_id: str) -> str:
    """Return the key of a run's quality report."""
    return f"reports/{table}/{partition}/{run_id}.html"


def validation_key(table: str, period: str, run_id: str, name: str) -> str:
    """Return the key of one partition's or the run's results in Great Expectations' JSON, by the report."""
    return f"reports/{table}/{period}/{run_id}.{name}.json"


def report_index_key(table: str) -> str:
    """Return the key of the page that lists a table's reports."""
    return f"reports/{table}/index.html"


def alerts_prefix(table: str, *, waiting: bool) -> str:
    """Return the folder of a table's alerts that wait to be sent, or that were."""
    return f"alerts/{'waiting' if waiting else 'sent'}/{table}/"


def alert_key(table: str, name: str, *, waiting: bool) -> str:
    """Return the key of an alert."""
    return f"{alerts_prefix(table, waiting=waiting)}{name}.json"


def erasure_key(table: str, run_id: str) -> str:
    """Return the key of the report of an erasure; it names no erased value."""
    return f"erasures/{table}/{run_id}.json"


def derived_prefixes(table: str) -> tuple[str, ...]:
    """Return where in the ops bucket examples and results of a table's rows may lie."""
    return (f"reports/{table}/", stage_prefix(table), verdict_prefix(table), "athena-results/")
