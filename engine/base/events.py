"""Events and effects of the replicated core: what goes in, what comes out, as plain values.

A core is a class with `handle(event, now) -> list[Effect]`: `now` is monotonic seconds, nothing in it
reads a clock or draws randomness by itself. The node executes effects and turns the outside into
events (engine 1.2, 3.3). Node ids are the numbers of the node file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the replicated log.

    `term` is the view that sequenced it; `digest` chains all entries up to this one, so that equal
    digests at equal indexes mean equal histories.
    """

    index: int
    term: int
    payload: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The replicated state after entry `index`, whose chained digest is `digest`.

    `state` is the configuration as plain XML, `side` what else is replicated (request ids, authors).
    """

    index: int
    digest: bytes
    state: bytes
    side: bytes = b""


@dataclass(frozen=True, slots=True)
class View:
    """A membership that its members agreed on (engine 4.5).

    `durable` are the members whose acknowledgement a commit waits for. `since` orders members by
    how long they have been in the sequence of views without a break, longest first.
    """

    term: int
    members: tuple[int, ...]
    durable: tuple[int, ...]
    dc: int
    quorate: bool
    reason: str = ""
    since: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """A change of the configuration asked for by a client.

    `base` is the version the client saw (admin_epoch, epoch, num_updates). Exactly one of `patch`
    (engine.cib.patch) and `replace` (a whole `<cib>`) is not empty. `wall` is epoch seconds where it
    was received. `acl_user` and `acl_groups` are whose rights count, "" for who may do everything.
    With `expected` (admin_epoch, epoch) it is done only if the configuration has exactly
    this version when it is its turn: of two clients with the same expectation one is refused.
    """

    request_id: str
    base: tuple[int, int, int]
    patch: bytes = b""
    replace: bytes = b""
    force: bool = False
    user: str = ""
    client: str = ""
    origin: str = ""
    wall: float = 0.0
    expected: tuple[int, ...] = ()
    acl_user: str = ""
    acl_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission; `status` is an ExitStatus, `conflicts` name objects and authors."""

    request_id: str
    ok: bool
    error: str = ""
    status: int = 0
    index: int = 0
    version: tuple[int, int, int] = (0, 0, 0)
    durable: tuple[int, ...] = ()
    of: int = 0
    conflicts: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One change of the status section.

    `path` leads from `<status>` down as (tag, id or ""); `xml` is the element to put at the end of
    the path (replacing the one with the same tag and id), or empty to remove it. An empty path with
    `xml` replaces the whole status section.
    """

    path: tuple[tuple[str, str], ...]
    xml: bytes = b""


@dataclass(frozen=True, slots=True)
class Question:
    """A change that takes too long to be judged on the event loop.

    A whole `replace`, or a `patch` of the configuration `state`; the state is there also where the
    rights of `acl_user` count. `uses` are what the configuration
    that is replaced has of what the agents do not carry out (`engine.cib.not_carried_out`).
    """

    replace: bytes = b""
    state: bytes = b""
    patch: bytes = b""
    force: bool = False
    uses: tuple[tuple[str, str], ...] = ()
    acl_user: str = ""
    acl_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: a `problem` or `conflicts` (subject, what) with the `status` of the refusal.

    `is_empty`: it changes nothing. `tally`: the counts of a flawless result, as bytes.
    """

    problem: str = ""
    status: int = 0
    warnings: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, str], ...] = ()
    is_empty: bool = False
    tally: bytes = b""


# ---- events: what the node tells the core


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to `Judge` of this number."""

    number: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to `Prepare`: the entry with this digest can now be applied at once.

    `content` is what the machine's own preparation made of it.
    """

    digest: bytes
    content: Any


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; comes at least every `Timing.tick` seconds."""


@dataclass(frozen=True, slots=True)
class Received:
    """An authenticated message of a peer; `incarnation` is the sender's."""

    frm: int
    incarnation: int
    message: Any


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The control stream of a peer broke: a reason to ask whether it is there, never a proof."""

    peer: int


@dataclass(frozen=True, slots=True)
class Persisted:
    """The writes of this token, and of all before it, are on stable storage."""

    token: int


@dataclass(frozen=True, slots=True)
class PersistFailed:
    """Writing failed: the store is not used again in this life of the process (rule R9)."""

    token: int
    reason: str


@dataclass(frozen=True, slots=True)
class Submit:
    """A client of this node asks for a change; the answer is an `Answer` with the same request id."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class AskReadPoint:
    """A reader wants to see all that was acknowledged by now; the DC's answer is a `ReadPoint`."""

    number: int


@dataclass(frozen=True, slots=True)
class SubmitStatus:
    """The DC's controller changed the status section; applied here at once, then on every member."""

    changes: tuple[StatusChange, ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """This process did not run for `gap` seconds (stopped, machine overloaded or suspended)."""

    gap: float


@dataclass(frozen=True, slots=True)
class PeerSafe:
    """A node is certainly down, or fencing is switched off: with `two_node` the other may commit (D-19)."""

    node: int


@dataclass(frozen=True, slots=True)
class LeaveView:
    """This node stops: it hands over and tells the others."""


# ---- effects: what the core asks the node to do


@dataclass(frozen=True, slots=True)
class Beat:
    """Send a heartbeat datagram on every link."""

    to: int
    message: Any


@dataclass(frozen=True, slots=True)
class Send:
    """Send on the control stream; may be lost. `to` is never the node itself."""

    to: int
    message: Any


@dataclass(frozen=True, slots=True)
class WriteTerm:
    """Local record: this node promised `term`."""

    term: int


@dataclass(frozen=True, slots=True)
class WriteView:
    """Local record, atomic: the log was adopted by the quorate view `view`.

    The log is then: `snapshot` if there is one, else what was there up to entry `base`; then
    `entries`.
    """

    view: View
    base: int
    entries: tuple[Entry, ...]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """Replicated record appended to the log."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class WriteCommit:
    """Local record: entries up to `index` are committed; a node that starts alone shows those."""

    index: int


Write = WriteTerm | WriteView | WriteEntry | WriteCommit


@dataclass(frozen=True, slots=True)
class Persist:
    """Append the writes and fsync, then say `Persisted(token)`. Tokens rise; order is kept."""

    token: int
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """Have a change judged off the event loop; the answer is `Judged`."""

    number: int
    question: Question


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a large entry ready to be applied, off the event loop; the answer is `Prepared`."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Compact:
    """Write this snapshot to the store and drop the log before it. No answer is awaited."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class ViewInstalled:
    """A view became active at this node (`view.dc` acts, all others obey it)."""

    view: View


@dataclass(frozen=True, slots=True)
class ViewLost:
    """This node is in no active view any more; a new `ViewInstalled` follows when one formed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Committed:
    """Entries up to `index` are committed and applied to the CIB of this node.

    `wall` is the time (epoch seconds) that the newest of them bears.
    """

    index: int
    version: tuple[int, int, int]
    wall: float = 0.0


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The CIB of this node was replaced or rolled back; derived state must be built anew."""

    index: int


@dataclass(frozen=True, slots=True)
class StatusApplied:
    """The status section of this node's CIB changed."""

    changes: tuple[StatusChange, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a client of this node."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ReadPoint:
    """Reader `number` may read where entries up to `index` are applied; with `error` nowhere."""

    number: int
    index: int
    error: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """Something for log and trace: stable kind, plain fields."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)


Event = (
    Tick
    | Received
    | LinkLost
    | Persisted
    | PersistFailed
    | Submit
    | AskReadPoint
    | SubmitStatus
    | Paused
    | PeerSafe
    | LeaveView
    | Judged
    | Prepared
)
Effect = (
    Beat
    | Send
    | Persist
    | Judge
    | Prepare
    | Compact
    | ViewInstalled
    | ViewLost
    | Committed
    | Reloaded
    | StatusApplied
    | Answer
    | ReadPoint
    | Note
)
