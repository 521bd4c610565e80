"""Workgroups: settings for the queries of a team, which they may be made to keep."""

from __future__ import annotations

from typing import Any, Final

from localaws.athena.requests import invalid, page, seconds
from localaws.athena.state import Document, State
from localaws.service import AwsError, Context, Handler, Payload

PRIMARY: Final = "primary"
_KIND: Final = "workgroup"
_ENGINE: Final = "Athena engine version 3"
_UPDATES: Final = (
    "EnforceWorkGroupConfiguration",
    "PublishCloudWatchMetricsEnabled",
    "BytesScannedCutoffPerQuery",
    "RequesterPaysEnabled",
    "EngineVersion",
)
_MIN_CUTOFF: Final = 10_000_000


class WorkGroups:
    """The operations on workgroups."""

    def __init__(self, context: Context, state: State) -> None:
        self._context = context
        self._state = state
        self.operations: dict[str, Handler] = {
            "CreateWorkGroup": self._create,
            "DeleteWorkGroup": self._delete,
            "GetWorkGroup": lambda payload: {"WorkGroup": self.get(payload["WorkGroup"])},
            "ListEngineVersions": self._engines,
            "ListWorkGroups": self._list,
            "UpdateWorkGroup": self._update,
        }
        if state.get(_KIND, "", PRIMARY) is None:
            self._save(
                self._described({"Name": PRIMARY, "Configuration": {"EnforceWorkGroupConfiguration": False}})
            )

    def get(self, name: str) -> Document:
        """Return a workgroup."""
        found = self._state.get(_KIND, "", name)
        if found is None:
            raise invalid(f"WorkGroup {name} is not found.")
        return found

    def enabled(self, name: str) -> Document:
        """Return a workgroup that takes queries."""
        found = self.get(name)
        if found["State"] != "ENABLED":
            raise invalid(f"WorkGroup {name} is disabled.")
        return found

    def _save(self, document: Document) -> None:
        self._state.put(_KIND, "", document["Name"], document)

    def _described(self, payload: Payload) -> Document:
        configuration = dict(payload.get("Configuration") or {})
        configuration.setdefault("EnforceWorkGroupConfiguration", True)
        configuration.setdefault("PublishCloudWatchMetricsEnabled", False)
        configuration.setdefault("RequesterPaysEnabled", False)
        configuration["EngineVersion"] = _engine(configuration.get("EngineVersion"))
        _check(configuration)
        return {
            "Name": payload["Name"],
            "State": "ENABLED",
            "Configuration": configuration,
            "Description": payload.get("Description") or "",
            "CreationTime": seconds(self._context.clock.now()),
        }

    def _create(self, payload: Payload) -> Payload:
        if self._state.get(_KIND, "", payload["Name"]) is not None:
            raise invalid(f"WorkGroup {payload['Name']} already exists")
        self._save(self._described(payload))
        return {}

    def _delete(self, payload: Payload) -> Payload:
        name = payload["WorkGroup"]
        if name == PRIMARY:
            raise invalid("WorkGroup primary cannot be deleted")
        self.get(name)
        holds = any(self._state.all(kind, name) for kind in ("named_query", "prepared_statement"))
        used = holds or bool(self._state.execution_ids(name, None, 1))
        if used and not payload.get("RecursiveDeleteOption"):
            raise invalid(f"WorkGroup {name} is not empty")
        for kind in ("named_query", "prepared_statement"):
            for document in self._state.all(kind, name):
                self._state.delete(kind, name, document.get("NamedQueryId") or document["StatementName"])
        self._state.delete(_KIND, "", name)
        return {}

    def _list(self, payload: Payload) -> Payload:
        shown = ("Name", "State", "Description", "CreationTime")
        groups = [
            {**{key: group[key] for key in shown}, "EngineVersion": group["Configuration"]["EngineVersion"]}
            for group in self._state.all(_KIND, "")
        ]
        return page(groups, payload, "WorkGroups")

    def _update(self, payload: Payload) -> Payload:
        group = self.get(payload["WorkGroup"])
        updates = dict(payload.get("ConfigurationUpdates") or {})
        configuration = group["Configuration"]
        if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
            configuration.pop("BytesScannedCutoffPerQuery", None)
        results = updates.pop("ResultConfigurationUpdates", None)
        if results:
            configuration["ResultConfiguration"] = _updated_results(
                configuration.get("ResultConfiguration"), results
            )
        unknown = sorted(set(updates) - set(_UPDATES))
        if unknown:
            raise AwsError(
                "InvalidRequestException", f"Local AWS does not keep {', '.join(unknown)} of a workgroup"
            )
        configuration.update(updates)
        configuration["EngineVersion"] = _engine(configuration.get("EngineVersion"))
        _check(configuration)
        group["State"] = payload.get("State") or group["State"]
        group["Description"] = payload.get("Description", group["Description"])
        self._save(group)
        return {}

    def _engines(self, payload: Payload) -> Payload:
        return page([_engine(None)], payload, "EngineVersions")


def _engine(wanted: dict[str, Any] | None) -> dict[str, str]:
    selected = (wanted or {}).get("SelectedEngineVersion") or "AUTO"
    if selected not in ("AUTO", _ENGINE):
        raise invalid(f"Engine version {selected} is not supported")
    return {"SelectedEngineVersion": selected, "EffectiveEngineVersion": _ENGINE}


def _check(configuration: Document) -> None:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < _MIN_CUTOFF:
        raise invalid(f"BytesScannedCutoffPerQuery must be at least {_MIN_CUTOFF}")
    if configuration.get("ManagedQueryResultsConfiguration", {}).get("Enabled"):
        raise invalid("Local AWS does not manage query results; give the workgroup an OutputLocation")


def _updated_results(current: Document | None, updates: Document) -> Document:
    result = dict(current or {})
    for name in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"):
        if updates.get(f"Remove{name}"):
            result.pop(name, None)
        elif updates.get(name) is not None:
            result[name] = updates[name]
    return result
