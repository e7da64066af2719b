"""One node's replicated core: heartbeats, views, log, requests and status stream put together.

Pure: `handle(event, now)` returns effects. The node executes them; the simulation does the same
with fakes. Nothing else in the engine talks to the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.base.events import (
    AskReadPoint,
    Effect,
    Event,
    Judged,
    LeaveView,
    LinkLost,
    Outcome,
    Paused,
    PeerSafe,
    Persisted,
    PersistFailed,
    Prepared,
    Received,
    Submit,
    SubmitStatus,
    Tick,
    View,
)
from engine.base.outbox import Outbox
from engine.base.seams import Chance
from engine.membership import messages as membership
from engine.membership.detector import Detector, Heard
from engine.membership.quorum import quorum
from engine.membership.view import Timing, Votes
from engine.membership.views import Views
from engine.replica import messages as replication
from engine.replica.core import COMPACT_ENTRIES, Replica
from engine.replica.image import StoreState
from engine.replica.machine import Machine
from engine.replica.reads import Reads
from engine.replica.requests import Requests
from engine.replica.status import StatusStream

MEMBER_MESSAGES: tuple[type, ...] = (
    *membership.MESSAGES.values(),
    *replication.MESSAGES.values(),
)


class Member:
    """The composition; `machine` is the replicated state, read it freely, change it never."""

    def __init__(
        self,
        me: int,
        votes: Votes,
        timing: Timing,
        start: StoreState,
        machine: Machine,
        rng: Chance,
        compact_after: int = COMPACT_ENTRIES,
    ) -> None:
        self.me = me
        self.votes = votes
        self.timing = timing
        self.machine = machine
        self._rng = rng
        self._out = Outbox(me, patience=0.6 * timing.prepare)
        self._detector = Detector(me, votes, timing)
        self._requests = Requests(me, votes, timing, machine, self._out)
        self._reads = Reads(me, votes, timing, self._out)
        self._status = StatusStream(me, timing, machine, self._out)
        self._replica = Replica(
            me,
            timing,
            start.log,
            machine,
            self._out,
            self._requests.on_applied,
            compact_after,
            start.commit,
        )
        self._views = Views(
            me,
            votes,
            timing,
            start.standing,
            self._replica,
            self._detector,
            self._out,
            rng,
            self._began,
        )
        self._has_left = False
        self._next_beat = 0.0
        self._view: View | None = None
        self._wall = 0.0
        self._load = 0
        self._handlers: Mapping[type, Callable[[int, Any], None]] = self._table()

    # ---- reads

    @property
    def view(self) -> View | None:
        """The active view."""
        return self._views.current

    @property
    def is_dc(self) -> bool:
        view = self._views.current
        return view is not None and view.dc == self.me

    @property
    def term(self) -> int:
        return self._views.promised

    @property
    def commit(self) -> int:
        return self._replica.commit

    @property
    def log(self) -> Replica:
        return self._replica

    @property
    def views(self) -> Views:
        return self._views

    def has_authority(self, now: float) -> bool:
        """Whether this node may start actions, and dispatch them as DC (D-16, rule R13).

        True while a quorum of the active view is known to have heard this node within the dead
        time and to have promised nothing newer; in a view without quorum: all its members.
        """
        view = self._views.current
        if view is None:
            return False
        counted = self._detector.confirmed(view, now)
        if not view.quorate:
            return counted == view.members
        return quorum(self.votes, counted).quorate

    def outcome(self, request_id: str) -> Outcome | None:
        """The result of a request that is in the log."""
        return self.machine.outcome(request_id)

    def describe(self, now: float) -> dict[str, Any]:
        """For status output and the oracle."""
        view = self._views.current
        nodes = self._detector.clique(now, view)
        return {
            "term": self._views.promised,
            "accepted": self._views.accepted,
            "blank": self._views.blank,
            "view": view.term if view else 0,
            "members": list(view.members) if view else [],
            "durable": list(view.durable) if view else [],
            "dc": view.dc if view else 0,
            "quorate": bool(view and view.quorate),
            "reason": view.reason if view else self._views.verdict(nodes).reason,
            "heard": list(self._detector.heard(now)),
            "walls": {node: peer.beat.wall for node, peer in self._detector.peers.items()},
            "commit": self._replica.commit,
            "last": self._replica.last,
            "disk": self._out.failure or "ok",
        }

    def lives(self) -> dict[int, int]:
        """Which life of its agent each member of the active view is in: a number that only grows."""
        view = self._views.current
        members = view.members if view is not None else ()
        peers = self._detector.peers
        return {node: peers[node].incarnation for node in members if node in peers}

    def load_is(self, level: int, wall: float) -> None:
        """What the next heartbeats say of this node's load and wall clock."""
        self._load, self._wall = level, wall

    # ---- events

    def handle(self, event: Event, now: float) -> list[Effect]:
        """React to one event; `now` never goes back."""
        if self._has_left:
            return []
        out = self._out
        out.now = now
        out.effects = []
        self._dispatch(event)
        while out.local:
            message = out.local.popleft()
            self._handlers[type(message)](self.me, message)
        self._note_lost_view()
        self._requests.pump(self._replica)
        while out.local:
            message = out.local.popleft()
            self._handlers[type(message)](self.me, message)
        return out.effects

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, Received):
            self._received(event)
        elif isinstance(event, Tick):
            self._tick()
        elif isinstance(event, Persisted):
            self._out.persisted(event.token)
        elif isinstance(event, PersistFailed):
            self._out.note("store-failed", reason=event.reason)
            self._out.fail(event.reason)
        elif isinstance(event, Submit):
            self._requests.submit(event.submission)
        elif isinstance(event, AskReadPoint):
            self._reads.ask(event.number, self._replica.known)
        elif isinstance(event, SubmitStatus):
            self._status.submit(event.changes)
        elif isinstance(event, LinkLost):
            self._beat_all()  # a question: only silence for the whole dead time is an answer
        elif isinstance(event, Paused):
            self._out.note("paused", gap=event.gap)
            self._detector.forget_echoes()
        elif isinstance(event, PeerSafe):
            self._views.peer_is_safe(event.node)
        elif isinstance(event, Judged):
            self._requests.on_judged(event.number, event.verdict, self._replica)
        elif isinstance(event, Prepared):
            self.machine.take_prepared(event.digest, event.content)
            self._replica.go_on(self._views.current)
        elif isinstance(event, LeaveView):
            self._leave()

    def _received(self, event: Received) -> None:
        heard = self._detector.meet(event.frm, event.incarnation, self._out.now)
        if heard is Heard.STALE:
            return
        if heard is Heard.RESTARTED:
            self._views.restart_of(event.frm)
        handler = self._handlers.get(type(event.message))
        if handler is not None:
            handler(event.frm, event.message)

    def _table(self) -> Mapping[type, Callable[[int, Any], None]]:
        views, replica = self._views, self._replica
        requests, status = self._requests, self._status
        return {
            membership.Heartbeat: self._heartbeat,
            membership.Prepare: views.on_prepare,
            membership.Promise: views.on_promise,
            membership.Refuse: views.on_refuse,
            membership.Fetch: views.on_fetch,
            membership.Tail: views.on_tail,
            membership.Install: views.on_install,
            membership.ViewAck: views.on_view_ack,
            membership.Active: self._active,
            membership.Leave: self._left,
            replication.Append: lambda frm, m: replica.on_append(
                frm, m, views.installed, views.current
            ),
            replication.Ack: lambda frm, m: replica.on_ack(frm, m, views.current),
            replication.Commit: lambda frm, m: replica.on_commit(frm, m, views.current),
            replication.Resync: lambda frm, m: replica.on_resync(frm, m, views.current),
            replication.Replacement: lambda frm, m: replica.on_replacement(frm, m, views.current),
            replication.Ask: requests.on_ask,
            replication.Told: lambda frm, m: requests.on_told(m),
            replication.Follow: lambda frm, m: self._reads.on_follow(frm, m, views.current),
            replication.Following: self._reads.on_following,
            replication.StatusUpdate: status.on_update,
            replication.StatusFetch: status.on_fetch,
        }

    # ---- heartbeats and time

    def _heartbeat(self, frm: int, message: membership.Heartbeat) -> None:
        new = self._detector.beat(frm, message, self._out.now)
        view = self._views.view
        if message.term and view is not None and frm == view.dc and message.term == view.term:
            self._active(frm, membership.Active(message.term, message.commit))
            self._status.expect(message.status)
        if new:
            self._beat_all()
        self._views.consider()

    def _active(self, frm: int, message: membership.Active) -> None:
        if self._views.on_active(frm, message.term):
            self._replica.learn(message.commit)

    def _left(self, frm: int, message: membership.Leave) -> None:
        self._detector.has_left(frm)
        self._views.peer_is_safe(frm)

    def _tick(self) -> None:
        if self._out.now >= self._next_beat:
            self._beat_all()
        self._views.tick()
        self._requests.tick()
        self._reads.tick()
        if self._replica.tick(self._views.current):
            self._leave_laggards_behind()

    def _leave_laggards_behind(self) -> None:
        """A durable member does not acknowledge: a new view says what it is (6.2)."""
        view = self._views.current
        if view is None:
            return
        slow = self._replica.laggards()
        rest = tuple(node for node in view.durable if node not in slow)
        nodes = self._detector.clique(self._out.now, view)
        if slow and self._views.could_choose_log(rest):
            self._views.propose(nodes, quorate=True, durable=True)

    def _beat_all(self) -> None:
        now, views = self._out.now, self._views
        pause = self.timing.heartbeat * self._rng.uniform(0.8, 1.2)
        self._next_beat = now + pause
        current = views.current
        message = membership.Heartbeat(
            heard=self._detector.heard(now),
            promised=views.promised,
            stamp=int(now * 1000),
            echoes=self._detector.echoes(),
            term=current.term if current else 0,
            commit=self._replica.commit,
            status=self._status.number,
            stuck=not self._out.is_durable,
            calm=self._out.is_calm,
            blank=views.blank,
            empty=self._replica.last == 0,
            load=self._load,
            wall=self._wall,
        )
        for node in self._detector.peers:
            self._out.beat(node, message)

    # ---- views begin and end

    def _began(self, view: View, acks: dict[int, int]) -> None:
        self._view = view
        self._requests.view_began(view)
        self._reads.view_began(view)
        self._status.view_began(view)
        self._replica.activate(view, acks)
        self._beat_all()

    def _note_lost_view(self) -> None:
        if self._view is not None and self._views.current is not self._view:
            self._view = None
            self._requests.view_ended()
            self._reads.view_ended()
            self._status.view_ended()

    def _leave(self) -> None:
        """Say farewell; from then on this life takes part in nothing and forms no view."""
        self._has_left = True
        self._views.lose("this node stops")
        for node in self._detector.peers:
            self._out.send(node, membership.Leave("stopped"))
