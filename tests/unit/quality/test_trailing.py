"""A batch unlike those before it is noticed; ordinary days and little history are no failure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from firelake.quality.derived import trusted_columns
from firelake.quality.dialect import batch_engine
from firelake.quality.gaps import gaps_rule
from firelake.quality.profile import STEPS, BatchProfile, ColumnShape
from firelake.quality.profiling import profile_batch
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.quality.series import Series
from firelake.quality.trailing import (
    MIN_HISTORY,
    Comparison,
    robust_z_score,
    stability_index,
    trailing_rules,
    with_rules,
)
from firelake.spec import find_dataset
from firelake.spec.dataset import Trailing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.quality.conftest import SCHEMA, reading
from tests.unit.quality.test_report import result, rule

USUAL = [10_000, 10_200, 9_900, 10_050, 10_100, 9_950, 10_020]
DATASET = find_dataset("iot_device_telemetry")


def day(seed: int, rows: int = 10_000, **changes: ColumnShape) -> BatchProfile:
    """A day like every other: a number, a category, and rows in every hour."""
    random = Random(seed)  # noqa: S311 - must be repeatable
    values = sorted(random.gauss(20, 5) for _ in range(500))
    hours = {str(hour): rows // 24 + random.randint(-9, 9) for hour in range(24)}
    kinds = {"a": rows // 2 + random.randint(-50, 50), "b": rows // 2}
    shapes = {
        "number": ColumnShape(random.randint(10, 30), tuple(values[min(499, i * 25)] for i in range(21))),
        "kind": ColumnShape(0, None, kinds),
        "taken_at": ColumnShape(0, None, hours),
    }
    return BatchProfile(f"2026-10-{seed:02d}", rows, shapes | changes)


QUANTILES = st.lists(st.floats(-1e9, 1e9), min_size=21, max_size=21).map(lambda found: tuple(sorted(found)))
PAST = [replace(day(seed), rows=rows) for seed, rows in enumerate(USUAL, 1)]


def judge(batch: BatchProfile, past: list[BatchProfile] = PAST) -> dict[str, RuleResult]:
    rules = trailing_rules(Comparison(batch, past), Trailing(), "taken_at")
    return {one.rule.removeprefix("time."): one for one in rules}


def failing(batch: BatchProfile, past: list[BatchProfile] = PAST) -> set[str]:
    return {name for name, one in judge(batch, past).items() if not one.success}


def test_every_check_is_made_of_what_it_fits() -> None:
    assert set(judge(day(9))) == {
        *("row_count", "hourly_volume", "null_rate.number", "null_rate.kind"),
        *("distribution.number", "distribution.kind", "new_values.kind"),
    }


@pytest.mark.parametrize("seed", range(10, 30))
def test_ordinary_days_are_ordinary(seed: int) -> None:
    assert failing(day(seed)) == set()


@pytest.mark.parametrize(
    ("rows", "success"), [(10_010, True), (10_250, True), (9_200, True), (5_000, False), (20_000, False)]
)
def test_an_unusual_number_of_rows_is_noticed(rows: int, success: bool) -> None:
    assert judge(replace(day(9), rows=rows))["row_count"].success is success


def test_past_outliers_do_not_hide_new_ones() -> None:
    past = [*PAST, replace(day(8), rows=0), replace(day(9), rows=90_000)]
    assert "row_count" in failing(replace(day(10), rows=5_000), past)


def test_an_hour_that_is_missing_is_noticed_and_named() -> None:
    hours = dict(day(9).columns["taken_at"].values or {})
    del hours["14"]
    judged = judge(day(9, taken_at=ColumnShape(0, None, hours)))["hourly_volume"]
    assert not judged.success
    assert [hour[:13] for hour in judged.sample] == ["14:00: 0 rows"]


@pytest.mark.parametrize(("nulls", "success"), [(0, True), (100, True), (2_000, False)])
def test_a_shift_of_the_null_rate_is_noticed(nulls: int, success: bool) -> None:
    number = replace(day(9).columns["number"], nulls=nulls)
    assert judge(day(9, number=number))["null_rate.number"].success is success


def test_a_shifted_or_narrowed_distribution_is_noticed() -> None:
    quantiles = day(9).columns["number"].quantiles or ()
    for changed in ([one + 10 for one in quantiles], [20 + (one - 20) / 10 for one in quantiles]):
        number = ColumnShape(20, tuple(changed))
        assert failing(day(9, number=number)) == {"distribution.number"}
    assert failing(day(9, kind=ColumnShape(0, None, {"a": 9_000, "b": 1_000}))) == {"distribution.kind"}


def test_new_values_are_named() -> None:
    kinds = {"a": 5_000, "b": 4_999, "c": 1}
    judged = judge(day(9, kind=ColumnShape(0, None, kinds)))["new_values.kind"]
    assert (judged.success, judged.rows_bad, judged.sample) == (False, 1, ("c",))
    assert "new_values.kind" in failing(day(9, kind=ColumnShape(0, None, None)))


@pytest.mark.parametrize("past", [PAST[: MIN_HISTORY - 1], []])
def test_little_history_is_no_failure_but_said(past: list[BatchProfile]) -> None:
    judged = judge(day(9, rows=1), past)
    assert set(judged) == {"history"}
    assert judged["history"].success
    assert f"{len(past)} of 7 earlier partitions" in judged["history"].observed


def test_a_column_declared_lately_waits_for_its_own_history() -> None:
    batch = day(9, fresh=ColumnShape(10_000))
    assert not any("fresh" in name for name in judge(batch))


@settings(deadline=None)
@given(
    rows=st.integers(0, 10),
    shapes=st.lists(
        st.builds(
            ColumnShape,
            nulls=st.integers(0, 10),
            quantiles=st.none()
            | st.lists(st.floats(-1e9, 1e9), min_size=21, max_size=21).map(
                lambda found: tuple(sorted(found))
            ),
            values=st.none() | st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
        ),
        min_size=8,
        max_size=12,
    ),
)
def test_nothing_that_can_be_profiled_breaks_a_check(rows: int, shapes: list[ColumnShape]) -> None:
    first, *past = (BatchProfile(f"{i}", rows, {"c": one}) for i, one in enumerate(shapes))
    assert judge(first, past)["row_count"].success
    same = judge(first, [first] * 8)
    assert all(one.success for one in same.values())


@pytest.mark.parametrize(
    ("value", "history", "score"),
    [
        (5, [5] * 9, 0.0),
        (6, [5] * 9, math.inf),
        (4, [5] * 9, -math.inf),
        (3, [1, 2, 3, 4, 5], 0.0),
        (5, [1, 2, 3, 4, 5], 2 * 0.6745),
    ],
)
def test_scores(value: float, history: list[float], score: float) -> None:
    assert robust_z_score(value, history) == pytest.approx(score)


@settings(deadline=None)
@given(
    value=st.integers(-1000, 1000),
    history=st.lists(st.integers(-1000, 1000), min_size=1, max_size=20),
    shift=st.integers(-500, 500),
    scale=st.integers(1, 9),
)
def test_scores_do_not_depend_on_unit_or_origin(
    value: int, history: list[int], shift: int, scale: int
) -> None:
    moved = [one * scale + shift for one in history]
    assert robust_z_score(value * scale + shift, moved) == pytest.approx(robust_z_score(value, history))


def test_the_stability_index_is_the_published_one() -> None:
    # (0.3-0.2)*ln(0.3/0.2) + (0.7-0.8)*ln(0.7/0.8)
    assert stability_index([0.2, 0.8], [0.3, 0.7]) == pytest.approx(0.0539, abs=1e-4)


def test_added_rules_count_in_the_verdict() -> None:
    passed: GateResult = result(rule())
    few = Comparison(replace(day(9), rows=1), PAST)
    assert with_rules(passed, trailing_rules(few, Trailing(), "taken_at")).passed
    few = replace(few, severity=Severity.CRITICAL)
    assert not with_rules(passed, trailing_rules(few, Trailing(), "taken_at")).passed


def test_a_batch_is_profiled_and_comes_back_from_its_rows(tmp_path: Path) -> None:
    rows = [reading(i, temperature_c=None if i % 10 == 0 else i % 7) for i in range(2000)]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "a.parquet")
    with batch_engine([tmp_path / "a.parquet"], trusted_columns(DATASET)) as engine:
        profile = profile_batch(engine, Series.of_dataset(DATASET), "2026-11-21")
    assert profile.rows == 2000
    assert profile.columns["temperature_c"].nulls == 200
    assert set(profile.columns["temperature_c"].values or ()) == set("0123456")
    assert profile.columns["measured_at"].values == {"0": 2000}
    quantiles = profile.columns["cpu_load"].quantiles or ()
    assert quantiles == tuple(sorted(quantiles))
    assert (quantiles[0], quantiles[-1]) == (0.0, 1.0)
    assert profile.columns["cpu_load"].values is None
    assert BatchProfile.of_rows("2026-11-21", profile.table("t", "run").to_pylist()) == profile


def test_personal_data_leaves_nothing_but_counts(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([reading(i) for i in range(9)], SCHEMA), tmp_path / "a.parquet")
    columns = tuple(one.model_copy(update={"pii": one.name != "measured_at"}) for one in DATASET.columns)
    secret = DATASET.model_copy(update={"columns": columns})
    with batch_engine([tmp_path / "a.parquet"], trusted_columns(DATASET)) as engine:
        profile = profile_batch(engine, Series.of_dataset(secret), "2026-11-21")
    shapes = {name: shape for name, shape in profile.columns.items() if name != "measured_at"}
    assert all((one.quantiles, one.values) == (None, None) for one in shapes.values())


def test_silent_devices_are_named(tmp_path: Path) -> None:
    rows = [
        reading(0, device_id=1),
        reading(30_000, device_id=1),
        reading(5, device_id=2),
        reading(9, device_id=2),
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "a.parquet")
    gaps = DATASET.quality.trailing.gaps
    assert gaps is not None
    with batch_engine([tmp_path / "a.parquet"], trusted_columns(DATASET)) as engine:
        judged = gaps_rule(engine, Series.of_dataset(DATASET), gaps, Severity.WARNING)
    assert (judged.success, judged.sample) == (False, ("1: 8:20:00",))
    assert judged.observed == "1 of 2 were silent for longer"


def test_quantiles_of_many_rows_are_read_off_a_sample_and_counts_off_all(tmp_path: Path) -> None:
    count = 400_000
    file = tmp_path / "a.parquet"
    duckdb.sql(
        "SELECT i % 11 AS device_id, CASE WHEN i % 4 > 0 THEN i / 400_000 END AS cpu_load, "
        "TIMESTAMP '2026-11-21' AS measured_at FROM range(400_000) AS numbers(i)"
    ).write_parquet(str(file))
    wanted = ("device_id", "cpu_load", "measured_at")
    columns = tuple(DATASET.column(name) for name in wanted)
    series = Series.of_dataset(DATASET.model_copy(update={"columns": columns}))
    with batch_engine([file], {column.name: column.type for column in columns}) as engine:
        profile = profile_batch(engine, series, "2026-11-21")
    shape = profile.columns["cpu_load"]
    assert shape.nulls == count / 4
    assert profile.columns["device_id"].values == Counter(str(i % 11) for i in range(count))
    assert shape.quantiles is not None
    assert all(abs(value - step / STEPS) < 0.02 for step, value in enumerate(shape.quantiles))
