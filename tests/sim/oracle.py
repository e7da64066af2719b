"""Checks the invariants of doc/rules/invariants.md while a run goes on, and its liveness at the end.

It keeps its own truth: which entry was committed at which index, which client was answered what.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engine.base.events import Committed, Outcome, View
from engine.base.exitcodes import ExitStatus
from tests.sim.world import Violation

if TYPE_CHECKING:
    from engine.replica.member import Member
    from tests.sim.world import SimNode, World


class Oracle:
    """One per run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chain: dict[int, bytes] = {}
        self._term: dict[int, int] = {}
        self._states: dict[int, bytes] = {}
        self._request_of: dict[int, str] = {}
        self._index_of: dict[str, int] = {}
        self._views: dict[int, View] = {}
        self._current: dict[int, View] = {}
        self._newest = 0
        self._active_at: dict[int, float] = {}
        self._before: dict[str, int] = {}
        self._refused: set[str] = set()  # submitted once, and refused for certain
        self._times: Counter[str] = Counter()
        self.unknown: set[str] = set()
        self.acks = 0
        self.highest_ack = 0
        self._mark = 0

    def mark(self) -> None:
        self._mark = self.acks

    def fail(self, invariant: str, text: str) -> None:
        raise Violation(f"{invariant} at {self._world.now / 1e6:.3f}: {text}")

    # ---- during the run

    def after(self, node: SimNode) -> None:
        """I-7, and I-13: what a client of one node sees never goes back while the node lives."""
        member = node.member
        if member is not None and member.is_dc:
            self._authority(node, member)
        version = node.machine.version
        if version[:2] < node.seen_version[:2]:
            self.fail("I-13", f"node {node.id}: {node.seen_version} then {version}")
        node.seen_version = version

    def _authority(self, node: SimNode, member: Member) -> None:
        """I-7, R13: no DC acts longer than the lease after a newer view with quorum was active."""
        view = member.view
        if view is None or not view.durable or view.term >= self._newest:
            return
        now, lease = self._world.now / 1e6, self._world.timing.dead_time
        since = min(at for term, at in self._active_at.items() if term > view.term)
        if now - since > lease and member.has_authority(now):
            self.fail("I-7", f"node {node.id} is DC of {view.term}, {self._newest} is active")

    def booted(self, node: SimNode) -> None:
        """I-6: what a node shows before it is in any view was committed."""
        index, state = node.machine.index, node.machine.digest()
        if index and self._states.get(index, state) != state:
            self.fail("I-6", f"node {node.id} starts with another state at index {index}")
        for entry in node.machine.fresh:
            if self._chain.get(entry.index) != entry.digest:
                self.fail("I-2", f"node {node.id} shows entry {entry.index}, not committed")
        node.machine.fresh = []

    def committed(self, node: SimNode, effect: Committed) -> None:
        """I-2, I-6: one entry per index, everywhere, and the same state after it."""
        view = self._current.get(node.id)
        if view is None:
            self.fail("I-3", f"node {node.id} committed {effect.index} outside of a view")
            return
        fresh, node.machine.fresh = node.machine.fresh, []
        for entry in fresh:
            self._term.setdefault(entry.index, view.term)
            if self._chain.setdefault(entry.index, entry.digest) != entry.digest:
                self.fail("I-2", f"two histories at index {entry.index} (node {node.id})")
        state = node.machine.digest()
        if self._states.setdefault(effect.index, state) != state:
            self.fail("I-6", f"states after index {effect.index} differ (node {node.id})")

    def view(self, node: SimNode, view: View) -> None:
        """I-3: one DC per term; I-2: what was committed by older views is in the log."""
        world = self._world
        known = self._views.setdefault(view.term, view)
        if (known.dc, known.members) != (view.dc, view.members):
            self.fail("I-3", f"two views in term {view.term}: {known} and {view}")
        self._current[node.id] = view
        if view.dc != node.id:
            return
        world.seen["view"] += 1
        if not view.durable:
            world.seen["view-without-log" if view.quorate else "view-without-quorum"] += 1
            return
        if len(view.durable) < len(view.members):
            world.seen["view-with-non-durable"] += 1
        log = node.member.log if node.member else None
        if log is None:
            return
        self._newest = max(self._newest, view.term)
        self._active_at.setdefault(view.term, world.now / 1e6)
        world.log("VIEW", view.term, view.members, "dc", view.dc, "last", log.last)
        for index, digest in self._chain.items():
            if self._term[index] >= view.term or index < log.base:
                continue
            if log.digest_at(index) != digest:
                self.fail("I-2", f"view {view.term} (dc {view.dc}) lost committed index {index}")

    def view_lost(self, node: SimNode) -> None:
        self._current.pop(node.id, None)

    def submitted(self, request: str) -> None:
        self._before.setdefault(request, self.highest_ack)
        self._times[request] += 1
        self.unknown.add(request)

    def answered(self, outcome: Outcome) -> None:
        """I-2, I-5: an acknowledged request is in the log once, after what was acknowledged before."""
        request = outcome.request_id
        if not outcome.ok:
            certain = outcome.status != ExitStatus.TIMEOUT
            self._world.seen["refused" if certain else "outcome-unknown"] += 1
            if certain:
                self._refused.add(request)
                self.unknown.discard(request)  # its client is told that it did not happen
            return
        if self._index_of.setdefault(request, outcome.index) != outcome.index:
            self.fail("I-5", f"{request} at index {self._index_of[request]} and {outcome.index}")
        if self._request_of.setdefault(outcome.index, request) != request:
            self.fail("I-5", f"{request} and {self._request_of[outcome.index]} at {outcome.index}")
        if outcome.index not in self._chain:
            self.fail("I-2", f"{request} acknowledged at {outcome.index}, not committed")
        if outcome.index <= self._before[request]:
            self.fail("I-5", f"{request} ordered before what was acknowledged earlier")
        self.unknown.discard(request)
        self.acks += 1
        self.highest_ack = max(self.highest_ack, outcome.index)
        self._world.log("ACK", request, outcome.index)

    def has_read(self, node: int, index: int, floor: int) -> None:
        """I-5: a read has what was acknowledged, or read by another, before it was asked for."""
        if index < floor:
            self.fail("I-5", f"node {node} reads {index}, but {floor} was known before")

    # ---- at the end

    def at_end(self) -> None:
        """L-1, L-2, I-6, and every acknowledged request is in every log exactly once."""
        world = self._world
        everyone = tuple(world.nodes)
        for node in world.nodes.values():
            view = node.member.view if node.member else None
            if view is None or view.members != everyone or not view.quorate:
                self.fail("L-1", f"node {node.id} has no full active view: {view}")
            elif view.durable != everyone:
                self.fail("L-1", f"node {node.id}: not all members are durable: {view}")
            elif node.member and not node.member.has_authority(world.now / 1e6):
                self.fail("L-1", f"node {node.id} has no authority in a full view")
        if self.acks == self._mark:
            self.fail("L-2", "no commit after the end of all faults")
        for node in world.nodes.values():
            if node.machine.has_twice():
                self.fail("I-5", f"node {node.id} has a request twice")
            for request, index in self._index_of.items():
                if index <= node.machine.index and not node.machine.has_at(request, index):
                    self.fail("I-2", f"node {node.id}: {request} is not at {index}")
        self._refused_is_never_applied()
        self._status_is_equal()

    def _refused_is_never_applied(self) -> None:
        """I-5: what was refused for certain, and not submitted again, is in no log."""
        for request in sorted(self._refused):
            if self._times[request] > 1:
                continue
            for node in self._world.nodes.values():
                if node.machine.has(request):
                    self.fail("I-5", f"{request} was refused, and node {node.id} has it")

    def _status_is_equal(self) -> None:
        """I-6 for the volatile stream: some seconds after its last change all nodes have the same."""
        machines = [node.machine for node in self._world.nodes.values()]
        if len({machine.status() for machine in machines}) != 1:
            self.fail("I-6", f"status sections differ: {[m.status() for m in machines]}")
