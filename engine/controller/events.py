"""What happens to a controller, and what it wants done: plain values, executed by the node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.base.events import StatusChange, View
from engine.controller.executor import Executor
from engine.controller.messages import Message


@dataclass(frozen=True, slots=True)
class NewView:
    """A view became active; the controller acts if its node is the DC of it."""

    view: View


@dataclass(frozen=True, slots=True)
class NoView:
    """There is no active view any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class FromNode:
    """A message of a controller, perhaps of this node itself."""

    frm: int
    message: Message


@dataclass(frozen=True, slots=True)
class ConfigurationChanged:
    """A change of the configuration was committed and applied."""

    version: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The scheduler is done with request `number`: a graph, or in `error` why there is none.

    `executor` is set when a large graph was read already.
    """

    number: int
    graph: bytes = b""
    error: str = ""
    warnings: tuple[str, ...] = ()
    executor: Executor | None = None


@dataclass(frozen=True, slots=True)
class FenceFinished:
    """A fencing request of the controller is over."""

    target: str
    action: str
    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that the controller asked for is due."""

    name: str


Event = NewView | NoView | FromNode | ConfigurationChanged | Scheduled | FenceFinished | TimerFired


@dataclass(frozen=True, slots=True)
class Tell:
    """Give a message to the controller part of a node, perhaps to this one."""

    to: int
    message: Message


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """Change the status section on all members."""

    changes: tuple[StatusChange, ...]


@dataclass(frozen=True, slots=True)
class Propose:
    """Submit this change of the configuration in the cluster's own name."""

    patch: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Compute a transition for this input; `wall` is the time to compute it for."""

    number: int
    cib: bytes
    wall: float


@dataclass(frozen=True, slots=True)
class TransitionEnded:
    """How a transition went (`complete`, `stopped` or `aborted`) and how many actions it had."""

    number: int
    actions: int
    result: str


@dataclass(frozen=True, slots=True)
class Fence:
    """Fence a node (`delay` in seconds, -1: no delay at all); answered by `FenceFinished`.

    `devices` are those that all have to do it, when the graph names them: it does so for unfencing.
    """

    target: str
    action: str
    delay: float = 0.0
    origin: str = ""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmFenced:
    """A person says that a node is down: every request to fence it has succeeded."""

    target: str
    user: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send `TimerFired(name)` after `delay` seconds; replaces a timer of the same name."""

    name: str
    delay: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """The timer is not wanted any more."""

    name: str


@dataclass(frozen=True, slots=True)
class Story:
    """A line of the cluster's story for the log: stable words, then `key=value`."""

    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    is_warning: bool = False


Effect = (
    Tell
    | ChangeStatus
    | Propose
    | Schedule
    | TransitionEnded
    | Fence
    | ConfirmFenced
    | SetTimer
    | StopTimer
    | Story
)
