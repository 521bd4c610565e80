"""Functions of arrays and maps that the tables cannot describe: lambdas over pairs, rows of any fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.calls import Argument, Call, require_arguments
from localaws.athena.sql.casts import text_of
from localaws.athena.sql.expr import Expr, convert, derived
from localaws.athena.sql.functions import functions
from localaws.athena.sql.types import Type, quote

Handler = Callable[[Call], Expr]
_MOST_ARRAYS: Final = 5


def _unexpected(call: Call) -> QueryError:
    given = ", ".join(str(a.type) if isinstance(a, Expr) else "function" for a in call.arguments)
    return QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({given}) for function {call.name}")


def _of_kind(call: Call, argument: Argument, kind: str) -> Expr:
    if not isinstance(argument, Expr) or argument.type.name != kind:
        raise _unexpected(call)
    return argument


def _variable(node: exp.Lambda, role: str = "of") -> str:
    """Return a name for what a lambda's parameters are taken from; it is hidden only where they are."""
    return quote("_".join([*(parameter.name.lower() for parameter in node.expressions), role]))


def _reduce(call: Call) -> Expr:
    match list(call.arguments):
        case [Expr() as items, Expr() as state, exp.Lambda() as step, exp.Lambda() as output]:
            return _reduced(call, (items, state), step, output)
    raise _unexpected(call)


def _reduced(call: Call, inputs: tuple[Expr, Expr], step: exp.Lambda, output: exp.Lambda) -> Expr:
    items, state = inputs
    element = _of_kind(call, items, "array").type.args[0]
    compile_lambda = call.lambdas.compile_lambda
    body = compile_lambda(step, [state.type, element])
    widened = t.common_type(state.type, body.type)
    if widened is None:
        raise QueryError("TYPE_MISMATCH", f"Lambda of reduce returns {body.type}, expected {state.type}")
    if widened != state.type:
        body = compile_lambda(step, [widened, element])
    reduced = f"list_reduce({items.sql}, {body.sql}, {convert(state, widened).sql})"
    last = compile_lambda(output, [widened])
    return derived(f"list_transform([{reduced}], {last.sql})[1]", last.type, items, state)


def _array_sort(call: Call) -> Expr:
    match list(call.arguments):
        case [Expr() as items, exp.Lambda() as comparator]:
            return _sorted_by(call, _of_kind(call, items, "array"), comparator)
    return call.expr(functions("scalar")["array_sort"])


def _sorted_by(call: Call, items: Expr, comparator: exp.Lambda) -> Expr:
    """Sort by insertion: each item goes behind all that the comparator does not put after it."""
    element = items.type.args[0]
    item, kept = _variable(comparator), _variable(comparator, "kept")
    before = call.lambdas.compile_body(comparator, [Expr(kept, element), Expr(f"{item}[1]", element)])
    if before.type.name not in t.INTEGERS:
        raise QueryError("TYPE_MISMATCH", f"Lambda of array_sort returns {before.type}, expected integer")
    sides = [f"list_filter(sorted_, lambda {kept}: {before.sql} {test})" for test in ("<= 0", "> 0")]
    inserted = f"list_concat(list_concat({sides[0]}, {item}), {sides[1]})"
    singles = f"list_transform({items.sql}, lambda single_: [single_])"
    start = f"list_slice({items.sql}, 1, 0)"
    return derived(f"list_reduce({singles}, lambda sorted_, {item}: {inserted}, {start})", items.type, items)


def _array_join(call: Call) -> Expr:
    items, separator, *rest = require_arguments(call, 2, 3)
    element = _of_kind(call, items, "array").type.args[0]
    text = "item_" if element.name in ("varchar", "char", "unknown") else text_of("item_", element)
    if text is None:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Input type {element} not supported")
    text = f"CAST({text} AS VARCHAR)"
    if rest:
        text = f"coalesce({text}, {rest[0].sql})"
    texts = f"list_transform({items.sql}, lambda item_: {text})"
    return derived(f"array_to_string({texts}, {separator.sql})", t.VARCHAR, items, separator, *rest)


def _zip(call: Call) -> Expr:
    arrays = [_of_kind(call, array, "array") for array in require_arguments(call, 2, _MOST_ARRAYS)]
    element = t.row((None, array.type.args[0]) for array in arrays)
    fields = ", ".join(f"{quote(name)} := tuple_[{i}]" for i, name in enumerate(element.fields, 1))
    tuples = f"list_zip({', '.join(array.sql for array in arrays)})"
    return derived(
        f"list_transform({tuples}, lambda tuple_: struct_pack({fields}))", t.array(element), *arrays
    )


def _zip_with(call: Call) -> Expr:
    match list(call.arguments):
        case [Expr() as left, Expr() as right, exp.Lambda() as function]:
            arrays = [_of_kind(call, left, "array"), _of_kind(call, right, "array")]
        case _:
            raise _unexpected(call)
    pair = _variable(function)
    sides = [Expr(f"{pair}[{i}]", array.type.args[0]) for i, array in enumerate(arrays, 1)]
    body = call.lambdas.compile_body(function, sides)
    pairs = f"list_zip({arrays[0].sql}, {arrays[1].sql})"
    return derived(f"list_transform({pairs}, lambda {pair}: {body.sql})", t.array(body.type), *arrays)


def _entries(call: Call) -> tuple[Expr, Type, str]:
    """Return an array of rows of two fields, the row, and the entries as DuckDB's maps are made of."""
    (entries,) = require_arguments(call, 1)
    element = _of_kind(call, entries, "array").type.args[0]
    if element.name != "row" or len(element.args) != 2:
        raise _unexpected(call)
    key, value = (f"entry_.{quote(name)}" for name in element.fields)
    pairs = f"list_transform({entries.sql}, lambda entry_: {{'k': {key}, 'v': {value}}})"
    return entries, element, pairs


def _map_from_entries(call: Call) -> Expr:
    entries, element, pairs = _entries(call)
    return derived(f"map_from_entries({pairs})", t.map_of(*element.args), entries)


def _multimap_from_entries(call: Call) -> Expr:
    entries, element, pairs = _entries(call)
    key, value = element.args
    return derived(f"trino_multimap_agg({pairs})", t.map_of(key, t.array(value)), entries)


def _map_lambda(call: Call) -> tuple[Expr, str, Expr]:
    """Return a map, the variable of its entries, and the body of the lambda over them."""
    match list(call.arguments):
        case [Expr() as mapping, exp.Lambda() as function]:
            key, value = _of_kind(call, mapping, "map").type.args
            entry = _variable(function)
            parameters = [Expr(f"{entry}.key", key), Expr(f"{entry}.value", value)]
            return mapping, entry, call.lambdas.compile_body(function, parameters)
    raise _unexpected(call)


def _map_filter(call: Call) -> Expr:
    mapping, entry, body = _map_lambda(call)
    if body.type not in (t.BOOLEAN, t.UNKNOWN):
        raise QueryError("TYPE_MISMATCH", f"Lambda of map_filter returns {body.type}, expected boolean")
    kept = f"list_filter(map_entries({mapping.sql}), lambda {entry}: {body.sql})"
    return derived(f"map_from_entries({kept})", mapping.type, mapping)


def _transform_values(call: Call) -> Expr:
    mapping, entry, body = _map_lambda(call)
    return _rebuilt(mapping, entry, (f"{entry}.key", body.sql), t.map_of(mapping.type.args[0], body.type))


def _transform_keys(call: Call) -> Expr:
    mapping, entry, body = _map_lambda(call)
    return _rebuilt(mapping, entry, (body.sql, f"{entry}.value"), t.map_of(body.type, mapping.type.args[1]))


def _rebuilt(mapping: Expr, entry: str, pair: tuple[str, str], type_: Type) -> Expr:
    pairs = f"lambda {entry}: {{'k': {pair[0]}, 'v': {pair[1]}}}"
    return derived(f"map_from_entries(list_transform(map_entries({mapping.sql}), {pairs}))", type_, mapping)


def _map_zip_with(call: Call) -> Expr:
    match list(call.arguments):
        case [Expr() as left, Expr() as right, exp.Lambda() as function]:
            maps: Sequence[Expr] = [_of_kind(call, left, "map"), _of_kind(call, right, "map")]
        case _:
            raise _unexpected(call)
    key_type = t.common_type(maps[0].type.args[0], maps[1].type.args[0])
    if key_type is None or any(m.type.args[0] != key_type for m in maps):
        raise NotSupportedError("map_zip_with of maps whose keys are of different types")
    key = _variable(function)
    values = [Expr(f"map_extract_value({m.sql}, {key})", m.type.args[1]) for m in maps]
    body = call.lambdas.compile_body(function, [Expr(key, key_type), *values])
    keys = f"trino_array_distinct(list_concat(map_keys({maps[0].sql}), map_keys({maps[1].sql})))"
    pairs = f"list_transform({keys}, lambda {key}: {{'k': {key}, 'v': {body.sql}}})"
    missing = " OR ".join(f"{m.sql} IS NULL" for m in maps)
    made = f"CASE WHEN {missing} THEN NULL ELSE map_from_entries({pairs}) END"
    return derived(f"({made})", t.map_of(key_type, body.type), *maps)


NESTED: Final[dict[str, Handler]] = {
    "array_join": _array_join,
    "array_sort": _array_sort,
    "map_filter": _map_filter,
    "map_from_entries": _map_from_entries,
    "map_zip_with": _map_zip_with,
    "multimap_from_entries": _multimap_from_entries,
    "reduce": _reduce,
    "transform_keys": _transform_keys,
    "transform_values": _transform_values,
    "zip": _zip,
    "zip_with": _zip_with,
}
"""Calls on arrays and maps with rules of their own, by name."""
