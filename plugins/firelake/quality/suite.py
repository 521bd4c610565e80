"""Reading a suite: Great Expectations' file format, with nothing in it ignored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from firelake.errors import FirelakeError, SpecError
from firelake.quality.arguments import Arguments, Bounds, ColumnRowsInSet, ColumnSet, Scalar
from firelake.quality.json_lines import JsonLines, Location
from firelake.quality.predicates import QUARANTINABLE
from firelake.quality.result import Severity
from firelake.quality.supported import SUPPORTED, Kind, Support, kind_of
from firelake.spec.dataset import RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.spec.types import ColumnType

RESERVED_PREFIX = "spec."
RULE_NAME = r"[a-z][a-z0-9_.]{0,99}"

OnFailure = Literal["report", "quarantine"]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite.

    Parameters
    ----------
    name
        Unique in the suite; names the rule in reports, history and quarantine.
    type
        Great Expectations' name of the expectation.
    on_failure
        Whether failing rows are only reported or moved to quarantine.
    """

    name: str
    type: str
    arguments: Arguments
    severity: Severity
    description: str
    on_failure: OnFailure = "report"

    @property
    def support(self) -> Support:
        """How the expectation is supported."""
        return SUPPORTED[self.type]

    @property
    def column(self) -> str | None:
        """The column or columns it is about; None if it is about the table."""
        return ", ".join(self.arguments.columns) or None


@dataclass(frozen=True)
class SuiteSpec:
    """The rules one table's batches must hold to."""

    name: str
    rules: tuple[Rule, ...]

    def extended(self, rules: tuple[Rule, ...]) -> SuiteSpec:
        """Return the suite with ``rules``, such as those derived from a spec, before its own.

        Raises
        ------
        FirelakeError
            If two of the rules have the same name, for results are known by it.
        """
        together = (*rules, *self.rules)
        repeated = [name for name, count in Counter(rule.name for rule in together).items() if count > 1]
        if repeated:
            raise FirelakeError(f"suite {self.name}: several rules are called {', '.join(repeated)}")
        return replace(self, rules=together)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _EntryMeta(_Strict):
    rule: str = Field(pattern=f"^{RULE_NAME}$")
    on_failure: OnFailure = "report"


class _Entry(_Strict):
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    description: str = Field(min_length=1)
    meta: _EntryMeta
    id: str | None = None
    notes: str | list[str] | None = None


class _SuiteFile(_Strict):
    name: str = Field(min_length=1)
    expectations: tuple[_Entry, ...] = Field(min_length=1)
    meta: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None
    notes: str | list[str] | None = None


def load_suite(path: Path, columns: Mapping[str, ColumnType]) -> SuiteSpec:
    """Read a suite file for a table with these columns.

    Raises
    ------
    SpecError
        If the file cannot be read, or anything in it is unknown, unsupported, missing, of the
        wrong type, named twice, or about a column that the table does not have.
    """
    return _SuiteReader(path, columns).read()


def suite_problems(path: Path, columns: Mapping[str, ColumnType]) -> list[SpecError]:
    """Return what :func:`load_suite` would refuse: of each rule the first, not of the file."""
    try:
        return _SuiteReader(path, columns).problems()
    except SpecError as error:
        return [error]


class _SuiteReader:
    """Reads one file; every error names its line."""

    def __init__(self, path: Path, columns: Mapping[str, ColumnType]) -> None:
        self._path = path
        self._columns = columns
        self._text = self._read_text()
        self._lines = JsonLines(self._text)

    def read(self) -> SuiteSpec:
        for key, line in self._lines.duplicates:
            raise SpecError(self._path, line, f"{_dotted(key)}: given twice")
        file = self._validate(_SuiteFile, self._text, ())
        rules = [self._rule(entry, ("expectations", index)) for index, entry in enumerate(file.expectations)]
        self._refuse_repeated_names(rules)
        return SuiteSpec(file.name, tuple(rules))

    def problems(self) -> list[SpecError]:
        file = self._validate(_SuiteFile, self._text, ())
        found: list[SpecError] = []
        for index, entry in enumerate(file.expectations):
            try:
                self._rule(entry, ("expectations", index))
            except SpecError as error:
                found.append(error)
        if not found:
            self.read()
        return found

    def _read_text(self) -> str:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(self._path, 1, f"cannot be read: {error}") from error
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            raise SpecError(self._path, error.lineno, f"no valid JSON: {error.msg}") from error
        return text

    def _validate(self, model: type[Model], text: str, location: Location) -> Model:
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            raise self._first_problem(error, location) from error

    def _first_problem(self, error: ValidationError, location: Location) -> SpecError:
        def rank(problem: ErrorDetails) -> tuple[bool, int, bool]:
            # A misspelt key explains a missing one; words of our own explain most of all alternatives.
            line = self._lines.line_of((*location, *problem["loc"]))
            return problem["type"] != "extra_forbidden", line, problem["type"] != "value_error"

        problem = min(error.errors(), key=rank)
        place = (*location, *problem["loc"])
        if problem["type"] == "missing":
            return self._error(place, "is missing")
        if problem["type"] == "extra_forbidden":
            return self._error(place, "unknown key")
        return self._error(self._lines.nearest(place), problem["msg"].removeprefix("Value error, "))

    def _rule(self, entry: _Entry, location: Location) -> Rule:
        support = SUPPORTED.get(entry.type)
        if support is None:
            raise self._error((*location, "type"), _unsupported(entry.type))
        arguments = self._validate(support.arguments, json.dumps(entry.kwargs), (*location, "kwargs"))
        self._check_columns(arguments, support, (*location, "kwargs"))
        name, on_failure = entry.meta.rule, entry.meta.on_failure
        if name.startswith(RESERVED_PREFIX):
            problem = (
                f"{name!r}: names that begin with {RESERVED_PREFIX} are those of rules derived from the spec"
            )
            raise self._error((*location, "meta", "rule"), problem)
        if on_failure == "quarantine":
            self._check_quarantine(entry.type, arguments, (*location, "meta", "on_failure"))
        return Rule(name, entry.type, arguments, entry.severity, entry.description, on_failure)

    def _check_quarantine(self, type_name: str, arguments: Arguments, location: Location) -> None:
        if type_name not in QUARANTINABLE:
            raise self._error(location, f"{type_name} does not judge rows one by one, so it can only report")
        for column in arguments.columns:
            if column in (RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN):
                raise self._error(
                    location, f"{column} says where a row came from and is no reason to refuse it"
                )
        if arguments.parameters:
            names = ", ".join(arguments.parameters)
            problem = f"rows are quarantined before the gate knows {names}, so the rule can only report"
            raise self._error(location, problem)

    def _check_columns(self, arguments: Arguments, support: Support, location: Location) -> None:
        for column in arguments.columns:
            if column not in self._columns:
                raise self._error(location, f"there is no column {column!r}{_hint(column, self._columns)}")
            kind = kind_of(self._columns[column])
            if kind not in support.kinds:
                allowed = " or ".join(sorted(support.kinds))
                problem = f"column {column!r} is {self._columns[column]}; this expectation takes {allowed}"
                raise self._error(location, problem)
            if isinstance(arguments, Bounds):
                self._check_bounds(arguments, kind, location)
            if isinstance(arguments, ColumnRowsInSet | ColumnSet):
                self._check_values(arguments.value_set, kind, (*location, "value_set"))

    def _check_bounds(self, arguments: Bounds, kind: Kind, location: Location) -> None:
        wrong = str if kind is Kind.NUMBER else int | float
        for bound in arguments.bounds:
            if isinstance(bound, wrong):
                raise self._error(location, f"bound {bound!r} does not fit a column of type {kind}")

    def _check_values(self, values: tuple[Scalar, ...], kind: Kind, location: Location) -> None:
        for index, value in enumerate(values):
            if isinstance(value, bool) or isinstance(value, str) is not (kind is Kind.TEXT):
                raise self._error((*location, index), f"value {value!r} does not fit a column of type {kind}")

    def _refuse_repeated_names(self, rules: list[Rule]) -> None:
        seen: set[str] = set()
        for index, rule in enumerate(rules):
            if rule.name in seen:
                location = ("expectations", index, "meta", "rule")
                raise self._error(location, f"{rule.name!r} names an earlier rule too")
            seen.add(rule.name)

    def _error(self, location: Location, problem: str) -> SpecError:
        where = _dotted(location)
        return SpecError(
            self._path, self._lines.line_of(location), f"{where}: {problem}" if where else problem
        )


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)


def _hint(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _unsupported(type_name: str) -> str:
    hint = _hint(type_name, SUPPORTED)
    return f"{type_name!r} is not supported{hint or '; see docs/quality.md for the expectations that are'}"
