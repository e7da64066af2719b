"""The view change: agreeing on members, DC and log (engine 4.4 to 4.7, rules R1 to R13).

Pure: takes messages and the time, leaves effects in the outbox. Heartbeats are the detector's, the
log and its commits the replica core's.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.base.events import View, ViewInstalled, ViewLost, WriteTerm, WriteView
from engine.base.outbox import Outbox
from engine.base.seams import Chance
from engine.membership.api import LogHolder
from engine.membership.attempt import Attempt, Phase, Standing
from engine.membership.detector import Detector
from engine.membership.draft import Draft, best_log
from engine.membership.messages import (
    Active,
    Fetch,
    Install,
    Prepare,
    Promise,
    Refuse,
    Tail,
    ViewAck,
)
from engine.membership.quorum import Verdict, quorum
from engine.membership.view import Timing, Votes

SLOTS = 64
# Seconds that a quorum of nodes without a quorum of quick disks waits before it gives up its quorum.
DISK_PATIENCE = 30.0


class Views:
    """Promises, attempts and the view of one node."""

    def __init__(
        self,
        me: int,
        votes: Votes,
        timing: Timing,
        standing: Standing,
        log: LogHolder,
        detector: Detector,
        outbox: Outbox,
        rng: Chance,
        on_active: Callable[[View, dict[int, int]], None],
    ) -> None:
        self._me = me
        self._votes = votes
        self._timing = timing
        self._log = log
        self._detector = detector
        self._out = outbox
        self._rng = rng
        self._on_active = on_active
        self.promised = standing.promised
        self.accepted = standing.accepted
        self.blank = standing.blank
        self.all_seen = False
        self.last_quorate = standing.view
        self.view: View | None = None
        self.active = False
        self._attempt: Attempt | None = None
        self._acks: dict[int, dict[int, int]] = {}
        self._held_promise: tuple[int, int] | None = None
        self._seen = 0
        self._fails = 0
        self._born: float | None = None
        self._restless_since = 0.0
        self._wait = 0.0
        self._doubt_since: float | None = None
        self._safe: set[int] = set()
        self._over = 0
        self._patient_since: float | None = None
        self._asked: set[int] = set()

    # ---- what others ask

    @property
    def installed(self) -> View | None:
        """The view that this node installed and still obeys: it promised nothing newer (rule R5)."""
        view = self.view
        return view if view is not None and self.obeys(view.term) else None

    def obeys(self, term: int) -> bool:
        """Rule R5: nothing of a term that is not the promised one is obeyed."""
        return self.promised == term

    def is_over(self, term: int) -> bool:
        """Rule R5: a view older than the promise is not installed any more."""
        return term < self.promised

    @property
    def current(self) -> View | None:
        """The active view that this node obeys."""
        return self.installed if self.active else None

    def verdict(self, nodes: tuple[int, ...]) -> Verdict:
        """Whether these nodes could form a view with a log, by what their heartbeats say."""
        found = quorum(self._votes, nodes, self._all_seen_with(nodes))
        if not found.quorate:
            return found
        solid = [node for node in nodes if self._has_vote(node)]
        if quorum(self._votes, solid).quorate:
            return found
        if self._is_first_start(nodes):
            return Verdict(True, f"{found.reason}; first start")
        return Verdict(
            False, f"{found.reason}, but only {len(solid)} of these nodes have a usable store"
        )

    def unsafe(self, nodes: tuple[int, ...]) -> tuple[int, ...]:
        """D-19: with `two_node` both halves are quorate; only who outlives the other has the log.

        The nodes that are not among `nodes` and neither fenced nor gone by themselves.
        """
        if not self._votes.two_node:
            return ()
        absent = [node for node in self._votes.nodes if node not in nodes]
        return tuple(node for node in absent if node not in self._safe)

    def peer_is_safe(self, node: int) -> None:
        """The node is down for certain, until it is a member again."""
        self._safe.add(node)
        self.consider()

    def _may_have_log(self, nodes: tuple[int, ...], verdict: Verdict) -> bool:
        return verdict.quorate and not self.unsafe(nodes)

    # ---- time

    def tick(self) -> None:
        """Act on what is due."""
        now = self._out.now
        if self._born is None:
            self._born = self._restless_since = now
        self._answer_without_disk()
        attempt = self._attempt
        if attempt is not None:
            if attempt.phase is Phase.PREPARING and now >= attempt.started + self._timing.prepare:
                self._prepared(attempt)
            elif now >= attempt.until:
                self._give_up(attempt, "no answer in time")
        self.consider()

    def consider(self) -> None:
        """Start a view change when the view is not what it should be and it is this node's turn."""
        now = self._out.now
        if self._born is None:
            return
        nodes = self._detector.clique(now, self.view)
        complete = len(nodes) == len(self._votes.nodes)
        if not complete and now - self._born < self._timing.dead_time:
            return
        verdict = self.verdict(nodes)
        if self._is_settled(nodes, verdict):
            self._restless_since = now
            self._fails = 0
            self._wait = self._first_wait()
            return
        if self._attempt is not None or not self._may_lead(verdict):
            return
        if self._waits_for_a_returned(nodes):
            return
        if now - self._restless_since >= self._wait + self._turn(nodes, verdict):
            self._restless_since = now
            self.propose(nodes, quorate=verdict.quorate, durable=self._may_have_log(nodes, verdict))

    def _waits_for_a_returned(self, nodes: tuple[int, ...]) -> bool:
        """Whether a member that restarted is about to be left out: it may speak first (12.4).

        It is back, but who hears whom is not known yet. A view without it would have it fenced.
        """
        members = set(self.view.members) if self.view is not None else set()
        now = self._out.now
        if not (members - set(nodes)) & self._detector.returned(now):
            self._patient_since = None
            return False
        if self._patient_since is None:
            self._patient_since = now
        return now - self._patient_since < self._timing.dead_time

    def _ask_again(self, attempt: Attempt) -> tuple[int, ...]:
        """Who is heard all the time, and did not answer for the first time: they are asked twice."""
        heard = set(self._detector.heard(self._out.now))
        silent = [node for node in attempt.members if node not in attempt.got and node in heard]
        again = tuple(node for node in silent if node not in self._asked)
        self._asked.update(again)
        return again

    def restart_of(self, node: int) -> None:
        """Rule R10: a new incarnation of a member ends every view that holds the old one."""
        if self.view is not None and node in self.view.members:
            # A late word of its DC must not make it active again, here and nowhere else.
            self._over = self.view.term
            self.lose(f"node {self._votes.name(node)} restarted")

    def lose(self, reason: str) -> None:
        """No active view from here on."""
        if self.active:
            self.active = False
            self._out.add(ViewLost(reason))

    # ---- the candidate

    def propose(self, nodes: tuple[int, ...], *, quorate: bool, durable: bool) -> None:
        """Lead a change to a view of these nodes, with a log (`durable`) or without (4.7, D-19)."""
        if self._attempt is not None or self._me not in nodes:
            return
        now = self._out.now
        highest = max(self.promised, self.accepted, self._seen, self._detector.highest_promise())
        term = (highest // SLOTS + 1) * SLOTS + self._votes.slot(self._me)
        self._attempt = Attempt(
            term,
            nodes,
            quorate,
            durable,
            started=now,
            until=now + self._timing.prepare + self._timing.install,
        )
        self._out.note("propose", term=term, members=list(nodes), quorate=durable)
        for node in nodes:
            self._out.send(node, Prepare(term, nodes, durable))

    def on_promise(self, frm: int, message: Promise) -> None:
        attempt = self._attempt
        if attempt is None or attempt.term != message.term or frm not in attempt.members:
            return
        if attempt.phase is not Phase.PREPARING:
            return
        attempt.got[frm] = message
        if len(attempt.got) == len(attempt.members):
            self._prepared(attempt)

    def on_refuse(self, frm: int, message: Refuse) -> None:
        self._seen = max(self._seen, message.promised)
        attempt = self._attempt
        if attempt is not None and attempt.term == message.term:
            self._give_up(attempt, f"{self._votes.name(frm)} promised a newer term")

    def on_tail(self, frm: int, message: Tail) -> None:
        attempt = self._attempt
        if attempt is None or attempt.term != message.term or attempt.phase is not Phase.FETCHING:
            return
        self._install(attempt, Draft(self._log, message.base, message.entries, message.snapshot))

    def _prepared(self, attempt: Attempt) -> None:
        """All promises are here, or the time for them is over (4.5, step 3)."""
        got = attempt.got
        if self.promised != attempt.term:
            self._give_up(attempt, "overtaken")
            return
        if self._me not in got or not got[self._me].durable:
            # Without a promise on disk this node could use the same term again after a restart.
            self._give_up(attempt, "own promise is not on stable storage")
            return
        again = self._ask_again(attempt)
        if again:
            names = ", ".join(self._votes.name(node) for node in again)
            self._give_up(attempt, f"{names} did not answer and is heard: asked once more")
            return
        if not attempt.durable:
            quorate = attempt.quorate and len(got) == len(attempt.members)
            attempt.view = self._make_view(attempt, tuple(sorted(got)), (), quorate, None)
            self._install(attempt, None)
            return
        electors = self.electors(got)
        verdict = quorum(self._votes, electors, self._all_seen_of(got))
        if not verdict.quorate and not self.is_first_start(got):
            self._give_up(attempt, f"{verdict.reason} with a usable store")
            return
        if self.unsafe(tuple(sorted(got))):
            self._give_up(attempt, "a node that is not fenced did not answer")
            return
        owner = best_log(got, electors or sorted(got), self._me)
        durable = tuple(sorted(node for node, promise in got.items() if promise.durable))
        attempt.view = self._make_view(attempt, tuple(sorted(got)), durable, True, got[owner])
        best = got[owner]
        if self._log.digest_at(best.last) == best.last_digest:
            self._install(attempt, Draft(self._log, best.last, (), None))
            return
        attempt.phase = Phase.FETCHING
        after = min(self._log.commit, best.last)
        self._out.send(owner, Fetch(attempt.term, after, self._log.digest_at(after) or b""))

    def electors(self, got: dict[int, Promise]) -> list[int]:
        """Rule R3: a store that is blank or not durable has no vote in choosing the log."""
        return sorted(node for node, item in got.items() if item.durable and not item.blank)

    def is_first_start(self, got: dict[int, Promise]) -> bool:
        """Rule R11: every configured node is there and every log is empty."""
        return len(got) == len(self._votes.nodes) and all(
            item.last == 0 and item.durable for item in got.values()
        )

    def _make_view(
        self,
        attempt: Attempt,
        members: tuple[int, ...],
        durable: tuple[int, ...],
        quorate: bool,
        best: Promise | None,
    ) -> View:
        known = best or attempt.got[self._me]
        since = [node for node in known.since if node in members]
        since += [node for node in members if node not in since]
        reason = quorum(self._votes, members, self._all_seen_of(attempt.got)).reason
        if not quorate:
            reason = self.verdict(members).reason
        dc = self._appoint(known.dc, since)
        return View(attempt.term, members, durable, dc, quorate, reason, tuple(since))

    def _appoint(self, previous: int, since: list[int]) -> int:
        """D-20: the previous DC, else who is longest in the sequence of views; a witness last."""
        able = [node for node in since if node not in self._votes.witnesses] or since
        return previous if previous in able else able[0]

    def _install(self, attempt: Attempt, draft: Draft | None) -> None:
        view = attempt.view
        if view is None:
            return
        attempt.phase = Phase.INSTALLING
        attempt.until = self._out.now + self._timing.install
        for node in view.members:
            if draft is None:
                self._out.send(node, Install(view, 0, b"", (), 0, b""))
            else:
                self._out.send(node, draft.install_for(view, attempt.got[node]))

    def _give_up(self, attempt: Attempt, why: str) -> None:
        self._out.note("attempt-failed", term=attempt.term, why=why)
        self._attempt = None
        self._fails += 1
        self._restless_since = self._out.now
        self._wait = self._rng.uniform(0, self._timing.prepare * min(self._fails, 5))

    # ---- the member

    def on_prepare(self, frm: int, message: Prepare) -> None:
        term = message.term
        if term <= self.promised:
            if term < self.promised:
                self._out.send(frm, Refuse(term, self.promised))
            return
        self.promised = term
        self.lose("a new view is being formed")
        if self._attempt is not None and self._attempt.term != term:
            self._attempt = None
        self._restless_since = self._out.now
        self._wait = self._rng.uniform(0, self._timing.prepare) + self._timing.prepare
        self._held_promise = (frm, term)
        self.persist_promise(frm, term)

    def persist_promise(self, frm: int, term: int) -> None:
        """Rule R2: the promise is on stable storage before it is given.

        Also for a view without quorum: the term must not be used again after a restart.
        """
        self._out.persist((WriteTerm(term),), lambda: self._promise(frm, term))
        self._answer_without_disk()

    def _answer_without_disk(self) -> None:
        """A node whose disk does not answer promises without a vote, so that it stays a member (6.2)."""
        if self._held_promise is not None and not self._out.is_durable:
            self._promise(*self._held_promise)

    def _promise(self, frm: int, term: int) -> None:
        if self.promised != term or self._held_promise != (frm, term):
            return
        self._held_promise = None
        log, last = self._log, self._log.last
        known = self.last_quorate
        self._out.send(
            frm,
            Promise(
                term,
                self.accepted,
                last,
                log.digest_at(last) or b"",
                log.commit,
                log.digest_at(log.commit) or b"",
                self.blank,
                self._out.is_durable,
                known.since if known else (),
                known.dc if known else 0,
                self.all_seen,
            ),
        )

    def on_fetch(self, frm: int, message: Fetch) -> None:
        if message.term != self.promised:
            return
        log = self._log
        if message.digest and log.digest_at(message.after) == message.digest:
            self._out.send(frm, Tail(message.term, message.after, log.tail(message.after)))
        else:
            self._out.send(frm, Tail(message.term, log.base, log.tail(log.base), log.snapshot()))

    def on_install(self, frm: int, message: Install) -> None:
        view = message.view
        if self.is_over(view.term):
            self._out.send(frm, Refuse(view.term, self.promised))
            return
        if self.view is not None and self.view.term == view.term:
            return
        if view.durable and not self._has_base(message):
            self._out.note("install-refused", term=view.term, why="log does not reach its base")
            return
        self.lose("a new view is being installed")
        self.promised = max(view.term, self.promised)
        self._held_promise = None
        self.view = view
        if self._attempt is not None and self._attempt.term != view.term:
            self._attempt = None
        self._restless_since = self._out.now
        self._wait = self._timing.install + self._rng.uniform(0, self._timing.prepare)
        if not view.durable:
            self._out.send(view.dc, ViewAck(view.term, 0))
            return
        self._adopt(message)

    def _has_base(self, message: Install) -> bool:
        if message.snapshot is not None:
            return True
        return self._log.digest_at(message.base) == message.base_digest

    def _adopt(self, message: Install) -> None:
        """Take over the log of a quorate view; rule R8: nothing else ever writes `accepted`."""
        view = message.view
        self._log.adopt(message.base, message.entries, message.snapshot)
        self.accepted = view.term
        self.blank = False
        self.last_quorate = view
        write = WriteView(view, message.base, message.entries, message.snapshot)
        last = self._log.last
        ack = ViewAck(view.term, last)

        def acknowledge() -> None:
            if self.obeys(view.term) and self.view is view:
                self._out.send(view.dc, ack)

        if self._me in view.durable:
            self._out.persist((write,), acknowledge)
        else:
            self._out.persist((write,))
            acknowledge()

    def on_view_ack(self, frm: int, message: ViewAck) -> None:
        """At the DC; an acknowledgement may come before the view itself."""
        if message.term < self.promised:
            return
        acks = self._acks.setdefault(message.term, {})
        acks[frm] = message.last
        for term in [term for term in self._acks if term < self.promised]:
            del self._acks[term]
        view = self.installed
        if view is None or view.term != message.term or view.dc != self._me or self.active:
            return
        if view.term == self._over:
            return
        if all(node in acks for node in view.members):
            self._activate(view, acks)

    def _activate(self, view: View, acks: dict[int, int]) -> None:
        self._begin(view, acks)
        for node in view.members:
            if node != self._me:
                self._out.send(node, Active(view.term, self._log.commit))

    def on_active(self, frm: int, term: int) -> bool:
        """The DC says that the view is active; True when this node now obeys it as active."""
        view = self.installed
        if view is None or view.term != term or view.dc != frm or term == self._over:
            return False
        if not self.active:
            self._begin(view, {})
        return True

    def _begin(self, view: View, acks: dict[int, int]) -> None:
        self.active = True
        self._attempt = None
        self._patient_since = None
        self._asked.clear()
        self._fails = 0
        if len(view.members) == len(self._votes.nodes):
            self.all_seen = True
        self._safe.difference_update(view.members)
        self._out.add(ViewInstalled(view))
        self._on_active(view, acks)

    # ---- when to begin

    def _is_settled(self, nodes: tuple[int, ...], verdict: Verdict) -> bool:
        view = self.current
        if view is None or view.members != nodes:
            return False
        if view.quorate and not verdict.quorate and self._has_votes(nodes):
            # Too few disks keep up to choose a log anew. What stands, stands: commits wait for the
            # disks (6.2), and nothing that runs is stopped because of them.
            return True
        if view.quorate != verdict.quorate:
            return False
        if not view.durable:
            return not self._may_have_log(nodes, verdict)
        if not self.could_choose_log(nodes):
            return True
        if view.dc != self._me:
            return self._trusts_disk_of_dc(view)
        return all(node in view.durable for node in nodes if self._is_calm(node))

    def could_choose_log(self, nodes: tuple[int, ...]) -> bool:
        """Whether a change of the view for the sake of disks would succeed: a quorum of them is quick.

        A change that fails leaves no view at all, which is worse than a slow one.
        """
        calm = [node for node in nodes if self._is_calm(node) and self._has_vote(node)]
        return quorum(self._votes, calm).quorate

    def _has_votes(self, nodes: tuple[int, ...]) -> bool:
        """Whether these nodes are a quorum, whatever their stores are like."""
        return quorum(self._votes, nodes, self._all_seen_with(nodes)).quorate

    def _trusts_disk_of_dc(self, view: View) -> bool:
        """A short hitch of the DC's disk is nothing; one that lasts makes the others act (6.2)."""
        if view.dc not in view.durable or not self._is_stuck(view.dc):
            self._doubt_since = None
            return True
        if self._doubt_since is None:
            self._doubt_since = self._out.now
        return self._out.now - self._doubt_since < self._timing.sync

    def _may_lead(self, verdict: Verdict) -> bool:
        """A term must not be used twice: whoever leads has a disk, and knows its old terms.

        A blank store does not know them, so it leads only together with a quorum, which does.
        """
        return self._out.is_durable and (verdict.quorate or not self.blank)

    def _turn(self, nodes: tuple[int, ...], verdict: Verdict) -> float:
        """Seconds to leave to others first: the DC leads its own change, then the lowest id."""
        view = self.current
        if view is not None and view.dc in nodes and not self._is_stuck(view.dc):
            if view.dc == self._me:
                return 0.0
            return 3 * self._timing.dead_time
        if view is None and self._others_are_active(nodes):
            return 3 * self._timing.dead_time
        wait = 1.5 * self._timing.prepare * nodes.index(self._me)
        if verdict.quorate:
            return wait
        if self._has_votes(nodes) and any(self._is_stuck(node) for node in nodes):
            # A view without quorum stops what runs. Disks that stall often go on in a moment.
            return wait + DISK_PATIENCE
        return wait + self._timing.prepare

    def _others_are_active(self, nodes: tuple[int, ...]) -> bool:
        """Peers report a working view that this node is not in: its DC will take this node in."""
        beats = [self._detector.peers[node].beat for node in nodes if node != self._me]
        return any(beat.term > 0 and beat.term >= self.promised for beat in beats)

    def _first_wait(self) -> float:
        """A short random pause lets changes that come together be one change."""
        return self._rng.uniform(0.2, 0.8) * self._timing.heartbeat

    def _has_vote(self, node: int) -> bool:
        if node == self._me:
            return self._out.is_durable and not self.blank
        beat = self._detector.peers[node].beat
        return not beat.stuck and not beat.blank

    def _is_stuck(self, node: int) -> bool:
        if node == self._me:
            return not self._out.is_durable
        return self._detector.peers[node].beat.stuck

    def _is_calm(self, node: int) -> bool:
        return self._out.is_calm if node == self._me else self._detector.peers[node].beat.calm

    def _is_first_start(self, nodes: tuple[int, ...]) -> bool:
        if len(nodes) != len(self._votes.nodes) or self._log.last:
            return False
        return all(self._detector.peers[node].beat.empty for node in nodes if node != self._me)

    def _all_seen_with(self, nodes: tuple[int, ...]) -> bool:
        return self.all_seen or len(nodes) == len(self._votes.nodes)

    def _all_seen_of(self, got: dict[int, Promise]) -> bool:
        return (
            self.all_seen
            or len(got) == len(self._votes.nodes)
            or any(item.all_seen for item in got.values())
        )
