"""Writing staged files: sorted Parquet in a table's folder that no snapshot names yet."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, ListType, MapType, StructType

from firelake import iceberg
from firelake.layout import Lake, data_key, uri
from firelake.outcome import StagedFile, TableStage
from firelake.periods import Period
from firelake.sql import identifier, identifiers, literal
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
        table = declaration.load(lake)
        files = iceberg.partition_files(table, declaration.partition_column, periods)
        return cls(declaration, table, files)

    def download(self, directory: Path) -> list[Path]:
        """Fetch all files into a folder."""
        directory.mkdir(parents=True, exist_ok=True)
        addresses = [file.file_path for group in self.files.values() for file in group]
        return list(download_all(addresses, directory).values())


@dataclass(frozen=True)
class Writer:
    """Writes staged files of one run.

    Parameters
    ----------
    directory
        Where files are made before they are stored in the lake; they stay there for the run.
    """

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    run_id: str
    directory: Path

    def write(self, partitions: Partitions, rows: str, sort_by: Iterable[str]) -> TableStage:
        """Write the rows of a query as the new contents of some partitions.

        Parameters
        ----------
        rows
            SQL for rows with the table's columns; those outside ``partitions`` are not written.
        sort_by
            Columns by which rows are ordered inside each partition.
        """
        declaration = partitions.declaration
        bucket = Bucket(self.lake.bucket(declaration.zone))
        self.directory.mkdir(parents=True, exist_ok=True)
        staged: list[StagedFile] = []
        with ThreadPoolExecutor(_UPLOAD_THREADS, thread_name_prefix="upload") as pool:
            uploads = []
            for period in partitions.files:
                path = self.directory / f"{declaration.zone}-{period.key}.parquet"
                rows_written = self._copy(partitions, rows, period, sort_by, path)
                if not rows_written:
                    continue
                key = data_key(declaration.name, period.key, self.run_id, 0)
                uploads.append(pool.submit(bucket.write, key, path))
                staged.append(
                    StagedFile(
                        uri=uri(bucket.name, key),
                        partition=period.key,
                        rows=rows_written,
                        bytes_parquet=path.stat().st_size,
                    )
                )
            for upload in uploads:
                upload.result()
        return TableStage(
            table=declaration.name, bases=iceberg.bases_of(partitions.files), files=tuple(staged)
        )

    def _copy(
        self, partitions: Partitions, rows: str, period: Period, sort_by: Iterable[str], path: Path
    ) -> int:
        declaration = partitions.declaration
        column = identifier(declaration.partition_column)
        within = (
            f"{column} >= TIMESTAMP {literal(period.start.strftime('%Y-%m-%d %H:%M:%S'))} AND "
            f"{column} < TIMESTAMP {literal(period.end.strftime('%Y-%m-%d %H:%M:%S'))}"
        )
        order = identifiers(dict.fromkeys([*sort_by, declaration.partition_column]))
        selected = f"SELECT {identifiers(declaration.column_names)} FROM ({rows}) WHERE {within}"  # noqa: S608
        result = self.connection.execute(
            f"COPY ({selected} ORDER BY {order}) TO {literal(str(path))} "
            f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {_field_ids(partitions.table)})"
        ).fetchone()
        return int(result[0]) if result is not None else 0


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
