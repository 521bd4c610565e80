"""A steward's word for a batch that the gate refused: who took it in all the same, and why.

The verdict stays as it is. Publishing asks for the acceptance beside it, and the history of quality says
that there was one. A batch that is staged again is judged again, and needs an acceptance of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from firelake import iceberg
from firelake.errors import FirelakeError, UsageError
from firelake.layout import Lake, Zone, acceptance_key, verdict_key, verdict_prefix
from firelake.outcome import Outcome
from firelake.quality.history import history_rows
from firelake.quality.result import GateResult, RuleResult, Severity
from firelake.quality.verdict import Verdict
from firelake.storage import Bucket
from firelake.tables import QUALITY_RESULTS

RULE = "gate.accepted"


class Acceptance(Outcome):
    """What somebody answers for.

    Parameters
    ----------
    rules
        The rules that the batch broke.
    """

    table: str
    run_id: str
    by: str
    why: str
    accepted_at: datetime
    rules: tuple[str, ...]


def refused(lake: Lake, table: str) -> list[Verdict]:
    """Return the verdicts that let nothing pass and that nobody has accepted, newest first."""
    ops = Bucket(lake.bucket(Zone.OPS))
    found = sorted(ops.list(verdict_prefix(table)), key=lambda info: info.modified_at, reverse=True)
    verdicts = (Verdict.model_validate_json(ops.read(info.key)) for info in found)
    return [one for one in verdicts if not one.passed and not is_accepted(lake, table, one.run_id)]


def accept(lake: Lake, table: str, run_id: str, by: str, why: str) -> Acceptance:
    """Let a batch be published although it broke rules.

    Raises
    ------
    UsageError
        If it is not said who accepts it, or why.
    FirelakeError
        If the gate did not refuse it, or a check could not be made: then nobody knows what is accepted.
    """
    if not by.strip() or not why.strip():
        raise UsageError(f"{table} {run_id}: say who accepts it, and why")
    ops = Bucket(lake.bucket(Zone.OPS))
    verdict = Verdict.model_validate_json(ops.read(verdict_key(table, run_id)))
    broken = [rule for result in verdict.results for rule in result.blocking]
    if not broken:
        raise FirelakeError(f"{table} {run_id}: the gate refused nothing; publish it")
    if failed := [rule.rule for rule in broken if rule.errored]:
        raise FirelakeError(f"{table} {run_id}: {', '.join(failed)} could not be checked; correct the suite")
    acceptance = Acceptance(
        table=table,
        run_id=run_id,
        by=by.strip(),
        why=why.strip(),
        accepted_at=datetime.now(UTC),
        rules=tuple(dict.fromkeys(rule.rule for rule in broken)),
    )
    iceberg.append(QUALITY_RESULTS.load(lake), history_rows([_remark(verdict, acceptance)]))
    ops.write(acceptance_key(table, run_id), acceptance.model_dump_json(indent=2).encode())
    return acceptance


def is_accepted(lake: Lake, table: str, run_id: str) -> bool:
    """Tell whether somebody answers for a batch."""
    key = acceptance_key(table, run_id)
    return any(info.key == key for info in Bucket(lake.bucket(Zone.OPS)).list(key))


def _remark(verdict: Verdict, acceptance: Acceptance) -> GateResult:
    """Return the acceptance as the history of quality keeps what it knows of a run."""
    first = next(result for result in verdict.results if result.blocking)
    rule = RuleResult(
        rule=RULE,
        type=RULE,
        column=None,
        severity=Severity.INFO,
        description=f"Accepted in spite of {', '.join(acceptance.rules)}",
        success=True,
        errored=False,
        rows_checked=None,
        rows_bad=None,
        observed=f"accepted by {acceptance.by}: {acceptance.why}",
        sample=(),
        seconds=0.0,
    )
    return first.model_copy(update={"rules": (rule,), "evaluated_at": acceptance.accepted_at})
