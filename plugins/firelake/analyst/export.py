"""Files for data science: a table, or a sample of it, one file for each event partition.

An export that was interrupted goes on where it stopped: the manifest is written after every file, and a
file that it lists is not made again. All files are of one snapshot, also if the table changes meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import csv, feather, ipc, parquet

from firelake.analyst.source import Source
from firelake.errors import FirelakeError
from firelake.outcome import Outcome
from firelake.periods import Period
from firelake.sql import identifiers

MANIFEST = "manifest.json"


class Format(StrEnum):
    """What a file is written as."""

    PARQUET = "parquet"
    ARROW = "arrow"
    FEATHER = "feather"
    CSV = "csv"


class ExportedFile(Outcome):
    """One file of an export."""

    name: str
    partition: str
    rows: int
    bytes_written: int
    sha256: str


class Manifest(Outcome):
    """What an export consists of.

    Parameters
    ----------
    snapshot_id
        The table's snapshot that all files are of.
    sample
        Share of the rows that were taken; 1 for all.
    complete
        Whether all partitions were written.
    """

    table: str
    snapshot_id: int | None
    format: Format
    sample: float
    complete: bool = False
    files: tuple[ExportedFile, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    def same_export(self, other: Manifest) -> bool:
        """Tell whether both are of the same rows in the same form."""
        mine, theirs = (one.model_copy(update={"complete": False, "files": ()}) for one in (self, other))
        return mine == theirs


@dataclass(frozen=True)
class Export:
    """An export into a folder.

    Parameters
    ----------
    sample
        Share of the rows to take. The same rows are taken whenever it is the same: each row's own
        values decide.
    """

    source: Source
    folder: Path
    format: Format
    sample: float = 1.0

    def run(self, periods: list[Period], told: Callable[[str], None] = lambda _: None) -> Manifest:
        """Write what is not there yet.

        Parameters
        ----------
        told
            Is told of each file as it is done.

        Raises
        ------
        FirelakeError
            If the folder holds another export.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = self._begun()
        done = {file.partition for file in manifest.files}
        missing = [period for period in periods if period.key not in done]
        for file in self._written(missing):
            manifest = manifest.model_copy(update={"files": (*manifest.files, file)})
            self._save(manifest)
            told(f"{len(manifest.files)} of {len(done) + len(missing)}: {file.name}, {file.rows:,} rows")
        manifest = manifest.model_copy(update={"complete": True})
        self._save(manifest)
        return manifest

    def _begun(self) -> Manifest:
        """Return the manifest of this export so far."""
        new = Manifest(
            table=self.source.name,
            snapshot_id=self.source.snapshot_id,
            format=self.format,
            sample=self.sample,
        )
        path = self.folder / MANIFEST
        if not path.exists():
            return new
        found = Manifest.model_validate_json(path.read_bytes())
        if not found.same_export(new):
            raise FirelakeError(
                f"{path}: is of {found.table} at snapshot {found.snapshot_id} as {found.format}, sample "
                f"{found.sample:g}; the table now is at {new.snapshot_id}: export into another folder"
            )
        return found.model_copy(update={"complete": False})

    def _written(self, periods: list[Period]) -> Iterator[ExportedFile]:
        for period, rows in self.source.by_partition(periods):
            name = f"{period.key}.{self.format}"
            taken = sampled(rows, self.sample)
            unfinished = self.folder / f".{name}.part"
            _WRITERS[self.format](taken, unfinished)
            content = sha256(unfinished.read_bytes()).hexdigest()
            size = unfinished.stat().st_size
            unfinished.rename(self.folder / name)
            yield ExportedFile(
                name=name, partition=period.key, rows=taken.num_rows, bytes_written=size, sha256=content
            )

    def _save(self, manifest: Manifest) -> None:
        unfinished = self.folder / f".{MANIFEST}.part"
        unfinished.write_text(json.dumps(manifest.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self.folder / MANIFEST)


def sampled(rows: pa.Table, share: float) -> pa.Table:
    """Return a share of some rows, chosen by a hash of each row's values."""
    if share >= 1:
        return rows
    threshold = int(share * (1 << 32))
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        columns = identifiers(rows.column_names)
        chosen = f"SELECT * FROM rows WHERE hash({columns}) % 4294967296 < ?"  # noqa: S608 - quoted names
        return connection.sql(chosen, params=[threshold]).to_arrow_table()


def _write_arrow(rows: pa.Table, path: Path) -> None:
    with ipc.new_file(path, rows.schema) as writer:
        writer.write_table(rows)


_WRITERS: dict[Format, Callable[[pa.Table, Path], None]] = {
    Format.PARQUET: lambda rows, path: parquet.write_table(rows, path, compression="zstd"),
    Format.ARROW: _write_arrow,
    Format.FEATHER: lambda rows, path: feather.write_feather(rows, str(path), compression="zstd"),
    Format.CSV: lambda rows, path: csv.write_csv(rows, path),
}
