"""Which effects of one core are events of another: one table. Pure.

What is not in the table is for the outside (send, spawn, write, set a timer, log) and is executed by
the node.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from engine.base import events as replica
from engine.controller import events as controller
from engine.fencing import core as fencing


class Part(Enum):
    """The cores of a node that take events."""

    MEMBER = "member"
    CONTROLLER = "controller"
    FENCING = "fencing"


_Route = tuple[Part, Callable[[Any], Any]]

ROUTES: dict[type, _Route] = {
    replica.ViewInstalled: (Part.CONTROLLER, lambda e: controller.NewView(e.view)),
    replica.ViewLost: (Part.CONTROLLER, lambda e: controller.NoView(e.reason)),
    replica.Committed: (Part.CONTROLLER, lambda e: controller.ConfigurationChanged(e.version)),
    controller.ChangeStatus: (Part.MEMBER, lambda e: replica.SubmitStatus(e.changes)),
    controller.Fence: (
        Part.FENCING,
        lambda e: fencing.Request(e.target, e.action, e.delay, e.origin, e.devices),
    ),
    controller.ConfirmFenced: (Part.FENCING, lambda e: fencing.Confirmed(e.target, e.user)),
    fencing.Finished: (
        Part.CONTROLLER,
        lambda e: controller.FenceFinished(e.target, e.action, e.ok, e.error),
    ),
}


def route(effect: object) -> tuple[Part, object] | None:
    """The part that an effect concerns and the event that it is there; None for the outside."""
    found = ROUTES.get(type(effect))
    return (found[0], found[1](effect)) if found is not None else None
