"""The ledger folded in SQL says of every object what its entries say one after the other."""

from typing import Any

import pyarrow as pa
from firelake.books import Books
from firelake.insight.flows import FOLD, Counts, Flows
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ("records_in", "trusted", "duplicates", "quarantined")
SCHEMA = pa.schema(
    [
        (name, pa.string() if kind == "s" else pa.timestamp("us") if kind == "t" else pa.int64())
        for name, kind in {
            **dict.fromkeys(("dataset", "raw_object", "entry", "arrival_period", "run_id"), "s"),
            "sequence_number": "i",
            "event_partitions": "s",
            **dict.fromkeys((*NAMES, "bytes_raw", "bytes_json"), "i"),
        }.items()
    ]
)


def entry(**changes: Any) -> dict[str, Any]:
    known = {
        "dataset": "a",
        "raw_object": "one",
        "entry": "processed",
        "arrival_period": "2026-11-21T07",
        "run_id": "run-1",
        "sequence_number": 1,
        "event_partitions": "2026-11-21",
        **dict.fromkeys((*NAMES, "bytes_raw", "bytes_json"), 0),
    }
    return {**known, **changes}


def fold(*entries: dict[str, Any]) -> Flows:
    return Flows(FOLD.apply(pa.Table.from_pylist(list(entries), SCHEMA)))


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for sequence_number in range(1, draw(st.integers(1, 6))):
        for raw_object in draw(st.sets(st.sampled_from(["one", "two", "three"]), min_size=1)):
            kind = draw(st.sampled_from(["processed", "processed", "displaced", "held"]))
            sign = -1 if kind == "displaced" else 1
            counts = {name: sign * draw(st.integers(0, 9)) for name in NAMES}
            run = {"run_id": f"run-{sequence_number}", "sequence_number": sequence_number}
            told = {"dataset": draw(st.sampled_from(["a", "b"])), "raw_object": raw_object, **run}
            if kind == "held":
                # A rollback takes back what runs had made of an object, and says so.
                entries += [entry(**told), entry(entry="held", **told)]
            else:
                entries.append(entry(entry=kind, **told, **counts))
    return entries


@settings(max_examples=60, deadline=None)
@given(histories())
def test_what_stands_is_what_the_entries_say_in_order(entries: list[dict[str, Any]]) -> None:
    flows = fold(*entries)
    for dataset in ("a", "b"):
        books = Books.of(entry for entry in entries if entry["dataset"] == dataset)
        assert flows.of(dataset).total().model_dump(include=set(NAMES)) == books.totals.model_dump()


def test_a_run_keeps_what_it_said_when_a_later_one_takes_its_objects_again() -> None:
    first = entry(records_in=5, trusted=5, bytes_raw=50)
    again = entry(records_in=5, trusted=4, quarantined=1, bytes_raw=50, run_id="run-2", sequence_number=2)
    flows = fold(first, again)
    assert [(run.run_id, run.counts.trusted) for run in flows.runs()] == [("run-2", 4), ("run-1", 5)]
    assert flows.total() == Counts(records_in=5, trusted=4, quarantined=1, bytes_raw=50)


def test_what_a_rollback_puts_back_is_counted_once_and_is_no_run_of_its_own() -> None:
    first = entry(records_in=5, trusted=5)
    second = entry(records_in=5, trusted=4, quarantined=1, run_id="run-2", sequence_number=2)
    newer = entry(raw_object="two", records_in=3, trusted=3, run_id="run-2", sequence_number=2)
    rollback = {"run_id": "rollback", "sequence_number": 3}
    nothing = entry(raw_object="two", **rollback)
    flows = fold(first, second, newer, {**first, "sequence_number": 3}, nothing, {**nothing, "entry": "held"})
    assert flows.total() == Counts(records_in=5, trusted=5)
    assert [(run.run_id, run.counts.trusted) for run in flows.runs()] == [("run-2", 7), ("run-1", 5)]


def test_rows_lost_to_a_later_run_are_duplicates_from_then_on() -> None:
    lost = entry(entry="displaced", run_id="run-2", sequence_number=2, trusted=-2, duplicates=2)
    flows = fold(entry(records_in=5, trusted=5), lost)
    assert flows.total() == Counts(records_in=5, trusted=3, duplicates=2)
    assert flows.total().balanced
    assert [run.run_id for run in flows.runs()] == ["run-1"]


def test_hours_are_added_up_to_days_in_order() -> None:
    hours = [
        entry(raw_object=f"{day}T{hour:02d}", arrival_period=f"{day}T{hour:02d}", records_in=1, trusted=1)
        for day in ("2026-11-21", "2026-11-20")
        for hour in range(3)
    ]
    flows = fold(*hours)
    assert [(day.period, day.counts.trusted) for day in flows.by_day()["a"]] == [
        ("2026-11-20", 3),
        ("2026-11-21", 3),
    ]
    assert len(flows.by_period()["a"]) == 6


def test_an_empty_ledger_folds_to_nothing() -> None:
    flows = fold()
    assert flows.total() == Counts()
    assert flows.total().quarantine_rate is None
    assert flows.by_day() == {}
    assert flows.runs() == []


def test_a_run_over_several_periods_is_one_run() -> None:
    partitions = {"event_partitions": "2026-11-20,2026-11-21"}
    flows = fold(
        entry(records_in=2, trusted=2, **partitions),
        entry(raw_object="two", arrival_period="2026-11-21T08", records_in=3, trusted=3, **partitions),
    )
    (run,) = flows.runs()
    assert run.arrival_periods == ("2026-11-21T07", "2026-11-21T08")
    assert run.event_partitions == ("2026-11-20", "2026-11-21")
    assert (run.raw_objects, run.counts.records_in) == (2, 5)
