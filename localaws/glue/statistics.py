"""Operations on column statistics, which query engines write and read back."""

from __future__ import annotations

from localaws.glue.tables import missing_table
from localaws.service import AwsError, Payload
from localaws.store import Store, decode, encode

_WHERE = "WHERE database_name = ? AND table_name = ? AND partition_values = ? AND column_name = ?"


class ColumnStatistics:
    """The statistics of columns, of whole tables and of partitions.

    Parameters
    ----------
    store
        Where the catalog lies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.operations = {
            "DeleteColumnStatisticsForPartition": self.delete,
            "DeleteColumnStatisticsForTable": self.delete,
            "GetColumnStatisticsForPartition": self.get,
            "GetColumnStatisticsForTable": self.get,
            "UpdateColumnStatisticsForPartition": self.update,
            "UpdateColumnStatisticsForTable": self.update,
        }

    def get(self, payload: Payload) -> Payload:
        """GetColumnStatisticsFor…: columns without statistics come back as errors."""
        place = self._place(payload)
        found, errors = [], []
        for column in payload["ColumnNames"]:
            row = self._store.row(f"SELECT document FROM column_statistics {_WHERE}", *place, column)  # noqa: S608
            if row is None:
                errors.append(_missing(column))
            else:
                found.append(decode(row[0]))
        return {"ColumnStatisticsList": found, "Errors": errors}

    def update(self, payload: Payload) -> Payload:
        """UpdateColumnStatisticsFor…: replaces those of the columns that are named."""
        place = self._place(payload)
        for given in payload["ColumnStatisticsList"]:
            self._store.execute(
                "INSERT OR REPLACE INTO column_statistics VALUES (?, ?, ?, ?, ?)",
                *place,
                given["ColumnName"],
                encode(given),
            )
        return {"Errors": []}

    def delete(self, payload: Payload) -> Payload:
        """DeleteColumnStatisticsFor…, of one column."""
        place, column = self._place(payload), payload["ColumnName"]
        if not self._store.execute(f"DELETE FROM column_statistics {_WHERE}", *place, column):  # noqa: S608
            raise AwsError("EntityNotFoundException", f"Column {column} has no statistics.")
        return {}

    def _place(self, payload: Payload) -> tuple[str, str, str]:
        database, table = payload["DatabaseName"].lower(), payload["TableName"].lower()
        known = "SELECT 1 FROM tables WHERE database_name = ? AND name = ?"
        if self._store.row(known, database, table) is None:
            raise missing_table(database, table)
        if "PartitionValues" not in payload:
            return database, table, ""
        values = encode(payload["PartitionValues"])
        known = "SELECT 1 FROM partitions WHERE database_name = ? AND table_name = ? AND partition_values = ?"
        if self._store.row(known, database, table, values) is None:
            raise AwsError("EntityNotFoundException", f"Partition {values} of {database}.{table} not found.")
        return database, table, values


def _missing(column: str) -> Payload:
    detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Column {column} has no statistics."}
    return {"ColumnName": column, "Error": detail}
