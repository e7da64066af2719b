"""Controllers and resource managers of several nodes in virtual time, with the real scheduler.

Membership is played by an oracle: a view holds the nodes that are powered, so whoever is not in it
runs nothing. What is played unkindly: delays, streams that break and lose what was under way, agents
that fail, services that die, nodes that lose power. After every step no resource may be active twice.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from engine.base.events import View
from engine.cib.document import Cib, empty_cib
from engine.cib.status import change_status
from engine.controller import events as controller
from engine.controller import messages
from engine.controller.core import Controller
from engine.lrm import ops
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.state import NodeHistory
from engine.scheduler.api import schedule

WALL = 1_700_000_000.0
RESOURCES = ("db", "web", "ip")


class Violation(AssertionError):
    """A rule was broken; the text says when and how."""


@dataclass
class Node:
    """One powered or unpowered node."""

    number: int
    cib: Cib
    power: int = 0  # grows with each power on: callbacks of an earlier life are void
    is_on: bool = True
    services: set[str] = field(default_factory=set)
    core: Controller = None  # type: ignore[assignment] # made by boot
    lrm: ops.LrmCore = None  # type: ignore[assignment] # made by boot
    history: NodeHistory = None  # type: ignore[assignment] # made by boot
    timers: dict[tuple[str, str], int] = field(default_factory=dict)
    view: View | None = None

    @property
    def name(self) -> str:
        return f"n{self.number}"


class ControlWorld:
    """A run of one seed; `run(seconds)` plays, `settle()` lets everything come to rest."""

    def __init__(self, seed: int, nodes: int = 3, trouble: float = 0.03) -> None:
        self.rng = random.Random(seed)
        self.trouble = trouble
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._lanes: dict[tuple[int, int], float] = {}
        self._breaks: dict[tuple[int, int], int] = {}
        self._term = 0
        self._epoch = 0
        self.trace = hashlib.sha256()
        self.names = {n: f"n{n}" for n in range(1, nodes + 1)}
        self.nodes = {n: Node(n, configuration(self.names)) for n in self.names}
        for node in self.nodes.values():
            self._boot(node)
        self._change_view()

    # ---- time

    def later(self, delay: float, work: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (self.now + delay, self._serial, work))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, work = heapq.heappop(self._queue)
            work()
            self._check()
        self.now = end

    def note(self, *words: object) -> None:
        self.trace.update(f"{self.now:.6f} {' '.join(map(str, words))}\n".encode())

    def _check(self) -> None:
        for resource in RESOURCES:
            active = [n.name for n in self.nodes.values() if resource in n.services]
            if len(active) > 1:
                raise Violation(f"{self.now:.3f}: {resource} is active on {' and '.join(active)}")

    # ---- trouble

    def power_off(self, number: int) -> None:
        node = self.nodes[number]
        node.is_on, node.power = False, node.power + 1
        node.services.clear()
        self.note("off", number)
        self._change_view()

    def power_on(self, number: int) -> None:
        node = self.nodes[number]
        node.is_on = True
        self._boot(node)
        self.note("on", number)
        self._change_view()

    def break_stream(self, one: int, other: int) -> None:
        """What is under way between two nodes is lost; the one that is not DC tells its state anew."""
        for pair in ((one, other), (other, one)):
            self._breaks[pair] = self._breaks.get(pair, 0) + 1
        for node, peer in ((self.nodes[one], other), (self.nodes[other], one)):
            view = node.view
            if node.is_on and view is not None and view.dc == peer:
                self._alive(node, 0.5, lambda node=node, view=view: self._join(node, view))

    def kill_service(self, resource: str) -> None:
        for node in self.nodes.values():
            node.services.discard(resource)

    def configure(self, change: Callable[[Cib], None]) -> None:
        """A committed change, applied on all nodes that are on."""
        self._epoch += 1
        for node in self.nodes.values():
            change(node.cib)
            if node.is_on:
                self._give(node, controller.ConfigurationChanged((0, self._epoch, 0)))

    # ---- views

    def _change_view(self) -> None:
        members = tuple(n for n, node in self.nodes.items() if node.is_on)
        if not members:
            return
        self._term += 64
        old = next((n.view for n in self.nodes.values() if n.is_on and n.view), None)
        dc = old.dc if old is not None and old.dc in members else members[0]
        quorate = 2 * len(members) > len(self.nodes)
        view = View(self._term, members, members, dc, quorate)
        for number in members:
            node = self.nodes[number]
            self._alive(
                node, self.rng.uniform(0, 0.05), lambda node=node: self._install(node, view)
            )

    def _install(self, node: Node, view: View) -> None:
        if node.view is not None and node.view.term >= view.term:
            return
        node.view = view
        self._lrm(node, ops.DropQueued())
        self._give(node, controller.NewView(view))
        self._join(node, view)

    def _join(self, node: Node, view: View) -> None:
        if node.view is not view:
            return
        lrm = etree.tostring(node.history.element(str(node.number)))
        state = messages.JoinState(
            view.term, node.name, "life", lrm, {}, node.lrm.outstanding, WALL + self.now
        )
        self._send(node, view.dc, state)

    # ---- one node

    def _boot(self, node: Node) -> None:
        status = node.cib.root.find("status")
        if status is not None:
            del status[:]
        node.core = Controller(
            node.number, self.names, "sim", f"{node.number:08d}-{node.power}", lambda: node.cib
        )
        node.lrm, node.history = ops.LrmCore(max_running=4), NodeHistory(node.name)
        node.timers, node.view = {}, None

    def _alive(self, node: Node, delay: float, work: Callable[[], None]) -> None:
        """Later, unless the node lost its power meanwhile."""
        power = node.power

        def guarded() -> None:
            if node.is_on and node.power == power:
                work()

        self.later(delay, guarded)

    def _give(self, node: Node, event: Any) -> None:
        for effect in node.core.handle(event, self.now, WALL + self.now):
            self._controller_effect(node, effect)

    def _controller_effect(self, node: Node, effect: Any) -> None:
        match effect:
            case controller.Tell(to=to, message=message):
                self._send(node, to, message)
            case controller.ChangeStatus(changes=changes):
                for other in node.view.members if node.view else ():
                    self._send_changes(node, other, changes)
            case controller.Schedule(number=number, cib=cib, wall=wall):
                graph = schedule(Cib.from_bytes(cib), wall).graph_xml()
                self.note("schedule", node.number, number, len(graph))
                done = controller.Scheduled(number, graph)
                self._alive(node, self.rng.uniform(0.01, 0.2), lambda: self._give(node, done))
            case controller.SetTimer(name=name, delay=delay):
                fired = controller.TimerFired(name)
                self._timer(node, "c", name, delay, lambda: self._give(node, fired))
            case controller.StopTimer(name=name):
                node.timers.pop(("c", name), None)
            case _:
                pass

    def _timer(
        self, node: Node, part: str, name: str, delay: float, work: Callable[[], None]
    ) -> None:
        self._serial += 1
        mark = self._serial
        node.timers[part, name] = mark

        def fired() -> None:
            if node.timers.get((part, name)) == mark:
                del node.timers[part, name]
                work()

        self._alive(node, delay, fired)

    # ---- messages

    def _send_changes(self, node: Node, to: int, changes: tuple[Any, ...]) -> None:
        target = self.nodes[to]
        if to == node.number:
            for change in changes:
                change_status(node.cib.root, change)
            return
        self._under_way(
            node.number, to, lambda: [change_status(target.cib.root, c) for c in changes]
        )

    def _send(self, node: Node, to: int, message: Any) -> None:
        if to == node.number:
            self._alive(node, 0.0, lambda: self._deliver(node, node.number, message))
            return
        target = self.nodes[to]
        self._under_way(node.number, to, lambda: self._deliver(target, node.number, message))

    def _under_way(self, frm: int, to: int, arrive: Callable[[], object]) -> None:
        """In order on its stream, and lost if the stream breaks before it arrives."""
        lane = (frm, to)
        when = max(self.now + self.rng.uniform(0.0005, 0.03), self._lanes.get(lane, 0.0))
        self._lanes[lane] = when
        breaks = self._breaks.get(lane, 0)
        target = self.nodes[to]

        def arrived() -> None:
            if self._breaks.get(lane, 0) == breaks:
                arrive()

        self._alive(target, when - self.now, arrived)

    def _deliver(self, node: Node, frm: int, message: Any) -> None:
        match message:
            case messages.JoinState() | messages.OpReport() | messages.Confirmed() | messages.Ask():
                self._give(node, controller.FromNode(frm, message))
            case messages.Told():
                pass
            case _ if node.view is None or frm != node.view.dc or message.term != node.view.term:
                pass
            case messages.TellState():
                self._join(node, node.view)
            case messages.RunOp(op=op):
                self._give(node, controller.FromNode(frm, message))
                self._lrm(node, ops.Request(op))
            case messages.CancelOp():
                node.history.forget(message.resource, message.operation, message.interval_ms)
                self._lrm(
                    node, ops.Cancel(message.resource, message.operation, message.interval_ms)
                )
                self._send(node, frm, messages.Confirmed(message.term, message.action))
            case messages.ForgetResource():
                node.history.forget(message.resource)
                self._lrm(node, ops.Forget(message.resource))
                self._send(node, frm, messages.Confirmed(message.term, message.action))
            case _:
                pass

    # ---- resources

    def _lrm(self, node: Node, event: ops.Event) -> None:
        for effect in node.lrm.handle(event, self.now, WALL + self.now):
            match effect:
                case ops.Spawn(run=run, op=op):
                    node.history.record_pending(op, WALL + self.now)
                    spent = self.rng.uniform(0.005, 0.4)
                    self._alive(node, spent, lambda run=run, op=op: self._end(node, run, op))
                case ops.SetTimer(name=name, delay=delay):
                    fired = ops.TimerFired(name)
                    self._timer(node, "l", name, delay, lambda fired=fired: self._lrm(node, fired))
                case ops.StopTimer(name=name):
                    node.timers.pop(("l", name), None)
                case ops.Report(result=result):
                    node.history.record(result)
                    if node.view is not None:
                        self._send(node, node.view.dc, messages.OpReport(node.view.term, result))
                case _:
                    pass

    def _end(self, node: Node, run: int, op: LrmOp) -> None:
        rc = self._act(node, op)
        self.note("op", node.number, op.key, rc)
        self._lrm(node, ops.Finished(run, rc, OpStatus.DONE))

    def _act(self, node: Node, op: LrmOp) -> int:
        """What the agent does, and what it returns."""
        if op.operation == "stop":
            node.services.discard(op.resource)
            return 0
        if op.operation == "start":
            if self.rng.random() < self.trouble:
                return 1
            node.services.add(op.resource)
            return 0
        return 0 if op.resource in node.services else 7


def configuration(names: dict[int, str]) -> Cib:
    """Three primitives, two of them a group, without fencing; failures are forgotten after a while."""
    cib = empty_cib()
    options = etree.SubElement(cib.section("crm_config"), "cluster_property_set", id="options")
    for name, value in (
        ("fencing-enabled", "false"),
        ("start-failure-is-fatal", "false"),
        ("cluster-name", "sim"),
    ):
        etree.SubElement(options, "nvpair", id=f"options-{name}", name=name, value=value)
    for number, name in names.items():
        etree.SubElement(cib.section("nodes"), "node", id=str(number), uname=name)
    resources = cib.section("resources")
    group = etree.SubElement(resources, "group", id="g")
    for parent, name in ((resources, "db"), (group, "ip"), (group, "web")):
        primitive = etree.SubElement(parent, "primitive", id=name)
        primitive.set("class", "ocf")
        primitive.set("provider", "heartbeat")
        primitive.set("type", "Dummy")
        operations = etree.SubElement(primitive, "operations")
        etree.SubElement(operations, "op", id=f"{name}-m", name="monitor", interval="5s")
    return cib
