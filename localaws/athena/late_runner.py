"""The runner, made when the first query comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from localaws.athena.glue_access import Glue
from localaws.athena.saved_queries import PreparedStatements
from localaws.athena.state import Document, State
from localaws.service import Context

if TYPE_CHECKING:
    from localaws.athena.engine import Engine
    from localaws.athena.runner import Runner


class LateRunner:
    """Starts the engine with the first query.

    DuckDB, Arrow, sqlglot and pyiceberg take more memory than all the rest of Local AWS, and most of
    those who start it never ask Athena anything.

    Parameters
    ----------
    context, state, glue, prepared
        What the runner is made of.
    """

    def __init__(self, context: Context, state: State, glue: Glue, prepared: PreparedStatements) -> None:
        self._context = context
        self._state = state
        self._glue = glue
        self._prepared = prepared
        self._lock = threading.Lock()
        self._runner: Runner | None = None

    def submit(self, document: Document) -> None:
        """Queue an execution."""
        with self._lock:
            self._runner = self._runner or self._made()
        self._runner.submit(document)

    def cancel(self, execution_id: str) -> None:
        """Stop an execution if it is waiting or running."""
        if self._runner is not None:
            self._runner.cancel(execution_id)

    def close(self) -> None:
        """Stop everything and wait until it has stopped."""
        if self._runner is not None:
            self._runner.close()

    def _made(self) -> Runner:
        from localaws.athena.runner import Machinery, Runner

        return Runner(Machinery(self._context, self._state, self._engine(), self._glue, self._prepared))

    def _engine(self) -> Engine:
        from localaws.athena.engine import DuckDbEngine
        from localaws.athena.trino.engine import TrinoEngine
        from localaws.athena.trino.server import LakeEndpoint

        context, folder = self._context, self._context.data_dir
        work_dir = folder / "athena" / "work"
        if context.athena_engine == "trino":
            endpoint = LakeEndpoint(context.endpoint_url, context.region, context.account_id)
            return TrinoEngine(endpoint, work_dir, context.trino_url)
        return DuckDbEngine(self._glue, context.account_id, folder / "s3", work_dir)
