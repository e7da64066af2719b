"""Virtual time, network, disks and machines for the product's own replicated core.

Everything random comes from named streams of one seed, so that taking one fault out of a schedule
changes nothing else. Time is integer microseconds.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from engine.base.events import (
    Answer,
    Beat,
    Committed,
    Compact,
    Effect,
    Event,
    Judge,
    Judged,
    LinkLost,
    Note,
    Paused,
    PeerSafe,
    Persist,
    Persisted,
    PersistFailed,
    Prepare,
    Prepared,
    ReadPoint,
    Received,
    Send,
    Submission,
    Submit,
    SubmitStatus,
    Tick,
    Verdict,
    ViewInstalled,
    ViewLost,
    Write,
)
from engine.membership.view import Timing, Votes
from engine.replica.image import StoreImage
from engine.replica.member import Member
from tests.sim.cibmachine import CibMachine, make_machine, status_changes
from tests.sim.listmachine import ListMachine

SECOND = 1_000_000


class Violation(Exception):
    """An invariant of fault-scenario kind I-n or L-n does not hold."""


@dataclass(frozen=True)
class Config:
    """One simulated cluster; with a seed and a schedule it says everything about a run."""

    nodes: int = 3
    tie_breaker: bool = False
    compact_after: int = 500
    chaos: float = 45.0
    end: float = 60.0
    client_pause: float = 0.3
    machine: str = "list"
    two_node: bool = False
    max_faults: int = 40
    bugs: float = 0.0  # the chance that the code fails in the middle of an event
    large: bool = False  # some changes are judged and prepared off the loop

    def votes(self) -> Votes:
        return Votes(
            tuple((node, 1) for node in range(1, self.nodes + 1)),
            tie_breaker=1 if self.tie_breaker else None,
            two_node=self.two_node,
        )


@dataclass
class Link:
    """The state of the network as a whole, and which directions are cut."""

    loss: float = 0.0
    dup: float = 0.0
    low: float = 0.0002
    high: float = 0.002
    cut: set[tuple[int, int]] = field(default_factory=set)


class FakeDisk:
    """Records of one node: what is durable, and what is on its way there."""

    def __init__(self) -> None:
        self.image = StoreImage()
        self.incarnation = 0
        self.slow = 0.004
        self.failing = False
        self.dead = False
        self.generation = 0
        self._queue: list[tuple[int, tuple[Write, ...] | Compact]] = []
        self._flying: list[tuple[int, tuple[Write, ...] | Compact]] = []

    def crash(self, rng: random.Random) -> None:
        """A prefix of what was not yet synced may have reached the disk, record by record."""
        writes: list[Write | Compact] = []
        for _, batch in self._flying + self._queue:
            writes.extend([batch] if isinstance(batch, Compact) else batch)
        for write in writes[: rng.randint(0, len(writes))]:
            self._fold(write)
        self._queue, self._flying = [], []
        self.generation += 1

    def _fold(self, write: Write | Compact) -> None:
        if isinstance(write, Compact):
            self.image.compact(write.snapshot)
        else:
            try:
                self.image.apply(write)
            except ValueError as hole:
                raise Violation(f"I-2: the disk is given a log with a hole: {hole}") from None

    def put(
        self, world: World, node: SimNode, token: int, batch: tuple[Write, ...] | Compact
    ) -> None:
        if self.dead:
            return
        self._queue.append((token, batch))
        if not self._flying:
            self._flush(world, node)

    def _flush(self, world: World, node: SimNode) -> None:
        self._flying, self._queue = self._queue, []
        generation, incarnation = self.generation, node.incarnation
        pause = self.slow * world.stream("disk").uniform(0.5, 2)

        def done() -> None:
            if generation != self.generation or node.disk is not self:
                return
            if self.failing:
                token = self._flying[-1][0]
                self._flying, self._queue, self.dead = [], [], True
                node.later(incarnation, PersistFailed(token, "EIO"))
                return
            flown, self._flying = self._flying, []
            for _, batch in flown:
                for write in [batch] if isinstance(batch, Compact) else batch:
                    self._fold(write)
            node.later(incarnation, Persisted(flown[-1][0]))
            if self._queue and not self._flying:
                self._flush(world, node)

        world.at(pause, done)


class SimNode:
    """A machine with one member, its disk, and its clients."""

    def __init__(self, world: World, node: int) -> None:
        self.world = world
        self.id = node
        self.disk = FakeDisk()
        self.member: Member | None = None
        self.machine: ListMachine | CibMachine = make_machine(world.config)
        self.incarnation = 0
        self.paused_until = 0
        self.parked: list[tuple[int, Event]] = []
        self.seen_version = (0, 0, 0)
        self.status_term = 0

    @property
    def up(self) -> bool:
        return self.member is not None

    def boot(self) -> None:
        world = self.world
        if self.up:
            return
        world.incarnations[self.id] += 1
        self.incarnation = world.incarnations[self.id]
        self.disk.failing = self.disk.dead = False
        image = self.disk.image
        copy = StoreImage(
            image.promised,
            image.accepted,
            image.blank,
            image.view,
            image.start,
            list(image.entries),
        )
        self.machine = make_machine(world.config)
        self.member = Member(
            self.id,
            world.config.votes(),
            world.timing,
            copy.state(b"", self.incarnation),
            self.machine,
            world.stream(f"node:{self.id}"),
            world.config.compact_after,
        )
        self.paused_until, self.parked, self.status_term = 0, [], 0
        self.seen_version = self.machine.version
        world.oracle.booted(self)
        world.log("BOOT", self.id, image.promised, image.accepted, image.last, image.blank)
        world.at(0.0, self._tick, self.incarnation)

    def crash(self) -> None:
        if not self.up:
            return
        self.member = None
        self.world.oracle.view_lost(self)
        self.disk.crash(self.world.stream("disk"))
        self.world.log("CRASH", self.id)

    def kill(self) -> None:
        """The process alone ends: its machine tells the others that the streams are closed."""
        if not self.up:
            return
        self.crash()
        for other in self.world.nodes.values():
            if other is not self and (self.id, other.id) not in self.world.net.cut:
                self.world.at(0.001, other.give, other.incarnation, LinkLost(self.id))

    def wipe(self) -> None:
        self.disk = FakeDisk()

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.world.now + int(seconds * SECOND))
        self.world.at(seconds, self.resume, self.incarnation)

    def resume(self, incarnation: int) -> None:
        if self.member is None or incarnation != self.incarnation:
            return
        if self.paused_until > self.world.now:
            return
        parked, self.parked = self.parked, []
        if parked:
            self.give(incarnation, Paused(1.0))
        for number, event in parked:
            self.give(number, event)

    def _tick(self, incarnation: int) -> None:
        if self.member is None or incarnation != self.incarnation:
            return
        self.give(incarnation, Tick())
        self.world.at(self.world.timing.tick, self._tick, incarnation)

    def later(self, incarnation: int, event: Event) -> None:
        self.world.at(0.0, self.give, incarnation, event)

    def give(self, incarnation: int, event: Event) -> None:
        """Let the member handle an event, unless its incarnation is over."""
        member = self.member
        if member is None or incarnation != self.incarnation:
            return
        world = self.world
        if self.paused_until > world.now:
            if not isinstance(event, Tick) or not any(
                isinstance(parked, Tick) for _, parked in self.parked
            ):
                self.parked.append((incarnation, event))
            return
        world.events += 1
        effects = member.handle(event, world.now / SECOND)
        if self._meets_a_bug():
            self._end_after(effects)
            return
        for effect in effects:
            self._do(effect)
        world.oracle.after(self)

    def _meets_a_bug(self) -> bool:
        world = self.world
        chance = world.config.bugs
        return chance > 0 and not world.healed and world.stream("bugs").random() < chance

    def _end_after(self, effects: list[Effect]) -> None:
        """The process ends with some of an event's effects done, and its supervisor starts another."""
        rng = self.world.stream("bugs")
        for effect in effects[: rng.randint(0, len(effects))]:
            self._do(effect)
        self.world.seen["bug"] += 1
        self.kill()
        self.world.at(rng.uniform(0.2, 3), self.boot)

    def _do(self, effect: Effect) -> None:
        world = self.world
        if isinstance(effect, Send | Beat):
            world.send(self.id, effect.to, self.incarnation, effect.message)
        elif isinstance(effect, Persist):
            self.disk.put(world, self, effect.token, effect.writes)
        elif isinstance(effect, Judge):
            self._in_a_while("judged", Judged(effect.number, Verdict()))
        elif isinstance(effect, Prepare):
            self._in_a_while("prepared", Prepared(effect.entry.digest, None))
        elif isinstance(effect, Compact):
            world.seen["compacted"] += 1
            self.disk.put(world, self, 0, effect)
        elif isinstance(effect, ViewInstalled):
            world.oracle.view(self, effect.view)
        elif isinstance(effect, ViewLost):
            world.oracle.view_lost(self)
        elif isinstance(effect, Committed):
            world.oracle.committed(self, effect)
        elif isinstance(effect, ReadPoint):
            world.readers.answered(self, effect)
        elif isinstance(effect, Answer):
            world.oracle.answered(effect.outcome)
        elif isinstance(effect, Note):
            world.seen[effect.kind] += 1
            world.log("NOTE", self.id, effect.kind, sorted(effect.fields.items()))

    def _in_a_while(self, what: str, event: Event) -> None:
        """The guard process of this node answers."""
        self.world.seen[what] += 1
        pause = self.world.stream("guard").choice((0.005, 0.02, 0.1, 0.3))
        self.world.at(pause, self.give, self.incarnation, event)


class World:
    """One run."""

    def __init__(
        self, seed: int, config: Config, schedule: list[list[Any]], trace: bool = False
    ) -> None:
        from tests.sim.oracle import Oracle
        from tests.sim.readers import Readers

        self.seed = seed
        self.config = config
        self.schedule = schedule
        self.timing = Timing(dead_time=2.0, heartbeat=0.25)
        self.now = 0
        self.events = 0
        self.seen: Counter[str] = Counter()
        self.net = Link()
        self.trace = trace
        self.lines: list[str] = []
        self._hash = sha256()
        self._queue: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._number = 0
        self._streams: dict[str, random.Random] = {}
        self.incarnations: Counter[int] = Counter()
        self.healed = False
        self.oracle = Oracle(self)
        self.nodes = {node: SimNode(self, node) for node in range(1, config.nodes + 1)}
        self.readers = Readers(self)
        self._clients = 0
        self._status = 0

    def artefact(self) -> dict[str, Any]:
        return {"seed": self.seed, "config": asdict(self.config), "schedule": self.schedule}

    def stream(self, name: str) -> random.Random:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = random.Random(f"{self.seed}/{name}")
        return found

    def at(self, delay: float, call: Callable[..., object], *args: Any) -> None:
        self._number += 1
        moment = self.now + int(delay * SECOND)
        heapq.heappush(self._queue, (moment, self._number, call, args))

    def log(self, *words: Any) -> None:
        line = f"{self.now / SECOND:.4f} " + " ".join(map(str, words))
        self._hash.update(line.encode())
        self.lines.append(line)
        if self.trace:
            print(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]

    # ---- network

    def send(self, frm: int, to: int, incarnation: int, message: Any) -> None:
        net, rng = self.net, self.stream("net")
        for _ in range(2 if rng.random() < net.dup else 1):
            if rng.random() < net.loss or (frm, to) in net.cut:
                continue
            delay = rng.uniform(net.low, net.high)
            self.at(delay, self._deliver, frm, to, incarnation, message)

    def _deliver(self, frm: int, to: int, incarnation: int, message: Any) -> None:
        node = self.nodes[to]
        if (frm, to) not in self.net.cut and node.up:
            node.give(node.incarnation, Received(frm, incarnation, message))

    # ---- clients

    def fence(self) -> None:
        """With two_node whoever is alone has the other powered off before it goes on (D-19)."""
        for node in self.nodes.values():
            view = node.member.view if node.member else None
            if view is not None and view.quorate and len(view.members) < len(self.nodes):
                pause = self.stream("fence").uniform(0.1, 2)
                self.at(pause, self._power_off, node, node.incarnation, view.term)
        self.at(1.0, self.fence)

    def _power_off(self, node: SimNode, incarnation: int, term: int) -> None:
        member = node.member
        if member is None or node.incarnation != incarnation or node.paused_until > self.now:
            return
        view = member.view
        if view is None or view.term != term:
            return
        for other in self.nodes.values():
            if other.id not in view.members:
                self.seen["fenced"] += 1
                other.crash()
                self.at(2.0, other.boot)
                node.give(incarnation, PeerSafe(other.id))

    def controller(self) -> None:
        """Every node that believes to be DC changes the status section now and then."""
        rng = self.stream("controller")
        for node in self.nodes.values():
            if node.member is not None and node.member.is_dc and node.paused_until <= self.now:
                self._status += 1
                whole = rng.random() < 0.1 or node.status_term != node.member.term
                node.status_term = node.member.term
                changes = status_changes(self._status, node.id, whole)
                node.give(node.incarnation, SubmitStatus(changes))
        if self.now < (self.config.end - 3) * SECOND:
            self.at(rng.uniform(0.02, 0.6), self.controller)

    def client(self) -> None:
        """A client somewhere submits; now and then it repeats an old request elsewhere."""
        rng = self.stream("client")
        node = self.nodes[rng.randint(1, self.config.nodes)]
        pick = rng.random()
        pause = rng.uniform(0.1, 2) * self.config.client_pause
        again = rng.random()
        if pick < 0.1 and self.oracle.unknown:
            unknown = sorted(self.oracle.unknown)
            request = unknown[int(again * len(unknown))]
            self.seen["repeated"] += 1
        else:
            self._clients += 1
            request = f"r{self._clients}"
        if node.up and node.paused_until <= self.now:
            self.oracle.submitted(request)
            patch = node.machine.patch_for(request)
            version = node.machine.version
            submission = Submission(request, version, patch=patch, wall=self.now / SECOND)
            node.give(node.incarnation, Submit(submission))
        self.at(pause, self.client)

    # ---- the run

    def run(self) -> World:
        from tests.sim.nemesis import heal, strike

        for node in self.nodes.values():
            node.boot()
        for moment, kind, args in self.schedule:
            self.at(moment, strike, self, kind, args)
        self.at(0.5, self.client)
        self.at(0.5, self.controller)
        self.at(0.6, self.readers.begin)
        if self.config.two_node:
            self.at(0.5, self.fence)
        self.at(self.config.chaos, heal, self)
        end = int(self.config.end * SECOND)
        while self._queue and self._queue[0][0] <= end:
            self.now, _, call, args = heapq.heappop(self._queue)
            call(*args)
        self.oracle.at_end()
        return self
