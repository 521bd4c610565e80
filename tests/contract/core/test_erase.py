"""Erasing a person's records from everywhere, and proving it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from firelake import aws
from firelake.books import Books
from firelake.erase import Erasure, ErasureReport, Request
from firelake.errors import FirelakeError, VerificationFailed
from firelake.layout import Zone
from firelake.reconcile import reconcile_all
from firelake.spec import Dataset
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted

from tests.contract.core.lake import DAY, TestLake, record
from tests.unit.compact.lake import dataset

LATER = DAY + timedelta(days=9)
ANN = "ann@example.org"


@pytest.fixture
def people(lake: TestLake) -> TestLake:
    """A lake in which labels are personal data."""
    columns = {
        column.name: {"path": column.path, "type": str(column.type), "pii": column.name == "label"}
        for column in lake.dataset.columns
    }
    spec: Dataset = dataset(name=lake.dataset.name, raw={"prefix": lake.dataset.raw.prefix}, columns=columns)
    return TestLake(lake.lake, spec)


def reading(number: int, person: str, **changes: Any) -> str:
    return json.dumps({**record(number), "l": person, **changes})


def body(*records: str) -> bytes:
    return gzip.compress("\n".join(records).encode())


def erasure(lake: TestLake) -> Erasure:
    return Erasure(lake.lake, Request.of(lake.dataset, "label", [ANN]))


def everything_stored(lake: TestLake) -> Iterator[tuple[str, bytes]]:
    """Yield every version of every object of the dataset, uncompressed where it is gzip."""
    s3 = aws.client("s3")
    for zone in (Zone.RAW, Zone.TRUSTED, Zone.QUARANTINE, Zone.OPS):
        bucket = lake.lake.bucket(zone)
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            found = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            stored = found["Body"].read()
            yield version["Key"], gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored


def test_a_person_is_erased_from_everywhere_and_nobody_else(people: TestLake) -> None:
    bucket = people.lake.bucket(Zone.RAW)
    aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    mixed = people.put(
        DAY + timedelta(hours=1),
        body(
            reading(1, "bob"),
            reading(2, ANN),
            reading(3, ANN, d="no number"),
            reading(4, "bob", d="no number"),
            reading(2, ANN),
            reading(5, f"jo{ANN}"),
        ),
    )
    other = people.put(DAY + timedelta(hours=2), body(reading(6, "bob")))
    # An older version of another object, and one that was deleted, hold her too.
    for key in (other, f"{other}-gone.gz"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body(reading(7, ANN)))
    aws.client("s3").put_object(Bucket=bucket, Key=other, Body=body(reading(6, "bob")))
    people.delete(f"{other}-gone.gz")
    people.run("2026-11-21")
    trusted_before, quarantined_before = people.trusted(), people.quarantined()

    planned = erasure(people).plan()
    assert planned.records_raw == {mixed: 3}
    assert (planned.rows_trusted, planned.rows_quarantined) == ({"2026-11-21": 1}, {"2026-11-21": 1})
    assert len(planned.older_versions) == 2
    assert people.trusted() == trusted_before

    report = erasure(people).run("test")
    assert report.proof is not None
    assert report.proof.clean
    assert report.proof.scanned["raw"] == 3
    assert people.trusted() == [row for row in trusted_before if row["label"] != ANN]
    kept = [row for row in quarantined_before if ANN not in row["raw_text"]]
    assert [_lineage(row) for row in people.quarantined()] == [_lineage(row) for row in kept]
    joann = f"jo{ANN}".encode()
    for key, stored in everything_stored(people):
        assert ANN.encode() not in stored.replace(joann, b""), key

    assert reconcile_all(people.lake, people.dataset, LATER).complete
    totals = Books.of(people.ledger()).totals
    assert (totals.records_in, totals.trusted, totals.duplicates, totals.quarantined) == (4, 3, 0, 1)
    saved = Bucket(people.lake.bucket(Zone.OPS)).read(str(report.report_uri).split("/", 3)[3])
    assert ErasureReport.model_validate_json(saved) == report
    assert ANN.encode() not in saved

    # Rows still lead to their bytes, and running the period again gives the same.
    rows = people.trusted()
    people.run("2026-11-21")
    assert people.trusted() == rows
    assert [_lineage(row) for row in people.quarantined()] == [_lineage(row) for row in kept]
    assert erasure(people).run("test").records_raw == {}


@pytest.mark.parametrize("step", ["_raw", "_tables", "_ledger", "_summaries"])
def test_an_erasure_that_died_is_finished_by_the_next(
    people: TestLake, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put(DAY, body(reading(1, "bob"), reading(2, ANN), reading(3, ANN, d="x"), reading(2, ANN)))
    people.run("2026-11-21")
    with monkeypatch.context() as broken:
        broken.setattr(Erasure, step, _die)
        with pytest.raises(KeyboardInterrupt):
            erasure(people).run("test")
    report = erasure(people).run("test")
    assert report.proof is not None
    assert report.proof.clean
    assert [row["label"] for row in people.trusted()] == ["bob"]
    assert people.quarantined() == []
    assert reconcile_all(people.lake, people.dataset, LATER).complete


def test_no_snapshot_leads_back(people: TestLake) -> None:
    people.put(DAY, body(reading(1, "bob"), reading(2, ANN)))
    people.run("2026-11-21")
    erasure(people).run("test")
    for declaration in (trusted(people.dataset), quarantine(people.dataset)):
        assert len(declaration.load(people.lake).metadata.snapshots) <= 1


def test_what_cannot_be_rewritten_stops_it_before_anything_changes(people: TestLake) -> None:
    people.put(DAY, body(reading(1, ANN)))
    damaged = people.put(DAY + timedelta(hours=1), body(*(reading(n, ANN) for n in range(999)))[:-30])
    people.run("2026-11-21")
    rows = people.trusted()
    with pytest.raises(FirelakeError, match=f"{damaged}: it is damaged"):
        erasure(people).run("test")
    assert people.trusted() == rows


def test_what_cannot_be_read_is_not_proven_clean(people: TestLake) -> None:
    damaged = people.put(DAY, b"\x1f\x8b\x08 damaged")
    people.run("2026-11-21")
    with pytest.raises(VerificationFailed, match=f"{damaged}: truncated_gzip"):
        erasure(people).run("test")


def _lineage(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["_raw_object"], row["_raw_position"], row["byte_offset"], row["raw_text"]


def _die(*_: object) -> None:
    raise KeyboardInterrupt
