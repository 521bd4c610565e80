"""One erasure: raw first, so that no run brings back what the tables lose; then proof."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyiceberg.table import Table

from firelake import iceberg
from firelake.books import Books, Totals
from firelake.erase import tables
from firelake.erase.objects import Searched, Searcher
from firelake.erase.report import ErasureReport, Proof
from firelake.erase.request import Request
from firelake.errors import AccountingError, FirelakeError, VerificationFailed
from firelake.layout import Lake, Zone, derived_prefixes, erasure_key, uri
from firelake.ledger import Ledger, sequence_number_of
from firelake.outcome import Outcome
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.spec import find_dataset
from firelake.storage import Bucket
from firelake.summary import pipeline as summary_pipeline
from firelake.summary.spec import Summary, load_summaries
from firelake.tables import quarantine, summary, trusted
from firelake.versions import Version, versions

_log = logging.getLogger(__name__)
_MAX_NAMED = 5


class _Pending(Outcome):
    """What an erasure has yet to finish, should it die: nothing that tells whose records they were."""

    objects: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()


@dataclass
class _Found:
    """What a pass over the lake found."""

    current: dict[str, Searched] = field(default_factory=dict)
    older: list[Version] = field(default_factory=list)
    rows: dict[str, Counter[Period]] = field(default_factory=dict)
    refused: dict[str, Counter[Period]] = field(default_factory=dict)

    @property
    def hits(self) -> dict[str, Searched]:
        """The objects in which records are to be erased."""
        return {key: searched for key, searched in self.current.items() if searched.spans}

    @property
    def places(self) -> set[tuple[str, int]]:
        """Object and offset of what is to be erased, and of what was erased before."""
        return {
            (key, start)
            for key, searched in self.current.items()
            for start in (*(start for start, _ in searched.spans), *searched.tombstones)
        }

    @property
    def objects(self) -> set[str]:
        """The objects whose records change or have changed."""
        erased = {key for key, one in self.current.items() if one.spans or one.tombstones}
        return erased | self.rows.keys() | self.refused.keys()


@dataclass(frozen=True)
class Erasure:
    """Erases records from one dataset.

    Parameters
    ----------
    summaries
        The summaries that read the dataset.
    told
        Is told of each step as it begins.
    """

    lake: Lake
    request: Request
    summaries: tuple[Summary, ...] = ()
    told: Callable[[str], None] = lambda _: None

    def plan(self) -> ErasureReport:
        """Count what would be erased.

        Raises
        ------
        FirelakeError
            If a raw object is archived, or cannot be rewritten; nothing would be changed.
        """
        return self._report(self._find(), new_run_id("dry"), applied=False)

    def run(self, origin: str) -> ErasureReport:
        """Erase, and prove it. Running it again, also after a crash, finishes what is left.

        Raises
        ------
        FirelakeError
            If a raw object is archived, or cannot be rewritten; nothing was changed.
        VerificationFailed
            If something still holds a record, or cannot be read; the report says what.
        """
        run_id = new_run_id(f"erase-{origin}")
        started_at = datetime.now(UTC)
        found = self._find()
        report = self._report(found, run_id, applied=True).model_copy(update={"started_at": started_at})
        pending = self._pending(found)
        self._raw(found)
        self._tables(found, run_id)
        self._ledger(found, pending, run_id)
        derived = self._summaries(pending)
        self.told("expire snapshots and remove what they named")
        expired = sum(tables.forget_history(table) for table in self._history())
        removed = tuple(self._derived_removed())
        report = report.model_copy(
            update={
                "summaries": derived,
                "snapshots_expired": expired,
                "derived_removed": removed,
                "proof": self.prove(),
                "report_uri": uri(self.lake.bucket(Zone.OPS), erasure_key(self.request.dataset.name, run_id)),
            }
        )
        concluded = self._concluded(report)
        self._ops.delete([self._pending_key])
        return concluded

    @property
    def _ops(self) -> Bucket:
        return Bucket(self.lake.bucket(Zone.OPS))

    @property
    def _pending_key(self) -> str:
        return erasure_key(self.request.dataset.name, "pending")

    def _pending(self, found: _Found) -> _Pending:
        """Keep what must be finished, with what an erasure that died has left."""
        left = _Pending()
        if any(info.key == self._pending_key for info in self._ops.list(self._pending_key)):
            left = _Pending.model_validate_json(self._ops.read(self._pending_key))
        changed = {period.key for counts in found.rows.values() for period in counts}
        pending = _Pending(
            objects=tuple(sorted({*left.objects, *found.objects})),
            partitions=tuple(sorted({*left.partitions, *changed})),
        )
        self._ops.write(self._pending_key, pending.model_dump_json().encode())
        return pending

    def prove(self) -> Proof:
        """Read every version of every object that may hold a record."""
        self.told("prove: read every object version")
        holding, unreadable = list[str](), list[str]()
        scanned: Counter[str] = Counter()
        with Searcher.of(self.request) as searcher:
            for version in self._raw_versions():
                searched = searcher.search(version.read())
                scanned[Zone.RAW] += 1
                if searched.spans:
                    holding.append(str(version))
                if searched.damage is not None:
                    unreadable.append(f"{version}: {searched.damage}")
        for zone, prefix in self._table_prefixes():
            bucket = self.lake.bucket(zone)
            scanned[zone] += sum(1 for _ in versions(bucket, prefix))
            holding += map(str, tables.holding_files(bucket, prefix, self.request))
        return Proof(scanned=dict(scanned), holding=tuple(holding), unreadable=tuple(unreadable))

    def _find(self) -> _Found:
        self.told("search raw, trusted and quarantine")
        found = _Found()
        Ledger(self.lake, self.request.dataset).catch_up()
        with Searcher.of(self.request) as searcher:
            for version in self._raw_versions():
                body = version.read()
                searched = searcher.search(body)
                if searched.spans and not version.current:
                    found.older.append(version)
                elif version.current:
                    found.current[version.key] = searched
                    if searched.spans:
                        # Before anything is changed: can all of it be?
                        searcher.without(str(version), body, searched)
        found.rows = tables.trusted_matches(self.lake, self.request)
        found.refused = tables.quarantine_matches(self.lake, self.request, found.places)
        return found

    def _raw_versions(self) -> Iterator[Version]:
        layout = self.request.dataset.raw.layout
        for version in versions(self.lake.bucket(Zone.RAW), layout.root):
            if not layout.is_data(version.key) or layout.arrived_at(version.key) is None:
                continue
            if version.archived:
                raise FirelakeError(f"{version} is archived; restore it, then erase")
            yield version

    def _raw(self, found: _Found) -> None:
        self.told(f"rewrite {len(found.hits)} raw objects, remove {len(found.older)} older versions")
        with Searcher.of(self.request) as searcher:
            for version in list(self._raw_versions()):
                if not version.current or version.key not in found.hits:
                    continue
                body = version.read()
                version.replace(searcher.without(str(version), body, searcher.search(body)))
        for version in found.older:
            version.delete()

    def _tables(self, found: _Found, run_id: str) -> None:
        self.told("rewrite quarantine and trusted")
        if days := {period for counts in found.refused.values() for period in counts}:
            tables.erase_quarantined(self.lake, self.request, found.places, days, run_id)
        if partitions := {period for counts in found.rows.values() for period in counts}:
            tables.erase_trusted(self.lake, self.request, partitions, run_id)

    def _ledger(self, found: _Found, pending: _Pending, run_id: str) -> None:
        """Write down what the objects hold now, counted anew; entries that are right stay."""
        dataset = self.request.dataset
        table, ledger = trusted(dataset).load(self.lake), Ledger(self.lake, dataset)
        books = Books.of(ledger.all().to_pylist()).by_object
        rows = tables.rows_by_object(table)
        refused = tables.rows_by_object(quarantine(dataset).load(self.lake))
        changed: dict[str, Totals] = {}
        for key in pending.objects:
            if key not in books or books[key].held:
                continue
            before, searched = books[key].totals, found.current.get(key)
            kept = rows[key] + refused[key]
            # Of an object that is gone from raw, what became of its duplicates cannot be counted.
            records = kept + before.duplicates if searched is None else searched.records
            if records < kept:
                raise AccountingError(f"{key}: {records} records are left, but {kept} rows")
            now = Totals(
                records_in=records, trusted=rows[key], duplicates=records - kept, quarantined=refused[key]
            )
            if now != before:
                changed[key] = now
        if changed:
            iceberg.mark(table, {iceberg.COMMIT_PROPERTY: run_id})
            ledger.correct(changed, sequence_number_of(table))

    def _summaries(self, pending: _Pending) -> dict[str, tuple[str, ...]]:
        grain = self.request.dataset.partition_by
        changed = [Period.parse(key, grain).start for key in pending.partitions]
        done: dict[str, tuple[str, ...]] = {}
        for one in self.summaries:
            partition = one.table.partition
            touched = {Period.containing(start, partition.grain) for start in changed}
            keys = sorted({after.key for period in touched for after in partition.affected(period)})
            for key in keys:
                self.told(f"summary {one.table.name} {key}")
                staged = summary_pipeline.stage(one.table.name, key, "erase")
                summary_pipeline.gate(staged["stage_uri"])
                summary_pipeline.publish(staged["stage_uri"])
            done[one.table.name] = tuple(keys)
        return done

    def _history(self) -> Iterator[Table]:
        dataset = self.request.dataset
        yield trusted(dataset).load(self.lake)
        yield quarantine(dataset).load(self.lake)
        for one in self.summaries:
            yield summary(one.table).load(self.lake)

    def _table_prefixes(self) -> Iterator[tuple[Zone, str]]:
        name = self.request.dataset.name
        yield Zone.TRUSTED, f"{name}/"
        yield Zone.QUARANTINE, f"{name}/"
        for one in self.summaries:
            yield Zone.SUMMARY, f"{one.table.name}/"
        for table in (name, *(one.table.name for one in self.summaries)):
            yield from ((Zone.OPS, prefix) for prefix in derived_prefixes(table))

    def _derived_removed(self) -> Iterator[str]:
        """Remove reports and results of queries that hold a value: they can be made again."""
        for zone, prefix in self._table_prefixes():
            if zone is Zone.OPS:
                for version in list(tables.holding_files(self.lake.bucket(zone), prefix, self.request)):
                    version.delete()
                    yield str(version)

    def _report(self, found: _Found, run_id: str, *, applied: bool) -> ErasureReport:
        return ErasureReport(
            dataset=self.request.dataset.name,
            column=self.request.column.name,
            values=len(self.request.values),
            run_id=run_id,
            applied=applied,
            started_at=datetime.now(UTC),
            records_raw={key: len(searched.spans) for key, searched in found.hits.items()},
            older_versions=tuple(map(str, found.older)),
            rows_trusted=_by_period(found.rows),
            rows_quarantined=_by_period(found.refused),
        )

    def _concluded(self, report: ErasureReport) -> ErasureReport:
        key = erasure_key(report.dataset, report.run_id)
        self._ops.write(key, report.model_dump_json(indent=2).encode())
        if report.proof is not None and not report.proof.clean:
            left = [*report.proof.holding, *report.proof.unreadable]
            raise VerificationFailed(
                f"{report.dataset}: not proven clean: {'; '.join(left[:_MAX_NAMED])}. Delete damaged "
                "objects, if all of them may go; what a run in progress wrote goes when this is run "
                f"again in an hour. Report: {report.report_uri}"
            )
        return report


def _by_period(found: dict[str, Counter[Period]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for counts in found.values():
        for period, rows in counts.items():
            sums[period.key] += rows
    return dict(sorted(sums.items()))


def erase_by_name(dataset: str, column: str, values: Iterable[str], origin: str | None) -> ErasureReport:
    """Erase records from the dataset called so, in the lake that the environment names.

    Parameters
    ----------
    origin
        What started it; None to count only.
    """
    found = find_dataset(dataset)
    reading = tuple(one for one in load_summaries() if dataset in one.table.sources)
    erasure = Erasure(Lake.from_environment(), Request.of(found, column, values), reading, _log.info)
    return erasure.plan() if origin is None else erasure.run(origin)
