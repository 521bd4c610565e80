"""Mapping templates: Velocity with the variables of API Gateway."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import airspeed

from localaws.apigateway.values import JsonObject, Lenient, find, to_json, velocity_value

# In a string of Velocity a backslash is one, and a quote is doubled; airspeed takes them as Python does.
airspeed.StringLiteral.STRING = re.compile(r"'((?:''|[^'])*)'", re.DOTALL)
airspeed.StringLiteral.ESCAPED_CHAR = re.compile(r"'(')")
airspeed.InterpolatedStringLiteral.STRING = re.compile(r'"((?:""|[^"])*)"', re.DOTALL)
airspeed.InterpolatedStringLiteral.ESCAPED_CHAR = re.compile(r'"(")')

# Names that only Python's own objects have.
_INTERNAL = re.compile(r"\.\s*__\w+__")
_JAVASCRIPT = {
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\n": "\\n",
    "\t": "\\t",
    "\f": "\\f",
    "\r": "\\r",
}


class TemplateError(Exception):
    """Why a template could not be evaluated."""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a request, as ``$input.params()`` gives them."""

    path: Mapping[str, str] = field(default_factory=dict)
    querystring: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)


class Input:
    """``$input``: a body, and the parameters of the request.

    Parameters
    ----------
    body
        The body's text.
    parameters
        The parameters.
    """

    def __init__(self, body: str, parameters: Parameters) -> None:
        self.body = body
        self._parameters = parameters

    def json(self, path: str) -> str:
        """Return what a path leads to, as JSON; nothing when it leads nowhere."""
        found = find(self._document(), path)
        return "" if found is None else to_json(found)

    def path(self, path: str) -> Any:
        """Return what a path leads to, as a value."""
        return velocity_value(find(self._document(), path))

    def params(self, name: str | None = None) -> Any:
        """Return one parameter, from path, query or header in this order, or all of them."""
        kinds = vars(self._parameters)
        if name is None:
            return JsonObject({kind: JsonObject(values) for kind, values in kinds.items()})
        exact = (values[name] for values in kinds.values() if name in values)
        lowered = {key.lower(): value for key, value in self._parameters.header.items()}
        return next(exact, lowered.get(name.lower(), ""))

    def _document(self) -> Any:
        return json.loads(self.body) if self.body.strip() else {}


class Util:
    """``$util``: the functions that templates have, named as API Gateway names them."""

    def base64Encode(self, text: object) -> str:  # noqa: N802
        """Return the base64 of a text in UTF-8."""
        return base64.b64encode(str(text).encode()).decode()

    def base64Decode(self, text: object) -> str:  # noqa: N802
        """Return the text that base64 stands for."""
        return base64.b64decode(str(text)).decode()

    def escapeJavaScript(self, text: object) -> str:  # noqa: N802
        """Escape a text for a string of JavaScript, quotes of both kinds."""
        return "".join(map(_escaped, str(text)))

    def parseJson(self, text: object) -> Any:  # noqa: N802
        """Return the value that JSON stands for."""
        return velocity_value(json.loads(str(text)))

    def urlEncode(self, text: object) -> str:  # noqa: N802
        """Encode a text for a form."""
        return quote_plus(str(text), safe="*")

    def urlDecode(self, text: object) -> str:  # noqa: N802
        """Decode a text of a form."""
        return unquote_plus(str(text))


def render(template: str, body: str, parameters: Parameters, context: Mapping[str, Any]) -> str:
    """Evaluate a mapping template.

    Parameters
    ----------
    template
        The template.
    body, parameters
        What ``$input`` gives.
    context
        What ``$context`` and ``$stageVariables`` hold, under these names.

    Raises
    ------
    TemplateError
        When it cannot be evaluated.
    """
    names = {name: _lenient(value) for name, value in context.items()}
    try:
        rendered: str = _compiled(template).merge({"input": Input(body, parameters), "util": Util(), **names})
    except Exception as error:
        # Whatever a template makes of values must end as the answer 500 that API Gateway gives.
        raise TemplateError(f"{type(error).__name__}: {error}") from error
    return rendered


@lru_cache(maxsize=256)
def _compiled(template: str) -> airspeed.Template:
    if found := _INTERNAL.search(template):
        raise TemplateError(f"{found[0]} names nothing of API Gateway's")
    return airspeed.Template(template)


def _lenient(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Lenient({key: _lenient(each) for key, each in value.items()})
    return velocity_value(value)


def _escaped(letter: str) -> str:
    if letter in _JAVASCRIPT:
        return _JAVASCRIPT[letter]
    if " " <= letter <= "~":
        return letter
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04X}" for at in range(0, len(units), 2))
