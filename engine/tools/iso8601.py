"""The command `iso8601`: read dates, durations and periods, show them, and calculate with them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.isodate import Moment, Zone, add_period, calendar_of, moment_from_text
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    option("-n --now", "show the present"),
    option(
        "-d --date", "a date and time: 2005-01-20 00:30:00Z, 2005-040, 2005-W01-7", value="DATE"
    ),
    option("-p --period", "two moments, or one and a duration: 2005-040/P1M", value="PERIOD"),
    option("-D --duration", "a duration, with a date its end too: P1Y2M, PT30M", value="DURATION"),
    option("-E --expected", "exit with 1 unless the last result is this", value="VALUE"),
    option("-s --seconds", "show moments as seconds since the beginning of year 1"),
    option("-S --epoch", "show moments as seconds since 1970-01-01 00:00:00Z"),
    option("-L --local", "show moments with the zone they were written in"),
    option("-O --ordinal", "show moments with the number of the day in the year"),
    option("-W --week", "show moments with the week and the day of the week"),
)
_SHAPES = ("seconds", "epoch", "ordinal", "week")
_PART = re.compile(r"([+-]?[0-9]+)([YMWDHS])")
_SINCE_YEAR_ONE = 62_135_683_200 - 86_400


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar parts, and the rest in seconds."""

    years: int = 0
    months: int = 0
    days: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """How moments are shown."""

    form: str = ""
    local: bool = False


def _main(call: Call) -> int:
    options, out = call.options, call.out
    shape = Shape(options.last_of(_SHAPES), "local" in options)
    from engine.ipc.live import local_zone

    zone = local_zone()
    date = duration = None
    last: Moment | None = None
    if "now" in options:
        date = last = Moment(int(time.time()), zone.utc_offset)
        out.line(f"Current date/time: {shown(date, shape)}")
        out.element("now", text=shown(date, shape))
    if "date" in options:
        date = last = _date(options.get("date"), zone)
        out.line(f"Date: {shown(date, shape)}")
        out.element("date", text=shown(date, shape))
    if "duration" in options:
        duration = duration_from_text(options.get("duration"))
        out.line(f"Duration: {duration_shown(duration)}")
        out.element("duration", text=duration_shown(duration))
    if "period" in options:
        start, end = period_from_text(options.get("period"), zone)
        last = end
        first, second = shown(start, shape), shown(end, shape)
        out.line(f"Period: {first} to {second}")
        period = out.element("period")
        out.element("start", text=first, parent=period)
        out.element("end", text=second, parent=period)
    if date is not None and duration is not None:
        last = later(date, duration)
        text = shown(last, Shape(shape.form, local=True))
        out.line(f"Duration ends at: {text}")
        out.element("duration_ends", text=text)
    if "expected" in options and last is not None:
        wanted = options.get("expected")
        if shown(last, Shape(shape.form)) != wanted and shown(last, shape) != wanted:
            return ExitStatus.ERROR
    return ExitStatus.OK


def _date(text: str, zone: Zone) -> Moment:
    moment = moment_from_text(text, zone)
    if moment is None:
        raise EngineError(f"Invalid date/time specified: {text}", status=ExitStatus.INVALID_PARAM)
    return moment


def duration_from_text(text: str) -> Duration:
    """Read `PnYnMnWnDTnHnMnS`, in any order, `M` after `T` being minutes. Raises `EngineError`."""
    rest = text[1:] if text[:1] == "P" else ""
    values = dict.fromkeys(("Y", "M", "W", "D", "H", "m", "S"), 0)
    in_time = False
    position = 0
    while position < len(rest):
        if rest[position] == "T" and not in_time:
            in_time = True
            position += 1
            continue
        match = _PART.match(rest, position)
        if match is None:
            break
        unit = match.group(2)
        values["m" if unit == "M" and in_time else unit] += int(match.group(1))
        position = match.end()
    if not rest.strip("T") or position < len(rest):
        raise EngineError(f"Invalid duration specified: {text}", status=ExitStatus.INVALID_PARAM)
    seconds = values["H"] * 3600 + values["m"] * 60 + values["S"]
    return Duration(values["Y"], values["M"], values["W"] * 7 + values["D"], seconds)


def period_from_text(text: str, zone: Zone) -> tuple[Moment, Moment]:
    """Start and end; a duration alone begins now. Raises `EngineError`."""
    first, mark, second = text.partition("/")
    try:
        if first[:1] == "P":
            duration = duration_from_text(first)
            if not mark:
                start = Moment(int(time.time()), zone.utc_offset)
                return start, later(start, duration)
            if second[:1] != "P":
                end = _date(second, zone)
                return later(end, duration, -1), end
        elif mark:
            start = _date(first, zone)
            if second[:1] == "P":
                return start, later(start, duration_from_text(second))
            return start, _date(second, zone)
    except EngineError:
        pass
    raise EngineError(f"Invalid interval specified: {text}", status=ExitStatus.INVALID_PARAM)


def later(moment: Moment, duration: Duration, sign: int = 1) -> Moment:
    """The moment a duration later, or (`sign` -1) earlier, by the calendar of its own zone."""
    epoch = add_period(
        moment.epoch,
        Zone(moment.offset),
        years=sign * duration.years,
        months=sign * duration.months,
        days=sign * duration.days,
        seconds=sign * duration.seconds,
    )
    return Moment(epoch, moment.offset)


def shown(moment: Moment, shape: Shape) -> str:
    """A moment in the wanted form, in UTC unless its own zone is wanted."""
    if shape.form == "epoch":
        return str(moment.epoch)
    if shape.form == "seconds":
        return str(moment.epoch + _SINCE_YEAR_ONE)
    offset = moment.offset if shape.local else 0
    parts = calendar_of(moment.epoch, Zone(offset))
    if shape.form == "week":
        day = f"{parts.weekyears:04}-W{parts.weeks:02}-{parts.weekdays}"
    elif shape.form == "ordinal":
        day = f"{parts.years:04}-{parts.yeardays:03}"
    else:
        day = f"{parts.years:04}-{parts.months:02}-{parts.monthdays:02}"
    clock = f"{parts.hours:02}:{parts.minutes:02}:{parts.seconds:02}"
    if not offset:
        return f"{day} {clock}Z"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{day} {clock} {'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def duration_shown(duration: Duration) -> str:
    """A duration in words."""
    text = ""
    for value, width, word in (
        (duration.years, 4, "year"),
        (duration.months, 2, "month"),
        (duration.days, 2, "day"),
    ):
        if value:
            text += f"{value:{width}} {word}{'' if value == 1 else 's'} "
    if duration.seconds:
        count = duration.seconds
        text += f"{count} second{'' if count == 1 else 's'}"
        if abs(count) >= 60:
            text += f" ({_in_units(abs(count))})"
    return text


def _in_units(seconds: int) -> str:
    parts = []
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return " ".join(parts)


PROGRAM = Program("iso8601", "Show ISO 8601 dates, durations and periods.", OPTIONS, _main)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
