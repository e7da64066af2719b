"""Clients that read what is newest: through any node, which asks the DC how far it must be.

The way from node to DC and back is played here; the product's own part is in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.events import AskReadPoint, ReadPoint

if TYPE_CHECKING:
    from tests.sim.world import SimNode, World

SECOND = 1_000_000
PATIENCE = 5.0


@dataclass(frozen=True)
class Reader:
    """One read that is under way; `floor` is what was acknowledged or read when it began."""

    node: int
    incarnation: int
    floor: int
    began: int


class Readers:
    """All of them; the newest index that one of them saw is the floor of who begins later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[int, Reader] = {}
        self._last = 0
        self._seen = 0

    def begin(self) -> None:
        """A read somewhere, and the next one later."""
        world = self._world
        rng = world.stream("reader")
        node = world.nodes[rng.randint(1, world.config.nodes)]
        pause, delay = rng.uniform(0.05, 0.8), self._delay()
        view = node.member.view if node.member is not None else None
        if view is not None and node.paused_until <= world.now:
            self._last += 1
            floor = max(world.oracle.highest_ack, self._seen)
            self._waiting[self._last] = Reader(node.id, node.incarnation, floor, world.now)
            world.at(delay, self._ask, node.id, view.dc, self._last)
        if world.now < (world.config.end - 6) * SECOND:
            world.at(pause, self.begin)

    def answered(self, dc: SimNode, point: ReadPoint) -> None:
        """The DC knows where the reader may read, or that it may not."""
        reader = self._waiting.get(point.number)
        if reader is None:
            return
        if point.error:
            del self._waiting[point.number]
            self._world.seen["read-refused"] += 1
        elif (dc.id, reader.node) not in self._world.net.cut:
            self._world.at(self._delay(), self._read, point.number, point.index)

    def _delay(self) -> float:
        net = self._world.net
        return self._world.stream("reader").uniform(net.low, net.high)

    def _ask(self, frm: int, to: int, number: int) -> None:
        world = self._world
        node = world.nodes[to]
        if (frm, to) not in world.net.cut and node.up:
            node.give(node.incarnation, AskReadPoint(number))

    def _read(self, number: int, index: int) -> None:
        """The reader's node reads as soon as it has all that was there."""
        world, reader = self._world, self._waiting.get(number)
        if reader is None:
            return
        node = world.nodes[reader.node]
        is_late = world.now - reader.began > PATIENCE * SECOND
        if node.member is None or node.incarnation != reader.incarnation or is_late:
            del self._waiting[number]
            return
        if node.machine.index < index:
            world.at(0.05, self._read, number, index)
            return
        del self._waiting[number]
        world.seen["read"] += 1
        world.oracle.has_read(node.id, node.machine.index, reader.floor)
        self._seen = max(self._seen, node.machine.index)
