from datetime import timedelta

import pytest
from firelake import aws, iceberg
from firelake.consistency import check_catalog, count_since
from firelake.errors import VerificationFailed
from firelake.layout import Zone
from firelake.reconcile import reconcile_all
from firelake.storage import Bucket
from firelake.tables import trusted

from tests.contract.core.lake import DAY, TestLake, body_of, record

NEXT_WEEK = DAY + timedelta(days=7)


def test_everything_that_ever_arrived_is_compared(lake: TestLake) -> None:
    assert reconcile_all(lake.lake, lake.dataset, NEXT_WEEK).complete
    lake.put(DAY, body_of([record(1), record(2)]))
    lake.run("2026-11-21")
    found = reconcile_all(lake.lake, lake.dataset, NEXT_WEEK)
    assert (found.complete, found.objects_listed, found.arrival) == (True, 1, "2026-11-21/2026-11-25")

    # Long before, and where no run looks.
    forgotten = lake.put(DAY - timedelta(days=90), body_of([record(3)]))
    stray = f"{lake.dataset.raw.prefix}notes.txt"
    Bucket(lake.lake.bucket(Zone.RAW)).write(stray, b"{}")
    found = reconcile_all(lake.lake, lake.dataset, NEXT_WEEK)
    assert (found.complete, found.forgotten, found.strays) == (False, (forgotten,), (stray,))
    assert forgotten in str(found)


def test_what_runs_still_to_come_take_in_is_not_forgotten(lake: TestLake) -> None:
    lake.put(DAY, body_of([record(1)]))
    lake.run("2026-11-21")
    lake.put(DAY + timedelta(hours=23), body_of([record(2)]))
    soon, later = (reconcile_all(lake.lake, lake.dataset, DAY + timedelta(hours=h)) for h in (30, 60))
    assert soon.complete
    assert len(later.forgotten) == 1


def test_a_table_that_is_gone_or_unknown_is_named(lake: TestLake) -> None:
    def problems() -> str:
        found = check_catalog(lake.lake, [lake.dataset], [])
        # Other tests' tables are in the same databases.
        return "\n".join(problem for problem in found.problems if lake.dataset.name in problem)

    assert problems() == ""
    assert f"trusted.{lake.dataset.name} is declared nowhere" in "\n".join(
        check_catalog(lake.lake, [], []).problems
    )
    aws.client("glue").delete_crawler(Name=lake.lake.raw_crawler(lake.dataset.name))
    iceberg.catalog().drop_table(("trusted", lake.dataset.name))
    found = problems()
    assert f"table trusted.{lake.dataset.name} does not exist" in found
    assert f"crawler {lake.lake.raw_crawler(lake.dataset.name)} does not exist" in found


def test_athena_counts_what_iceberg_says(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(DAY, body_of([record(1), record(2), record(3, DAY - timedelta(days=1))]))
    lake.run("2026-11-21")
    assert count_since(lake.lake, trusted(lake.dataset), DAY).rows == {"2026-11-21": 2}
    monkeypatch.setattr("firelake.athena.rows", lambda _: [("2026-11-21", "1")])
    with pytest.raises(VerificationFailed, match="2026-11-21: published 2, Athena sees 1"):
        count_since(lake.lake, trusted(lake.dataset), DAY)
