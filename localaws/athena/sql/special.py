"""Functions whose result type, or text in DuckDB, needs more than a line in the tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlglot import exp

from localaws.athena.failure import NotSupportedError, QueryError
from localaws.athena.sql import types as t
from localaws.athena.sql.calls import (
    CALENDAR_UNITS,
    UNITS,
    Call,
    require_arguments,
    require_text,
    typed,
    unit_of,
)
from localaws.athena.sql.casts import text_of, timestamp_text
from localaws.athena.sql.expr import Expr, convert, derived, once, unify
from localaws.athena.sql.formats import for_parsing, joda_format, mysql_format
from localaws.athena.sql.functions import functions
from localaws.athena.sql.operators import arithmetic, comparable, compare, concatenate, shift, shift_local
from localaws.athena.sql.signatures import size_of
from localaws.athena.sql.types import Type, literal, quote

Handler = Callable[[Call], Expr]
_DATETIME: Final = "date, timestamp or timestamp with time zone"
_LONGEST: Final = 2**31 - 1
_WHOLE: Final = re.compile(r"\d+")


def _moment(call: Call, argument: Expr) -> Expr:
    if argument.type.name not in t.DATETIMES:
        raise QueryError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({argument.type}) for function {call.name}. Expected: {_DATETIME}",
        )
    return argument


def _local(moment: Expr) -> str:
    if moment.type.name == "timestamptz":
        return once(moment, lambda m: f"trino_local({m})")
    return f"CAST({moment.sql} AS TIMESTAMP)"


def _date_trunc(call: Call) -> Expr:
    unit, moment = require_arguments(call, 2)
    name = literal(unit_of(call, unit, _moment(call, moment).type))
    if moment.type.name == "timestamptz":
        start = once(moment, lambda m: f"trino_with_zone(date_trunc({name}, trino_local({m})), {m}.zone)")
        return derived(start, moment.type, moment)
    return typed(f"date_trunc({name}, {_local(moment)})", moment.type, moment)


def _date_add(call: Call) -> Expr:
    unit, count, moment = require_arguments(call, 3)
    name = unit_of(call, unit, _moment(call, moment).type)
    interval = UNITS[name].format(convert(count, t.BIGINT).sql)
    return shift_local(moment, "+", interval) if name in CALENDAR_UNITS else shift(moment, "+", interval)


def _date_diff(call: Call) -> Expr:
    unit, *moments = require_arguments(call, 3)
    common, (start, end) = unify([_moment(call, m) for m in moments], "arguments of date_diff")
    name = unit_of(call, unit, common)
    if common.name == "timestamptz" and name in CALENDAR_UNITS:
        # days and more are counted on the calendar of the first moment's zone
        a, b = (f"trino_local_of(({m.sql}).utc, ({start.sql}).zone)" for m in (start, end))
    else:
        a, b = (f"CAST({comparable(m).sql} AS TIMESTAMP)" for m in (start, end))
    return derived(f"date_sub({literal(name)}, {a}, {b})", t.BIGINT, start, end)


def _date_format(call: Call) -> Expr:
    moment, pattern = require_arguments(call, 2)
    text = mysql_format(require_text(call, pattern, "format"))
    sql = f"strftime(date_trunc('milliseconds', {_local(_moment(call, moment))}), {literal(text)})"
    return derived(sql, t.VARCHAR, moment)


def _date_parse(call: Call) -> Expr:
    text, pattern = require_arguments(call, 2)
    wanted = for_parsing(mysql_format(require_text(call, pattern, "format")))
    source = convert(text, t.VARCHAR).sql
    if wanted == wanted.strip():
        source = f"trino_unspaced({source})"
    sql = f"date_trunc('milliseconds', strptime({source}, {literal(wanted)}))"
    return derived(sql, t.timestamp(3), text)


def _format_datetime(call: Call) -> Expr:
    moment, pattern = require_arguments(call, 2)
    text = require_text(call, pattern, "format")
    zone = re.search(r"ZZ?$", text)
    wanted = joda_format(text[: zone.start()] if zone else text)
    sql = f"strftime({_local(_moment(call, moment))}, {literal(wanted)})"
    if zone:
        zoned = convert(moment, t.timestamptz())
        offset = once(zoned, lambda m: f"trino_offset_text({m}, '+00:00')")
        shown = offset if zone[0] == "ZZ" else f"replace({offset}, ':', '')"
        sql = f"({sql} || {shown})"
    return derived(sql, t.VARCHAR, moment)


def _parse_datetime(call: Call) -> Expr:
    text, pattern = require_arguments(call, 2)
    wanted = for_parsing(joda_format(require_text(call, pattern, "format")))
    return derived(f"trino_utc(strptime({text.sql}, {literal(wanted)}))", t.timestamptz(3), text)


def _coalesce(call: Call) -> Expr:
    type_, arguments = unify(require_arguments(call, 1, 127), "COALESCE operands")
    return derived(f"coalesce({', '.join(a.sql for a in arguments)})", type_, *arguments)


def _nullif(call: Call) -> Expr:
    first, second = require_arguments(call, 2)
    return derived(
        f"CASE WHEN {compare('=', first, second).sql} THEN NULL ELSE {first.sql} END",
        first.type,
        first,
        second,
    )


def _try(call: Call) -> Expr:
    (argument,) = require_arguments(call, 1)
    return derived(f"TRY({argument.sql})", argument.type, argument)


def _extreme(call: Call) -> Expr:
    type_, arguments = unify(require_arguments(call, 1, 127), f"arguments of {call.name}")
    texts = ", ".join(a.sql for a in arguments)
    # Trino answers NULL when any argument is NULL; DuckDB skips them
    missing = " OR ".join(f"{a.sql} IS NULL" for a in arguments)
    return derived(f"CASE WHEN {missing} THEN NULL ELSE {call.name}({texts}) END", type_, *arguments)


def _concat(call: Call) -> Expr:
    result, *others = require_arguments(call, 1, 127)
    for other in others:
        result = concatenate(result, other)
    return result


def _row(call: Call) -> Expr:
    arguments = require_arguments(call, 1, 1000)
    type_ = t.row((None, argument.type) for argument in arguments)
    pairs = zip(type_.fields, arguments, strict=True)
    return derived(f"struct_pack({', '.join(f'{quote(n)} := {a.sql}' for n, a in pairs)})", type_, *arguments)


def _typeof(call: Call) -> Expr:
    (argument,) = require_arguments(call, 1)
    return Expr(literal(str(argument.type)), t.VARCHAR, constant=True, text=str(argument.type))


def _round(call: Call) -> Expr:
    number, *rest = require_arguments(call, 1, 2)
    digits = convert(rest[0], t.INTEGER).sql if rest else "0"
    if number.type.name in ("real", "double"):
        return typed(f"trino_round_double({number.sql}, {digits})", number.type, number, *rest)
    if number.type.name in t.INTEGERS:
        return typed(f"round({number.sql}, {digits})", number.type, number, *rest) if rest else number
    if number.type.name != "decimal":
        raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({number.type}) for function round")
    precision, scale = number.type.params
    if not rest:
        return typed(f"round({number.sql})", t.decimal(precision - scale + min(1, scale), 0), number)
    digits = _literal_digits(call, rest[0])
    return typed(f"round({number.sql}, {digits})", t.decimal(precision + 1, scale), number)


def _literal_digits(call: Call, digits: Expr) -> str:
    sql = convert(digits, t.INTEGER).sql
    if not re.fullmatch(r"CAST\(-?\d+ AS INTEGER\)|-?\d+", sql):
        raise NotSupportedError(f"{call.name} of a decimal to a number of digits that is not a literal")
    return sql


def _decimal_to_whole(call: Call) -> Expr:
    (number,) = require_arguments(call, 1)
    if number.type.name == "decimal":
        precision, scale = number.type.params
        name = "floor" if call.name == "floor" else "ceil"
        return typed(f"{name}({number.sql})", t.decimal(precision - scale + min(1, scale), 0), number)
    return _from_table(call)


def _truncate(call: Call) -> Expr:
    number, *rest = require_arguments(call, 1, 2)
    if number.type.name != "decimal":
        return _from_table(call)
    if rest:
        return typed(f"trunc({number.sql}, {_literal_digits(call, rest[0])})", number.type, number)
    precision, scale = number.type.params
    return typed(f"trunc({number.sql})", t.decimal(max(1, precision - scale), 0), number)


def _sign(call: Call) -> Expr:
    (number,) = require_arguments(call, 1)
    if number.type.name != "decimal":
        return _from_table(call)
    return typed(f"sign({number.sql})", t.decimal(1, 0), number)


def _mod(call: Call) -> Expr:
    return arithmetic("%", *require_arguments(call, 2))


_JSON_STEP: Final = re.compile(
    r"\.([A-Za-z_]\w*)|\[(\d+)\]|\[[\"']([^\"']*)[\"']\]|\.\"([^\"]*)\"|\[([A-Za-z_][\w ]*)\]"
)


def json_path(path: str) -> str:
    """Return DuckDB's text for a JSON path of ``json_extract``."""
    if not path.startswith("$"):
        path = f"$.{path}"
    pieces, at = ["$"], 1
    while at < len(path):
        match = _JSON_STEP.match(path, at)
        if match is None:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{path}'")
        name, index, *quoted = match.groups()
        if index is not None:
            pieces.append(f"[{index}]")
        else:
            key = name if name is not None else next(q for q in quoted if q is not None)
            pieces.append(f'."{key}"')
        at = match.end()
    return "".join(pieces)


def _json_extract(call: Call) -> Expr:
    document, path = require_arguments(call, 2)
    if document.type.name not in ("json", "varchar", "char", "unknown"):
        raise QueryError(
            "FUNCTION_NOT_FOUND", f"Unexpected parameters ({document.type}) for function {call.name}"
        )
    where = literal(json_path(require_text(call, path, "path")))
    # A document that does not parse is NULL, not a failure
    source = document.sql if document.type == t.JSON else f"TRY_CAST({document.sql} AS JSON)"
    if call.name == "json_extract_scalar":
        return derived(f"trino_json_scalar({source}, {where})", _sized(size_of(document.type)), document)
    return derived(f"json_extract({source}, {where})", t.JSON, document)


def _regexp_replace(call: Call) -> Expr:
    if any(isinstance(argument, exp.Lambda) for argument in call.arguments):
        raise NotSupportedError("regexp_replace with a lambda")
    subject, pattern, *rest = require_arguments(call, 2, 3)
    text = require_text(call, rest[0], "replacement") if rest else ""
    # Java writes a group as $1 or ${1} and escapes with a backslash; DuckDB writes \1
    replacement = re.sub(r"\\(.)|\$\{?(\d)\}?|(\\)", lambda m: rf"\{m[2]}" if m[2] else (m[1] or ""), text)
    sql = f"regexp_replace({subject.sql}, {pattern.sql}, {literal(replacement)}, 'g')"
    length, added = size_of(subject.type), size_of(rest[0].type) if rest else None
    if length is not None and added is not None:
        length += max(length * added // 2, added) * (length + 1)
    return derived(sql, _sized(length), subject, pattern)


def _sized(length: int | None) -> Type:
    return t.VARCHAR if length is None else t.varchar(min(length, _LONGEST))


def _replace(call: Call) -> Expr:
    replaced = _from_table(call)
    lengths = [size_of(argument.type) for argument in call.arguments if isinstance(argument, Expr)]
    if len(lengths) < 3:
        return replaced
    length, added = lengths[0], lengths[2]
    grown = None if length is None or added is None else length + added * (length + 1)
    return replace(replaced, type=_sized(grown))


def _url_encode(call: Call) -> Expr:
    (text,) = require_arguments(call, 1)
    length = size_of(text.type)
    return replace(_from_table(call), type=_sized(None if length is None else 12 * length))


def _to_iso8601(call: Call) -> Expr:
    (moment,) = require_arguments(call, 1)
    if _moment(call, moment).type == t.DATE:
        return typed(moment.sql, t.varchar(16), moment)
    digits = moment.type.params[0]
    length = 22 + (digits + 1 if digits else 0)
    sql = f"replace({timestamp_text(_local(moment), digits)}, ' ', 'T')"
    if moment.type.name == "timestamptz":
        offset = once(moment, lambda m: f"trino_offset_text({m}, 'Z')")
        length, sql = length + 6, f"({sql} || {offset})"
    return derived(sql, t.varchar(length), moment)


_SPECIFIER: Final = re.compile(r"%(?:(\d+)\$)?([-,0+ ]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def _format(call: Call) -> Expr:
    """Compile ``format``, whose pattern is Java's, one specifier at a time."""
    pattern, *arguments = require_arguments(call, 1, 127)
    text, pieces, at, taken = require_text(call, pattern, "format"), [], 0, 0
    for match in _SPECIFIER.finditer(text):
        pieces.append(literal(text[at : match.start()]))
        at = match.end()
        if match[5] in "%n":
            pieces.append(literal("%" if match[5] == "%" else "\n"))
            continue
        index = int(match[1]) - 1 if match[1] else taken
        taken += 0 if match[1] else 1
        if index >= len(arguments):
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Format specifier '{match[0]}' has no argument")
        pieces.append(_or_null(match, _formatted(match, arguments[index])))
    pieces.append(literal(text[at:]))
    return derived(f"({' || '.join(pieces)})", t.VARCHAR, *arguments)


def _or_null(match: re.Match[str], formatted: str) -> str:
    """Write NULL as Java does."""
    flags = "-" if "-" in match[2] else ""
    return f"coalesce({formatted}, printf({literal(f'%{flags}{match[3] or str()}s')}, 'null'))"


def _formatted(match: re.Match[str], value: Expr) -> str:
    flags, width, precision, kind = match[2], match[3] or "", match[4], match[5]
    if kind == "s" and value.type == t.UNKNOWN:
        return "CAST(NULL AS VARCHAR)"
    if kind == "s":
        text = value.sql if value.type.name in ("varchar", "char") else _java_text(value)
        return f"printf({literal('%' + flags + width + 's')}, {text})"
    if kind == "d" and value.type.name in t.INTEGERS:
        number = f"CAST({value.sql} AS BIGINT)"
    elif kind == "f" and value.type.name in ("real", "double", "decimal"):
        digits = precision or "6"
        number, kind = f"trino_half_up(CAST({value.sql} AS DOUBLE), {digits})", f".{digits}f"
    else:
        raise NotSupportedError(f"format specifier {match[0]!r} for a value of type {value.type}")
    if "," in flags:
        sign = "+" if "+" in flags else ""
        align = "<" if "-" in flags else ">"
        return (
            f"format({literal('{:' + (align if width else '') + sign + width + ',' + kind + '}')}, {number})"
        )
    return f"printf({literal('%' + flags + width + kind)}, {number})"


def _java_text(value: Expr) -> str:
    text = (
        f"CAST({value.sql} AS VARCHAR)"
        if value.type.name in ("real", "double")
        else text_of(value.sql, value.type)
    )
    if text is None:
        raise NotSupportedError(f"format of a value of type {value.type}")
    return text


def _now(call: Call) -> Expr:
    require_arguments(call, 0)
    return CURRENT["now"]


def _current_at(call: Call) -> Expr:
    """Compile ``current_timestamp(p)`` and ``localtimestamp(p)``; the clock has milliseconds."""
    (digits,) = require_arguments(call, 1)
    match = _WHOLE.search(digits.sql)
    if match is None or not 3 <= int(match[0]) <= 6:
        raise NotSupportedError(f"{call.name} with another precision than 3 to 6")
    current = CURRENT["localtimestamp" if call.name == "localtimestamp" else "now"]
    return replace(current, type=Type(current.type.name, (int(match[0]),)))


def _grouping(call: Call) -> Expr:
    columns = require_arguments(call, 1, 31)
    return Expr(f"CAST(GROUPING({', '.join(column.sql for column in columns)}) AS INTEGER)", t.INTEGER)


CURRENT: Final = {
    "now": Expr("trino_utc(trino_now())", t.timestamptz(3), constant=True),
    "localtimestamp": Expr("trino_now()", t.timestamp(3), constant=True),
    "current_date": Expr("CAST(trino_now() AS DATE)", t.DATE, constant=True),
}
"""The time of the query, which every row sees alike; the engine defines the macro."""


def _from_table(call: Call) -> Expr:
    return call.expr(functions("scalar")[call.name])


SPECIAL: Final[dict[str, Handler]] = {
    "ceil": _decimal_to_whole,
    "ceiling": _decimal_to_whole,
    "coalesce": _coalesce,
    "concat": _concat,
    "current_timestamp": _current_at,
    "date_add": _date_add,
    "date_diff": _date_diff,
    "date_format": _date_format,
    "date_parse": _date_parse,
    "date_trunc": _date_trunc,
    "floor": _decimal_to_whole,
    "format": _format,
    "format_datetime": _format_datetime,
    "greatest": _extreme,
    "grouping": _grouping,
    "json_extract": _json_extract,
    "json_extract_scalar": _json_extract,
    "least": _extreme,
    "localtimestamp": _current_at,
    "mod": _mod,
    "now": _now,
    "nullif": _nullif,
    "parse_datetime": _parse_datetime,
    "regexp_replace": _regexp_replace,
    "replace": _replace,
    "round": _round,
    "row": _row,
    "sign": _sign,
    "to_iso8601": _to_iso8601,
    "truncate": _truncate,
    "try": _try,
    "typeof": _typeof,
    "url_encode": _url_encode,
}
"""Calls with rules of their own, by name."""
