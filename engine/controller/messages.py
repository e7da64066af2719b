"""What controllers of different nodes say to each other (message kinds 32 and up, engine 3.3).

Every message that orders something carries the term of the view in whose name it is given: a node
obeys only the newest view it promised to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.fencing.history import FenceEvent
from engine.lrm.api import LrmOp, LrmResult


@dataclass(frozen=True, slots=True)
class JoinState:
    """Everything a node knows about itself, sent to the DC of a new view.

    `lrm` is the `<lrm>` element; `in_flight` are the keys of operations that run at this moment;
    `run_id` names the life of the node's kernel (engine 2), `last_transition` is the highest
    number of a transition that it knows: the DC counts on from the highest of all.
    """

    term: int
    name: str
    run_id: str
    lrm: bytes
    attributes: dict[str, Any] = field(default_factory=dict)
    in_flight: tuple[str, ...] = ()
    wall: float = 0.0
    last_transition: int = 0


@dataclass(frozen=True, slots=True)
class TellState:
    """The DC has heard nothing of the node's state in this view: tell it (again)."""

    term: int


@dataclass(frozen=True, slots=True)
class TransitionBegun:
    """The DC works on the transition of this number: whoever is DC next counts on from it."""

    term: int
    number: int


@dataclass(frozen=True, slots=True)
class RunOp:
    """Do this operation; on the remote node `remote`, if one is named, by this node's connection to it."""

    term: int
    op: LrmOp
    remote: str = ""


@dataclass(frozen=True, slots=True)
class CancelOp:
    """Do not repeat this operation; answered by `Confirmed`."""

    term: int
    action: int
    resource: str
    operation: str
    interval_ms: int
    remote: str = ""


@dataclass(frozen=True, slots=True)
class ForgetResource:
    """Drop the history of a resource, or only its last failure; answered by `Confirmed`."""

    term: int
    action: int
    resource: str
    only_failure: bool = False
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An order that makes no operation was carried out."""

    term: int
    action: int


@dataclass(frozen=True, slots=True)
class OpReport:
    """An operation ended, or a repeated one has another result than last time; perhaps on `remote`."""

    term: int
    result: LrmResult
    remote: str = ""


@dataclass(frozen=True, slots=True)
class ShutdownGranted:
    """Nothing runs on the node any more: it may leave."""

    term: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of a client of another node, for the DC; `number` is the asking node's own."""

    number: int
    kind: str
    fields: dict[str, Any]
    user: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The DC's answer to `Ask`."""

    number: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunFence:
    """Run a fence agent."""

    term: int
    run: int
    agent: str
    action: str
    parameters: dict[str, Any]
    timeout_ms: int
    target: str = ""


@dataclass(frozen=True, slots=True)
class FenceRan:
    """A fence agent ended; `text` is what it printed, `error` its last words on stderr."""

    term: int
    run: int
    rc: int
    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class FenceDone:
    """A fencing request is over: every member remembers it."""

    term: int
    event: FenceEvent


@dataclass(frozen=True, slots=True)
class RemoteState:
    """This node is, or is no longer, connected to a remote node, whose history and life these are."""

    term: int
    name: str
    is_up: bool
    life: str = ""
    lrm: bytes = b""


@dataclass(frozen=True, slots=True)
class RemoteHello:
    """What a remote node says of itself, at the beginning of a connection and when it is asked."""

    name: str
    life: str
    lrm: bytes
    version: str = ""


@dataclass(frozen=True, slots=True)
class Poke:
    """Is a remote node alive? Answered by `Poked` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Poked:
    """A remote node is alive."""

    number: int


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """How busy the sender is: a `LoadMode`, and the actions at a time that its cores allow."""

    term: int
    mode: int
    most: int


CONTROLLER_KINDS: dict[int, type] = {
    32: JoinState,
    33: RunOp,
    34: CancelOp,
    35: ForgetResource,
    36: Confirmed,
    37: OpReport,
    38: ShutdownGranted,
    39: Ask,
    40: Told,
    41: RunFence,
    42: FenceRan,
    43: TellState,
    44: TransitionBegun,
    48: FenceDone,
    49: RemoteState,
    50: RemoteHello,
    51: Poke,
    52: Poked,
    53: NodeLoad,
}
CONTROLLER_MESSAGES = tuple(CONTROLLER_KINDS.values())
Message = (
    JoinState
    | RunOp
    | CancelOp
    | ForgetResource
    | Confirmed
    | OpReport
    | ShutdownGranted
    | Ask
    | Told
    | RunFence
    | TellState
    | TransitionBegun
    | FenceRan
    | FenceDone
    | RemoteState
    | NodeLoad
)
