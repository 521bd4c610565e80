"""The pools are there before a task needs one."""

from airflow.models.pool import Pool
from airflow.utils.session import create_session
from firelake_airflow.pools import ATHENA, POOLS, EnsurePools
from sqlalchemy import delete, select


def slots() -> dict[str, int]:
    with create_session() as session:
        return {pool.pool or "": pool.slots for pool in session.scalars(select(Pool))}


def test_pools_are_made_when_airflow_starts_and_left_as_an_operator_set_them(airflow_database: None) -> None:
    from airflow.jobs.job import Job

    with create_session() as session:
        session.execute(delete(Pool).where(Pool.pool.in_([pool.name for pool in POOLS])))
    EnsurePools().on_starting(component="a task")
    assert ATHENA.name not in slots()
    EnsurePools().on_starting(component=Job())
    assert {pool.name: pool.slots for pool in POOLS}.items() <= slots().items()
    with create_session() as session:
        pool = session.scalars(select(Pool).where(Pool.pool == ATHENA.name)).one()
        pool.slots = 1
    EnsurePools().on_starting(component=Job())
    assert slots()[ATHENA.name] == 1
