"""The books of a run: every record that came in went somewhere, or nothing is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from firelake.compact.intake import Intake
from firelake.compact.merge import Merge
from firelake.errors import AccountingError
from firelake.outcome import Accounting, Displaced, ObjectOutcome
from firelake.raw.keys import KeyLayout
from firelake.raw.records import RawObject

_MAX_NAMED = 5
# Of an object that was filed under another prefix than the spec declares now.
_UNKNOWN_ARRIVAL = datetime(1970, 1, 1, tzinfo=UTC)


def object_outcomes(
    objects: Sequence[RawObject], intake: Intake, merge: Merge, staged: Mapping[str, int]
) -> tuple[ObjectOutcome, ...]:
    """Say where the records of each object went.

    Parameters
    ----------
    staged
        Rows of each object, counted in the staged files.
    """
    duplicates, refused = merge.lost(own=True), merge.refused()
    return tuple(
        ObjectOutcome(
            raw_object=source.key,
            arrived_at=source.arrived_at,
            bytes_raw=source.bytes_raw,
            bytes_json=intake.bytes_json[source.ordinal],
            records_in=intake.records_in[source.ordinal],
            trusted=staged.get(source.key, 0),
            duplicates=duplicates.get(source.key, 0),
            quarantined=sum(refused.get(source.key, {}).values()),
        )
        for source in objects
    )


def displaced(merge: Merge, layout: KeyLayout) -> dict[str, Displaced]:
    """Say which rows of other runs' objects became duplicates."""
    return {
        key: Displaced(arrived_at=layout.arrived_at(key) or _UNKNOWN_ARRIVAL, rows=rows)
        for key, rows in merge.lost(own=False).items()
    }


def accounting(
    outcomes: Sequence[ObjectOutcome],
    merge: Merge,
    displaced_rows: Mapping[str, Displaced],
    fields_dropped: int = 0,
) -> Accounting:
    """Add up a run."""
    quarantined: Counter[str] = Counter()
    for reasons in merge.refused().values():
        quarantined.update(reasons)
    return Accounting(
        raw_objects=len(outcomes),
        records_in=sum(outcome.records_in for outcome in outcomes),
        trusted_new=sum(outcome.trusted for outcome in outcomes),
        duplicates=sum(outcome.duplicates for outcome in outcomes),
        quarantined=dict(sorted(quarantined.items())),
        displaced=sum(lost.rows for lost in displaced_rows.values()),
        fields_dropped=fields_dropped,
        bytes_raw=sum(outcome.bytes_raw for outcome in outcomes),
        bytes_json=sum(outcome.bytes_json for outcome in outcomes),
    )


def check(
    outcomes: Sequence[ObjectOutcome],
    published: Mapping[str, int],
    displaced_rows: Mapping[str, Displaced],
    staged: Mapping[str, int],
) -> None:
    """Check that the books balance, object by object.

    Parameters
    ----------
    published
        Rows of other runs' objects that entered the merge.
    staged
        Rows of each object, counted in the staged files.

    Raises
    ------
    AccountingError
        If a record or row is missing or too many; the message names the objects.
    """
    wrong = [
        f"{o.raw_object}: {o.records_in} records came in, {o.trusted} trusted, {o.duplicates} duplicates, "
        f"{o.quarantined} quarantined"
        for o in outcomes
        if o.records_in != o.trusted + o.duplicates + o.quarantined
    ]
    own = {outcome.raw_object for outcome in outcomes}
    for key in (published.keys() | staged.keys()) - own:
        before, after = published.get(key, 0), staged.get(key, 0)
        gone = displaced_rows[key].rows if key in displaced_rows else 0
        if before - gone != after:
            wrong.append(f"{key}: {before} rows were published, {gone} displaced, {after} staged")
    if wrong:
        more = f" (and {len(wrong) - _MAX_NAMED} more)" if len(wrong) > _MAX_NAMED else ""
        raise AccountingError(f"the books do not balance: {'; '.join(wrong[:_MAX_NAMED])}{more}")
