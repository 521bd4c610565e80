"""One maintenance of a lake: say what would be done, then do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firelake.errors import FirelakeError
from firelake.layout import Lake, Zone, alerts_prefix, split_uri, stage_prefix, uri, verdict_prefix
from firelake.ledger import Ledger
from firelake.maintain.retention import outdated, remove
from firelake.maintain.small_files import join, small_files
from firelake.maintain.snapshots import expire, expired, orphans, stages_named
from firelake.outcome import Outcome
from firelake.spec import Dataset
from firelake.storage import Bucket
from firelake.summary.spec import SummaryTable
from firelake.tables import LEDGER, QUALITY_RESULTS, TableDeclaration, quarantine, summary, trusted

# No run takes longer from its first file to its commit.
SHORTEST_GRACE = timedelta(hours=1)
_TARGET_BYTES = 256 << 20


class Maintained(Outcome):
    """What was, or would be, done to one table or folder.

    Parameters
    ----------
    snapshots_expired
        Snapshots replaced longer ago than the grace.
    objects_removed, bytes_removed
        Objects that nothing names, older than the grace.
    partitions_joined
        Partitions whose small files were joined.
    partitions_outdated
        Partitions emptied, because their dataset keeps refused records no longer.
    """

    target: str
    snapshots_expired: int = 0
    objects_removed: int = 0
    bytes_removed: int = 0
    partitions_joined: tuple[str, ...] = ()
    partitions_outdated: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        joined_or_emptied = self.partitions_joined or self.partitions_outdated
        return not (self.snapshots_expired or self.objects_removed or joined_or_emptied)


@dataclass(frozen=True)
class Maintenance:
    """The maintenance of one lake.

    Parameters
    ----------
    grace
        What a reader or a run may still need: nothing that was in use more recently is removed.
    apply
        Whether to do it; otherwise it is only said.
    now
        The time from which the grace counts back; None for the clock's.
    """

    lake: Lake
    grace: timedelta
    apply: bool = False
    now: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a grace that a run in progress could outlast."""
        if self.grace < SHORTEST_GRACE:
            raise FirelakeError(f"a grace of {self.grace} may cut into running work; give at least 1h")

    def run(self, datasets: Iterable[Dataset], summaries: Iterable[SummaryTable]) -> Iterator[Maintained]:
        """Maintain the tables of some datasets and summaries, and what all share."""
        for dataset in datasets:
            yield from self.of_dataset(dataset)
        for table in summaries:
            yield from self.of_summary(table)
        yield from self.of_shared()

    def of_dataset(self, dataset: Dataset) -> Iterator[Maintained]:
        """Maintain a dataset's tables and stages."""
        # Entries that a run died before writing are read from snapshots.
        Ledger(self.lake, dataset).catch_up()
        yield self._table(trusted(dataset), dataset.target_file_bytes)
        emptied = tuple(self._outdated(dataset))
        kept = self._table(quarantine(dataset), dataset.target_file_bytes)
        yield kept.model_copy(update={"partitions_outdated": emptied})
        yield from self._manifests(trusted(dataset))

    def of_summary(self, table: SummaryTable) -> Iterator[Maintained]:
        """Maintain a summary's table and stages."""
        yield self._table(summary(table), None)
        yield from self._manifests(summary(table))

    def of_shared(self) -> Iterator[Maintained]:
        """Maintain the tables that all datasets write to."""
        for declaration in (LEDGER, QUALITY_RESULTS):
            yield self._table(declaration, _TARGET_BYTES)

    @property
    def _before(self) -> datetime:
        return (self.now or datetime.now(UTC)) - self.grace

    def _table(self, declaration: TableDeclaration, target_bytes: int | None) -> Maintained:
        joined = () if target_bytes is None else tuple(self._joined(declaration, target_bytes))
        table = declaration.load(self.lake)
        gone = expired(table, self._before)
        found = list(orphans(table, gone, self._before))
        if self.apply:
            expire(table, gone)
            # What a commit made meanwhile names is no orphan.
            still = {key for key, _ in orphans(table, (), self._before)}
            found = [(key, size_bytes) for key, size_bytes in found if key in still]
            Bucket(split_uri(table.location())[0]).delete(key for key, _ in found)
        return Maintained(
            target=f"{declaration.zone}.{declaration.name}",
            snapshots_expired=len(gone),
            objects_removed=len(found),
            bytes_removed=sum(size_bytes for _, size_bytes in found),
            partitions_joined=joined,
        )

    def _outdated(self, dataset: Dataset) -> Iterator[str]:
        """Empty what of a dataset's quarantine is to be kept no longer."""
        found = outdated(self.lake, dataset, self.now or datetime.now(UTC))
        if found and (not self.apply or remove(self.lake, dataset, found)):
            yield from (period.key for period in found)

    def _joined(self, declaration: TableDeclaration, target_bytes: int) -> Iterator[str]:
        for found in small_files(self.lake, declaration, target_bytes):
            if not self.apply or join(self.lake, declaration, found.partition, target_bytes):
                yield found.partition.key

    def _manifests(self, declaration: TableDeclaration) -> Iterator[Maintained]:
        """Remove what steps handed to each other in runs that are over.

        A stage that a snapshot names stays: the ledger may still be caught up from it.
        """
        bucket = Bucket(self.lake.bucket(Zone.OPS))
        named = stages_named(declaration.load(self.lake))
        told = alerts_prefix(declaration.name, waiting=False)
        for prefix in (stage_prefix(declaration.name), verdict_prefix(declaration.name), told):
            found = [
                info
                for info in bucket.list(prefix)
                if info.modified_at < self._before and uri(bucket.name, info.key) not in named
            ]
            if self.apply:
                bucket.delete(info.key for info in found)
            yield Maintained(
                target=f"{Zone.OPS}/{prefix}",
                objects_removed=len(found),
                bytes_removed=sum(info.size_bytes for info in found),
            )
