"""What is declared now, read again only when a file has changed."""

from __future__ import annotations

import threading
from pathlib import Path

from firelake.insight.subject import Declared
from firelake.spec.load import DATASETS_DIR, dataset_paths
from firelake.summary.spec import SUMMARIES_DIR

from firelake_airflow.declared import datasets, summaries

_Signature = frozenset[tuple[Path, int, int]]


class Declarations:
    """The declarations of a project; any number of threads may ask.

    Parameters
    ----------
    datasets_dir, summaries_dir
        Where they lie.
    """

    def __init__(self, datasets_dir: Path = DATASETS_DIR, summaries_dir: Path = SUMMARIES_DIR) -> None:
        self._datasets_dir = datasets_dir
        self._summaries_dir = summaries_dir
        self._lock = threading.Lock()
        self._read: tuple[_Signature, Declared] | None = None

    def read(self) -> Declared:
        """Return what is declared; a wrong file takes nothing from the others."""
        with self._lock:
            signature = self._signature()
            if self._read is None or self._read[0] != signature:
                self._read = signature, self._declared()
            return self._read[1]

    def _signature(self) -> _Signature:
        paths = [*dataset_paths(self._datasets_dir), *self._summaries_dir.glob("*/table.yaml")]
        states = [(path, path.stat()) for path in paths]
        return frozenset((path, state.st_mtime_ns, state.st_size) for path, state in states)

    def _declared(self) -> Declared:
        found = datasets(self._datasets_dir)
        tables = summaries(found.valid, self._summaries_dir)
        latest = {
            one.table.name: one.table for one in sorted(tables.valid, key=lambda one: one.table.version)
        }
        return Declared(
            datasets=found.valid,
            summaries=tuple(latest.values()),
            errors=tuple(str(error) for error in (*found.errors, *tables.errors)),
        )
