"""What a simulator says it sent, so that what the lake did with it can be checked."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from firelake.outcome import Outcome

from ingest.records import Delivery, Kind


class Expected(Outcome):
    """What the lake must count: ``records_in = trusted + duplicates + sum(quarantined)``."""

    records_in: int
    trusted: int
    duplicates: int
    quarantined: dict[str, int]


class Sent(Outcome):
    """Everything one campaign sent.

    Parameters
    ----------
    kinds
        Records and fragments by kind.
    expected
        What the lake must count over all of it.
    days_sent
        The same by the day on which it was handed to Firehose: the day of arrival, as keys tell it.
    days_trusted
        Rows the trusted table must hold, by day of the event.
    firehose_records, bytes_sent
        What was handed to Firehose; resends are not counted.
    batches
        PutRecordBatch calls, resends among them.
    resends
        Records sent again because Firehose had refused them.
    """

    dataset: str
    stream: str
    seed: int
    start: datetime
    end: datetime
    kinds: dict[str, int]
    expected: Expected
    days_sent: dict[str, Expected]
    days_trusted: dict[str, int]
    firehose_records: int
    bytes_sent: int
    batches: int
    resends: int
    seconds: float

    def write(self, path: Path) -> None:
        """Write it as JSON, making the folder if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


@dataclass
class Tally:
    """Counts deliveries by kind, by day of sending and by day of the event."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    kinds_by_day: defaultdict[str, Counter[Kind]] = field(default_factory=lambda: defaultdict(Counter))
    trusted_by_day: Counter[str] = field(default_factory=Counter)

    def add(self, delivery: Delivery, arrives_at: datetime) -> None:
        """Count one delivery that is handed to Firehose at ``arrives_at``."""
        day_sent = f"{arrives_at:%Y-%m-%d}"
        for item in delivery.items:
            self.kinds[item.kind] += 1
            self.kinds_by_day[day_sent][item.kind] += 1
            if item.kind.is_trusted:
                self.trusted_by_day[f"{item.happened_at:%Y-%m-%d}"] += 1

    @property
    def expected(self) -> Expected:
        """What the lake must count over everything."""
        return _expected(self.kinds)

    @property
    def days_sent(self) -> dict[str, Expected]:
        """What the lake must count of each day's sendings."""
        return {day: _expected(kinds) for day, kinds in sorted(self.kinds_by_day.items())}


def _expected(kinds: Counter[Kind]) -> Expected:
    quarantined: Counter[str] = Counter()
    for kind, count in kinds.items():
        if kind.quarantined_as is not None:
            quarantined[kind.quarantined_as] += count
    return Expected(
        records_in=kinds.total(),
        trusted=sum(count for kind, count in kinds.items() if kind.is_trusted),
        duplicates=kinds[Kind.DUPLICATE],
        quarantined=dict(sorted(quarantined.items())),
    )
