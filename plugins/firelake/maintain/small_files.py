"""Joining the small files of a partition into few, with the same rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.manifest import DataFile

from firelake import iceberg
from firelake.compact.scratch import Limits, scratch
from firelake.compact.staging import Partitions, Writer
from firelake.layout import Lake
from firelake.periods import Period
from firelake.runs import new_run_id
from firelake.tables import TableDeclaration

# Fewer are not worth a commit.
MIN_FILES = 4


@dataclass(frozen=True)
class SmallFiles:
    """A partition with many small files."""

    partition: Period
    files: tuple[DataFile, ...]

    @property
    def size_bytes(self) -> int:
        """Size of them together."""
        return sum(file.file_size_in_bytes for file in self.files)


def small_files(lake: Lake, declaration: TableDeclaration, target_bytes: int) -> Iterator[SmallFiles]:
    """Find partitions of :data:`MIN_FILES` files or more that are less than a quarter of the target each."""
    by_partition: dict[Period, list[DataFile]] = {}
    for task in declaration.load(lake).scan().plan_files():
        partition = iceberg.partition_of(task.file, declaration.grain)
        by_partition.setdefault(partition, []).append(task.file)
    for partition, files in sorted(by_partition.items()):
        found = SmallFiles(partition, tuple(files))
        if len(files) >= MIN_FILES and found.size_bytes < len(files) * target_bytes / 4:
            yield found


def join(lake: Lake, declaration: TableDeclaration, partition: Period, target_bytes: int) -> bool:
    """Rewrite one partition; False if a run changed it meanwhile, which leaves it as that run made it."""
    run_id = new_run_id("join")
    with scratch(Limits()) as space, tempfile.TemporaryDirectory(prefix="firelake-join-") as name:
        partitions = Partitions.of(lake, declaration, [partition])
        rows = partitions.rows(partitions.download(Path(name)))
        writer = Writer(space.connection, lake, run_id, space.directory / "joined", target_bytes)
        stage = writer.write(partitions, f"SELECT * FROM {rows}", ())  # noqa: S608 (all quoted)
        before = sum(base.rows for base in stage.bases)
        if stage.rows != before:
            raise AssertionError(f"{declaration.name} {partition}: {before} rows became {stage.rows}")
        try:
            iceberg.replace_partitions(
                partitions.table,
                stage,
                declaration.partition_column,
                declaration.grain,
                {iceberg.COMMIT_PROPERTY: run_id},
            )
        except iceberg.StaleBase:
            return False
    return True
