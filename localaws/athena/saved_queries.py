"""Named queries and prepared statements."""

from __future__ import annotations

import uuid
from typing import Final

from localaws.athena.requests import invalid, page, seconds
from localaws.athena.state import Document, State
from localaws.athena.workgroups import PRIMARY, WorkGroups
from localaws.service import AwsError, Context, Handler, Payload

_NAMED: Final = "named_query"
_PREPARED: Final = "prepared_statement"


class NamedQueries:
    """The operations on named queries."""

    def __init__(self, state: State, workgroups: WorkGroups) -> None:
        self._state = state
        self._workgroups = workgroups
        self.operations: dict[str, Handler] = {
            "BatchGetNamedQuery": self._batch,
            "CreateNamedQuery": self._create,
            "DeleteNamedQuery": self._delete,
            "GetNamedQuery": lambda payload: {"NamedQuery": self._get(payload["NamedQueryId"])},
            "ListNamedQueries": self._list,
            "UpdateNamedQuery": self._update,
        }

    def _find(self, query_id: str) -> Document | None:
        index = self._state.get("named_query_workgroup", "", query_id)
        return self._state.get(_NAMED, index["WorkGroup"], query_id) if index else None

    def _get(self, query_id: str) -> Document:
        found = self._find(query_id)
        if found is None:
            raise invalid(f"NamedQuery {query_id} was not found")
        return found

    def _create(self, payload: Payload) -> Payload:
        workgroup = payload.get("WorkGroup") or PRIMARY
        self._workgroups.get(workgroup)
        query_id = str(uuid.uuid4())
        document = {
            "NamedQueryId": query_id,
            "WorkGroup": workgroup,
            **{k: payload[k] for k in ("Name", "Description", "Database", "QueryString") if payload.get(k)},
        }
        self._state.put("named_query_workgroup", "", query_id, {"WorkGroup": workgroup})
        self._state.put(_NAMED, workgroup, query_id, document)
        return {"NamedQueryId": query_id}

    def _update(self, payload: Payload) -> Payload:
        document = self._get(payload["NamedQueryId"])
        for key in ("Name", "Description", "QueryString"):
            if payload.get(key) is not None:
                document[key] = payload[key]
        self._state.put(_NAMED, document["WorkGroup"], document["NamedQueryId"], document)
        return {}

    def _delete(self, payload: Payload) -> Payload:
        document = self._get(payload["NamedQueryId"])
        self._state.delete(_NAMED, document["WorkGroup"], document["NamedQueryId"])
        self._state.delete("named_query_workgroup", "", document["NamedQueryId"])
        return {}

    def _list(self, payload: Payload) -> Payload:
        workgroup = payload.get("WorkGroup") or PRIMARY
        self._workgroups.get(workgroup)
        return page([d["NamedQueryId"] for d in self._state.all(_NAMED, workgroup)], payload, "NamedQueryIds")

    def _batch(self, payload: Payload) -> Payload:
        found = {query_id: self._find(query_id) for query_id in payload["NamedQueryIds"]}
        missing = [query_id for query_id, document in found.items() if document is None]
        return {
            "NamedQueries": [document for document in found.values() if document is not None],
            "UnprocessedNamedQueryIds": [
                {
                    "NamedQueryId": query_id,
                    "ErrorCode": "NOT_FOUND",
                    "ErrorMessage": f"{query_id} was not found",
                }
                for query_id in missing
            ],
        }


class PreparedStatements:
    """The operations on prepared statements."""

    def __init__(self, context: Context, state: State, workgroups: WorkGroups) -> None:
        self._context = context
        self._state = state
        self._workgroups = workgroups
        self.operations: dict[str, Handler] = {
            "BatchGetPreparedStatement": self._batch,
            "CreatePreparedStatement": self._create,
            "DeletePreparedStatement": self._delete,
            "GetPreparedStatement": self._get_one,
            "ListPreparedStatements": self._list,
            "UpdatePreparedStatement": self._update,
        }

    def find(self, workgroup: str, name: str) -> Document | None:
        """Return a prepared statement, if there is one."""
        return self._state.get(_PREPARED, workgroup, name)

    def save(self, workgroup: str, name: str, query: str, description: str = "") -> None:
        """Keep a prepared statement."""
        document = {
            "StatementName": name,
            "WorkGroupName": workgroup,
            "QueryStatement": query,
            "Description": description,
            "LastModifiedTime": seconds(self._context.clock.now()),
        }
        self._state.put(_PREPARED, workgroup, name, document)

    def remove(self, workgroup: str, name: str) -> bool:
        """Forget a prepared statement; return whether there was one."""
        return self._state.delete(_PREPARED, workgroup, name)

    def _get(self, payload: Payload) -> Document:
        found = self.find(payload["WorkGroup"], payload["StatementName"])
        if found is None:
            message = f"PreparedStatement {payload['StatementName']} was not found"
            raise AwsError("ResourceNotFoundException", message)
        return found

    def _get_one(self, payload: Payload) -> Payload:
        return {"PreparedStatement": self._get(payload)}

    def _create(self, payload: Payload) -> Payload:
        workgroup, name = payload["WorkGroup"], payload["StatementName"]
        self._workgroups.get(workgroup)
        if self.find(workgroup, name) is not None:
            raise invalid(f"PreparedStatement {name} already exists")
        self.save(workgroup, name, payload["QueryStatement"], payload.get("Description") or "")
        return {}

    def _update(self, payload: Payload) -> Payload:
        document = self._get(payload)
        description = str(payload.get("Description") or document["Description"])
        self.save(
            document["WorkGroupName"], document["StatementName"], payload["QueryStatement"], description
        )
        return {}

    def _delete(self, payload: Payload) -> Payload:
        self._get(payload)
        self.remove(payload["WorkGroup"], payload["StatementName"])
        return {}

    def _list(self, payload: Payload) -> Payload:
        self._workgroups.get(payload["WorkGroup"])
        shown = [
            {key: document[key] for key in ("StatementName", "LastModifiedTime")}
            for document in self._state.all(_PREPARED, payload["WorkGroup"])
        ]
        return page(shown, payload, "PreparedStatements")

    def _batch(self, payload: Payload) -> Payload:
        names = payload["PreparedStatementNames"]
        found = {name: self.find(payload["WorkGroup"], name) for name in names}
        return {
            "PreparedStatements": [document for document in found.values() if document is not None],
            "UnprocessedPreparedStatementNames": [
                {"StatementName": name, "ErrorCode": "NOT_FOUND", "ErrorMessage": f"{name} was not found"}
                for name, document in found.items()
                if document is None
            ],
        }
