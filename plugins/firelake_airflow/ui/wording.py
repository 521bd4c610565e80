"""Numbers, times and lengths of time as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from firelake.quality.report_view import byte_size, grouped

_UNKNOWN = "\N{EN DASH}"
_CENT = 0.01
_TWO_DAYS = 2 * 86_400
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(length: timedelta) -> str:
    """Write a length of time in its one or two largest units; up to two days in hours."""
    seconds = int(length.total_seconds())
    units = _UNITS if seconds >= _TWO_DAYS else _UNITS[1:]
    parts: list[str] = []
    for unit, size in units:
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number} {unit}")
        if len(parts) == 2:
            break
    # Nobody asks for the seconds of something that takes minutes or more.
    said = [part for part in parts if not part.startswith("0 ")] or ["0 s"]
    return " ".join(said[:1] if said[0].endswith("min") else said)


def minute(instant: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"


def or_dash(number: int | None) -> str:
    """Write a count, or that it is not known."""
    return _UNKNOWN if number is None else grouped(number)


def size_or_dash(size_bytes: int | None) -> str:
    """Write a size, or that it is not known."""
    return _UNKNOWN if size_bytes is None else byte_size(size_bytes)


def money(amount: float | None) -> str:
    """Write an amount to the cent, or that it is less or not known."""
    if amount is None:
        return _UNKNOWN
    return "< 0.01" if 0 < amount < _CENT else f"{amount:,.2f}".replace(",", "\u202f")
