"""Dates and times in ISO 8601 as the cluster reads them (scheduler rules 2.1 to 2.5).

Pure: the zone of texts without one and today's date are arguments.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

_CALENDAR: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])")
_ORDINAL: Final = re.compile(r"([0-9]{4})-?([0-9]{3})(?![0-9])")
_WEEK: Final = re.compile(r"([0-9]{4})-?W([0-9]{1,2})(?:-?([0-9]))?")
_TIME: Final = re.compile(r"([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?(?:[.,][0-9]+)?")
_ZONE: Final = re.compile(r"\s*(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)")
_EPOCH: Final = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Zone:
    """What a text without zone or date means: UTC offset in seconds, and the current day."""

    utc_offset: int = 0
    today: dt.date = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The fields of one local moment that date rules look at (5.8)."""

    years: int
    months: int
    monthdays: int
    hours: int
    minutes: int
    seconds: int
    yeardays: int
    weekyears: int
    weeks: int
    weekdays: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Epoch seconds, and the offset from UTC (seconds) with which the moment was written."""

    epoch: int
    offset: int = 0


def epoch_from_text(text: str, zone: Zone) -> int | None:
    """Epoch seconds of a date, a time, or both; None if unreadable (2.1, 2.2)."""
    moment = moment_from_text(text, zone)
    return None if moment is None else moment.epoch


def moment_from_text(text: str, zone: Zone) -> Moment | None:
    """A date, a time, or both; None if unreadable (2.1, 2.2)."""
    word = text.strip()
    if word == "epoch":
        return Moment(0)
    if word.startswith("T") or (len(word) > 2 and word[2] == ":"):
        return _with_time(zone.today, word.removeprefix("T"), zone)
    day, rest = _date(word)
    if day is None:
        return None
    if not rest:
        return Moment(_midnight(day))
    if rest[0] not in " T":
        return None
    rest = rest[1:].strip()
    return _with_time(day, rest, zone) if rest else Moment(_midnight(day))


def _date(text: str) -> tuple[dt.date | None, str]:
    """The date at the beginning of the text, and what follows it."""
    try:
        match = _WEEK.match(text)
        if match:
            day = dt.date.fromisocalendar(
                int(match.group(1)), int(match.group(2)), int(match.group(3) or 1)
            )
            return day, text[match.end() :]
        match = _CALENDAR.match(text)
        if match:
            year, month, number = (int(part) for part in match.groups())
            return dt.date(year, month, number), text[match.end() :]
        match = _ORDINAL.match(text)
        if match:
            first = dt.date(int(match.group(1)), 1, 1)
            number = int(match.group(2))
            if 1 <= number <= (366 if _days_of(first.year, 2) == 29 else 365):
                return first + dt.timedelta(days=number - 1), text[match.end() :]
    except ValueError:
        return None, ""
    return None, ""


def _midnight(day: dt.date) -> int:
    """Epoch seconds of the beginning of a day."""
    return (day.toordinal() - _EPOCH.toordinal()) * 86_400


def _days_of(year: int, month: int) -> int:
    """How many days a month has. (The standard `calendar` takes longer to load than to answer.)"""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _with_time(day: dt.date, text: str, zone: Zone) -> Moment | None:
    match = _TIME.match(text)
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if not _is_time_of_day(hours, minutes, seconds):
        return None
    rest = text[match.end() :]
    offset = zone.utc_offset
    if rest.strip():
        found = _ZONE.fullmatch(rest.rstrip())
        if found is None:
            return None
        offset = 0
        if found.group(2):
            hours_off, minutes_off = int(found.group(3)), int(found.group(4) or 0)
            if not _is_time_of_day(hours_off, minutes_off, 0):
                return None
            offset = hours_off * 3600 + minutes_off * 60
            if found.group(2) == "-":
                offset = -offset
    local = _midnight(day) + hours * 3600 + minutes * 60 + seconds
    return Moment(local - offset, offset)


def _is_time_of_day(hours: int, minutes: int, seconds: int) -> bool:
    """Whether a clock may show it; 24:00:00 is the end of the day."""
    if hours == 24:
        return minutes == 0 and seconds == 0
    return hours < 24 and minutes < 60 and seconds < 60


def calendar_of(epoch: float, zone: Zone) -> Calendar:
    """The local calendar fields of a moment."""
    local = _EPOCH + dt.timedelta(seconds=int(epoch) + zone.utc_offset)
    iso = local.isocalendar()
    return Calendar(
        years=local.year,
        months=local.month,
        monthdays=local.day,
        hours=local.hour,
        minutes=local.minute,
        seconds=local.second,
        yeardays=local.timetuple().tm_yday,
        weekyears=iso.year,
        weeks=iso.week,
        weekdays=iso.weekday,
    )


def add_period(
    epoch: int,
    zone: Zone,
    *,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    seconds: int = 0,
) -> int:
    """The moment that much later, calendar-wise for years and months (2.4, 5.7)."""
    local = _EPOCH + dt.timedelta(seconds=epoch + zone.utc_offset)
    if years:
        local = _on_year_day(local, local.year + years)
    if months:
        count = local.year * 12 + local.month - 1 + months
        year, month = divmod(count, 12)
        last = _days_of(year, month + 1)
        local = local.replace(year=year, month=month + 1, day=min(local.day, last))
    local += dt.timedelta(weeks=weeks, days=days, seconds=seconds)
    return int((local.replace(microsecond=0) - _EPOCH).total_seconds()) - zone.utc_offset


def _on_year_day(local: dt.datetime, year: int) -> dt.datetime:
    """Same number of the day in another year (2.4)."""
    number = local.timetuple().tm_yday
    first = dt.datetime(year, 1, 1, local.hour, local.minute, local.second)
    return first + dt.timedelta(days=number - 1)


def text_of(epoch: float) -> str:
    """A moment in UTC as text, such as `2020-01-06 21:59:11Z`."""
    moment = _EPOCH + dt.timedelta(seconds=int(epoch))
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
