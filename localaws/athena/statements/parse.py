"""Telling statements apart by their first words; what none of them begins is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.statements.databases import read_create_database, read_drop_database
from localaws.athena.statements.partitions import read_alter, read_repair
from localaws.athena.statements.query import Explain, Select, read_unload
from localaws.athena.statements.reader import Reader
from localaws.athena.statements.show import read_describe, read_show
from localaws.athena.statements.statement import Statement
from localaws.athena.statements.tables import read_create_table, read_drop_table
from localaws.athena.statements.views import read_create_view
from localaws.athena.statements.writes import read_create_table_as, read_insert

_QUERY_WORDS: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_REFUSED: Final = (
    "ANALYZE", "ATTACH", "CALL", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "DELETE", "DETACH", "EXPORT",
    "FROM", "GRANT", "IMPORT", "INSTALL", "LOAD", "MERGE", "OPTIMIZE", "PIVOT", "PRAGMA", "REVOKE",
    "ROLLBACK", "SET", "START", "SUMMARIZE", "TRUNCATE", "UPDATE", "USE", "VACUUM",
)  # fmt: skip


def parse_statement(sql: str) -> Statement:
    """Return the statement that a text is."""
    reader = Reader(sql)
    if reader.at_end:
        raise QueryError("SYNTAX_ERROR", "the query is empty")
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


def _create(reader: Reader) -> Statement:
    reader.expect("CREATE")
    replace = reader.take("OR", "REPLACE")
    if reader.take("VIEW"):
        return read_create_view(reader, replace)
    if replace:
        raise NotSupportedError(f"statement CREATE OR REPLACE {reader.peek()}")
    if reader.take("DATABASE") or reader.take("SCHEMA"):
        return read_create_database(reader)
    if reader.take("EXTERNAL", "TABLE"):
        return read_create_table(reader, external=True)
    if reader.take("TABLE"):
        return _create_table(reader)
    raise NotSupportedError(f"statement CREATE {reader.peek()}")


def _create_table(reader: Reader) -> Statement:
    """Tell a table's columns, which come in parentheses, from a query."""
    words = reader.words()
    start = 3 if words[:3] == ["IF", "NOT", "EXISTS"] else 0
    while words[start + 1 : start + 2] == ["."]:
        start += 2
    if words[start + 1 : start + 2] == ["("]:
        return read_create_table(reader, external=False)
    return read_create_table_as(reader)


def _drop(reader: Reader) -> Statement:
    reader.expect("DROP")
    if reader.take("DATABASE") or reader.take("SCHEMA"):
        return read_drop_database(reader)
    for word in ("TABLE", "VIEW"):
        if reader.take(word):
            return read_drop_table(reader, view=word == "VIEW")
    raise NotSupportedError(f"statement DROP {reader.peek()}")


_READERS: Final[dict[str, Callable[[Reader], Statement]]] = {
    "ALTER": read_alter,
    "CREATE": _create,
    "DESC": read_describe,
    "DESCRIBE": read_describe,
    "DROP": _drop,
    "EXPLAIN": _explain,
    "INSERT": read_insert,
    "MSCK": read_repair,
    "SHOW": read_show,
    "UNLOAD": read_unload,
}
