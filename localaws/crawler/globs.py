"""Glue's exclusion patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r"\*\*|\*|\?|\[!?[^\]]*\]|\{[^}]*\}|\\.|.", re.DOTALL)


def is_excluded(relative_key: str, patterns: Sequence[str]) -> bool:
    """Tell whether an object is left out.

    Parameters
    ----------
    relative_key
        Its key, without the prefix that is crawled.
    patterns
        Globs in which ``*`` and ``?`` stop at ``/``, ``**`` does not, and ``{a,b}`` are alternatives.
    """
    return any(compile_glob(pattern).fullmatch(relative_key) for pattern in patterns)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile one glob."""
    return re.compile(_regex(pattern), re.DOTALL)


def _regex(pattern: str) -> str:
    return "".join(_part_regex(part) for part in _PART.findall(pattern))


def _part_regex(part: str) -> str:
    if part == "**":
        return ".*"
    if part == "*":
        return "[^/]*"
    if part == "?":
        return "[^/]"
    if len(part) > 1 and part.startswith("["):
        return part.replace("[!", "[^", 1)
    if len(part) > 1 and part.startswith("{"):
        return f"(?:{'|'.join(_regex(choice) for choice in part[1:-1].split(','))})"
    return re.escape(part.removeprefix("\\") or part)
