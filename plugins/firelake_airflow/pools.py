"""The pools that the DAGs' tasks take turns in; Airflow makes them when it starts."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow.listeners import hookimpl

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pool:
    """A number of tasks that may run at the same time.

    Parameters
    ----------
    slots
        What it is made with; an operator may change it in Airflow, and no start changes it back.
    """

    name: str
    slots: int
    description: str


ATHENA = Pool("athena", 4, "Statements of Firelake that Athena runs at the same time")
COMPACTION = Pool("compaction", 4, "Tasks that read raw or rewrite tables, each with a DuckDB of its own")
POOLS = (ATHENA, COMPACTION)


def ensure_pools() -> None:
    """Make the pools that do not exist yet in Airflow's metadata database."""
    from airflow.models.pool import Pool as AirflowPool
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    for pool in POOLS:
        try:
            with create_session() as session:
                if session.scalar(select(AirflowPool).where(AirflowPool.pool == pool.name)) is None:
                    made = {"slots": pool.slots, "description": pool.description}
                    session.add(AirflowPool(pool=pool.name, include_deferred=False, **made))
        except IntegrityError:
            _log.info("Another of Airflow's processes has just made the pool %s", pool.name)


class EnsurePools:
    """Makes the pools when one of Airflow's own processes starts; a task without its pool never runs."""

    @hookimpl
    def on_starting(self, component: object) -> None:
        """Be told by Airflow that a process starts."""
        from airflow.jobs.job import Job

        # A task, which Airflow tells of in the same way, has no access to the database.
        if isinstance(component, Job):
            ensure_pools()
