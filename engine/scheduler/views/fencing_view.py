"""What was fenced, as text and as elements; for `crm_mon` and `stonith_admin`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_UTC: Final = dt.UTC


@dataclass(frozen=True, slots=True)
class Fencing:
    """One request to fence a node. `state`: success, failed or pending; `when`: epoch seconds."""

    target: str
    action: str
    state: str
    origin: str
    client: str
    delegate: str = ""
    when: float = 0.0
    error: str = ""

    @property
    def is_pending(self) -> bool:
        return self.state == "pending"


def fencing_from_reply(reply: Mapping[str, Any]) -> tuple[Fencing, ...]:
    """The agent's answer about its history, newest first, what is under way before all."""
    done = [
        Fencing(
            target=str(event.get("target", "")),
            action=str(event.get("action", "")),
            state="success" if event.get("ok") else "failed",
            origin=str(event.get("delegate", "")),
            client=str(event.get("origin", "")),
            delegate=str(event.get("delegate", "")),
            when=float(event.get("when", 0)),
            error=str(event.get("error", "")),
        )
        for event in reply.get("events") or ()
    ]
    pending = [
        Fencing(
            target=str(item.get("target", "")),
            action=str(item.get("action", "")),
            state="pending",
            origin=str(item.get("node", "")),
            client=str(item.get("origin", "")),
        )
        for item in reply.get("pending") or ()
    ]
    return (*pending, *reversed(done))


def reduced(events: Iterable[Fencing]) -> list[Fencing]:
    """Of requests that had the same end for the same node only the newest one."""
    found: dict[tuple[str, ...], Fencing] = {}
    for event in events:
        asker = event.origin if event.is_pending else ""
        key = (event.target, event.action, event.state, event.client, asker)
        found.setdefault(key, event)
    return list(found.values())


def fencing_text(event: Fencing, clock: str) -> str:
    """One request as a line; `clock` is when it ended."""
    rest = f"client={event.client}, origin={event.origin}"
    if event.is_pending:
        return f"{event.action} of {event.target} pending: {rest}"
    word, when = (
        ("successful", "completed") if event.state == "success" else ("failed", "last-failed")
    )
    reason = f" ({event.error})" if event.error and event.state == "failed" else ""
    by = f"delegate={event.delegate}, " if event.delegate else ""
    return f"{event.action} of {event.target} {word}{reason}: {by}{rest}, {when}='{clock}'"


def fencing_values(event: Fencing) -> dict[str, str]:
    """The attributes of a `fence_event` element."""
    values = {
        "action": event.action,
        "target": event.target,
        "client": event.client,
        "origin": event.origin,
        "status": event.state,
        "extended-status": event.state,
    }
    if event.error:
        values["exit-reason"] = event.error
    if event.delegate:
        values["delegate"] = event.delegate
    if not event.is_pending:
        moment = dt.datetime.fromtimestamp(int(event.when), _UTC)
        values["completed"] = f"{moment:%Y-%m-%d %H:%M:%SZ}"
    return values
