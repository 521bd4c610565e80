"""Resource types that are made by operations of the services of Local AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.service import AwsError, Handler, Payload
from localaws.validation import service_model

Properties = dict[str, Any]


@dataclass(frozen=True)
class ResourceType:
    """How a resource type maps to operations of a service.

    Parameters
    ----------
    api, target
        The service, as botocore and as ``X-Amz-Target`` name it.
    create, update, delete
        Names of its operations.
    name_property
        The property that names the resource, which is its physical id too.
    request
        Makes the request for create and update of name and properties.
    identify
        Makes the request for delete of name and properties.
    """

    api: str
    target: str
    create: str
    update: str
    delete: str
    name_property: str
    request: Callable[[str, Properties], Payload]
    identify: Callable[[str, Properties], Payload]


def _glue_database(name: str, properties: Properties) -> Payload:
    return {"Name": name, "DatabaseInput": {**properties.get("DatabaseInput", {}), "Name": name}}


def _glue_table(name: str, properties: Properties) -> Payload:
    table_input = {**properties.get("TableInput", {}), "Name": name}
    return {"DatabaseName": properties["DatabaseName"], "TableInput": table_input}


def _crawler(name: str, properties: Properties) -> Payload:
    schedule = properties.get("Schedule", {}).get("ScheduleExpression")
    return {**properties, "Name": name, "Schedule": schedule}


def _stream(name: str, properties: Properties) -> Payload:
    return {**properties, "DeliveryStreamName": name}


def _workgroup(name: str, properties: Properties) -> Payload:
    kept: Payload = {key: properties[key] for key in ("Description", "State", "Tags") if key in properties}
    configuration = properties.get("WorkGroupConfiguration", {})
    return {**kept, "Name": name, "WorkGroup": name, "Configuration": configuration}


def _by_name(member: str) -> Callable[[str, Properties], Payload]:
    return lambda name, properties: {member: name}


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::Athena::WorkGroup": ResourceType(
        "athena",
        "AmazonAthena",
        "CreateWorkGroup",
        "",
        "DeleteWorkGroup",
        "Name",
        _workgroup,
        lambda name, properties: {"WorkGroup": name, "RecursiveDeleteOption": True},
    ),
    "AWS::Glue::Crawler": ResourceType(
        "glue",
        "AWSGlue",
        "CreateCrawler",
        "UpdateCrawler",
        "DeleteCrawler",
        "Name",
        _crawler,
        _by_name("Name"),
    ),
    "AWS::Glue::Database": ResourceType(
        "glue",
        "AWSGlue",
        "CreateDatabase",
        "UpdateDatabase",
        "DeleteDatabase",
        "DatabaseName",
        _glue_database,
        _by_name("Name"),
    ),
    "AWS::Glue::Table": ResourceType(
        "glue",
        "AWSGlue",
        "CreateTable",
        "UpdateTable",
        "DeleteTable",
        "Name",
        _glue_table,
        lambda name, properties: {"DatabaseName": properties["DatabaseName"], "Name": name},
    ),
    "AWS::KinesisFirehose::DeliveryStream": ResourceType(
        "firehose",
        "Firehose_20150804",
        "CreateDeliveryStream",
        "",
        "DeleteDeliveryStream",
        "DeliveryStreamName",
        _stream,
        _by_name("DeliveryStreamName"),
    ),
}
"""The types that are made here; one without an operation for update is replaced when it changes."""


class Provisioner:
    """Makes, changes and deletes the resources of one type.

    Parameters
    ----------
    resource_type
        How the type maps to operations.
    operations
        The operations of its service.
    """

    def __init__(self, resource_type: ResourceType, operations: Mapping[str, Handler]) -> None:
        self._type = resource_type
        self._operations = operations

    def create(self, logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        """Make a resource; return its name and its attributes."""
        name = self._declared(properties) or f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}".lower()[:64]
        answer = self._call(self._type.create, self._type.request(name, properties))
        arn = answer.get("DeliveryStreamARN")
        return name, {} if arn is None else {"Arn": arn}

    def update(self, name: str, old: Properties, new: Properties, stack: str) -> tuple[str, Properties]:
        """Change a resource in place, or replace it where AWS has no other way."""
        declared = self._declared(new)
        if self._type.update and declared in (None, name):
            self._call(self._type.update, self._type.request(name, new))
            return name, {}
        if declared == name:
            self.delete(name, old)
            return self.create(name, new, stack)
        created = self.create(name, new, stack)
        self.delete(name, old)
        return created

    def delete(self, name: str, properties: Properties) -> None:
        """Delete a resource; one that is gone already is no error."""
        try:
            self._call(self._type.delete, self._type.identify(name, properties))
        except ValueError as error:
            if "not found" not in str(error) and "does not exist" not in str(error):
                raise

    def _declared(self, properties: Properties) -> str | None:
        inputs = (properties, properties.get("DatabaseInput", {}), properties.get("TableInput", {}))
        names = (holder.get(key) for holder in inputs for key in (self._type.name_property, "Name"))
        return next((str(name) for name in names if name), None)

    def _call(self, operation: str, request: Payload) -> Payload:
        shape = service_model(self._type.api).operation_model(operation).input_shape
        try:
            return self._operations[operation](coerce(shape, request))
        except AwsError as error:
            # What a provisioner raises becomes the reason that the stack's event shows.
            raise ValueError(f"{operation}: {error.code}: {error.message}") from error


def coerce(shape: Shape, value: Any) -> Any:
    """Turn the texts of a template into the numbers and truths that an API expects."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members.items()
        return {name: coerce(each, value[name]) for name, each in members if value.get(name) is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [coerce(shape.member, each) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: coerce(shape.value, each) for key, each in value.items()}
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    if shape.type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return str(value) if shape.type_name == "string" else value
