"""Which of a summary's partitions follow when one of its source's has changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from airflow.partition_mappers.base import PartitionMapper
from firelake.periods import Grain, Period


class ReachMapper(PartitionMapper):
    """Maps a source's partition to every partition of a summary that is made of it, neighbours included.

    Parameters
    ----------
    source
        By what the source is partitioned.
    grain
        By what the summary is.
    reads
        Which periods a partition of the summary is made of, counted from its own.
    """

    def __init__(self, source: Grain, grain: Grain, reads: Iterable[int]) -> None:
        super().__init__()
        self._source = source
        self._grain = grain
        self._reads = tuple(reads)

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """Return the mapper that :meth:`serialize` described."""
        return cls(Grain(data["source"]), Grain(data["grain"]), data["reads"])

    def serialize(self) -> dict[str, Any]:
        """Describe the mapper in JSON, as the scheduler keeps it."""
        return {"source": str(self._source), "grain": str(self._grain), "reads": list(self._reads)}

    def to_downstream(self, key: str) -> list[str]:
        """Return the keys of the summary's partitions to rebuild."""
        changed = Period.containing(Period.parse(key, self._source).start, self._grain)
        return [period.key for period in changed.readers(self._reads)]

    def to_partition_date(self, downstream_key: str) -> datetime:
        """Return the first instant of a partition of the summary."""
        return Period.parse(downstream_key, self._grain).start
