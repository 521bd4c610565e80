"""What a crawler is told to do, read once and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from localaws.service import AwsError
from localaws.storage import split_uri

_CATALOG_TARGETS = "CatalogTargets"
_KNOWN_TARGETS = frozenset({"S3Targets", "IcebergTargets", _CATALOG_TARGETS})
_DEFAULT_UPDATE = "UPDATE_IN_DATABASE"
_DEFAULT_DELETE = "DEPRECATE_IN_DATABASE"
_DEFAULT_DEPTH = 10
_CRAWL_EVERYTHING = "CRAWL_EVERYTHING"


@dataclass(frozen=True)
class S3Target:
    """A prefix whose objects are crawled."""

    bucket: str
    prefix: str
    exclusions: tuple[str, ...]
    sample_size: int | None


@dataclass(frozen=True)
class IcebergTarget:
    """A prefix below which Iceberg tables are looked for."""

    bucket: str
    prefix: str
    exclusions: tuple[str, ...]
    depth: int


@dataclass(frozen=True)
class Definition:
    """A crawler's definition.

    Parameters
    ----------
    name, database, table_prefix
        Who writes, where to, and what table names begin with.
    s3_targets, iceberg_targets
        What is crawled.
    catalog_tables
        Tables of the database whose locations are crawled, to bring themselves up to date.
    update, delete
        The two halves of SchemaChangePolicy.
    new_folders_only
        Whether folders that are partitions already are left alone.
    combine
        Whether schemas that differ make one table all the same.
    merge_new_columns
        Whether a change only ever adds columns.
    inherit
        Whether partitions take their columns and format from the table.
    """

    name: str
    database: str
    table_prefix: str
    s3_targets: tuple[S3Target, ...]
    iceberg_targets: tuple[IcebergTarget, ...]
    catalog_tables: tuple[str, ...]
    update: str
    delete: str
    new_folders_only: bool
    combine: bool
    merge_new_columns: bool
    inherit: bool


def read(crawler: dict[str, Any]) -> Definition:
    """Read a crawler as the API describes it.

    Raises
    ------
    AwsError
        ``InvalidInputException`` for what AWS refuses and for what is not done here, by name.
    """
    targets = {kind: found for kind, found in crawler["Targets"].items() if found}
    if refused := sorted(targets.keys() - _KNOWN_TARGETS):
        raise _invalid(f"Local AWS does not crawl {', '.join(refused)}; see docs/local-aws.md")
    if not targets:
        raise _invalid("Crawler has to have at least one target")
    if crawler.get("Classifiers"):
        raise _invalid("Local AWS does not do Classifiers; see docs/local-aws.md")
    policy = crawler.get("SchemaChangePolicy", {})
    update = policy.get("UpdateBehavior", _DEFAULT_UPDATE)
    delete = policy.get("DeleteBehavior", _DEFAULT_DELETE)
    output = _configuration(crawler.get("Configuration"))
    database = _database(crawler, targets, delete)
    return Definition(
        name=crawler["Name"],
        database=database.lower(),
        table_prefix=crawler.get("TablePrefix", ""),
        s3_targets=tuple(_s3_target(target) for target in targets.get("S3Targets", [])),
        iceberg_targets=tuple(
            _iceberg_target(path, target)
            for target in targets.get("IcebergTargets", [])
            for path in target.get("Paths", [])
        ),
        catalog_tables=tuple(
            name.lower() for target in targets.get(_CATALOG_TARGETS, []) for name in target["Tables"]
        ),
        update=update,
        delete=delete,
        new_folders_only=_new_folders_only(crawler, update, delete),
        combine=_CATALOG_TARGETS in targets
        or output.get("Grouping", {}).get("TableGroupingPolicy") == "CombineCompatibleSchemas",
        merge_new_columns=_behavior(output, "Tables") == "MergeNewColumns",
        inherit=_behavior(output, "Partitions") == "InheritFromTable",
    )


def _database(crawler: dict[str, Any], targets: dict[str, Any], delete: str) -> str:
    """Return the database that is written: of catalog targets their own."""
    if _CATALOG_TARGETS not in targets:
        if not crawler.get("DatabaseName"):
            raise _invalid("DatabaseName is needed for these targets")
        return str(crawler["DatabaseName"])
    if len(targets) > 1:
        raise _invalid("Catalog targets cannot be combined with targets of another kind")
    if delete != "LOG":
        raise _invalid("The SchemaChangePolicy for catalog targets can have only LOG DeleteBehavior value.")
    if crawler.get("RecrawlPolicy", {}).get("RecrawlBehavior", _CRAWL_EVERYTHING) != _CRAWL_EVERYTHING:
        raise _invalid("RecrawlPolicy CRAWL_NEW_FOLDERS_ONLY is for Amazon S3 targets only")
    databases = {str(target["DatabaseName"]) for target in targets[_CATALOG_TARGETS]}
    if len(databases) > 1:
        raise _invalid(
            "Local AWS does not crawl catalog targets of several databases; make a crawler for each"
        )
    return databases.pop()


def _new_folders_only(crawler: dict[str, Any], update: str, delete: str) -> bool:
    behavior = crawler.get("RecrawlPolicy", {}).get("RecrawlBehavior", _CRAWL_EVERYTHING)
    if behavior == "CRAWL_EVENT_MODE":
        raise _invalid("Local AWS does not do CRAWL_EVENT_MODE; see docs/local-aws.md")
    if behavior == "CRAWL_NEW_FOLDERS_ONLY" and (update, delete) != ("LOG", "LOG"):
        raise _invalid(
            "The SchemaChangePolicy for 'Crawl new folders only' Amazon S3 target can have only LOG "
            "DeleteBehavior value and LOG UpdateBehavior value."
        )
    return bool(behavior == "CRAWL_NEW_FOLDERS_ONLY")


_KNOWN_CONFIGURATION = {
    "Version": None,
    "CrawlerOutput": {"Tables", "Partitions"},
    "Grouping": {"TableGroupingPolicy"},
    "CreatePartitionIndex": None,
}


def _configuration(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        configuration = json.loads(text)
    except ValueError as error:
        raise _invalid(f"Configuration is not JSON: {error}") from error
    if not isinstance(configuration, dict) or configuration.get("Version") != 1.0:
        raise _invalid('Configuration must be a JSON object with "Version": 1.0')
    for key, value in configuration.items():
        inner = _KNOWN_CONFIGURATION.get(key, set())
        unknown = set(value) - inner if inner is not None else set()
        if key not in _KNOWN_CONFIGURATION or unknown:
            named = ", ".join(f"{key}.{each}" for each in sorted(unknown)) or key
            raise _invalid(f"Local AWS does not do Configuration {named}; see docs/local-aws.md")
    return configuration


def _behavior(output: dict[str, Any], part: str) -> str | None:
    behavior: str | None = output.get("CrawlerOutput", {}).get(part, {}).get("AddOrUpdateBehavior")
    return behavior


def _s3_target(target: dict[str, Any]) -> S3Target:
    bucket, prefix = split_uri(target.get("Path", ""))
    return S3Target(bucket, _folder(prefix), tuple(target.get("Exclusions", [])), target.get("SampleSize"))


def _iceberg_target(path: str, target: dict[str, Any]) -> IcebergTarget:
    bucket, prefix = split_uri(path)
    depth = target.get("MaximumTraversalDepth", _DEFAULT_DEPTH)
    return IcebergTarget(bucket, _folder(prefix), tuple(target.get("Exclusions", [])), depth)


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message)
