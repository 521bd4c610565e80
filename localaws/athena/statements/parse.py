"""Telling statements apart by their first words; what none of them begins is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from localaws.athena.failure import NotSupportedError, QueryFailure
from localaws.athena.statements.query import Explain, Select, read_unload
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.statement import Statement

_QUERY_WORDS: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_REFUSED: Final = (
    "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "TRUNCATE", "GRANT", "REVOKE", "ANALYZE", "CALL", "COPY",
    "ATTACH", "DETACH", "INSTALL", "LOAD", "PRAGMA", "SET", "USE", "IMPORT", "EXPORT", "COMMENT", "START", "COMMIT",
    "ROLLBACK", "CHECKPOINT", "PIVOT", "FROM", "SUMMARIZE",
)  # fmt: skip


def parse_statement(sql: str) -> Statement:
    """Return the statement that a text is."""
    reader = Reader(sql)
    if reader.at_end:
        raise QueryFailure("SYNTAX_ERROR", "the query is empty")
    first = reader.peek()
    if first in _QUERY_WORDS:
        return Select(reader.rest())
    read = _READERS.get(first)
    if read is not None:
        return read(reader)
    if first in _REFUSED:
        raise NotSupportedError(f"statement {first}")
    raise reader.failure("expecting a statement")


def _explain(reader: Reader) -> Statement:
    reader.expect("EXPLAIN")
    if reader.peek() == "(" or reader.peek() == "ANALYZE":
        raise NotSupportedError(f"EXPLAIN {reader.peek()}")
    if reader.peek() not in _QUERY_WORDS:
        raise NotSupportedError(f"EXPLAIN {reader.peek()}")
    return Explain(reader.rest())


_READERS: Final[dict[str, Callable[[Reader], Statement]]] = {
    "EXPLAIN": _explain,
    "UNLOAD": read_unload,
}
