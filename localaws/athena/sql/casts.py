"""CAST: what Trino makes of a value of one type in another."""

from __future__ import annotations

from localaws.athena.failure import QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.expr import Expr, derived, once
from localaws.athena.sql.types import Type, duckdb_type, literal, quote

_SCALARS_WITH_TEXT = ("boolean", *t.INTEGERS, "decimal", "uuid")


def cast(expr: Expr, target: Type) -> Expr:
    """Compile ``CAST(expr AS target)``."""
    source = expr.type
    if source == target:
        return expr
    if source == t.UNKNOWN:
        return derived(f"CAST({expr.sql} AS {duckdb_type(target)})", target, expr)
    sql = _cast_sql(expr.sql, source, target)
    if sql is None:
        raise QueryError("TYPE_MISMATCH", f"Cannot cast {source} to {target}")
    return derived(sql, target, expr)


def _cast_sql(sql: str, source: Type, target: Type) -> str | None:
    if target.name in ("varchar", "char"):
        return _to_text(sql, source, target)
    if target.name == "json":
        return _to_json(sql, source)
    if source.name == "json":
        return _from_json(sql, target)
    if source.name in ("varchar", "char"):
        return _from_text(sql, target)
    if target.name in t.DATETIMES:
        return _to_datetime(sql, source, target)
    if target.args or source.args:
        return _nested(sql, source, target)
    if target.name in t.NUMBERS or target.name == "boolean":
        return _to_number(sql, source, target)
    return f"CAST({sql} AS {duckdb_type(target)})" if source.name == target.name else None


def _to_text(sql: str, source: Type, target: Type) -> str | None:
    text = sql if source.name in ("varchar", "char") else text_of(sql, source)
    if text is None or not target.params:
        return text
    length = target.params[0]
    if target.name == "char":
        return f"rpad({text}, {length}, ' ')"
    if source.name in ("varchar", "char"):
        return f"substr({text}, 1, {length})"
    return f"trino_fit({text}, {length})"


def text_of(sql: str, source: Type) -> str | None:
    """Return the SQL of a scalar's text, or ``None`` for a type that Trino does not print."""
    match source.name:
        case name if name in _SCALARS_WITH_TEXT:
            return f"CAST({sql} AS VARCHAR)"
        case "real" | "double":
            return f"trino_{source.name}_text({sql})"
        case "date":
            return f"strftime({sql}, '%Y-%m-%d')"
        case "time":
            return f"strftime(DATE '2000-01-01' + {sql}, '%H:%M:%S.%g')"
        case "timestamp":
            return timestamp_text(sql, source.params[0])
        case "timestamptz":
            digits = source.params[0]
            return once(
                Expr(sql, source),
                lambda m: f"({timestamp_text(f'trino_local({m})', digits)} || ' ' || {m}.zone)",
            )
        case "json":
            return f"trino_json_text({sql})"
        case _:
            return None


def timestamp_text(sql: str, digits: int) -> str:
    """Return the SQL of a timestamp's text with so many digits of a second's fraction."""
    if digits == 0:
        return f"strftime({sql}, '%Y-%m-%d %H:%M:%S')"
    text = f"strftime({sql}, '%Y-%m-%d %H:%M:%S.%f')"
    return text if digits == 6 else f"left({text}, {digits - 6})"


def _from_text(sql: str, target: Type) -> str | None:
    match target.name:
        case name if name in t.INTEGERS:
            return f"CAST(trino_integer_text({sql}) AS {duckdb_type(target)})"
        case "boolean" | "date":
            return f"trino_{target.name}({sql})"
        case "timestamp":
            return f"trino_round_timestamp(trino_timestamp({sql}), {target.params[0]})"
        case "timestamptz":
            return f"trino_timestamptz({sql})"
        case "varbinary":
            return f"encode({sql})"
        case "real" | "double":
            return f"CAST(trino_float_text({sql}) AS {duckdb_type(target)})"
        case "decimal" | "time" | "uuid":
            return f"CAST(trim({sql}) AS {duckdb_type(target)})"
        case _:
            return None


def _to_datetime(sql: str, source: Type, target: Type) -> str | None:
    if source.name not in t.DATETIMES:
        return None
    local = f"CAST({sql} AS TIMESTAMP)"
    if source.name == "timestamptz":
        local = once(Expr(sql, source), lambda m: f"trino_local({m})")
    if target.name == "date":
        return f"CAST({local} AS DATE)"
    if target.name == "timestamptz":
        return f"trino_utc({local})" if source.name != "timestamptz" else sql
    return f"trino_round_timestamp({local}, {target.params[0]})"


def _to_number(sql: str, source: Type, target: Type) -> str | None:
    numbers = (*t.NUMBERS, "boolean")
    if source.name not in numbers:
        return None
    if source.name in ("real", "double") and target.name in (*t.INTEGERS, "decimal"):
        digits = target.params[1] if target.params else 0
        # DuckDB rounds doubles half to even, Trino half away from zero
        return f"CAST(round({sql}, {digits}) AS {duckdb_type(target)})"
    return f"CAST({sql} AS {duckdb_type(target)})"


def _to_json(sql: str, source: Type) -> str | None:
    if source.name in ("timestamp", "timestamptz", "date"):
        return f"to_json({text_of(sql, source)})"
    if source.name in ("varbinary", "time", *t.INTERVALS):
        return None
    return f"CASE WHEN {sql} IS NOT NULL THEN to_json({sql}) END"


def _from_json(sql: str, target: Type) -> str | None:
    if target.name in t.DATETIMES or target.name in ("varbinary", "time"):
        return None
    if target.args:
        return f"from_json({sql}, {literal(_json_shape(target))})"
    if target.name in t.INTEGERS:
        return f"CAST(round(CAST(json_extract_string({sql}, '$') AS DECIMAL(38,9))) AS {duckdb_type(target)})"
    return f"CAST(json_extract_string({sql}, '$') AS {duckdb_type(target)})"


def _json_shape(type_: Type) -> str:
    match type_.name:
        case "array":
            return f"[{_json_shape(type_.args[0])}]"
        case "map":
            return f'"MAP({duckdb_type(type_.args[0])}, {duckdb_type(type_.args[1])})"'
        case "row":
            pairs = zip(type_.fields, type_.args, strict=True)
            return "{" + ", ".join(f'"{name}": {_json_shape(arg)}' for name, arg in pairs) + "}"
        case _:
            return f'"{duckdb_type(type_)}"'


def _nested(sql: str, source: Type, target: Type) -> str | None:
    if source.name != target.name or len(source.args) != len(target.args):
        return None
    inner = [_element(source.args[i], target.args[i]) for i in range(len(source.args))]
    if any(function is None for function in inner):
        return None
    match source.name:
        case "array":
            return f"list_transform({sql}, lambda e_: {_apply(inner[0], 'e_')})"
        case "map":
            pair = f"{{'k': {_apply(inner[0], 'e_.key')}, 'v': {_apply(inner[1], 'e_.value')}}}"
            return f"map_from_entries(list_transform(map_entries({sql}), lambda e_: {pair}))"
        case _:
            parts = [
                f"{quote(name)} := {_apply(inner[i], f'({sql}).{quote(source.fields[i])}')}"
                for i, name in enumerate(target.fields)
            ]
            return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


def _element(source: Type, target: Type) -> str | None:
    if source == target:
        return "\0"
    if source == t.UNKNOWN:
        return f"CAST(\0 AS {duckdb_type(target)})"
    return _cast_sql("\0", source, target)


def _apply(template: str | None, argument: str) -> str:
    return (template or "").replace("\0", argument)
