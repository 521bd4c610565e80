"""Fields that are new, missing, retyped or renamed are told apart, and the patch loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from firelake.drift.compare import Change, Drift, compare
from firelake.drift.fields import Sample, sample_fields
from firelake.drift.patch import propose_patch
from firelake.drift.records import drift_rows, with_first_seen
from firelake.spec import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.compact.lake import NOON, dataset

USUAL = {"d": 1, "v": 0.5, "t": "2026-11-21T11:00:00", "l": "a"}
SPEC = dataset(
    columns={
        "device": {"path": "d", "type": "int", "required": True},
        "temperature": {"path": "temp", "type": "double"},
        "taken_at": {"path": "t", "type": "timestamp"},
        "city": {"path": "site.city", "type": "string"},
    }
)
GOOD = {"d": 1, "temp": 20.5, "t": "2026-11-21T11:00:00", "site": {"city": "Kyoto"}}


def sampled(*records: Mapping[str, Any]) -> Sample:
    return sample_fields([(NOON, [json.dumps(one).encode() for one in records])])


def drifts(*records: Mapping[str, Any], spec: Dataset = SPEC, **crawled: str) -> dict[str, Drift]:
    return {one.field: one for one in compare(spec, crawled, sampled(*records))}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


def test_what_is_as_declared_is_no_drift() -> None:
    assert drifts(GOOD, GOOD | {"temp": 20}, GOOD | {"temp": None}) == {}


def test_what_is_stamped_on_the_way_is_no_drift() -> None:
    assert (
        drifts(GOOD | {"_firelake": {"arrived_at": "2026-11-21T11:00:00Z"}}, _firelake="struct<a:string>")
        == {}
    )


def test_a_new_field_is_shown_with_share_and_examples() -> None:
    found = drifts(GOOD, GOOD | {"batteryLevel": 3}, GOOD | {"batteryLevel": 4}, GOOD)["batteryLevel"]
    assert (found.change, found.seen, found.share, found.examples) == (Change.NEW, "bigint", 0.5, ("3", "4"))
    assert found.first_seen == NOON


def test_a_field_that_only_the_crawler_saw_is_new() -> None:
    found = drifts(GOOD, humidity="double", temp="double")
    assert {name: (one.change, one.share) for name, one in found.items()} == {"humidity": (Change.NEW, 0.0)}


def test_a_field_that_is_gone_is_missing() -> None:
    assert drifts(without("temp"))["temp"].change is Change.MISSING


@pytest.mark.parametrize("name", ["temp_celsius", "Temperature", "tmperature"])
def test_a_missing_field_with_a_likely_successor_is_renamed(name: str) -> None:
    found = drifts(without("temp") | {name: 21.5, "other": "x"})
    assert {key: one.change for key, one in found.items()} == {name: Change.RENAMED, "other": Change.NEW}
    assert found[name].column == "temperature"


def test_a_field_of_another_type_takes_no_missing_ones_place() -> None:
    found = drifts(without("temp") | {"temp_unit": ["C"]})
    assert {key: one.change for key, one in found.items()} == {
        "temp": Change.MISSING,
        "temp_unit": Change.NEW,
    }


@pytest.mark.parametrize(("field", "value", "seen"), [("temp", "hot", "string"), ("d", 1.5, "double")])
def test_a_type_that_the_column_does_not_read_is_retyped(field: str, value: object, seen: str) -> None:
    found = drifts(GOOD | {field: value})[field]
    assert (found.change, found.seen) == (Change.RETYPED, seen)


def test_a_few_values_of_another_type_are_no_new_type() -> None:
    assert drifts(*[GOOD] * 98, GOOD | {"temp": "n/a"}, GOOD | {"temp": "n/a"}) == {}


def test_personal_data_shows_no_examples() -> None:
    columns = tuple(one.model_copy(update={"pii": one.name == "city"}) for one in SPEC.columns)
    secret = SPEC.model_copy(update={"columns": columns})
    assert drifts(GOOD | {"email": "a@example.com"}, spec=secret)["email"].examples == ()


def test_the_patch_makes_the_spec_read_what_arrives() -> None:
    records = [without("temp") | {"temp_celsius": 21.5, "batteryLevel": 3, "d": 7_000_000_000.5}]
    found = compare(SPEC, {}, sampled(*records))
    text = propose_patch(SPEC, found)
    patch = yaml.safe_load(text)["columns"]
    declared = {
        column.name: {"path": column.path, "type": str(column.type), "aliases": list(column.aliases)}
        for column in SPEC.columns
    }
    patched = {name: declared.get(name, {}) | patch.get(name, {}) for name in {**declared, **patch}}
    assert compare(dataset(columns=patched), {}, sampled(*records)) == ()
    assert "# temperature: seems to be called temp_celsius now, in 100.0% of the sampled records" in text


def test_nothing_to_do_is_no_patch() -> None:
    assert propose_patch(SPEC, []) == ""


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.dictionaries(
            st.text(min_size=1, max_size=8) | st.sampled_from(["d", "temp", "t", "site"]),
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            max_size=5,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_record_gives_a_patch_that_is_yaml(records: list[dict[str, Any]]) -> None:
    found = compare(SPEC, {}, sampled(*records))
    loaded = yaml.safe_load(propose_patch(SPEC, found)) or {}
    assert set(loaded.get("columns", {})) >= {one.column for one in found if one.change is Change.RENAMED}
    assert drift_rows("readings", "2026-11-21", found).num_rows == len(found)


def test_the_first_time_a_field_was_seen_is_remembered() -> None:
    (found,) = compare(SPEC, {}, sampled(GOOD | {"new": 1}))
    earlier = NOON - timedelta(days=3)
    rows = drift_rows("d", "p", [found.model_copy(update={"first_seen": earlier})]).to_pylist()
    assert with_first_seen(found, rows).first_seen == earlier
    assert with_first_seen(found, []).first_seen == datetime(2026, 11, 21, 12, tzinfo=UTC)
