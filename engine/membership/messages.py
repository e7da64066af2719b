"""The messages of heartbeat and view change (engine 3.3), by kind."""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.events import Entry, Snapshot, View


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`HB`. `heard` are the nodes the sender hears; `promised` its highest promise.

    `stamp` is the sender's monotonic time in ms; `echoes` are (node, newest stamp received of it):
    what a node gets back of its own stamps proves until when it was heard (authority lease).
    `term` is the sender's active view (0: none), `commit` and `status` how far its log is committed
    and its status section has come. `stuck` tells that its disk does not answer, `calm` that it has
    answered in time for a while, `blank` that its store has no vote, `empty` that its log has no
    entry. `wall` is for display only.
    """

    heard: tuple[int, ...]
    promised: int
    stamp: int
    echoes: tuple[tuple[int, int], ...] = ()
    term: int = 0
    commit: int = 0
    status: int = 0
    stuck: bool = False
    calm: bool = True
    blank: bool = False
    empty: bool = False
    load: int = 0
    wall: float = 0.0


@dataclass(frozen=True, slots=True)
class Prepare:
    """A candidate asks for promises. `durable` promises are for a view with quorum only."""

    term: int
    members: tuple[int, ...]
    durable: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """The sender obeys nothing older than `term` any more; this is where its log stands.

    `safe` is an index below which the sender's log cannot differ from the cluster's.
    """

    term: int
    accepted: int
    last: int
    last_digest: bytes
    safe: int
    safe_digest: bytes
    blank: bool
    durable: bool
    since: tuple[int, ...] = ()
    dc: int = 0
    all_seen: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """`NACK`: the sender promised a newer term."""

    term: int
    promised: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """The candidate asks the owner of the best log for what it lacks."""

    term: int
    after: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """The answer: entries after `base`; with a snapshot, everything before them as well."""

    term: int
    base: int
    entries: tuple[Entry, ...]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Install:
    """The coordinator gives a member the view and, when it is quorate, the log to adopt."""

    view: View
    base: int
    base_digest: bytes
    entries: tuple[Entry, ...]
    last: int
    last_digest: bytes
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class ViewAck:
    """The sender adopted the view (and its log, on stable storage); goes to the view's DC."""

    term: int
    last: int


@dataclass(frozen=True, slots=True)
class Active:
    """The DC says that all members adopted the view; entries up to `commit` are committed."""

    term: int
    commit: int


@dataclass(frozen=True, slots=True)
class Leave:
    """The sender stops."""

    reason: str = ""


MESSAGES: dict[int, type] = {
    1: Heartbeat,
    2: Prepare,
    3: Promise,
    4: Refuse,
    5: Fetch,
    6: Tail,
    7: Install,
    8: ViewAck,
    9: Active,
    10: Leave,
}
