"""The keys under which Firehose files its objects."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from localaws.service import AwsError

_EXPRESSION = re.compile(r"!\{([^}]*)\}")
_LETTER_RUN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")
_DEFAULT_FOLDERS = "!{timestamp:yyyy/MM/dd/HH}/"
_ERROR_TYPE = "firehose:error-output-type"
_KEY_NAMESPACES = ("partitionKeyFromQuery:", "partitionKeyFromLambda:")
_RANDOM_LENGTH = 11

_JAVA_FIELDS: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda at, width: f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}",
    "u": lambda at, width: f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}",
    "M": lambda at, width: _month(at, width),
    "d": lambda at, width: f"{at.day:0{width}d}",
    "D": lambda at, width: f"{at.timetuple().tm_yday:0{width}d}",
    "H": lambda at, width: f"{at.hour:0{width}d}",
    "m": lambda at, width: f"{at.minute:0{width}d}",
    "s": lambda at, width: f"{at.second:0{width}d}",
    "S": lambda at, width: f"{at.microsecond:06d}".ljust(width, "0")[:width],
}


@dataclass(frozen=True)
class Surroundings:
    """What the expressions of a prefix stand for.

    Parameters
    ----------
    oldest
        Arrival of the object's oldest record, in the time zone of the stream.
    seed
        Makes ``random-string`` the same when a delivery is tried again.
    error_type
        What ``error-output-type`` stands for.
    keys
        The partition keys, by namespace and name.
    """

    oldest: datetime
    seed: str
    error_type: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


def has_expressions(prefix: str) -> bool:
    """Tell whether a prefix carries ``!{…}`` expressions."""
    return _EXPRESSION.search(prefix) is not None


def partition_keys(prefix: str) -> tuple[str, ...]:
    """Return the partition keys that a prefix asks for, with their namespace."""
    found = _EXPRESSION.findall(prefix)
    return tuple(dict.fromkeys(name for name in found if name.startswith(_KEY_NAMESPACES)))


def check_prefixes(prefix: str, error_prefix: str, *, is_partitioned: bool = False) -> None:
    """Refuse what AWS refuses in a prefix and in an error prefix.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` naming the expression that cannot be evaluated.
    """
    keys = dict.fromkeys(partition_keys(prefix), "key") if is_partitioned else {}
    evaluate(prefix, Surroundings(datetime.min, "", "error", keys))
    evaluate(error_prefix, Surroundings(datetime.min, "", "error"))
    if _ERROR_TYPE in prefix:
        raise _refusal(f"Prefix may not contain !{{{_ERROR_TYPE}}}")
    if is_partitioned and not keys:
        raise _refusal("Prefix must contain partition keys when dynamic partitioning is enabled")
    if (is_partitioned or has_expressions(prefix)) and not error_prefix:
        raise _refusal("ErrorOutputPrefix is needed when Prefix contains expressions")
    if has_expressions(error_prefix) and _ERROR_TYPE not in error_prefix:
        raise _refusal(f"ErrorOutputPrefix with expressions must contain !{{{_ERROR_TYPE}}}")


def data_prefix(prefix: str) -> str:
    """Return the prefix for data, with the date folders that AWS adds to a plain one."""
    return prefix if has_expressions(prefix) else prefix + _DEFAULT_FOLDERS


def failure_prefix(prefix: str, error_prefix: str) -> str:
    """Return the prefix for records that could not be processed."""
    if has_expressions(error_prefix):
        return error_prefix
    return f"{error_prefix or prefix}!{{{_ERROR_TYPE}}}/{_DEFAULT_FOLDERS}"


def evaluate(prefix: str, surroundings: Surroundings) -> str:
    """Evaluate the expressions of a prefix.

    Raises
    ------
    AwsError
        ``InvalidArgumentException`` naming the expression that cannot be evaluated.
    """
    chance = random.Random(surroundings.seed)  # noqa: S311
    return _EXPRESSION.sub(lambda found: _evaluate(found[1], surroundings, chance), prefix)


def suffix(stream: str, version: str, oldest: datetime, unique: str) -> str:
    """Return the part of the key that follows the prefix, without file extension."""
    return f"{stream}-{version}-{oldest:%Y-%m-%d-%H-%M-%S}-{unique}"


def _evaluate(expression: str, surroundings: Surroundings, chance: random.Random) -> str:
    if expression == _ERROR_TYPE:
        return surroundings.error_type
    if expression == "firehose:random-string":
        return "".join(chance.choices(string.ascii_letters + string.digits, k=_RANDOM_LENGTH))
    if expression in surroundings.keys:
        return surroundings.keys[expression]
    namespace, _, pattern = expression.partition(":")
    if namespace == "timestamp" and pattern:
        return java_format(pattern, surroundings.oldest)
    raise _refusal(f"!{{{expression}}} is not an expression that this stream can evaluate")


def java_format(pattern: str, at: datetime) -> str:
    """Format a time by a pattern of Java's DateTimeFormatter."""
    return "".join(_java_token(token, at) for token in _LETTER_RUN.finditer(pattern))


def _java_token(token: re.Match[str], at: datetime) -> str:
    text = token[0]
    if text.startswith("'"):
        return token[1] or "'"
    if token[2] is None:
        return text
    field = _JAVA_FIELDS.get(token[2])
    if field is None:
        raise _refusal(f"timestamp pattern letter {token[2]!r} is not supported")
    return field(at, len(text))


def _month(at: datetime, width: int) -> str:
    if width == 3:
        return at.strftime("%b")
    return at.strftime("%B") if width == 4 else f"{at.month:0{width}d}"


def _refusal(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
