"""A dataset's costs from its use."""

from __future__ import annotations

from pathlib import Path

import pytest
from firelake.cost import estimate, load_prices
from firelake.cost.estimate import DECLARED, JOINED, KEPT, DatasetCost, query_line
from firelake.cost.storage import DAYS_PER_MONTH, GB, Cohort
from firelake.cost.usage import Flow, QueryUsage, Usage
from firelake.errors import SpecError
from firelake.layout import Zone
from firelake.spec import find_dataset

PRICES = load_prices()
DATASET = find_dataset("iot_device_telemetry")


def usage(*raw: Flow, stock: tuple[Cohort, ...] = ()) -> Usage:
    return Usage(
        dataset=DATASET.name,
        days=10,
        records_per_day=1_000_000,
        bytes_json_per_day=200_000_000,
        stock={Zone.RAW: stock},
        flows={Zone.RAW: raw},
        crawls_per_month=30,
        crawl_dpu_hours=0,
    )


def per_month(found: DatasetCost) -> dict[str, float]:
    return {line.item: line.per_month for line in found.lines}


def total(found: DatasetCost, zone: Zone, name: str) -> float:
    return next(one.total for one in found.scenarios if (one.zone, one.name) == (zone, name))


def test_lines_are_use_times_price() -> None:
    found = estimate(DATASET, usage(Flow(1000, GB), stock=(Cohort(3, 500, 50 * GB),)), PRICES)
    lines = per_month(found)
    assert lines["storage STANDARD"] == pytest.approx(50 * 0.023)
    assert lines["PUT by Firehose"] == pytest.approx(1000 * DAYS_PER_MONTH / 1000 * 0.005)
    assert lines["GET by the pipeline"] == pytest.approx(1000 * DAYS_PER_MONTH / 1000 * 0.0004)
    # Each record of 200 bytes counts as 5 KB.
    assert lines["Firehose"] == pytest.approx(5120 * 1_000_000 * DAYS_PER_MONTH / GB * 0.029)
    assert lines["crawler"] == pytest.approx(30 * 0.3333 * 0.44)
    assert found.per_month == pytest.approx(sum(lines.values()))


def test_joining_saves_what_small_objects_keep_from_moving() -> None:
    # Objects of 10 KB never move: the tiers save nothing until they are larger.
    stock = (Cohort(400, 10_000_000, 10_000_000 * 10_240),)
    found = estimate(DATASET, usage(stock=stock), PRICES)
    assert total(found, Zone.RAW, DECLARED) == pytest.approx(total(found, Zone.RAW, KEPT))
    assert total(found, Zone.RAW, JOINED) < total(found, Zone.RAW, DECLARED) / 2
    assert any("larger objects" in said for said in found.suggestions)


def test_a_cheaper_way_is_named_as_the_yaml_says_it() -> None:
    warm = DATASET.model_copy(update={"lifecycle": type(DATASET.lifecycle)()})
    found = estimate(warm, usage(stock=(Cohort(200, 1000, 1000 * GB),)), PRICES)
    assert found.suggestions == (
        "lifecycle.raw: [{after: 90d, to: DEEP_ARCHIVE}] saves "
        f"{total(found, Zone.RAW, DECLARED) - total(found, Zone.RAW, 'deep archive after 90d'):,.2f} "
        "of 276.00 USD in 12 months",
    )


def test_every_way_keeps_what_the_dataset_keeps_and_as_long() -> None:
    found = estimate(DATASET, usage(stock=(Cohort(730, 1, GB),)), PRICES)
    assert {one.total for one in found.scenarios if one.zone is Zone.RAW} == {0}


def test_nothing_used_costs_nothing_and_suggests_nothing() -> None:
    idle = Usage(DATASET.name, 0, 0, 0, {}, {}, 0, 0)
    found = estimate(DATASET, idle, PRICES)
    assert found.per_month == 0
    assert found.suggestions == ()


def test_queries_cost_by_the_terabyte() -> None:
    assert query_line(QueryUsage(10, 1 << 39), PRICES).per_month == pytest.approx(2.5)


def test_other_prices_are_read_and_wrong_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = (Path(load_prices.__code__.co_filename).with_name("prices.yaml")).read_text()
    path = tmp_path / "prices.yaml"
    monkeypatch.setenv("FIRELAKE_PRICES", str(path))
    path.write_text(own.replace("scanned_tb: 5.0", "scanned_tb: 7.5"))
    assert load_prices().athena.scanned_tb == 7.5
    path.write_text(own.replace("scanned_tb: 5.0", "scanned_tb: -1"))
    with pytest.raises(
        SpecError, match=r"prices\.yaml:\d+: athena\.scanned_tb: .*greater than or equal to 0"
    ):
        load_prices()
