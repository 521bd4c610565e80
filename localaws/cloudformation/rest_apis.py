"""Resource types of API Gateway as far as ministack only pretends: what validates requests."""

from __future__ import annotations

from typing import Any

from localaws import base
from localaws.cloudformation.resources import Properties

METHOD = "AWS::ApiGateway::Method"
VALIDATOR = "AWS::ApiGateway::RequestValidator"


def install(handlers: dict[str, dict[str, Any]]) -> None:
    """Make validators, and let methods use them."""
    handlers[METHOD] = _methods(handlers[METHOD])
    handlers[VALIDATOR] = {
        "create": _create_validator,
        "update": _replace_validator,
        "delete": _delete_validator,
    }


def _methods(inner: dict[str, Any]) -> dict[str, Any]:
    """Return ministack's handlers of methods with ours around them, for it drops RequestValidatorId."""

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        made = inner["create"](logical_id, properties, stack)
        _set_validator(properties)
        return made

    def update(name: str, old: Properties, new: Properties, stack: str) -> Any:
        updated = inner["update"](name, old, new, stack)
        _set_validator(new)
        return updated

    return {**inner, "create": create, "update": update}


def _set_validator(properties: Properties) -> None:
    validator = properties.get("RequestValidatorId")
    if validator is not None:
        change = {"op": "replace", "path": "/requestValidatorId", "value": validator}
        place = (properties["RestApiId"], properties["ResourceId"], properties["HttpMethod"])
        base.call_rest_api("update_method", *place, {"patchOperations": [change]})


def _create_validator(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    wanted = {
        "name": properties.get("Name") or f"{stack}-{logical_id}",
        "validateRequestBody": _is_true(properties.get("ValidateRequestBody")),
        "validateRequestParameters": _is_true(properties.get("ValidateRequestParameters")),
    }
    made = base.call_rest_api("create_request_validator", properties["RestApiId"], wanted)
    return made["id"], {"RequestValidatorId": made["id"]}


def _replace_validator(
    validator: str, old: Properties, new: Properties, stack: str
) -> tuple[str, Properties]:
    created = _create_validator(validator, new, stack)
    _delete_validator(validator, old)
    return created


def _delete_validator(validator: str, properties: Properties) -> None:
    """Delete a validator; one that is gone already is no error."""
    try:
        base.call_rest_api("delete_request_validator", properties["RestApiId"], validator)
    except ValueError as error:
        if "NotFoundException" not in str(error):
            raise


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
