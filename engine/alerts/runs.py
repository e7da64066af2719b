"""Which scripts run because of something that happened, and with which environment. Pure (live L5.6, L5.A)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from engine.alerts.configured import Receiver
from engine.alerts.happenings import Happening
from engine.base.api_version import COMPATIBLE_WITH

_FRACTION = re.compile(r"%%|%(0?)([0-9]?)N")


@dataclass(frozen=True, slots=True)
class Run:
    """A script to start, for how long it may run, and what it finds in its environment beside the usual."""

    alert: str
    path: str
    timeout_ms: int
    environment: dict[str, str]


def runs(
    happening: Happening,
    receivers: Iterable[Receiver],
    wall: float,
    zone: tzinfo | None,
    sequence: int,
) -> Iterator[Run]:
    """A run for each receiver that wants to hear of it; `sequence` is the number of the last one here.

    `wall` is when it happened (epoch seconds), `zone` that of the timestamps.
    """
    for receiver in receivers:
        if not receiver.selection.wants(happening):
            continue
        sequence += 1
        seconds, micros = divmod(round(wall * 1_000_000), 1_000_000)
        variables = {
            "kind": happening.kind,
            "version": COMPATIBLE_WITH,
            "recipient": receiver.recipient,
            "node_sequence": str(sequence),
            "timestamp_epoch": str(seconds),
            "timestamp_usec": f"{micros:06d}",
            **happening.variables(),
        }
        if receiver.timestamp:
            variables["timestamp"] = timestamp(receiver.timestamp, seconds, micros, zone)
        environment = dict(receiver.environment)
        environment.update((f"CRM_alert_{name}", value) for name, value in variables.items())
        yield Run(receiver.alert, receiver.path, receiver.timeout_ms, environment)


def timestamp(pattern: str, seconds: int, micros: int, zone: tzinfo | None) -> str:
    """A time of day as `date` formats it; `%N` and `%06N` are the fraction of the second, up to 6 digits."""

    def fraction(found: re.Match[str]) -> str:
        if found.group() == "%%":
            return "%%"
        digits = min(int(found.group(2) or 6), 6)
        return f"{micros:06d}"[:digits]

    moment = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    try:
        return moment.strftime(_FRACTION.sub(fraction, pattern))
    except ValueError:
        return pattern
