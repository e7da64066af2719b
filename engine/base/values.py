"""Values of configuration attributes as the cluster reads them (scheduler rules 1.1 to 1.12).

These readers are as lenient as the rules demand: they answer `None` for what cannot be read and
leave the default to the caller. Strict readers for people's input are in `timespec` and `score`.
"""

from __future__ import annotations

import re
from typing import Final

from engine.base.digits import clipped, is_digits
from engine.base.score import INFINITY

_TRUE: Final = frozenset(("true", "on", "yes", "y", "1"))
_FALSE: Final = frozenset(("false", "off", "no", "n", "0"))
_INTEGER: Final = re.compile(r"[ \t\n\r\f\v]*([+-]?[0-9]+)")
_FLOAT: Final = re.compile(r"[ \t\n\r\f\v]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_VERSION: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)*)")
_INTERVAL: Final = re.compile(r"[ \t\n\r\f\v]*([+-]?[0-9]+)[0-9.]*[ \t\n\r\f\v]*(.?.?)", re.DOTALL)
_MAX_INT32: Final = 2**31 - 1
_MAX_INT64: Final = 2**63 - 1
_MAX_UINT32: Final = 2**32 - 1


def bool_from_text(text: str | None) -> bool | None:
    """True, False, or None for anything that is no boolean word (1.1)."""
    if text is None:
        return None
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    return None


def is_true(text: str | None) -> bool:
    """Whether the text is a true word; absent and invalid are false (1.1)."""
    return text is not None and text.lower() in _TRUE


def int_from_text(text: str | None) -> int | None:
    """Integer at the beginning of the text, clipped to 64 bits; None without digits (1.2)."""
    if text is None:
        return None
    match = _INTEGER.match(text)
    if match is None:
        return None
    return clipped(match.group(1))


def bounded_int(text: str | None, minimum: int) -> int:
    """Integer at least `minimum` and at most 2^31-1; invalid and absent give `minimum` (1.3)."""
    value = int_from_text(text)
    if value is None:
        return minimum
    return max(minimum, min(_MAX_INT32, value))


def score_or_none(text: str | None) -> int | None:
    """Score without the words for health; None if unreadable (1.4)."""
    if text is None:
        return None
    if text in {"INFINITY", "+INFINITY"}:
        return INFINITY
    if text == "-INFINITY":
        return -INFINITY
    value = int_from_text(text)
    if value is None:
        return None
    return max(-INFINITY, min(INFINITY, value))


def float_from_text(text: str) -> float | None:
    """Decimal number at the beginning of the text, None without one."""
    match = _FLOAT.match(text)
    return float(match.group(1)) if match else None


def unit_milliseconds(text: str | None) -> int | None:
    """Time with a unit, in milliseconds; no ISO duration; None if unreadable (1.7 b, 1.8)."""
    if text is None:
        return None
    match = _INTERVAL.match(text)
    if match is None:
        return None
    value = clipped(match.group(1))
    unit = match.group(2).lower()
    if unit == "" or unit.startswith("s"):
        result = value * 1000
    elif unit == "ms":
        result = value
    elif unit == "us":
        result = value // 1000 if value >= 0 else -(-value // 1000)
    elif unit.startswith("m"):
        result = value * 60_000
    elif unit.startswith("h"):
        result = value * 3_600_000
    else:
        return None
    return max(-_MAX_INT64, min(_MAX_INT64, result))


def interval_milliseconds(text: str | None) -> int | None:
    """Interval in milliseconds (1.7); None if absent, negative or unreadable."""
    if text is None:
        return None
    if text.startswith("P"):
        seconds = duration_seconds(text)
        return None if seconds is None or seconds < 0 else min(seconds * 1000, _MAX_UINT32)
    value = unit_milliseconds(text)
    return None if value is None or value < 0 else min(value, _MAX_UINT32)


_DURATION_PART: Final = re.compile(r"([+-]?[0-9]+)([YMWDHS])")
_DATE_UNITS: Final = {"Y": 365 * 86400, "M": 30 * 86400, "W": 7 * 86400, "D": 86400}
_TIME_UNITS: Final = {"H": 3600, "M": 60, "S": 1}


def duration_seconds(text: str) -> int | None:
    """Seconds of an ISO 8601 duration with years of 365 and months of 30 days (2.6)."""
    if not text.startswith("P") or len(text) < 2:
        return None
    position, total, units = 1, 0, _DATE_UNITS
    while position < len(text):
        if text[position] == "T" and units is _DATE_UNITS:
            units = _TIME_UNITS
            position += 1
            continue
        match = _DURATION_PART.match(text, position)
        if match is None:
            return None
        unit = match.group(2)
        size = units.get(unit) or _TIME_UNITS.get(unit) or _DATE_UNITS[unit]
        total += clipped(match.group(1)) * size
        position = match.end()
    return total


def version_key(text: str) -> tuple[int, ...]:
    """Numbers of a version at the beginning of the text; missing segments count as 0 (1.9)."""
    match = _VERSION.match(text)
    numbers = [clipped(part) for part in match.group(1).split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def seconds_from_milliseconds(value: int) -> int:
    """Whole seconds for timers: rounded half up, but never 0 for a positive time (1.10)."""
    if value <= 0:
        return 0
    return max(1, (value + 500) // 1000)


_DIGITS: Final = re.compile(r"([0-9]+)")


def name_key(name: str) -> tuple[tuple[int, int, int, str], ...]:
    """Sort key for node names: any case, digit runs as numbers, shorter equal numbers first (1.12).

    Each item stands for one character or one run of digits; digits sort among characters by their
    code, as a digit run meets a letter in the other name.
    """
    items: list[tuple[int, int, int, str]] = []
    for part in _DIGITS.split(name.lower()):
        if is_digits(part[:1]):
            items.append((ord("0"), clipped(part), len(part), ""))
        else:
            items.extend((ord(character), 0, 0, character) for character in part)
    return tuple(items)
