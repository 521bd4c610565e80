"""Query executions: starting, watching, stopping, reading their results."""

from __future__ import annotations

import uuid
from typing import Any, Final

from localaws.athena.late_runner import LateRunner
from localaws.athena.requests import invalid, page, seconds, token_of
from localaws.athena.result_files import read_csv
from localaws.athena.state import Document, State
from localaws.athena.workgroups import PRIMARY, WorkGroups
from localaws.service import AwsError, Context, Handler, Payload
from localaws.storage import LakeStorage, split_uri

_MAX_ROWS: Final = 1000
_INTERRUPTED: Final = "GENERIC_INTERNAL_ERROR: Local AWS ended while the query ran; run it again"
_ENGINE: Final = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


class Executions:
    """The operations on query executions."""

    def __init__(self, context: Context, state: State, workgroups: WorkGroups, runner: LateRunner) -> None:
        self._context = context
        self._state = state
        self._workgroups = workgroups
        self._runner = runner
        self.operations: dict[str, Handler] = {
            "BatchGetQueryExecution": self._batch,
            "GetQueryExecution": lambda payload: {"QueryExecution": _shown(self._get(payload))},
            "GetQueryResults": self._results,
            "GetQueryRuntimeStatistics": self._statistics,
            "ListQueryExecutions": self._list,
            "StartQueryExecution": self._start,
            "StopQueryExecution": self._stop,
        }

    def end_interrupted(self) -> None:
        """Fail the executions that a kill cut off."""
        for document in self._state.unfinished():
            document["Status"].update(
                State="FAILED",
                StateChangeReason=_INTERRUPTED,
                CompletionDateTime=seconds(self._context.clock.now()),
            )
            self._state.save_execution(document)

    def _get(self, payload: Payload) -> Document:
        execution_id = payload["QueryExecutionId"]
        found = self._state.execution(execution_id)
        if found is None:
            raise invalid(f"QueryExecution {execution_id} was not found")
        return found

    def _start(self, payload: Payload) -> Payload:
        group = self._workgroups.enabled(payload.get("WorkGroup") or PRIMARY)
        if not payload["QueryString"].strip():
            raise invalid("queryString must not be empty")
        document = self._document(payload, group)
        kept = self._state.add_execution(document, payload.get("ClientRequestToken"))
        if kept == document["QueryExecutionId"]:
            self._runner.submit(document)
        return {"QueryExecutionId": kept}

    def _document(self, payload: Payload, group: Document) -> Document:
        results = self._result_configuration(payload, group)
        context = payload.get("QueryExecutionContext") or {}
        catalog = context.get("Catalog") or "AwsDataCatalog"
        if catalog.lower() != "awsdatacatalog":
            raise invalid(f"Data catalog {catalog} was not found")
        document: Document = {
            "QueryExecutionId": str(uuid.uuid4()),
            "Query": payload["QueryString"].strip().rstrip(";").strip(),
            "ResultConfiguration": dict(results),
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {**context, "Catalog": catalog.lower()}
            if "Catalog" in context
            else dict(context),
            "Status": {"State": "QUEUED", "SubmissionDateTime": seconds(self._context.clock.now())},
            "Statistics": {"DataScannedInBytes": 0},
            "WorkGroup": group["Name"],
            "EngineVersion": _ENGINE,
            "_output": results["OutputLocation"],
            "_bytes_limit": group["Configuration"].get("BytesScannedCutoffPerQuery"),
        }
        if payload.get("ExecutionParameters"):
            document["ExecutionParameters"] = payload["ExecutionParameters"]
        return document

    def _result_configuration(self, payload: Payload, group: Document) -> Document:
        configuration = group["Configuration"]
        ours = configuration.get("ResultConfiguration") or {}
        theirs = payload.get("ResultConfiguration") or {}
        enforced = configuration["EnforceWorkGroupConfiguration"] and ours.get("OutputLocation")
        chosen = dict(ours) if enforced else {**ours, **theirs}
        location = chosen.get("OutputLocation")
        if not location:
            raise invalid(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        bucket, _ = split_uri(location)
        if not LakeStorage(self._context.account_id).has_bucket(bucket):
            raise invalid(f"Unable to verify/create output bucket {bucket}")
        chosen["OutputLocation"] = location if location.endswith("/") else f"{location}/"
        return chosen

    def _batch(self, payload: Payload) -> Payload:
        found = {id_: self._state.execution(id_) for id_ in payload["QueryExecutionIds"]}
        return {
            "QueryExecutions": [_shown(document) for document in found.values() if document is not None],
            "UnprocessedQueryExecutionIds": [
                {"QueryExecutionId": id_, "ErrorCode": "NOT_FOUND", "ErrorMessage": f"{id_} was not found"}
                for id_, document in found.items()
                if document is None
            ],
        }

    def _list(self, payload: Payload) -> Payload:
        workgroup = payload.get("WorkGroup") or PRIMARY
        self._workgroups.get(workgroup)
        count = int(payload.get("MaxResults") or 50)
        found = self._state.execution_ids(workgroup, token_of(payload) or None, count + 1)
        answer: Payload = {"QueryExecutionIds": [id_ for _, id_ in found[:count]]}
        if len(found) > count:
            answer["NextToken"] = str(found[count - 1][0])
        return answer

    def _stop(self, payload: Payload) -> Payload:
        self._get(payload)
        self._runner.cancel(payload["QueryExecutionId"])
        return {}

    def _statistics(self, payload: Payload) -> Payload:
        document = self._get(payload)
        statistics = document["Statistics"]
        names = ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "TotalExecutionTimeInMillis")
        timeline = {name: statistics.get(name, 0) for name in names}
        rows = {"InputBytes": statistics["DataScannedInBytes"], "OutputRows": document.get("_rows", 0)}
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    def _results(self, payload: Payload) -> Payload:
        document = self._get(payload)
        state = document["Status"]["State"]
        if state != "SUCCEEDED":
            raise invalid(
                f"Query has not yet finished. Current state: {state}"
                if state in ("QUEUED", "RUNNING")
                else f"Query did not finish successfully. Final query state: {state}"
            )
        if (payload.get("MaxResults") or 1) > _MAX_ROWS:
            raise invalid("MaxResults is more than maximum allowed length 1000")
        rows = [{"Data": [_cell(value) for value in row]} for row in self._rows(document)]
        found = page(rows, payload, "Rows", _MAX_ROWS)
        answer: Payload = {
            "UpdateCount": document["_update_count"],
            "ResultSet": {
                "Rows": found["Rows"],
                "ResultSetMetadata": {"ColumnInfo": document["_columns"]},
            },
        }
        return {**answer, "NextToken": found["NextToken"]} if "NextToken" in found else answer

    def _rows(self, document: Document) -> list[list[str | None]]:
        location = document["ResultConfiguration"]["OutputLocation"]
        if not document["_columns"]:
            return []
        bucket, key = split_uri(location)
        try:
            body = LakeStorage(self._context.account_id).path(bucket, key).read_bytes()
        except AwsError as error:
            raise invalid(f"Could not find results: {error.message}") from error
        if document["_has_header"]:
            return list(read_csv(body))
        width = len(document["_columns"])
        return [list(line.split("\t", width - 1)) for line in body.decode().splitlines()]


def _cell(value: str | None) -> dict[str, Any]:
    return {} if value is None else {"VarCharValue": value}


def _shown(document: Document) -> Payload:
    return {key: value for key, value in document.items() if not key.startswith("_")}
