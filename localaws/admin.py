"""Pages under ``/_localaws/``: health, the clock, faults, and what a service wants to show."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from localaws.service import AwsError, Context, Service
from localaws.wire import Answer, json_answer, parse_payload

PREFIX = "/_localaws/"

Page = Callable[[dict[str, Any]], object]


class Admin:
    """Answers the pages that steer Local AWS itself.

    Parameters
    ----------
    context
        The clock and the faults that the pages set.
    services
        The services to name; a service with an attribute ``pages`` adds its own, keyed by
        ``(method, name)``.
    """

    def __init__(self, context: Context, services: Sequence[Service]) -> None:
        self._context = context
        self._services = services
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._clock,
            ("PUT", "clock"): self._set_clock,
            ("GET", "faults"): self._faults,
            ("PUT", "faults"): self._set_faults,
        }
        for service in services:
            self._pages.update(getattr(service, "pages", {}))

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one page; blocks while a newly set clock makes services work."""
        page = self._pages.get((method, path.removeprefix(PREFIX)))
        if page is None:
            known = ", ".join(f"{verb} {PREFIX}{name}" for verb, name in sorted(self._pages))
            raise AwsError("UnknownOperationException", f"no {method} {path}; there are {known}", 404)
        found = json_answer(page(parse_payload(body)))
        return Answer(found.status, found.body, "application/json")

    def _health(self, _: dict[str, Any]) -> object:
        own: dict[str, list[str]] = {}
        for service in self._services:
            own[service.target_prefix] = sorted([*own.get(service.target_prefix, []), *service.operations])
        return {"status": "ok", "endpoint": self._context.endpoint_url, "services": own}

    def _clock(self, _: dict[str, Any]) -> object:
        return {"now": self._context.clock.now().isoformat()}

    def _set_clock(self, payload: dict[str, Any]) -> object:
        now = payload.get("now")
        try:
            self._context.clock.set(None if now is None else datetime.fromisoformat(now))
        except (TypeError, ValueError) as error:
            raise AwsError("ValidationException", f"now={json.dumps(now)}: {error}") from error
        return self._clock(payload)

    def _faults(self, _: dict[str, Any]) -> object:
        return self._context.faults.as_json()

    def _set_faults(self, payload: dict[str, Any]) -> object:
        try:
            self._context.faults.replace(payload)
        except ValueError as error:
            raise AwsError("ValidationException", str(error)) from error
        return self._faults(payload)
