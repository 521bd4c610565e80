"""What the service remembers, in one SQLite file that outlives a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from localaws.store import Store, decode, encode

Document = dict[str, Any]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, workgroup TEXT NOT NULL, token TEXT,
    document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS executions_of_workgroup ON executions (workgroup, number);
CREATE UNIQUE INDEX IF NOT EXISTS executions_by_token ON executions (workgroup, token);
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (kind, scope, name));
"""


class State:
    """Query executions, and documents of other kinds by scope and name."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def add_execution(self, document: Document, token: str | None) -> str:
        """Keep a new execution, unless its token was seen; return the id of the one that is kept."""
        workgroup = document["WorkGroup"]
        with self._store.transaction():
            known = self._store.row(
                "SELECT id FROM executions WHERE workgroup = ? AND token = ?", workgroup, token
            )
            if known is not None:
                return str(known[0])
            self._store.execute(
                "INSERT INTO executions SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ? FROM executions",
                document["QueryExecutionId"],
                workgroup,
                token,
                encode(document),
            )
        return str(document["QueryExecutionId"])

    def save_execution(self, document: Document) -> None:
        """Keep an execution's new state."""
        self._store.execute(
            "UPDATE executions SET document = ? WHERE id = ?", encode(document), document["QueryExecutionId"]
        )

    def execution(self, execution_id: str) -> Document | None:
        """Return an execution."""
        row = self._store.row("SELECT document FROM executions WHERE id = ?", execution_id)
        return None if row is None else decode(row[0])

    def execution_ids(self, workgroup: str, before: int | None, count: int) -> list[tuple[int, str]]:
        """Return a workgroup's executions, the newest first, as number and id."""
        rows = self._store.rows(
            "SELECT number, id FROM executions WHERE workgroup = ? AND number < ?"
            " ORDER BY number DESC LIMIT ?",
            workgroup,
            before if before is not None else 2**62,
            count,
        )
        return [(int(number), str(id_)) for number, id_ in rows]

    def unfinished(self) -> list[Document]:
        """Return the executions that were waiting or running."""
        rows = self._store.rows(
            "SELECT document FROM executions"
            " WHERE json_extract(document, '$.Status.State') IN ('QUEUED', 'RUNNING')"
        )
        return [decode(text) for (text,) in rows]

    def put(self, kind: str, scope: str, name: str, document: Document) -> None:
        """Keep a document."""
        self._store.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", kind, scope, name, encode(document)
        )

    def get(self, kind: str, scope: str, name: str) -> Document | None:
        """Return a document."""
        row = self._store.row(
            "SELECT document FROM documents WHERE kind = ? AND scope = ? AND name = ?", kind, scope, name
        )
        return None if row is None else decode(row[0])

    def all(self, kind: str, scope: str) -> list[Document]:
        """Return all documents of a kind in a scope, by name."""
        rows = self._store.rows(
            "SELECT document FROM documents WHERE kind = ? AND scope = ? ORDER BY name", kind, scope
        )
        return [decode(text) for (text,) in rows]

    def delete(self, kind: str, scope: str, name: str) -> bool:
        """Forget a document; return whether there was one."""
        return (
            self._store.execute(
                "DELETE FROM documents WHERE kind = ? AND scope = ? AND name = ?", kind, scope, name
            )
            > 0
        )
