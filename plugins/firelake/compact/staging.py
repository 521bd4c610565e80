"""Writing staged files: sorted Parquet in a table's folder that no snapshot names yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, ListType, MapType, StructType

from firelake import iceberg
from firelake.compact.casting import duckdb_type
from firelake.layout import Lake, Zone, data_key, split_uri, uri
from firelake.outcome import StagedFile, TableStage
from firelake.periods import Period
from firelake.sql import identifier, identifiers, literal, literals
from firelake.storage import Bucket, download_all
from firelake.tables import TableDeclaration

_UPLOAD_THREADS = 4


@dataclass(frozen=True)
class Partitions:
    """Some partitions of a table as one snapshot has them.

    Parameters
    ----------
    files
        The data files of each partition.
    """

    declaration: TableDeclaration
    table: Table
    files: dict[Period, list[DataFile]]

    @classmethod
    def of(cls, lake: Lake, declaration: TableDeclaration, periods: Iterable[Period]) -> Partitions:
        """Read which files some partitions consist of."""
        table = declaration.load_for_writing(lake)
        files = iceberg.partition_files(table, declaration.partition_column, periods)
        return cls(declaration, table, files)

    def download(self, directory: Path) -> list[Path]:
        """Fetch all files into a folder."""
        directory.mkdir(parents=True, exist_ok=True)
        sizes = {file.file_path: file.file_size_in_bytes for group in self.files.values() for file in group}
        return list(download_all(sizes, directory).values())

    def rows(self, paths: Iterable[Path]) -> str:
        """Return SQL for the rows of downloaded files, whatever the columns were called in them then."""
        schema = self.table.schema()
        columns = ", ".join(
            f"{schema.find_field(name).field_id}: {{name: {literal(name)}, "
            f"type: {literal(duckdb_type(kind))}, default_value: NULL}}"
            for name, kind, _ in self.declaration.columns
        )
        return f"read_parquet([{literals(map(str, paths))}], schema = MAP {{{columns}}})"


@dataclass(frozen=True)
class Writer:
    """Writes staged files of one run.

    Parameters
    ----------
    directory
        Where files are made before they are stored in the lake; they stay there for the run.
    file_bytes
        Larger partitions are split into files of about this size.
    """

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    run_id: str
    directory: Path
    file_bytes: int

    def write(self, partitions: Partitions, rows: str, sort_by: Iterable[str]) -> TableStage:
        """Write the rows of a query as the new contents of some partitions.

        Parameters
        ----------
        rows
            SQL for rows with the table's columns; those outside ``partitions`` are not written.
        sort_by
            Columns by which rows are ordered inside each partition.
        """
        bucket = Bucket(self.lake.bucket(partitions.declaration.zone))
        staged: list[StagedFile] = []
        with ThreadPoolExecutor(_UPLOAD_THREADS, thread_name_prefix="upload") as pool:
            uploads = []
            for period in partitions.files:
                for path in self._copy(partitions, rows, period, sort_by):
                    file = self._staged(partitions.declaration, period, path)
                    uploads.append(pool.submit(bucket.write, split_uri(file.uri)[1], path))
                    staged.append(file)
            for upload in uploads:
                upload.result()
        return TableStage(
            table=partitions.declaration.name,
            bases=iceberg.bases_of(partitions.files),
            files=tuple(staged),
        )

    def local_files(self, stage: TableStage, zone: Zone) -> list[Path]:
        """Return the written files of a stage, as they are kept for the run."""
        folders = {self._folder(zone, file.partition) for file in stage.files}
        return [path for folder in sorted(folders) for path in sorted(folder.iterdir())]

    def _staged(self, declaration: TableDeclaration, period: Period, path: Path) -> StagedFile:
        key = data_key(declaration.name, period.key, self.run_id, int(path.stem))
        return StagedFile(
            uri=uri(self.lake.bucket(declaration.zone), key),
            partition=period.key,
            rows=pq.read_metadata(path).num_rows,
            bytes_parquet=path.stat().st_size,
        )

    def _copy(
        self, partitions: Partitions, rows: str, period: Period, sort_by: Iterable[str]
    ) -> Iterator[Path]:
        """Write one partition, and yield its files; each holds a range of the order."""
        declaration = partitions.declaration
        folder = self._folder(declaration.zone, period.key)
        folder.mkdir(parents=True)
        column = identifier(declaration.partition_column)
        within = (
            f"{column} >= TIMESTAMP {literal(period.start.strftime('%Y-%m-%d %H:%M:%S'))} AND "
            f"{column} < TIMESTAMP {literal(period.end.strftime('%Y-%m-%d %H:%M:%S'))}"
        )
        order = identifiers(dict.fromkeys([*sort_by, declaration.partition_column]))
        selected = f"SELECT {identifiers(declaration.column_names)} FROM ({rows}) WHERE {within}"  # noqa: S608
        self.connection.execute(
            f"COPY ({selected} ORDER BY {order}) TO {literal(str(folder))} "
            f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {_field_ids(partitions.table)}, "
            f"FILE_SIZE_BYTES {int(self.file_bytes)}, FILENAME_PATTERN '{{i}}', OVERWRITE_OR_IGNORE)"
        )
        for path in sorted(folder.iterdir(), key=lambda path: int(path.stem)):
            if pq.read_metadata(path).num_rows:
                yield path
            else:
                path.unlink()

    def _folder(self, zone: Zone, partition: str) -> Path:
        return self.directory / f"{zone}-{partition}"


def _field_ids(table: Table) -> str:
    """Return the table's column ids as DuckDB's ``FIELD_IDS``."""
    fields = (f"{identifier(f.name)}: {_ids(f.field_id, f.field_type)}" for f in table.schema().fields)
    return "{" + ", ".join(fields) + "}"


def _ids(field_id: int, kind: IcebergType) -> str:
    match kind:
        case StructType(fields=fields):
            parts = [f"{identifier(f.name)}: {_ids(f.field_id, f.field_type)}" for f in fields]
        case ListType():
            parts = [f"element: {_ids(kind.element_id, kind.element_type)}"]
        case MapType():
            parts = [f"key: {kind.key_id}", f"value: {_ids(kind.value_id, kind.value_type)}"]
        case _:
            return str(field_id)
    return "{" + ", ".join([f"__duckdb_field_id: {field_id}", *parts]) + "}"
