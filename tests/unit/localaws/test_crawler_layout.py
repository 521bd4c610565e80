"""Which tables a set of objects makes, and how types merge."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.crawler.classify import Content, classify
from localaws.crawler.globs import is_excluded
from localaws.crawler.layout import CrawledObject, find_tables
from localaws.crawler.types import merge, merge_fields, of_json, render

FOLDERS = st.lists(st.sampled_from(["a", "b", "k=1", "k=2"]), max_size=3).map(tuple)
COLUMNS = st.dictionaries(st.sampled_from("uvwxyz"), st.sampled_from(["int", "string"]), min_size=1)
OBJECTS = st.lists(st.tuples(FOLDERS, COLUMNS), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


def crawled(drawn: list[tuple[tuple[str, ...], dict[str, str]]]) -> list[CrawledObject]:
    return [
        CrawledObject(folders, f"o{number}", 1, Content("json", "none", dict(columns), 1))
        for number, (folders, columns) in enumerate(drawn)
    ]


@given(drawn=OBJECTS, combine=st.booleans())
def test_every_object_is_in_exactly_one_table(drawn, combine: bool) -> None:
    objects = crawled(drawn)
    tables = find_tables(objects, combine=combine)
    placed = [each.name for table in tables for each in table.objects]
    assert sorted(placed) == sorted(each.name for each in objects)


@given(drawn=OBJECTS, combine=st.booleans())
def test_partitions_fit_their_table(drawn, combine: bool) -> None:
    for table in find_tables(crawled(drawn), combine=combine):
        if table.partition_keys:
            partitions = table.partitions()
            assert sum(len(each.objects) for each in partitions) == len(table.objects)
            assert all(len(each.values) == len(table.partition_keys) for each in partitions)


@given(drawn=st.lists(COLUMNS, min_size=1, max_size=6))
def test_combined_objects_of_one_depth_make_one_table_with_all_columns(drawn) -> None:
    [table] = find_tables(crawled([((f"d{n}",), columns) for n, columns in enumerate(drawn)]), combine=True)
    assert table.columns.keys() == {name for columns in drawn for name in columns}


@given(left=JSON, right=JSON)
def test_merging_is_symmetric_up_to_field_order(left, right) -> None:
    one, other = merge(of_json(left), of_json(right)), merge(of_json(right), of_json(left))
    assert sorted(render(one)) == sorted(render(other))


@given(value=JSON)
def test_merging_a_type_with_itself_changes_nothing(value) -> None:
    assert merge(of_json(value), of_json(value)) == of_json(value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2**40], "bigint"),
        ([1, 0.5], "double"),
        ([1, "x"], "string"),
        ([None, True], "boolean"),
        ([None], "string"),
        ([{"a": 1}, {"b": [None, 1.5]}], "struct<a:int,b:array<double>>"),
    ],
)
def test_types_of_columns(values: list, expected: str) -> None:
    merged = merge_fields({"c": of_json(value)} for value in values)
    assert render(merged["c"]) == expected


@pytest.mark.parametrize(
    ("pattern", "key", "excluded"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "d/a.csv", False),
        ("**.csv", "d/a.csv", True),
        ("d/?.json", "d/a.json", True),
        ("d/?.json", "d/ab.json", False),
        ("{errors,tmp}/**", "tmp/x/y", True),
        ("[!ab]*", "a1", False),
        ("[!ab]*", "c1", True),
        ("a.b", "aXb", False),
    ],
)
def test_globs(pattern: str, key: str, excluded: bool) -> None:
    assert is_excluded(key, [pattern]) is excluded


@given(
    records=st.lists(st.dictionaries(st.text(min_size=1), JSON, min_size=1), min_size=1, max_size=5),
    separator=st.sampled_from(["", "\n", "\r\n", " ", ","]),
)
def test_records_are_found_whatever_separates_them(tmp_path_factory, records, separator: str) -> None:
    path = tmp_path_factory.mktemp("o") / "object"
    path.write_text(separator.join(json.dumps(record) for record in records))
    content = classify(path)
    assert content is not None
    assert content.records_seen == len(records)
    assert content.columns.keys() == {name.lower() for record in records for name in record}


@pytest.mark.parametrize(
    "data", [b"", b"\x1f\x8bbroken", b"PAR1broken", b"plain text", b"1 2 3", b"\xff\xfe"]
)
def test_what_is_no_data_is_not_classified(tmp_path, data: bytes) -> None:
    path = tmp_path / "object"
    path.write_bytes(data)
    assert classify(path) is None
