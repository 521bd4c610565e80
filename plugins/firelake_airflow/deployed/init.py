"""``python -m firelake_airflow.deployed.init``: what must be done once before the others may start.

Checks the passwords, brings the metadata database up to date, sees to the first user and prepares the
lake. Everything can be done again at any time; a changed ``admin_password`` takes effect that way.
"""

from __future__ import annotations

import subprocess
import sys

from firelake.catalog import prepare_lake
from firelake.errors import FirelakeError
from firelake.layout import Lake
from firelake.spec import load_datasets
from firelake.summary import load_summaries
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from firelake_airflow.deployed.connections import (
    DeploymentError,
    admin_password,
    broker_url,
    database_url,
)
from firelake_airflow.local.processes import AIRFLOW
from firelake_airflow.local.settings import USER

_PERSON = ("--firstname", "Firelake", "--lastname", "Admin", "--email", "admin@firelake.invalid")


def main() -> int:
    """Do all of it; return the exit code."""
    try:
        _check_database()
        _check_broker()
        _airflow("db", "migrate")
        _ensure_user()
        _prepare_lake()
    except (DeploymentError, FirelakeError) as problem:
        print(f"init: {problem}", file=sys.stderr)
        return 1
    print("init: done")
    return 0


def _check_database() -> None:
    engine = create_engine(database_url())
    try:
        engine.connect().close()
    except OperationalError as error:
        raise DeploymentError(
            f"the database refuses: {_last_line(error.orig)}. A volume keeps the password that it was made "
            "with: put that one back into postgres_password, or change it there too (docs/deploy.md)"
        ) from error
    finally:
        engine.dispose()


def _check_broker() -> None:
    from kombu import Connection

    with Connection(broker_url(), connect_timeout=10) as connection:
        try:
            connection.connect()
        # A refused password closes the connection, but counts among the errors of its channels.
        except (*connection.connection_errors, *connection.channel_errors) as error:
            raise DeploymentError(
                f"the broker refuses: {_last_line(error)} rabbitmq_password must be the default_pass of "
                "rabbitmq.conf, and a volume keeps the one that it was made with (docs/deploy.md)"
            ) from error


def _ensure_user() -> None:
    said = _airflow("users", "create", "--username", USER, "--role", "Admin", *_PERSON, answers=_twice())
    if "already exists" in said:
        _airflow("users", "reset-password", "--username", USER, answers=_twice())


def _twice() -> str:
    return f"{admin_password()}\n" * 2


def _airflow(*arguments: str, answers: str = "") -> str:
    print(f"init: airflow {' '.join(arguments[:2])}", flush=True)
    done = subprocess.run(  # noqa: S603 - the commands are ours
        [str(AIRFLOW), *arguments],
        input=answers,
        # Without a terminal it takes a password from its input, which no process list shows.
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"airflow {' '.join(arguments[:2])} failed:\n{done.stdout}")
    return done.stdout


def _prepare_lake() -> None:
    prepare_lake(Lake.from_environment(), load_datasets(), [each.table for each in load_summaries()])
    print("init: buckets, tables, workgroup and crawlers are there", flush=True)


def _last_line(error: object) -> str:
    return str(error).strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
