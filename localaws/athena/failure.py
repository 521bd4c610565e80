"""How a query fails: Athena's error names and categories."""

from __future__ import annotations

from typing import Final

SYSTEM: Final = 1
USER: Final = 2


class QueryError(Exception):
    """A query that must end FAILED, with the reason its user will read.

    Parameters
    ----------
    code
        Trino's name for the error, such as ``COLUMN_NOT_FOUND``.
    message
        What is wrong, naming the function, column, table or clause.
    position
        Line and column in the query, when they are known.
    """

    def __init__(self, code: str, message: str, position: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.position = position

    def __str__(self) -> str:
        """Return the reason as Athena words it."""
        if self.position is None:
            return f"{self.code}: {self.message}"
        line, column = self.position
        return f"{self.code}: line {line}:{column}: {self.message}"


class NotSupportedError(QueryError):
    """A statement, clause or function that Local AWS does not claim to run."""

    def __init__(self, what: str, position: tuple[int, int] | None = None) -> None:
        super().__init__("NOT_SUPPORTED", f"{what} is not supported by Local AWS", position)
