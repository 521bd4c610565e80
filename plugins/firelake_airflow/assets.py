"""The lake's tables as Airflow assets; their partitions are what one DAG tells another about."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowSkipException
from firelake.layout import Lake, Zone


def table_asset(zone: Zone, table: str) -> Asset:
    """Return the asset of a table; its URI is where the table lies."""
    return Asset(name=f"{zone}.{table}", uri=Lake.from_environment().table_location(zone, table), group=zone)


def announce(table: Asset, published: Any) -> None:
    """Add the task that tells Airflow which partitions of a table have changed.

    Parameters
    ----------
    table
        The asset that other DAGs are scheduled by.
    published
        What the publishing task returned.
    """

    @task(task_id="announce", outlets=[table])
    def announce_partitions(published: dict[str, Any], outlet_events: Any = None) -> list[str]:
        """Refresh what depends on the changed event partitions, and nothing else."""
        partitions = sorted(published["rows"])
        if not partitions:
            # An event without partitions of its own would carry the run's.
            raise AirflowSkipException("No event partition changed.")
        outlet_events[table].add_partitions(partitions)
        return partitions

    announce_partitions(published)
