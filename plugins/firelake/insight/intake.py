"""Raw objects that no run has taken in yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyiceberg.expressions import And, EqualTo

from firelake import aws, iceberg
from firelake.compact.discover import DELIVERY_RETRY, listed
from firelake.layout import Lake, Zone
from firelake.outcome import Outcome
from firelake.periods import PeriodRange
from firelake.spec import Dataset
from firelake.storage import Bucket
from firelake.tables import LEDGER

_SPAN = timedelta(days=7)
_MAX_NAMED = 10


class Intake(Outcome):
    """What arrived lately, and whether runs took it in.

    Parameters
    ----------
    arrival
        The arrival periods that were looked at.
    waiting
        Objects whose run is still to come, or that were delivered late and are swept by a later run.
    forgotten
        Objects that a run should have taken in by now.
    named
        The first of the forgotten ones.
    """

    arrival: str
    objects: int
    waiting: int
    forgotten: int
    named: tuple[str, ...]


def intake(lake: Lake, dataset: Dataset, now: datetime) -> Intake:
    """Compare what lies in raw with the ledger, for the last days.

    Raises
    ------
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    """
    grain = dataset.raw.arrival_period
    arrival = PeriodRange.covering(now - _SPAN, now, grain)
    found = dict(listed(Bucket(lake.bucket(Zone.RAW)), dataset, arrival))
    left = sorted(found.keys() - _taken_in(lake, dataset, arrival))
    # Its own run follows a period at once; the next ones sweep what Firehose delivered late.
    settled = now - grain.length - DELIVERY_RETRY
    forgotten = [key for key in left if found[key][0] < settled]
    return Intake(
        arrival=arrival.key,
        objects=len(found),
        waiting=len(left) - len(forgotten),
        forgotten=len(forgotten),
        named=tuple(forgotten[:_MAX_NAMED]),
    )


def _taken_in(lake: Lake, dataset: Dataset, arrival: PeriodRange) -> set[str]:
    table = LEDGER.load(lake)
    wanted = And(
        EqualTo(term="dataset", value=dataset.name),
        iceberg.within("arrived_at", arrival.start, arrival.end),
    )
    with aws.reaching(f"table {'.'.join(table.name())}"):
        keys = table.scan(row_filter=wanted, selected_fields=("raw_object",)).to_arrow()["raw_object"]
    return set(keys.to_pylist())
