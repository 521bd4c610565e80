"""What one dataset's YAML declares. Unknown keys are errors; everything else follows from this."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from firelake.durations import parse_duration
from firelake.periods import Grain
from firelake.quality.result import Severity
from firelake.raw.keys import KeyLayout
from firelake.spec.alerts import Alerts
from firelake.spec.declaration import Declaration
from firelake.spec.types import ColumnType, Primitive, parse_type

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

EXTRA_COLUMN = "_extra"
STAMP_KEY = "_firelake"
RAW_OBJECT_COLUMN = "_raw_object"
RAW_POSITION_COLUMN = "_raw_position"


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r}: use lower-case letters, digits and _, beginning with a letter")
    return value


def _parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    return parse_duration(str(value))


def _parse_prefix(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise ValueError(f"{value!r}: a prefix neither begins with / nor contains ..")
    return value


def _check_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is no IANA time zone; write it like UTC or Asia/Tokyo")
    return value


Name = Annotated[str, AfterValidator(_check_name)]
Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
Prefix = Annotated[str, AfterValidator(_parse_prefix)]
Zone = Annotated[str, AfterValidator(_check_zone)]


class Column(Declaration):
    """One typed column and where in the record it comes from."""

    name: Name = Field(description="Filled from the key under `columns`.")
    path: str = Field(description="Where in the record: a key, or keys and indexes as `site.sensors[0].id`.")
    aliases: tuple[str, ...] = Field((), description="Other paths, tried in order where `path` is absent.")
    type: Annotated[ColumnType, BeforeValidator(lambda value: parse_type(str(value)))] = Field(
        description="An Iceberg type as Athena writes it: `int`, `decimal(10,2)`, `list<string>` …"
    )
    required: bool = Field(False, description="Refuse records in which it is absent or null.")
    formats: tuple[str, ...] = Field(
        ("iso",),
        description="For timestamps and dates, tried in order: `iso`, `epoch_s`, `epoch_ms`, `rfc1123`, "
        "or a strptime pattern.",
    )
    zone: Zone = Field("UTC", description="IANA zone of times that carry none. Columns are always UTC.")
    null_tokens: tuple[str | int | float, ...] = Field(
        (), description="Texts and numbers that mean null, such as `NA` or `-200`."
    )
    renamed_from: Name | None = Field(
        None, description="The column's former name; `firelake prepare` renames it in the table."
    )
    unit: str | None = Field(None, description="Unit of the value, such as `s` or `°C`.")
    description: str = Field("", description="What it means; becomes the column's comment in Glue.")
    pii: bool = Field(False, description="Personal data: masked in reports, erasable on request.")

    @property
    def is_stamp(self) -> bool:
        """Whether it comes from what was added to the record on its way, and is no part of its content."""
        return re.match(rf'"?{STAMP_KEY}"?(?=[.\[]|$)', self.path) is not None

    @property
    def is_time(self) -> bool:
        """Whether `formats` and `zone` apply."""
        return self.type in (Primitive("timestamp"), Primitive("date"))

    @model_validator(mode="after")
    def _formats_need_a_time(self) -> Self:
        if not self.is_time and ("formats" in self.model_fields_set or "zone" in self.model_fields_set):
            raise ValueError(f"column {self.name}: formats and zone are for timestamp and date only")
        return self


class Raw(Declaration):
    """Where Firehose writes the dataset's objects."""

    prefix: Prefix = Field(
        description="Key prefix under the lake's raw bucket, as given to Firehose: a plain one, or one with "
        "`!{timestamp:…}`, `!{partitionKeyFromQuery:…}` or `!{partitionKeyFromLambda:…}` in it."
    )
    zone: Zone = Field("UTC", description="The stream's time zone, in which folders and names are written.")
    arrival_period: Grain = Field(Grain.DAY, description="What one run takes in: an `hour` or a `day`.")
    error_prefix: Prefix | None = Field(
        None, description="Firehose's ErrorOutputPrefix; kept out of the data path and shown."
    )
    exclude: tuple[Prefix, ...] = Field(
        (), description="Prefixes below `prefix` that hold no data, such as that of source record backups."
    )

    @model_validator(mode="after")
    def _layout_is_understood(self) -> Self:
        if not self.layout.is_data(self.layout.root or "-"):
            raise ValueError(f"{self.prefix!r} lies below error_prefix or exclude")
        return self

    @property
    def layout(self) -> KeyLayout:
        """How keys say when their objects arrived."""
        errors = () if self.error_prefix is None else (self.error_prefix,)
        return KeyLayout(self.prefix, self.zone, errors + self.exclude)


class TrailingCheck(StrEnum):
    """What of a batch can be compared with earlier ones."""

    ROW_COUNT = "row_count"
    HOURLY_VOLUME = "hourly_volume"
    NULL_RATE = "null_rate"
    DISTRIBUTION = "distribution"
    NEW_VALUES = "new_values"


class Gaps(Declaration):
    """How long each of several senders may be silent within an event partition."""

    by: str = Field(description="The column that tells senders apart, such as a device's id.")
    longest: Duration = Field(description="Longest time between consecutive readings, such as `6h`.")


class Trailing(Declaration):
    """How a batch is compared with those before it. The comparison only remarks, unless told to block."""

    severity: Severity = Field(
        Severity.WARNING, description="What a batch unlike those before it is: `critical` blocks."
    )
    checks: tuple[TrailingCheck, ...] = Field(tuple(TrailingCheck), description="What is compared.")
    columns: tuple[str, ...] | None = Field(
        None, description="Columns whose nulls, distribution and values are compared; all, unless said."
    )
    gaps: Gaps | None = Field(None, description="How long senders may be silent; needs no earlier batches.")


class Quality(Declaration):
    """What the gate checks."""

    suite: Path = Field(description="The dataset's Great Expectations suite, from the project's root.")
    max_quarantine_rate: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of a run's records in quarantine above which it publishes nothing.",
    )
    trailing: Trailing = Field(Trailing(), description="How a batch is compared with those before it.")


class StorageClass(StrEnum):
    """S3 storage classes a rule may move objects to, warmest first."""

    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"


class LifecycleStep(Declaration):
    """Move or expire objects some days after they were written."""

    after: Duration = Field(description="Age in days, such as `30d`.")
    to: StorageClass | None = Field(None, description="Storage class to move to.")
    expire: bool = Field(False, description="Delete instead of moving.")

    @model_validator(mode="after")
    def _one_action_in_whole_days(self) -> Self:
        if (self.to is None) == (not self.expire):
            raise ValueError("say either `to: STORAGE_CLASS` or `expire: true`")
        if self.after % timedelta(days=1):
            raise ValueError(f"after: {self.after}: lifecycle rules count whole days")
        return self


class Lifecycle(Declaration):
    """Storage tiers by zone."""

    raw: tuple[LifecycleStep, ...] = Field((), description="For raw objects.")
    trusted: tuple[LifecycleStep, ...] = Field((), description="For trusted data; never an archive class.")
    quarantine: tuple[LifecycleStep, ...] = Field(
        (),
        description="For quarantined records; `expire` counts from their arrival and is done by "
        "`firelake maintain`.",
    )


class Dataset(Declaration):
    """One dataset: from raw objects to a trusted table."""

    name: Name = Field(description="Names the trusted table, the DAGs and the reports.")
    owner: str = Field(min_length=1, description="Who answers for it; the owner of its DAGs.")
    description: str = Field(min_length=1, description="What a row is.")
    raw: Raw
    columns: tuple[Column, ...] = Field(description="The typed columns, a mapping from name to column.")
    event_time: str = Field(description="The timestamp column that says when the record happened.")
    identity: Literal["content", "position"] | tuple[str, ...] = Field(
        "content",
        description="What makes two records the same: all columns (`content`), the listed columns, or "
        "nothing but their place in raw (`position`). Compared within an event partition. What was added "
        f"to a record on its way, below `{STAMP_KEY}`, is no part of its content.",
    )
    partition_by: Grain = Field(Grain.DAY, description="Event partition of the trusted table.")
    sort_by: tuple[str, ...] = Field(
        (), description="Order of rows inside files; columns that queries filter by first."
    )
    max_lateness: Duration = Field(timedelta(days=7), description="How old a record may be on arrival.")
    max_skew: Duration = Field(timedelta(hours=1), description="How far ahead of its arrival it may be.")
    unknown_fields: Literal["keep", "drop"] = Field(
        "keep", description="Keep undeclared fields as JSON in `_extra`, or drop them (counted)."
    )
    explode: str | None = Field(
        None,
        description="Path of an array in each raw record: each of its elements becomes a record of its own, "
        "in which the path leads to that element and all other fields are as they were.",
    )
    embedded_json: tuple[str, ...] = Field(
        (), description="Paths of texts that are JSON themselves; columns' paths lead on into them."
    )
    ignore_case: bool = Field(
        False, description="Find keys however they are capitalised; as written in the path comes first."
    )
    max_record_bytes: int = Field(
        16 << 20, ge=1 << 10, description="Refuse records that are larger, as `record_too_large`."
    )
    target_file_bytes: int = Field(
        256 << 20, ge=1 << 20, description="Split larger partitions into files of about this size."
    )
    freshness: Duration = Field(timedelta(hours=26), description="How old the newest data may become.")
    quality: Quality
    alerts: Alerts | None = Field(None, description="Who is told when it needs people; nobody, unless said.")
    lifecycle: Lifecycle = Lifecycle()
    schedule: str | None = Field(
        None, description="Cron expression of the pipeline; default: shortly after each arrival period ends."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_columns(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("columns"), dict):
            return data
        named = [
            {"name": name, "path": name, **column} if isinstance(column, dict) else column
            for name, column in data["columns"].items()
        ]
        return {**data, "columns": named}

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        names = {column.name for column in self.columns}
        keys = self.identity if isinstance(self.identity, tuple) else ()
        trailing = self.quality.trailing
        senders = () if trailing.gaps is None else (trailing.gaps.by,)
        for key, used in (
            ("event_time", (self.event_time,)),
            ("sort_by", self.sort_by),
            ("identity", keys),
            ("quality.trailing.columns", trailing.columns or ()),
            ("quality.trailing.gaps.by", senders),
        ):
            for name in used:
                if name not in names:
                    raise ValueError(f"{key}: there is no column {name!r}")
        if self.column(self.event_time).type != Primitive("timestamp"):
            raise ValueError(f"event_time: column {self.event_time!r} must be of type timestamp")
        if not keys and self.identity == ():
            raise ValueError("identity: name at least one column, or say content or position")
        return self

    @model_validator(mode="after")
    def _alerts_come_before_the_block(self) -> Self:
        rate = None if self.alerts is None else self.alerts.quarantine_rate
        ceiling = self.quality.max_quarantine_rate
        if rate is not None and rate >= ceiling:
            raise ValueError(
                f"alerts.quarantine_rate: {rate:g} must be below quality.max_quarantine_rate, {ceiling:g}, "
                "above which the gate blocks"
            )
        return self

    def column(self, name: str) -> Column:
        """Return the column called ``name``; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def content_columns(self) -> tuple[str, ...]:
        """The columns that are a record's content: equal in all of them, two records are the same."""
        return (*(column.name for column in self.columns if not column.is_stamp), EXTRA_COLUMN)

    @property
    def cron(self) -> str:
        """When the pipeline runs: a quarter past the end of each arrival period, unless declared."""
        if self.schedule is not None:
            return self.schedule
        return "15 * * * *" if self.raw.arrival_period is Grain.HOUR else "15 0 * * *"
