"""From a rule's arguments to the ``kwargs`` of its expectation, for one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from firelake.errors import FirelakeError
from firelake.quality.arguments import Bounds, Parameter
from firelake.quality.suite import Rule
from firelake.spec.types import ColumnType, Primitive

Value = bool | int | float | str
Parameters = Mapping[str, Value]

_BOUNDS = ("min_value", "max_value")


@dataclass(frozen=True)
class Binder:
    """Fills in what is known only when the gate runs.

    Parameters
    ----------
    suite
        The file that the rules come from, for errors.
    """

    suite: Path
    columns: Mapping[str, ColumnType]
    parameters: Parameters

    def kwargs(self, rule: Rule) -> dict[str, Any]:
        """Return the arguments with parameters filled in and times written out in full.

        Raises
        ------
        FirelakeError
            If a parameter is not given.
        """
        kwargs = rule.arguments.model_dump(exclude_unset=True, mode="json")
        for name in rule.arguments.model_fields_set:
            value = getattr(rule.arguments, name)
            if isinstance(value, Parameter):
                kwargs[name] = self._value_of(rule, value.name)
        if isinstance(rule.arguments, Bounds):
            for name in _BOUNDS:
                if isinstance(kwargs.get(name), str):
                    kwargs[name] = self._full_time(rule, kwargs[name])
        return kwargs

    def _value_of(self, rule: Rule, name: str) -> Value:
        if name not in self.parameters:
            known = ", ".join(sorted(self.parameters)) or "none"
            raise FirelakeError(
                f"{self.suite}: rule {rule.name} needs the parameter {name!r}; given are: {known}"
            )
        return self.parameters[name]

    def _full_time(self, rule: Rule, text: str) -> str:
        # Great Expectations takes 2026-11-21 for a date, which does not compare with a timestamp.
        instant = datetime.fromisoformat(text)
        is_date = self.columns.get(rule.arguments.columns[0]) == Primitive("date")
        return instant.date().isoformat() if is_date else instant.isoformat()
