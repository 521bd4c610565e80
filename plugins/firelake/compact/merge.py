"""New records and published rows, merged: equal ones are reduced to the one that comes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from firelake.compact.casting import event_partition, identity_columns
from firelake.periods import Period
from firelake.raw.records import RawObject
from firelake.spec import Dataset
from firelake.spec.dataset import EXTRA_COLUMN, RAW_OBJECT_COLUMN, RAW_POSITION_COLUMN
from firelake.sql import identifier, identifiers


class Merge:
    """The merge of a run, over the table ``records`` that the intake filled.

    It keeps two more tables: ``objects``, all raw objects that have rows in the merge, and
    ``losers``, the rows that are equal to one that comes before them.
    All names begin with ``_``, as no column of a dataset does.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, objects: Sequence[RawObject]
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        self._columns = [*(column.name for column in dataset.columns), EXTRA_COLUMN]
        connection.execute(
            "CREATE TABLE objects (_ordinal INTEGER, _key VARCHAR, _arrived_at TIMESTAMP, _own BOOLEAN)"
        )
        connection.register("sources", _sources(objects))
        connection.execute("INSERT INTO objects SELECT *, true FROM sources")
        connection.unregister("sources")

    def event_partitions(self) -> set[Period]:
        """Return the event partitions of the records that were accepted."""
        rows = self._connection.execute(
            f"SELECT DISTINCT epoch({event_partition(self._dataset)}) FROM records "  # noqa: S608
            "WHERE _reason IS NULL"
        ).fetchall()
        starts = (datetime.fromtimestamp(seconds, UTC) for (seconds,) in rows)
        return {Period.containing(start, self._dataset.partition_by) for start in starts}

    def add_published(self, published: str) -> None:
        """Add published rows, except those that came from the run's own objects.

        Parameters
        ----------
        published
            SQL for a relation of rows with the table's columns.
        """
        self._connection.execute(
            f"""
            INSERT INTO objects
            SELECT (SELECT coalesce(max(_ordinal), -1) FROM objects) + row_number() OVER (), _key, NULL, false
            FROM (SELECT DISTINCT {RAW_OBJECT_COLUMN} AS _key FROM {published})
            ANTI JOIN objects USING (_key)
            """  # noqa: S608
        )
        columns = identifiers(self._columns)
        self._connection.execute(
            f"""
            INSERT INTO records
            SELECT _object, _position, {columns}, hash({identity_columns(self._dataset)}), NULL, NULL
            FROM (SELECT _ordinal AS _object, {RAW_POSITION_COLUMN} AS _position, {columns}
                  FROM {published} JOIN objects ON _key = {RAW_OBJECT_COLUMN} WHERE NOT _own)
            """  # noqa: S608
        )

    def dedupe(self) -> None:
        """Find the rows that lose: of equal ones the first by event time, raw key and position stays."""
        event_time = identifier(self._dataset.event_time)
        # Hashes only nominate: what decides is the identity itself.
        self._connection.execute(
            f"""
            CREATE TABLE losers AS
            SELECT _id FROM (
                SELECT _id, row_number() OVER (
                    PARTITION BY {identity_columns(self._dataset)}
                    ORDER BY {event_time}, _key, _position) AS _place
                FROM (SELECT rowid AS _id, * FROM records WHERE _reason IS NULL)
                JOIN objects ON _ordinal = _object
                WHERE _hash IN (
                    SELECT _hash FROM records WHERE _reason IS NULL GROUP BY _hash HAVING count(*) > 1))
            WHERE _place > 1
            """  # noqa: S608
        )
        self._enumerate_keys()

    def _enumerate_keys(self) -> None:
        """Let each row carry its object's key as a number.

        It is cheap to sort and to spill, and the Parquet writer takes the enumeration as its dictionary.
        """
        if self._connection.execute("SELECT count(*) FROM objects").fetchone() == (0,):
            return
        self._connection.execute("CREATE TYPE raw_key AS ENUM (SELECT _key FROM objects ORDER BY _key)")
        self._connection.execute("ALTER TABLE objects ALTER _key TYPE raw_key")

    def survivors(self) -> str:
        """Return SQL for the trusted rows of all touched partitions."""
        return f"""
            SELECT {identifiers(self._columns)}, _key AS {RAW_OBJECT_COLUMN},
                   _position AS {RAW_POSITION_COLUMN}
            FROM (SELECT rowid AS _id, * FROM records WHERE _reason IS NULL)
            ANTI JOIN losers USING (_id) JOIN objects ON _ordinal = _object
            """  # noqa: S608

    def lost(self, *, own: bool) -> dict[str, int]:
        """Return how many rows of each object lost; of the run's own objects or of the others."""
        rows = self._connection.execute(
            "SELECT _key, count(*) FROM losers JOIN records ON records.rowid = _id "
            "JOIN objects ON _ordinal = _object WHERE _own = ? GROUP BY _key",
            [own],
        ).fetchall()
        return dict(rows)

    def published(self) -> dict[str, int]:
        """Return how many published rows of other runs' objects entered the merge, by object."""
        rows = self._connection.execute(
            "SELECT _key, count(*) FROM records JOIN objects ON _ordinal = _object "
            "WHERE NOT _own GROUP BY _key"
        ).fetchall()
        return dict(rows)

    def refused(self) -> dict[str, dict[str, int]]:
        """Return how many records and fragments of each object were refused, by reason."""
        rows = self._connection.execute(
            "SELECT _key, reason, count(*) FROM refused JOIN objects ON _ordinal = _object GROUP BY ALL"
        ).fetchall()
        by_object: dict[str, dict[str, int]] = {}
        for key, reason, records in rows:
            by_object.setdefault(key, {})[reason] = records
        return by_object


def _sources(objects: Sequence[RawObject]) -> pa.Table:
    return pa.table(
        {
            "ordinal": pa.array([source.ordinal for source in objects], pa.int32()),
            "key": pa.array([source.key for source in objects], pa.string()),
            "arrived_at": pa.array(
                [source.arrived_at.replace(tzinfo=None) for source in objects], pa.timestamp("us")
            ),
        }
    )
