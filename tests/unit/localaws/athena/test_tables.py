"""Reading files as tables declare them, without a server."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localaws.athena.engine import sandbox
from localaws.athena.failure import QueryError
from localaws.athena.result_files import csv_line, read_csv
from localaws.athena.sql.catalog import Predicate
from localaws.athena.sql.type_text import parse_type
from localaws.athena.tables.binding import BindSession, Comparison
from localaws.athena.tables.columns import Field, field_of
from localaws.athena.tables.json_rows import json_rows
from localaws.athena.tables.lake import Lake
from localaws.athena.tables.parquet import ParquetFile, Reading, bind_files
from localaws.athena.tables.spooled import RowObject, RowReading, bind_rows
from localaws.athena.text import double_text


@pytest.fixture
def session(tmp_path: Path) -> BindSession:
    connection = sandbox([tmp_path], tmp_path / "work", "1GB")
    return BindSession(connection, cast(Lake, SimpleNamespace()), tmp_path / "work")


def parquet_file(path: Path, table: pa.Table, **options: Any) -> ParquetFile:
    pq.write_table(table, path, **options)
    return ParquetFile(path, f"s3://b/{path.name}", str(path.stat().st_size))


def rows_of(session: BindSession, relation: str) -> list[tuple[Any, ...]]:
    return session.connection.execute(f"FROM {relation}").fetchall()


def test_columns_are_found_by_name_and_missing_ones_are_null(session: BindSession, tmp_path: Path) -> None:
    old = parquet_file(tmp_path / "old", pa.table({"ID": pa.array([1], pa.int32())}))
    new = parquet_file(tmp_path / "new", pa.table({"note": ["x"], "id": pa.array([2], pa.int64())}))
    fields = [field_of("id", parse_type("bigint")), field_of("note", parse_type("string"))]
    bind_files("scan_1", [old, new], Reading(fields, [], []), session)
    assert sorted(rows_of(session, "scan_1")) == [(1, None), (2, "x")]


def test_columns_are_found_by_field_id_when_the_file_has_ids(session: BindSession, tmp_path: Path) -> None:
    def with_id(name: str, type_: pa.DataType, id_: int) -> pa.Field:
        return pa.field(name, type_, metadata={"PARQUET:field_id": str(id_)})

    inner = with_id("r", pa.struct([with_id("was", pa.int32(), 3)]), 2)
    schema = pa.schema([with_id("old_name", pa.int32(), 1), inner])
    file = parquet_file(tmp_path / "f", pa.table({"old_name": [7], "r": [{"was": 8}]}, schema=schema))
    bigint = parse_type("bigint")
    row = Field("r", parse_type("row(is_now bigint)"), 2, (Field("is_now", bigint, 3),))
    bind_files("scan_1", [file], Reading([Field("new_name", bigint, 1), row], [], []), session)
    assert rows_of(session, "scan_1") == [(7, {"is_now": 8})]


def test_a_type_that_does_not_fit_is_named(session: BindSession, tmp_path: Path) -> None:
    file = parquet_file(tmp_path / "f", pa.table({"n": ["text"]}))
    with pytest.raises(
        QueryError, match=r"HIVE_BAD_DATA|Field n's type string is incompatible with type integer"
    ):
        bind_files("scan_1", [file], Reading([field_of("n", parse_type("int"))], [], []), session)


def test_row_groups_that_cannot_match_cost_nothing(session: BindSession, tmp_path: Path) -> None:
    file = parquet_file(tmp_path / "f", pa.table({"n": list(range(1000))}), row_group_size=100)
    fields = [field_of("n", parse_type("bigint"))]

    def scanned(*comparisons: Comparison) -> int:
        before = session.bytes_scanned
        bind_files(
            f"scan_{before}_{len(comparisons)}", [file], Reading(fields, [], list(comparisons)), session
        )
        return session.bytes_scanned - before

    everything = scanned()
    assert scanned(("n", ">=", (900,))) < everything / 5
    assert scanned(("n", "=", (5000,)), ("n", ">", (0,))) == 0


def json_object(tmp_path: Path, body: bytes) -> RowObject:
    path = tmp_path / "object"
    path.write_bytes(body)
    return RowObject(path, "s3://b/object", (("dt", "'2026'"),))


def test_a_line_is_a_row_and_what_follows_its_first_value_is_not_seen(
    session: BindSession, tmp_path: Path
) -> None:
    item = json_object(tmp_path, b'{"A": 1}{"A": 2}\n\n{"a": "3", "extra": 1}\n{"a": null}')
    constants = [field_of("dt", parse_type("string"))]
    bind_rows(
        "scan_1", [item], RowReading([field_of("a", parse_type("int"))], constants, {}), json_rows, session
    )
    assert rows_of(session, "scan_1") == [(1, "2026"), (3, "2026"), (None, "2026")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "Row is not a valid JSON Object"),
        (b'{"a": "x"}', "Error parsing field value 'x'"),
        (b"[1]", "line 1"),
    ],
)
def test_lines_that_are_no_rows_are_named(
    session: BindSession, tmp_path: Path, body: bytes, reason: str
) -> None:
    reading = RowReading([field_of("a", parse_type("int"))], [], {})
    with pytest.raises(QueryError, match=reason):
        bind_rows("scan_1", [json_object(tmp_path, body)], reading, json_rows, session)


def test_malformed_lines_are_nulls_when_the_serde_says_so(session: BindSession, tmp_path: Path) -> None:
    reading = RowReading([field_of("a", parse_type("int"))], [], {"ignore.malformed.json": "true"})
    bind_rows("scan_1", [json_object(tmp_path, b'oops\n{"a": 1}')], reading, json_rows, session)
    assert rows_of(session, "scan_1") == [(None,), (1,)]


VALUES = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**31), 2**31 - 1),
        "d": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "xs": st.none() | st.lists(st.none() | st.integers(0, 9)),
        "r": st.none() | st.fixed_dictionaries({"b": st.none() | st.booleans()}),
    }
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(VALUES, min_size=1, max_size=20))
def test_json_rows_come_back_as_they_were_written(
    session: BindSession, tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    body = "".join(json.dumps(record) + "\n" for record in records).encode()
    types = {"i": "int", "d": "double", "s": "string", "xs": "array<int>", "r": "struct<b:boolean>"}
    fields = [field_of(name, parse_type(text)) for name, text in types.items()]
    relation = f"scan_{session.new_file().stem}"
    bind_rows(relation, [json_object(tmp_path, body)], RowReading(fields, [], {}), json_rows, session)
    assert rows_of(session, relation) == [tuple(record[name] for name in types) for record in records]


CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1))
def test_a_result_is_read_as_it_was_written(rows: list[list[str | None]]) -> None:
    assert list(read_csv(b"".join(map(csv_line, rows)))) == rows


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_read_back_as_themselves(value: float) -> None:
    text = double_text(value)
    assert float(text) == value
    assert "." in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (0.0009, "9.0E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-0.0, "-0.0"),
        (123.45, "123.45"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert double_text(value) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "struct<a:int,b:array<map<string,decimal(10,2)>>>",
            "row(a integer, b array(map(varchar, decimal(10,2))))",
        ),
        ("timestamp(6) with time zone", "timestamp(6) with time zone"),
        ("double precision", "double"),
        ("varchar(7)", "varchar(7)"),
    ],
)
def test_types_of_hive_and_trino_are_read(text: str, shown: str) -> None:
    assert str(parse_type(text)) == shown


@pytest.mark.parametrize("text", ["struct<a:int", "int int", "decimal(39,0)", "geometry", "map<int>"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="Unknown type"):
        parse_type(text)


def test_the_python_values_of_constants(session: BindSession) -> None:
    predicates = [
        Predicate("", frozenset({"a"}), ("a", "=", ("TIMESTAMP '2026-01-01'",))),
        Predicate("", frozenset()),
    ]
    assert session.comparisons(predicates) == [("a", "=", (datetime(2026, 1, 1),))]
