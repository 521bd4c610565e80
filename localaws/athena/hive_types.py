"""Trino's types in Hive's spelling, as the Glue catalog keeps them."""

from __future__ import annotations

from typing import Final

from localaws.athena.failure import QueryError
from localaws.athena.sql.types import Type

_NAMES: Final = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double": "double",
    "varbinary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}


def hive_type(type_: Type) -> str:
    """Return Hive's spelling of a type; fails for types that Hive has not."""
    match type_.name:
        case "varchar" | "char":
            return f"{type_.name}({type_.params[0]})" if type_.params else "string"
        case "decimal":
            return f"decimal({type_.params[0]},{type_.params[1]})"
        case "array":
            return f"array<{hive_type(type_.args[0])}>"
        case "map":
            return f"map<{hive_type(type_.args[0])},{hive_type(type_.args[1])}>"
        case "row":
            pairs = zip(type_.fields, type_.args, strict=True)
            return f"struct<{','.join(f'{name}:{hive_type(arg)}' for name, arg in pairs)}>"
        case name if name in _NAMES:
            return _NAMES[name]
    raise QueryError("NOT_SUPPORTED", f"Unsupported Hive type: {type_}")


def view_column_type(type_: Type) -> str:
    """Return the spelling for a view's column, where Glue wants some Hive type for every column."""
    return "timestamp" if type_.name == "timestamptz" else hive_type(type_)
