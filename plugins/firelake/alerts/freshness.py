"""Datasets into which nothing new has come for longer than their spec allows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from firelake.alerts.alert import Alert
from firelake.alerts.outbox import Outbox
from firelake.layout import Lake
from firelake.spec import Dataset
from firelake.spec.alerts import AlertEvent
from firelake.status import Status


def tell_of_stale(lake: Lake, standing: Iterable[tuple[Dataset, Status]]) -> None:
    """Tell people of stale datasets as these declare it, once per newest record."""
    outbox, now = Outbox(lake), datetime.now(UTC)
    for dataset, status in standing:
        if dataset.alerts is None or AlertEvent.FRESHNESS not in dataset.alerts.events:
            continue
        stale = [stale_alert(dataset, dataset.alerts.sns_topic, status, now)] if status.stale else []
        outbox.post(dataset.name, stale)


def stale_alert(dataset: Dataset, topic: str, status: Status, now: datetime) -> Alert:
    """Return what people are told of a stale dataset."""
    if status.newest is None:
        occasion, since, said = "never", "empty", "There is no record yet."
    else:
        occasion = f"{status.newest.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        age = now - status.newest
        since = f"no new data for {age.days} d {age.seconds // 3600} h"
        said = f"The newest record is of {status.newest:%Y-%m-%d %H:%M:%S} UTC."
    return Alert(
        topic=topic,
        table=dataset.name,
        event=AlertEvent.FRESHNESS,
        occasion=occasion,
        title=f"{dataset.name}: {since}",
        text="\n".join(
            [
                f"{said} It may be {dataset.freshness} old.",
                f"Last run: {status.last_run or 'none'}",
                "",
                "What to do:",
                f"See in Airflow whether {dataset.name}__pipeline runs, and whether objects arrive below",
                f"{dataset.raw.prefix}; ask {dataset.owner} if they do not.",
            ]
        ),
    )
