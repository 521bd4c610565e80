"""The gate lets good batches pass, and fails closed on everything else."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from firelake.errors import FirelakeError, SpecError
from firelake.quality import evaluator
from firelake.quality.finding import MASK, Finding, FindingReader
from firelake.quality.gate import GateSubject, evaluate
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.quality.suite import Rule
from firelake.spec.types import Decimal, ListOf, MapOf, Primitive, StructOf

from tests.unit.quality.conftest import SCHEMA, SubjectOf, reading, readings
from tests.unit.quality.engines import rule


def by_name(result: GateResult) -> dict[str, RuleResult]:
    return {one.rule: one for one in result.rules}


def failed(result: GateResult) -> set[str]:
    return {one.rule for one in result.failed}


def suite_file(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "suite", "expectations": entries}))
    return path


def bounds(name: str, severity: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "type": "expect_column_values_to_be_between",
        "kwargs": kwargs,
        "severity": severity,
        "description": "A rule under test.",
        "meta": {"rule": name},
    }


def test_a_good_day_passes_every_rule(subject_of: SubjectOf) -> None:
    result = evaluate(subject_of(readings(202)))
    assert result.passed
    assert failed(result) == set()
    assert len(result.rules) >= 12 + 12
    assert {one.rows_checked for one in result.rules} == {202}
    assert result.seconds > 0


def test_bad_rows_are_counted_and_shown(subject_of: SubjectOf) -> None:
    rows = readings(100) + [reading(100 + i, temperature_c=900 + i) for i in range(13)]
    result = evaluate(subject_of(rows))
    broken = by_name(result)["temperature_c.plausible"]
    assert not result.passed
    assert (broken.rows_checked, broken.rows_bad, broken.errored) == (113, 13, False)
    assert broken.observed == "13 of 113 rows fail"
    assert len(broken.sample) == 10
    assert set(broken.sample) <= set(range(900, 913))


@pytest.mark.parametrize(
    ("spoil", "rule_name"),
    [
        ({"device_id": None}, "spec.required.device_id"),
        ({"measured_at": datetime(2026, 11, 22)}, "spec.partition.measured_at"),
        ({"measured_at": datetime(2026, 11, 20, 23, 59, 59, 999999)}, "spec.partition.measured_at"),
        ({"device_id": 11}, "device_id.known"),
        ({"cpu_load": 1.01}, "cpu_load.share"),
    ],
)
def test_one_bad_row_blocks(spoil: dict[str, Any], rule_name: str, subject_of: SubjectOf) -> None:
    result = evaluate(subject_of([*readings(202), reading(202, **spoil)]))
    assert rule_name in {one.rule for one in result.blocking}


def test_a_record_published_twice_blocks_although_it_has_nulls(subject_of: SubjectOf) -> None:
    twin = reading(7, temperature_c=None)
    result = evaluate(subject_of([*readings(7), twin, twin | {"_raw_position": 99}]))
    identity = by_name(result)["spec.identity"]
    assert (identity.rows_bad, identity.success) == (2, False)
    assert identity in result.blocking


def test_nan_counts_as_no_value(subject_of: SubjectOf) -> None:
    rows = [reading(i, cpu_load=float("nan")) if i % 2 else reading(i) for i in range(20)]
    result = by_name(evaluate(subject_of(rows)))
    assert result["cpu_load.present"].rows_bad == 10
    assert result["cpu_load.share"].rows_checked == 10
    assert result["cpu_load.share"].success


def test_warnings_and_infos_do_not_block(subject_of: SubjectOf, tmp_path: Path) -> None:
    suite = suite_file(
        tmp_path,
        bounds("w", "warning", column="device_id", max_value=-1),
        bounds("i", "info", column="device_id", max_value=-1),
    )
    result = evaluate(subject_of(readings(5), suite=suite))
    assert failed(result) == {"w", "i"}
    assert result.passed
    assert result.count(success=False) == {"critical": 0, "warning": 1, "info": 1}


def test_a_missing_column_blocks(subject_of: SubjectOf) -> None:
    schema = pa.schema([one for one in SCHEMA if one.name != "cpu_load"])
    result = evaluate(subject_of(readings(5), schema))
    blocking = {one.rule for one in result.blocking}
    assert {"spec.columns", "spec.type.cpu_load", "cpu_load.share"} <= blocking
    assert by_name(result)["cpu_load.share"].errored


def test_a_check_that_errs_blocks_whatever_its_severity(subject_of: SubjectOf) -> None:
    schema = pa.schema([one for one in SCHEMA if one.name != "ram_load"])
    result = by_name(evaluate(subject_of(readings(5), schema)))
    assert result["ram_load.mean"].severity is Severity.INFO
    assert result["ram_load.mean"].errored
    assert "the check failed" in result["ram_load.mean"].observed


def test_a_wrong_type_blocks(subject_of: SubjectOf) -> None:
    schema = pa.schema(
        [pa.field("device_id", pa.int64()) if one.name == "device_id" else one for one in SCHEMA]
    )
    result = evaluate(subject_of(readings(202), schema))
    assert failed(result) == {"spec.type.device_id"}
    assert by_name(result)["spec.type.device_id"].observed == '"bigint"'


def test_types_are_called_as_in_a_spec(subject_of: SubjectOf) -> None:
    schema = pa.schema(
        [
            ("l", pa.list_(pa.int32())),
            ("m", pa.map_(pa.string(), pa.float64())),
            ("o", pa.struct([("a", pa.string()), ("b c", pa.list_(pa.decimal128(10, 2)))])),
            ("f", pa.float32()),
            ("d", pa.date32()),
            ("b", pa.bool_()),
        ]
    )
    fields = (("a", Primitive("string")), ("b c", ListOf(Decimal(10, 2))))
    columns = {
        "l": ListOf(Primitive("int")),
        "m": MapOf(Primitive("double")),
        "o": StructOf(fields),
        "f": Primitive("float"),
        "d": Primitive("date"),
        "b": Primitive("boolean"),
    }
    typed = "expect_column_values_to_be_of_type"
    rules = tuple(rule(name, typed, {"column": name, "type_": str(kind)}) for name, kind in columns.items())
    filled = subject_of([dict.fromkeys(columns)], schema, columns=columns, derived=rules)
    suite = suite_file(filled.files[0].parent, bounds("f.range", "info", column="f", min_value=0))
    for files in (filled.files, ()):
        result = evaluate(replace(filled, suite=suite, files=files))
        assert failed(result) == set()


def test_an_empty_batch_is_evaluated_and_blocked(subject_of: SubjectOf) -> None:
    for subject in (subject_of([], files=()), subject_of([])):
        result = evaluate(subject)
        assert not any(one.errored for one in result.rules)
        assert [one.rule for one in result.blocking] == ["rows.any"]
        assert by_name(result)["rows.any"].observed == "0"
        assert by_name(result)["device_id.known"].observed == "0 of 0 rows fail"


def test_an_unreadable_file_is_named(subject_of: SubjectOf) -> None:
    subject = subject_of(readings(3))
    subject.files[0].write_bytes(b"PAR1 but not really")
    with pytest.raises(FirelakeError, match=r"staged-00000\.parquet: cannot be read as Parquet"):
        evaluate(subject)


def test_a_wrong_suite_is_no_result(subject_of: SubjectOf, tmp_path: Path) -> None:
    suite = suite_file(tmp_path, bounds("r", "critical", column="device_idd", min_value=0))
    with pytest.raises(SpecError, match="device_idd"):
        evaluate(subject_of(readings(3), suite=suite))


def test_rule_names_must_not_repeat(subject_of: SubjectOf) -> None:
    twin = rule("rows.any", "expect_table_row_count_to_equal", {"value": 3})
    with pytest.raises(FirelakeError, match=r"several rules are called rows\.any"):
        evaluate(subject_of(readings(3), derived=(twin,)))


def test_parameters_are_filled_in_or_demanded(subject_of: SubjectOf, tmp_path: Path) -> None:
    limit = {"$PARAMETER": "limit"}
    suite = suite_file(tmp_path, bounds("r", "critical", column="temperature_c", max_value=limit))
    subject = subject_of([reading(1, temperature_c=50)], suite=suite)
    assert evaluate(subject, {"limit": 50}).passed
    assert not evaluate(subject, {"limit": 49}).passed
    with pytest.raises(FirelakeError, match="rule r needs the parameter 'limit'"):
        evaluate(subject)


def test_an_hour_is_a_partition_too(subject_of: SubjectOf) -> None:
    subject = replace(subject_of(readings(20)), partition="2026-11-21T01")
    assert by_name(evaluate(subject))["spec.partition.measured_at"].rows_bad == 20


def test_values_of_pii_columns_stay_out_of_results(subject_of: SubjectOf) -> None:
    rows = readings(20) + [reading(i, temperature_c=4711) for i in range(20, 24)]
    subject = subject_of(rows, pii=frozenset({"temperature_c"}))
    result = evaluate(subject)
    shown = by_name(result)
    assert set(shown["temperature_c.plausible"].sample) == {MASK}
    assert shown["temperature_c.mean"].observed == MASK
    assert "4711" not in result.model_dump_json()


GOOD = Finding(success=True, error=None, result={"element_count": 3, "unexpected_count": 0})


@pytest.mark.parametrize(
    "finding",
    [
        None,
        Finding(success=True, error="something broke", result={}),
        Finding(success=True, error=None, result={}),
        Finding(success=True, error=None, result={"element_count": 2, "unexpected_count": 0}),
        Finding(success=True, error=None, result={"element_count": 3, "unexpected_count": None}),
    ],
)
def test_a_finding_that_says_too_little_is_an_error(finding: Finding | None) -> None:
    row_rule = rule("r", "expect_column_values_to_not_be_null", {"column": "n"})
    reader = FindingReader(rows=3, pii=frozenset())
    assert reader.read(row_rule, GOOD, 0.1).success
    doubtful = reader.read(row_rule, finding, 0.1)
    assert doubtful.errored
    assert not doubtful.success


def test_a_rule_that_great_expectations_drops_blocks(
    subject_of: SubjectOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: Callable[..., dict[str, Finding]] = evaluator.evaluate_rules

    def forgetful(engine: Any, rules: tuple[Rule, ...], kwargs: Any) -> dict[str, Finding]:
        return honest(engine, rules[:-1], kwargs)

    monkeypatch.setattr(evaluator, "evaluate_rules", forgetful)
    result = evaluate(subject_of(readings(202)))
    assert [one.rule for one in result.blocking] == ["disk_load.quantiles"]
    assert "not evaluated" in result.blocking[0].observed


def test_a_gate_without_rules_lets_nothing_pass(subject_of: SubjectOf) -> None:
    result = evaluate(subject_of(readings(5)))
    assert result.passed
    assert not result.model_copy(update={"rules": ()}).passed


def test_the_process_is_left_as_it_was(
    subject_of: SubjectOf, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = tmp_path / "tmp"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    level = logging.getLogger("great_expectations").level
    before, subject = dict(os.environ), subject_of(readings(50))
    first = evaluate(subject)
    assert dict(os.environ) == before
    assert logging.getLogger("great_expectations").level == level
    assert list(spill.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert failed(first) == failed(evaluate(subject))


def test_the_gate_runs_in_a_thread(subject_of: SubjectOf) -> None:
    subject: GateSubject = subject_of(readings(50))
    passed: list[bool] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: passed.append(evaluate(subject).passed))
        thread.start()
        thread.join()
    assert passed == [True, True]
