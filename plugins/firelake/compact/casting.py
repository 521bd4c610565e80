"""The spec as DuckDB SQL: JSON text in, typed columns and a reason for refusal out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from firelake.compact.nested import NestedReader
from firelake.compact.sources import Sources, exact_decimal
from firelake.periods import Grain
from firelake.spec.dataset import EXTRA_COLUMN, Column, Dataset
from firelake.spec.types import ColumnType, Decimal, ListOf, MapOf, Primitive, StructOf
from firelake.sql import identifier, identifiers, literal, literals

WRONG_TYPE = "wrong_type"
MISSING_REQUIRED = "missing_required"
TOO_LATE = "too_late"
IN_FUTURE = "in_future"

_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
_INTEGERS = frozenset({"int", "bigint"})

_ISO_NAIVE = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?"
_ISO_ZONED = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d(:?\d\d)?)"
_RFC1123 = "%a, %d %b %Y %H:%M:%S GMT"


def duckdb_type(kind: ColumnType) -> str:
    """Return the DuckDB type that holds a column's values."""
    match kind:
        case Primitive(name):
            return _DUCKDB_TYPES[name]
        case Decimal(precision, scale):
            return f"DECIMAL({precision},{scale})"
        case ListOf(element):
            return f"{duckdb_type(element)}[]"
        case MapOf(value):
            return f"MAP(VARCHAR, {duckdb_type(value)})"
        case StructOf(fields):
            return "STRUCT(" + ", ".join(f"{identifier(n)} {duckdb_type(k)}" for n, k in fields) + ")"


def parse_query(dataset: Dataset, batch: str) -> str:
    """Return SQL that types the records of a batch.

    Parameters
    ----------
    batch
        Name of a relation ``(object INTEGER, position INTEGER, arrived_at TIMESTAMP, record
        VARCHAR, most_keys INTEGER)`` of valid JSON objects.

    Returns
    -------
    str
        A query for ``_object, _position``, the dataset's columns, ``_extra``, ``_hash`` of the
        identity, and ``_reason`` and ``_detail``, which are null for accepted records.
    """
    sources = Sources.of(dataset)
    nested = NestedReader(_scalar, closed=dataset.unknown_fields == "keep")
    texts = ", ".join(f"{sources.text(column)} AS {_raw(column)}" for column in dataset.columns)
    values = ", ".join(
        f"{_value(column, sources, nested)} AS {identifier(column.name)}" for column in dataset.columns
    )
    raws = ", ".join(_raw(column) for column in dataset.columns)
    extra = "NULL::VARCHAR" if dataset.unknown_fields == "drop" else sources.extra()
    typed = ", ".join(identifier(column.name) for column in dataset.columns)
    return f"""
    SELECT _object, _position, {typed}, {EXTRA_COLUMN}, hash({identity_columns(dataset)}) AS _hash,
           {_reason(dataset)} AS _reason,
           CASE WHEN _reason IN ({literals([WRONG_TYPE, MISSING_REQUIRED])})
                THEN {_detail(dataset)} END AS _detail
    FROM (
        SELECT object AS _object, position AS _position, arrived_at AS _arrived_at, {raws}, {values},
               {extra} AS {EXTRA_COLUMN}
        FROM (SELECT object, position, arrived_at, record, most_keys, fields, {texts}
              FROM (SELECT *, json_transform(record, {literal(sources.structure)}) AS fields FROM {batch})))
    """  # noqa: S608 (every name is quoted, every text a literal)


def record_columns(dataset: Dataset) -> str:
    """Return the column definitions of the table that :func:`parse_query` fills."""
    columns = ", ".join(f"{identifier(c.name)} {duckdb_type(c.type)}" for c in dataset.columns)
    return (
        f"_object INTEGER, _position BIGINT, {columns}, {EXTRA_COLUMN} VARCHAR, _hash UBIGINT, "
        "_reason VARCHAR, _detail VARCHAR"
    )


def identity_columns(dataset: Dataset) -> str:
    """Return the SQL list of what makes two records the same."""
    if dataset.identity == "position":
        return "_object, _position"
    if dataset.identity == "content":
        return identifiers(dataset.content_columns)
    return ", ".join([event_partition(dataset), *(identifier(name) for name in dataset.identity)])


def event_partition(dataset: Dataset) -> str:
    """Return SQL for the first instant of a row's event partition."""
    unit = "hour" if dataset.partition_by is Grain.HOUR else "day"
    return f"date_trunc('{unit}', {identifier(dataset.event_time)})::TIMESTAMP"


def _raw(column: Column) -> str:
    return identifier(f"raw {column.name}")


def _value(column: Column, sources: Sources, nested: NestedReader) -> str:
    """Return SQL for a column's value: null where it does not read as its type, without loss."""
    text, number = _raw(column), sources.number(column)
    if isinstance(column.type, ListOf | MapOf | StructOf):
        return nested.read(text, column.type)
    from_text = _time_value(column, text) if column.is_time else _scalar(text, column.type)
    if number is None:
        return from_text
    return (
        f"CASE WHEN {text} IS NULL THEN TRY_CAST({number} AS {duckdb_type(column.type)}) ELSE {from_text} END"
    )


def _time_value(column: Column, text: str) -> str:
    times = [_time(text, form, column.zone) for form in column.formats]
    value = times[0] if len(times) == 1 else f"coalesce({', '.join(times)})"
    return f"CAST({value} AS {duckdb_type(column.type)})"


def _scalar(text: str, kind: ColumnType) -> str:
    """Return SQL for the value of a text by a type without parts; times are read as ISO, UTC."""
    target = duckdb_type(kind)
    match kind:
        case Primitive("string"):
            return text
        case Primitive("timestamp" | "date"):
            return f"CAST({_time(text, 'iso', 'UTC')} AS {target})"
        case Primitive(name) if name in _INTEGERS:
            # A cast alone would round 23.7 to 24.
            whole = f"TRY_CAST({text} AS DOUBLE) = TRY_CAST({text} AS BIGINT)"
            return f"CASE WHEN {whole} THEN TRY_CAST({text} AS {target}) END"
        case Primitive("boolean"):
            return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        case Decimal():
            # By way of the wider type: DuckDB reads no 1e-7 as a decimal without room before the point.
            exact = f"TRY_CAST({text} AS {exact_decimal(kind)})"
            return f"CASE WHEN {exact} = TRY_CAST({exact} AS {target}) THEN TRY_CAST({exact} AS {target}) END"
        case _:
            return f"CASE WHEN isfinite(TRY_CAST({text} AS {target})) THEN TRY_CAST({text} AS {target}) END"


def _time(text: str, form: str, zone: str) -> str:
    """Return SQL for a UTC timestamp read by one format."""
    if form == "iso":
        naive = (
            f"CASE WHEN regexp_full_match({text}, {literal(_ISO_NAIVE)}) "
            f"THEN TRY_CAST({text} AS TIMESTAMP) END"
        )
        zoned = (
            f"CASE WHEN regexp_full_match({text}, {literal(_ISO_ZONED)}) "
            f"THEN timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ)) END"
        )
        return f"coalesce({_to_utc(naive, zone)}, {zoned})"
    if form in ("epoch_s", "epoch_ms"):
        factor = 1_000_000 if form == "epoch_s" else 1_000
        micros = f"TRY_CAST(round(TRY_CAST({text} AS DOUBLE) * {factor}) AS BIGINT)"
        return f"TRY(make_timestamp({micros}))"
    pattern = _RFC1123 if form == "rfc1123" else form
    return _to_utc(f"try_strptime({text}, {literal(pattern)})::TIMESTAMP", zone)


def _to_utc(naive: str, zone: str) -> str:
    return naive if zone == "UTC" else f"timezone('UTC', timezone({literal(zone)}, {naive}))"


def _wrong(column: Column) -> str:
    return f"({_raw(column)} IS NOT NULL AND {identifier(column.name)} IS NULL)"


def _required(dataset: Dataset) -> Sequence[Column]:
    return [column for column in dataset.columns if column.required or column.name == dataset.event_time]


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions) or "false"


def _interval(duration: timedelta) -> str:
    return f"to_seconds({int(duration.total_seconds())})"


def _reason(dataset: Dataset) -> str:
    event_time = identifier(dataset.event_time)
    wrong = _any(_wrong(column) for column in dataset.columns if column.type != Primitive("string"))
    missing = _any(f"{identifier(column.name)} IS NULL" for column in _required(dataset))
    late = f"{event_time} < _arrived_at - {_interval(dataset.max_lateness)}"
    ahead = f"{event_time} > _arrived_at + {_interval(dataset.max_skew)}"
    return (
        f"CASE WHEN {wrong} THEN {literal(WRONG_TYPE)} WHEN {missing} THEN {literal(MISSING_REQUIRED)} "
        f"WHEN {late} THEN {literal(TOO_LATE)} WHEN {ahead} THEN {literal(IN_FUTURE)} END"
    )


def _detail(dataset: Dataset) -> str:
    """Return SQL that names the offending columns."""
    names = [
        f"CASE WHEN {_wrong(column)} THEN {literal(f'{column.name} is no {column.type}')} END"
        for column in dataset.columns
        if column.type != Primitive("string")
    ]
    names += [
        f"CASE WHEN {_raw(column)} IS NULL THEN {literal(f'{column.name} is missing')} END"
        for column in _required(dataset)
    ]
    return f"concat_ws(', ', {', '.join(names)})"
