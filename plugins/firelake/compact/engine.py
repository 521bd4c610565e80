"""One run of compaction: discover, read, merge, write, account. Nothing is visible yet when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from firelake.compact import accounting as books
from firelake.compact import rules
from firelake.compact.discover import Discovered, discover
from firelake.compact.intake import Intake
from firelake.compact.merge import Merge
from firelake.compact.scratch import Limits, Scratch, scratch
from firelake.compact.staging import Partitions, Writer
from firelake.layout import Lake, Zone, failed_rows_key, uri
from firelake.ledger import Ledger
from firelake.outcome import FailedRows, Stage, TableStage
from firelake.periods import Grain, Period, PeriodRange
from firelake.quality.predicates import RowPredicate
from firelake.quality.split import quarantine_predicates
from firelake.spec import Dataset
from firelake.spec.dataset import EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import literal, literals
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted

# Scratch a run may need for a byte of compressed raw JSON: typed records, published rows, output.
_DISK_FACTOR = 12


def compact(
    lake: Lake, dataset: Dataset, arrival: Period | PeriodRange, run_id: str, limits: Limits | None = None
) -> Stage:
    """Stage what some arrival periods add to a dataset's trusted table and quarantine.

    Parameters
    ----------
    arrival
        The arrival period, or several that are taken in at once.
    run_id
        Names the staged files. Each try needs one of its own: :func:`new_run_id`.

    Raises
    ------
    AccountingError
        If not every record is accounted for.
    LakeUnreachable
        If the lake does not answer, or lacks a bucket or table.
    SpecError
        If the dataset's suite is wrong, which may say that rows go to quarantine.
    """
    predicates = quarantine_predicates(dataset)
    limits = limits or Limits()
    arrival = PeriodRange(arrival, arrival) if isinstance(arrival, Period) else arrival
    bucket = Bucket(lake.bucket(Zone.RAW))
    found = discover(bucket, dataset, arrival, Ledger(lake, dataset))
    with scratch(limits, found.bytes_raw * _DISK_FACTOR) as space:
        intake = Intake(space.connection, dataset, predicates)
        intake.take(bucket, found.objects, limits)
        return _Run(lake, dataset, arrival, run_id, space).stage(found, intake, predicates)


class _Run:
    """What the steps of a run share."""

    def __init__(
        self, lake: Lake, dataset: Dataset, arrival: PeriodRange, run_id: str, space: Scratch
    ) -> None:
        self._lake = lake
        self._dataset = dataset
        self._arrival = arrival
        self._space = space
        self._run_id = run_id
        self._writer = Writer(
            space.connection, lake, run_id, space.directory / "staged", dataset.target_file_bytes
        )

    def stage(self, found: Discovered, intake: Intake, predicates: Sequence[RowPredicate]) -> Stage:
        merge = Merge(self._space.connection, self._dataset, found.objects)
        rows = self._stage_trusted(found, merge)
        staged = self._rows_by_object(rows)
        outcomes = books.object_outcomes(found.objects, intake, merge, staged)
        displaced = books.displaced(merge, self._dataset.raw.layout)
        books.check(outcomes, merge.published(), displaced, staged)
        return Stage(
            dataset=self._dataset.name,
            period=self._arrival.key,
            run_id=self._run_id,
            trusted=rows,
            quarantine=self._stage_quarantine(found),
            objects=outcomes,
            displaced=displaced,
            accounting=books.accounting(outcomes, merge, displaced, intake.fields_dropped),
            failed=self._stage_failed(predicates),
        )

    def _stage_trusted(self, found: Discovered, merge: Merge) -> TableStage:
        grain = self._dataset.partition_by
        before = {Period.parse(key, grain) for key in found.event_partitions}
        partitions = Partitions.of(self._lake, trusted(self._dataset), merge.event_partitions() | before)
        if published := partitions.download(self._space.directory / "trusted"):
            merge.add_published(partitions.rows(published))
        merge.dedupe()
        return self._writer.write(partitions, merge.survivors(), self._dataset.sort_by)

    def _stage_quarantine(self, found: Discovered) -> TableStage:
        arrivals = {Period.containing(source.arrived_at, Grain.DAY) for source in found.objects}
        partitions = Partitions.of(self._lake, quarantine(self._dataset), arrivals)
        published = partitions.download(self._space.directory / "quarantine")
        refused = self._space.connection.execute("SELECT count(*) FROM refused").fetchone()
        if not published and refused == (0,):
            return TableStage(table=self._dataset.name, bases=(), files=())
        rows = self._quarantine_rows(published)
        return self._writer.write(partitions, rows, [RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN])

    def _quarantine_rows(self, published: list[Path]) -> str:
        """Return SQL for the refused records of the run and of the days' other objects."""
        refused = f"""
            SELECT reason, detail, raw_text, _key AS {RAW_OBJECT_COLUMN},
                   _position AS {RAW_POSITION_COLUMN}, byte_offset, byte_length, _arrived_at AS arrived_at,
                   {literal(self._run_id)} AS run_id
            FROM refused JOIN objects ON _ordinal = _object
            """  # noqa: S608
        if not published:
            return refused
        files = literals(str(path) for path in published)
        return f"""
            {refused} UNION ALL BY NAME
            SELECT * FROM read_parquet([{files}])
            WHERE {RAW_OBJECT_COLUMN} NOT IN (SELECT _key FROM objects WHERE _own)
            """  # noqa: S608

    def _stage_failed(self, predicates: Sequence[RowPredicate]) -> FailedRows | None:
        """Keep the rows that failed a rule as they were typed: the gate counts them again."""
        by_rule = rules.failures_by_rule(self._space.connection, predicates)
        if not any(by_rule.values()):
            return None
        path = self._space.directory / "failed.parquet"
        names = [*(column.name for column in self._dataset.columns), EXTRA_COLUMN]
        rules.write_failed(self._space.connection, names, path)
        bucket, key = self._lake.bucket(Zone.QUARANTINE), failed_rows_key(self._dataset.name, self._run_id)
        Bucket(bucket).write(key, path)
        return FailedRows(uri=uri(bucket, key), by_rule=by_rule)

    def _rows_by_object(self, staged: TableStage) -> Mapping[str, int]:
        """Count the rows of each object in the files that were written, not in what was to be written."""
        if not staged.files:
            return {}
        files = literals(str(path) for path in self._writer.local_files(staged, Zone.TRUSTED))
        rows = self._space.connection.execute(
            f"SELECT {RAW_OBJECT_COLUMN}, count(*) FROM read_parquet([{files}]) GROUP BY 1"  # noqa: S608
        ).fetchall()
        return dict(rows)
