"""Who is heard, who hears whom, and which set of nodes could form a view (engine 4.2, 4.3).

Decides nothing about views; keeps what heartbeats said. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations

from engine.base.events import View
from engine.membership.messages import Heartbeat
from engine.membership.view import Timing, Votes

NEVER = float("-inf")
EXACT_SEARCH_LIMIT = 12


class Heard(Enum):
    """Of which incarnation of its sender a message is."""

    STALE = "of one that is over"
    USUAL = "of the one known"
    NEW = "of a node that was not known"
    RESTARTED = "of a newer one than was known"


@dataclass(slots=True)
class Peer:
    """What is known of one other node."""

    incarnation: int = 0
    heard_at: float = NEVER
    left: int = 0
    echo: float = NEVER
    stamp: int = 0
    beat: Heartbeat = field(default_factory=lambda: Heartbeat((), 0, 0))
    hears: frozenset[int] = frozenset()
    restarted: bool = False  # since the view that this node is in was made
    met_at: float = NEVER  # the first word of this incarnation


class Detector:
    """Heartbeat state of one node about its peers."""

    def __init__(self, me: int, votes: Votes, timing: Timing) -> None:
        self._me = me
        self._votes = dict(votes.votes)
        self._timing = timing
        self.peers = {node: Peer() for node in votes.nodes if node != me}
        self._term = 0

    def meet(self, frm: int, incarnation: int, now: float) -> Heard:
        """Take note of the sender's incarnation (D-9): a lower one is stale, a higher one ends the old."""
        peer = self.peers.get(frm)
        if peer is None or incarnation < peer.incarnation or incarnation <= peer.left:
            return Heard.STALE
        if incarnation == peer.incarnation:
            return Heard.USUAL
        self.peers[frm] = Peer(incarnation=incarnation, restarted=peer.incarnation > 0, met_at=now)
        return Heard.RESTARTED if peer.incarnation else Heard.NEW

    def beat(self, frm: int, message: Heartbeat, now: float) -> bool:
        """Take a heartbeat in; True when its sender was not heard before."""
        peer = self.peers[frm]
        new = not self._is_heard(peer, now)
        peer.heard_at = now
        if message.stamp >= peer.stamp:
            peer.stamp, peer.beat, peer.hears = message.stamp, message, frozenset(message.heard)
            peer.echo = dict(message.echoes).get(self._me, 0) / 1000 or NEVER
        return new

    def returned(self, now: float) -> frozenset[int]:
        """Nodes that restarted since the view, and gave a sign of life within the dead time."""
        limit = now - self._timing.dead_time
        return frozenset(
            node
            for node, peer in self.peers.items()
            if peer.restarted and max(peer.met_at, peer.heard_at) > limit
        )

    def has_left(self, node: int) -> None:
        """The node said that it stops; only a later incarnation of it is heard again."""
        if node in self.peers:
            peer = self.peers[node]
            peer.left, peer.heard_at = peer.incarnation, NEVER

    def forget_echoes(self) -> None:
        """After a pause of this process nothing proves that it was heard (D-11)."""
        for peer in self.peers.values():
            peer.echo = NEVER

    def heard(self, now: float) -> tuple[int, ...]:
        """The nodes that this node hears, itself included, by id."""
        nodes = [node for node, peer in self.peers.items() if self._is_heard(peer, now)]
        return tuple(sorted([*nodes, self._me]))

    def echoes(self) -> tuple[tuple[int, int], ...]:
        """Newest stamp of each peer, to be sent back to it."""
        return tuple((node, peer.stamp) for node, peer in self.peers.items() if peer.stamp)

    def highest_promise(self) -> int:
        """The highest term that any peer ever reported as promised (rule R10)."""
        return max((peer.beat.promised for peer in self.peers.values()), default=0)

    def confirmed(self, view: View, now: float) -> tuple[int, ...]:
        """Members that promised nothing newer than `view` and heard this node within the lease."""
        limit = now - self._timing.dead_time
        nodes = [
            node
            for node in view.members
            if node == self._me
            or (
                (peer := self.peers.get(node)) is not None
                and peer.beat.promised == view.term
                and peer.echo >= limit
                and self._is_heard(peer, now)
            )
        ]
        return tuple(nodes)

    def clique(self, now: float, view: View | None) -> tuple[int, ...]:
        """The largest set by votes of nodes that all hear each other and that contains this one.

        Ties: contains the DC of `view`, then most of its members, then the lowest ids (D-15). A node
        that restarted since is no member any more: it must not push out one that was there all along.
        """
        if view is not None and view.term != self._term:
            self._term = view.term
            for peer in self.peers.values():
                peer.restarted = False
        alive = [
            node
            for node, peer in self.peers.items()
            if self._is_heard(peer, now) and self._me in peer.hears
        ]
        broken = {node: self._deaf_to(node, alive) for node in alive}
        conflicting = sorted(node for node in alive if broken[node])
        if not conflicting:
            return tuple(sorted([*alive, self._me]))
        agreed = [self._me, *(node for node in alive if not broken[node])]
        if len(conflicting) > EXACT_SEARCH_LIMIT:
            return tuple(sorted([*agreed, *_drop_worst(conflicting, broken)]))
        best = self._best_subset(agreed, conflicting, broken, view)
        return tuple(sorted(best))

    def _best_subset(
        self,
        agreed: list[int],
        conflicting: list[int],
        broken: dict[int, frozenset[int]],
        view: View | None,
    ) -> list[int]:
        best: list[int] = agreed
        best_key = self._preference(agreed, view)
        for size in range(1, len(conflicting) + 1):
            for subset in combinations(conflicting, size):
                if any(broken[node] & set(subset) for node in subset):
                    continue
                candidate = [*agreed, *subset]
                key = self._preference(candidate, view)
                if key > best_key:
                    best, best_key = candidate, key
        return best

    def _preference(
        self, nodes: Collection[int], view: View | None
    ) -> tuple[int, bool, int, list[int]]:
        weight = sum(self._votes.get(node, 0) for node in nodes)
        stay = [node for node in nodes if view is not None and self._stays(node, view)]
        has_dc = view is not None and view.dc in stay
        return weight, has_dc, len(stay), [-node for node in sorted(nodes)]

    def _stays(self, node: int, view: View) -> bool:
        peer = self.peers.get(node)
        return node in view.members and (peer is None or not peer.restarted)

    def _deaf_to(self, node: int, alive: list[int]) -> frozenset[int]:
        mine = self.peers[node].hears
        return frozenset(
            other
            for other in alive
            if other != node and (other not in mine or node not in self.peers[other].hears)
        )

    def _is_heard(self, peer: Peer, now: float) -> bool:
        return now - peer.heard_at < self._timing.dead_time


def _drop_worst(nodes: list[int], broken: dict[int, frozenset[int]]) -> list[int]:
    """Greedy: take out the node with the most broken pairs (the highest id of equals) until none is left."""
    left = list(nodes)
    while True:
        worst = max(left, key=lambda node: (len(broken[node] & set(left)), node), default=None)
        if worst is None or not broken[worst] & set(left):
            return left
        left.remove(worst)
