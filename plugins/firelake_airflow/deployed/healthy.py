"""``python -m firelake_airflow.deployed.healthy COMPONENT``: Docker's question, answered cheaply.

``airflow jobs check`` reads all of Airflow for every answer; the API server knows it already.
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.request

from firelake_airflow.deployed.connections import airflow_url, broker_url

_TIMEOUT_S = 5


def main(component: str) -> int:
    """Return 0 if this container's component is healthy; otherwise say what is wrong and return 1."""
    problem = _worker() if component == "worker" else _monitored(component)
    if problem is None:
        return 0
    print(problem, file=sys.stderr)
    return 1


def _monitored(component: str) -> str | None:
    address = f"{airflow_url()}/api/v2/monitor/health"
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as response:  # noqa: S310 - our URL
            health = json.load(response)
    except OSError as error:
        return f"{address} does not answer: {error}"
    status = (health.get(component) or {}).get("status")
    return None if status == "healthy" else f"{component} is {status}"


def _worker() -> str | None:
    from celery import Celery

    # Airflow's own application takes seconds to load; a worker answers any.
    name = f"celery@{socket.gethostname()}"
    with Celery(broker=broker_url()) as application:
        answers = application.control.ping(destination=[name], timeout=_TIMEOUT_S, limit=1)
    return None if answers else f"{name} does not answer through the broker"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
