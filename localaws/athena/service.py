"""Athena as a service of Local AWS."""

from __future__ import annotations

from localaws.athena.data_catalogs import DataCatalogs
from localaws.athena.executions import Executions
from localaws.athena.late_runner import LateRunner
from localaws.athena.saved_queries import NamedQueries, PreparedStatements
from localaws.athena.state import State
from localaws.athena.workgroups import WorkGroups
from localaws.glue.service import Catalog
from localaws.service import Context, Handler
from localaws.validation import validated


class AthenaService:
    """The operations of Athena, over DuckDB.

    Parameters
    ----------
    context
        Where state lies, and what else every service is given.
    """

    target_prefix = "AmazonAthena"

    def __init__(self, context: Context) -> None:
        self._state = State(context.data_dir / "athena" / "state.sqlite")
        self._glue = Catalog(context)
        workgroups = WorkGroups(context, self._state)
        prepared = PreparedStatements(context, self._state, workgroups)
        self._runner = LateRunner(context, self._state, self._glue, prepared)
        self._executions = Executions(context, self._state, workgroups, self._runner)
        handlers: dict[str, Handler] = {
            **self._executions.operations,
            **workgroups.operations,
            **NamedQueries(self._state, workgroups).operations,
            **prepared.operations,
            **DataCatalogs(self._glue, context.account_id).operations,
        }
        self.operations = validated("athena", handlers)

    def start(self) -> None:
        """End what a kill cut off."""
        self._executions.end_interrupted()

    def stop(self) -> None:
        """Cancel what runs and close all files."""
        self._runner.close()
        self._glue.close()
        self._state.close()
