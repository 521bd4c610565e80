"""What a spec says about records as a whole, before their columns are typed."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from firelake.compact.sources import Sources, Steps, path_steps
from firelake.raw.explode import exploded
from firelake.raw.records import Batch
from firelake.spec import Column, Dataset
from firelake.sql import identifier, literal


class Shaping:
    """Splits and refuses records, and finds how their keys are written.

    Parameters
    ----------
    connection
        The run's engine; where a method says so, it shows the records as ``batch``.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
        self._connection = connection
        self._dataset = dataset

    def shaped(self, batch: Batch) -> Batch:
        """Refuse records that are too large; let each element of the declared array be a record."""
        batch = batch.refusing_larger(self._dataset.max_record_bytes)
        return batch if self._dataset.explode is None else exploded(batch, self._elements)

    def fields_dropped(self, relation: str) -> int:
        """Count the undeclared fields of a relation's records that the spec lets go."""
        if self._dataset.unknown_fields == "keep":
            return 0
        unknown = Sources.of(self._dataset).unknown_keys()
        row = self._connection.execute(
            f"SELECT coalesce(sum({unknown}), 0) FROM {identifier(relation)}"  # noqa: S608 (all quoted)
        ).fetchone()
        return int(row[0]) if row is not None else 0

    def spelled(self, relation: str) -> Dataset:
        """Return the dataset with the keys as a relation's records write them."""
        if not self._dataset.ignore_case:
            return self._dataset
        spellings = _Spellings(self._connection, Sources.of(self._dataset), relation)
        columns = tuple(_with_aliases(column, spellings) for column in self._dataset.columns)
        return self._dataset.model_copy(update={"columns": columns})

    def _elements(self, records: pa.Table) -> pa.Table:
        """Return ``object, position, element, record`` for each element of the records' array."""
        steps = path_steps(self._dataset.explode or "")
        patch = "element"
        for step in reversed(steps):
            patch = f"json_object({literal(str(step))}, {patch})"
        pointer = literal("$" + "".join(f'."{step}"' for step in steps) + "[*]")
        self._connection.register("whole", records)
        try:
            return self._connection.sql(
                f"""
                SELECT object, position, number - 1 AS element,
                       json_merge_patch(record, {patch})::VARCHAR AS record
                FROM (SELECT object, position, record, unnest(elements) AS element,
                             generate_subscripts(elements, 1) AS number
                      FROM (SELECT *, json_extract(record, {pointer}) AS elements FROM whole))
                ORDER BY object, position, element
                """  # noqa: S608
            ).to_arrow_table()
        finally:
            self._connection.unregister("whole")


class _Spellings:
    """How keys are written in some records."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Sources, relation: str) -> None:
        self._connection = connection
        self._sources = sources
        self._relation = identifier(relation)
        self._keys: dict[Steps, list[str]] = {}

    def of(self, path: str) -> list[str]:
        """Return the paths that differ from ``path`` in capitalisation alone, in a fixed order."""
        found: list[Steps] = [()]
        for step in path_steps(path):
            if isinstance(step, int):
                found = [(*place, step) for place in found]
            else:
                found = [
                    (*place, key) for place in found for key in self._at(place) if key.lower() == step.lower()
                ]
        return ["".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in p) for p in found]

    def _at(self, place: Steps) -> list[str]:
        if place not in self._keys:
            text = self._sources.extracted(place) if place else "record"
            objects = f"CASE WHEN json_valid({text}) THEN {text} END"
            rows = self._connection.execute(
                f"SELECT DISTINCT unnest(json_keys({objects})) FROM {self._relation} ORDER BY 1"  # noqa: S608
            ).fetchall()
            # A path cannot name a key with a quote in it.
            self._keys[place] = [key for (key,) in rows if '"' not in key]
        return self._keys[place]


def _with_aliases(column: Column, spellings: _Spellings) -> Column:
    written = [spelling for path in (column.path, *column.aliases) for spelling in spellings.of(path)]
    return column.model_copy(update={"aliases": (*column.aliases, *written)})
