"""Rows for any table: few different values, so that rows meet in groups and joins, and some NULLs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa

NULL_SHARE = 0.05
SPAN = timedelta(days=2)


class RandomRows:
    """Makes the same rows for the same seed.

    Parameters
    ----------
    seed
        Of the random numbers.
    first
        Times lie in the days after it, to the microsecond.
    """

    def __init__(self, seed: int, first: datetime) -> None:
        self._random = Random(seed)  # noqa: S311 - must be repeatable
        self._first = first

    def table(self, schema: pa.Schema, count: int) -> pa.Table:
        """Return that many rows of a schema."""
        return pa.Table.from_pylist(
            [{field.name: self._value(field) for field in schema} for _ in range(count)], schema
        )

    def _value(self, field: pa.Field) -> Any:
        if field.nullable and self._random.random() < NULL_SHARE:
            return None
        return self._of(field.type)

    def _of(self, type_: pa.DataType) -> Any:
        random = self._random
        if pa.types.is_boolean(type_):
            return random.random() < 0.5
        if pa.types.is_integer(type_):
            return random.randrange(1, 40)
        if pa.types.is_floating(type_):
            return round(random.random(), 6)
        if pa.types.is_decimal(type_):
            return Decimal(random.randrange(1000)).scaleb(-type_.scale)
        if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
            moment = self._first + SPAN * random.random()
            return moment if pa.types.is_timestamp(type_) else moment.date()
        if pa.types.is_list(type_) or pa.types.is_large_list(type_):
            return [self._of(type_.value_type) for _ in range(random.randrange(3))]
        if pa.types.is_map(type_):
            return [(self._of(type_.key_type), self._of(type_.item_type))]
        if pa.types.is_struct(type_):
            return {field.name: self._value(field) for field in type_}
        if pa.types.is_string(type_) or pa.types.is_large_string(type_):
            return random.choice("abcde")
        raise TypeError(f"no random values are made for {type_}")
