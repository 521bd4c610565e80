"""The Glue catalog as Athena's modules call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from localaws.service import Payload

CATALOG: Final = "awsdatacatalog"


class Glue(Protocol):
    """The Glue catalog, called by operation name."""

    def call(self, operation: str, **payload: Any) -> Payload:
        """Run one operation."""


def partitions_of(glue: Glue, database: str, table: str) -> Iterator[dict[str, Any]]:
    """Yield Glue's partitions of a table, page by page."""
    yield from pages(glue, "GetPartitions", "Partitions", DatabaseName=database, TableName=table)


def pages(glue: Glue, operation: str, key: str, **payload: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of a paged Glue operation."""
    token = None
    while True:
        answer = glue.call(operation, **payload, **({"NextToken": token} if token else {}))
        yield from answer[key]
        token = answer.get("NextToken")
        if not token:
            return
