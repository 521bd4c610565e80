"""Running one statement in Athena to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firelake import aws
from firelake.errors import FirelakeError
from firelake.layout import Lake

if TYPE_CHECKING:
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef, StartQueryExecutionInputTypeDef

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_PAUSE_GROWTH = 1.5


@dataclass(frozen=True)
class Finished:
    """A statement that succeeded."""

    query_id: str
    bytes_scanned: int
    seconds: float


def run(
    lake: Lake,
    statement: str,
    parameters: Sequence[str] = (),
    *,
    timeout_s: float = 1800,
    sleep: Callable[[float], None] = time.sleep,
) -> Finished:
    """Run a statement in the lake's workgroup and wait for its end.

    Parameters
    ----------
    lake
        Whose workgroup, and where results go.
    statement
        Athena SQL.
    parameters
        SQL literals for its question marks, in order.
    timeout_s
        The statement is stopped after this time.
    sleep
        Waits for some seconds.

    Raises
    ------
    LakeUnreachable
        If Athena does not answer or refuses access.
    FirelakeError
        If the statement fails, is cancelled, or takes too long; the message carries Athena's reason.
    """
    began = time.monotonic()
    with aws.reaching(f"Athena workgroup {lake.athena_workgroup}"):
        started = aws.client("athena").start_query_execution(**_request(lake, statement, parameters))
        query_id = started["QueryExecutionId"]
        execution = _wait(query_id, began + timeout_s, sleep)
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    return Finished(query_id, scanned, round(time.monotonic() - began, 3))


def rows(query_id: str) -> list[tuple[str, ...]]:
    """Return the rows of a finished SELECT as texts, a null as an empty one.

    Raises
    ------
    LakeUnreachable
        If Athena does not answer or refuses access.
    """
    with aws.reaching(f"results of Athena query {query_id}"):
        pages = aws.client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        found = [
            tuple(cell.get("VarCharValue", "") for cell in row.get("Data", []))
            for page in pages
            for row in page["ResultSet"].get("Rows", [])
        ]
    # Athena's first row names the columns.
    return found[1:]


def _wait(query_id: str, give_up_at: float, sleep: Callable[[float], None]) -> QueryExecutionTypeDef:
    pause_s = _FIRST_PAUSE_S
    while True:
        execution = aws.client("athena").get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        state = execution.get("Status", {}).get("State", "")
        if state == "SUCCEEDED":
            return execution
        if state in ("FAILED", "CANCELLED"):
            raise FirelakeError(f"Athena query {query_id} {state}: {_reason(execution)}")
        if time.monotonic() > give_up_at:
            aws.client("athena").stop_query_execution(QueryExecutionId=query_id)
            raise FirelakeError(f"Athena query {query_id} stopped: still {state} when its time was up")
        sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * _PAUSE_GROWTH)


def _request(lake: Lake, statement: str, parameters: Sequence[str]) -> StartQueryExecutionInputTypeDef:
    request: StartQueryExecutionInputTypeDef = {
        "QueryString": statement,
        "WorkGroup": lake.athena_workgroup,
        "ResultConfiguration": {"OutputLocation": lake.athena_results},
    }
    if parameters:
        request["ExecutionParameters"] = list(parameters)
    return request


def _reason(execution: QueryExecutionTypeDef) -> str:
    status = execution.get("Status", {})
    error = status.get("AthenaError", {})
    return status.get("StateChangeReason") or error.get("ErrorMessage") or "Athena gave no reason"
