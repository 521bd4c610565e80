"""Exports: whole, resumable, of one snapshot; samples that are always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from firelake.analyst.export import MANIFEST, Export, Format, Manifest, sampled
from firelake.errors import FirelakeError
from firelake.periods import Grain, Period
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, feather, ipc, parquet

DAYS = [Period.parse(f"2026-11-{day}", Grain.DAY) for day in (19, 20, 21)]
READERS = {
    Format.PARQUET: parquet.read_table,
    Format.ARROW: lambda path: ipc.open_file(path).read_all(),
    Format.FEATHER: feather.read_table,
    Format.CSV: csv.read_csv,
}


@dataclass
class Rows:
    """A source of a hundred rows a day that may break, and remembers what was read."""

    snapshot_id: int = 1
    breaks_at: Period | None = None
    name: str = "trusted.readings"
    read: list[Period] = field(default_factory=list)

    def by_partition(self, periods: list[Period]) -> Iterator[tuple[Period, pa.Table]]:
        for period in periods:
            if period == self.breaks_at:
                raise ConnectionError("the lake went away")
            self.read.append(period)
            yield period, rows_of(period)


def rows_of(period: Period) -> pa.Table:
    return pa.table({"day": [period.key] * 100, "value": list(range(100))})


def export(source: Rows, folder: Path, file_format: Format = Format.PARQUET, sample: float = 1.0) -> Export:
    return Export(source, folder, file_format, sample)  # type: ignore[arg-type] # stands for a table


@pytest.mark.parametrize("file_format", list(Format))
def test_every_format_holds_the_rows(file_format: Format, tmp_path: Path) -> None:
    manifest = export(Rows(), tmp_path, file_format).run(DAYS)
    assert manifest.complete
    assert [file.rows for file in manifest.files] == [100, 100, 100]
    for day, file in zip(DAYS, manifest.files, strict=True):
        path = tmp_path / file.name
        assert READERS[file_format](path)["value"].to_pylist() == list(range(100))
        assert file.partition == day.key
        assert file.sha256 == sha256(path.read_bytes()).hexdigest()
    assert Manifest.model_validate_json((tmp_path / MANIFEST).read_bytes()) == manifest


def test_what_was_interrupted_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        export(Rows(breaks_at=DAYS[2]), tmp_path).run(DAYS)
    begun = Manifest.model_validate_json((tmp_path / MANIFEST).read_bytes())
    assert (begun.complete, len(begun.files)) == (False, 2)
    source = Rows()
    manifest = export(source, tmp_path).run(DAYS)
    assert source.read == [DAYS[2]]
    assert (manifest.complete, manifest.rows) == (True, 300)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{day.key}.parquet" for day in DAYS),
        MANIFEST,
    ]


@pytest.mark.parametrize(
    "other",
    [{"source": Rows(snapshot_id=2)}, {"file_format": Format.CSV}, {"sample": 0.5}],
)
def test_another_export_is_not_mixed_in(other: dict[str, object], tmp_path: Path) -> None:
    export(Rows(), tmp_path).run(DAYS[:1])
    with pytest.raises(FirelakeError, match="another folder"):
        export(**{"source": Rows(), "folder": tmp_path, **other}).run(DAYS)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.05, 0.95), rows=st.integers(2000, 4000))
def test_a_sample_has_about_its_share_and_is_always_the_same(share: float, rows: int) -> None:
    table = pa.table({"a": list(range(rows)), "b": [f"x{number % 7}" for number in range(rows)]})
    taken = sampled(table, share)
    assert abs(taken.num_rows / rows - share) < 0.06
    reversed_table = table.take(pa.array(range(rows - 1, -1, -1)))
    assert sampled(reversed_table, share).sort_by("a") == taken.sort_by("a")


def test_a_larger_sample_holds_the_smaller_one() -> None:
    table = pa.table({"a": list(range(5000))})
    small, large = (set(sampled(table, share)["a"].to_pylist()) for share in (0.1, 0.3))
    assert small < large
