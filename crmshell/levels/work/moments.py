"""Moments as users type them: a date, or a duration back from now."""

from __future__ import annotations

from datetime import datetime

from crmshell.errors import ShellError


def moment_from_text(text: str, now: float) -> float:
    """Epoch seconds of an ISO 8601 time, or of a duration back from now (`2h`, `30m`)."""
    from engine.base.errors import BadInput
    from engine.base.timespec import milliseconds_from_text

    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        return now - milliseconds_from_text(text) / 1000
    except BadInput:
        raise ShellError(
            f"'{text}' is no time; expected 2026-05-01T10:00 or a span back from now such as 2h",
            code="bad-time",
        ) from None
