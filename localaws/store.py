"""State in one SQLite file, so that every change is atomic and outlives a kill."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_BUSY_TIMEOUT_S = 30.0


class Store:
    """A connection to a file of documents, safe to use from any thread.

    Several stores, in one process or in many, may use the same file: each transaction is serial.

    Parameters
    ----------
    path
        The file, made with its folder when it is missing.
    schema
        The statements that make its tables, to be run whenever it is opened.
    """

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._lock = threading.RLock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the only right to write until the block ends; an exception undoes all of it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, statement: str, *arguments: object) -> int:
        """Run one statement and return the number of rows it changed."""
        with self._lock:
            return self._connection.execute(statement, arguments).rowcount

    def rows(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(statement, arguments).fetchall()

    def row(self, statement: str, *arguments: object) -> tuple[Any, ...] | None:
        """Return the first row of a query, if there is one."""
        with self._lock:
            found: tuple[Any, ...] | None = self._connection.execute(statement, arguments).fetchone()
            return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def encode(document: object) -> str:
    """Write a document for the store."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def decode(text: str) -> Any:
    """Read a document of the store."""
    return json.loads(text)
