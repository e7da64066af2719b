"""Intervals and durations as Pacemaker reads them: `10`, `10s`, `500ms`, `1min`, `2h`, `PT1M`."""

from __future__ import annotations

import math
import re

from engine.base.digits import clipped
from engine.base.errors import BadInput

LONGEST_SECONDS = 366 * 24 * 3600

_UNITS_MS = {
    "": 1000.0,
    "s": 1000.0,
    "sec": 1000.0,
    "ms": 1.0,
    "msec": 1.0,
    "us": 0.001,
    "usec": 0.001,
    "m": 60_000.0,
    "min": 60_000.0,
    "h": 3_600_000.0,
    "hr": 3_600_000.0,
}
_PLAIN = re.compile(r"\s*([+-]?[0-9]+)\s*([a-z]*)\s*$", re.IGNORECASE)
_ISO = re.compile(
    r"P(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)S)?)?$"
)
_ISO_SECONDS = {
    "years": 365 * 86400,
    "months": 30 * 86400,
    "weeks": 7 * 86400,
    "days": 86400,
    "hours": 3600,
    "minutes": 60,
    "seconds": 1,
}


def milliseconds_from_text(text: str) -> int:
    """Milliseconds of an interval; raises `BadInput` with the forms that are accepted."""
    plain = _PLAIN.match(text)
    if plain is not None:
        unit = _UNITS_MS.get(plain.group(2).lower())
        if unit is not None:
            return int(clipped(plain.group(1)) * unit)
    iso = _ISO.match(text.strip())
    if iso is not None and len(text.strip()) > 1 and not text.strip().endswith("T"):
        seconds = sum(clipped(iso.group(k) or "0") * size for k, size in _ISO_SECONDS.items())
        return seconds * 1000
    raise BadInput(f"'{text}' is not a time (for example 30s, 500ms, 2min, 1h or PT1M30S)")


def text_from_milliseconds(interval_ms: int) -> str:
    """An interval for reading: `0s`, `1h30m`, `2.500s`, `20ms`."""
    if interval_ms <= 0:
        return "0s"
    text, rest = "", interval_ms
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    seconds, rest = divmod(rest, 1000)
    if rest and not seconds and not text:
        return f"{rest}ms"
    if rest:
        return f"{text}{seconds}.{rest:03}s"
    return f"{text}{seconds}s" if seconds else text


def seconds_from(value: object, default: float) -> float:
    """A number of seconds that somebody sent: 0 to a year; `default` for anything that is no number.

    A timer set to NaN or to infinity would upset all others.
    """
    if not isinstance(value, int | float) or math.isnan(value):
        return default
    return float(max(0, min(value, LONGEST_SECONDS)))
