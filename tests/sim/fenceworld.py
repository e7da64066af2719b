"""The controllers' world with fencing: nodes that are cut off and go on, agents that die while programs
run, devices and their executors that are slow, fail, lie or die.

What a node that nobody hears still does is the worst it may do: its services stay up, a start that was
begun ends when it likes, and within the lease it begins another. The truth is what the services' own
log says, when each action on a resource began and ended on which machine.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from engine.base.events import View
from engine.cib.document import Cib
from engine.controller import events as controller
from engine.controller import messages
from engine.fencing import core as fencing
from engine.lrm import ops
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.state import NodeHistory
from tests.sim.controlworld import RESOURCES, ControlWorld, Node, Violation

LEASE = 2.0
DEAD_TIME = 3.0
NEEDS_AUTHORITY = ("start", "promote")
MODES = ("works", "works", "slow", "fails", "hangs")


@dataclass
class Program:
    """An operation under way on a machine; `life` is the agent's that started it."""

    op: LrmOp
    run: int
    life: int
    is_over: bool = False


@dataclass
class Machine:
    """What outlives the agent of a node: its programs, and what it wrote below `/run`."""

    life: int = 0
    agent_is_up: bool = True
    is_cut: bool = False
    cut_at: float = 0.0
    memory: NodeHistory | None = None
    recurring: tuple[LrmOp, ...] = ()
    last_call: int = 0
    programs: list[Program] = field(default_factory=list)
    fencing: fencing.FencingCore = None  # type: ignore[assignment] # made by boot
    run_id: int = 0


class FenceWorld(ControlWorld):
    """A run of one seed; `lies` lets a device say that it did what it did not."""

    def __init__(self, seed: int, *, lies: bool = False) -> None:
        self.machines: dict[int, Machine] = {n: Machine() for n in (1, 2, 3)}
        self.modes = random.Random(f"{seed}/modes")
        self.lies = lies
        self.lied = False
        self.calm = False
        self.shift = 0.0
        self.seen: dict[str, int] = {}
        super().__init__(seed)
        for node in self.nodes.values():
            _with_fencing(node.cib)

    def count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    # ---- trouble

    def cut(self, number: int, seconds: float) -> None:
        """Nobody hears the node for a while, and it hears nobody."""
        machine = self.machines[number]
        if machine.is_cut or not self.is_present(number):
            return
        self.count("cut")
        machine.is_cut, machine.cut_at = True, self.now
        self.later(DEAD_TIME, self._change_view)
        self.later(seconds, lambda: self._mend(number))

    def _mend(self, number: int) -> None:
        machine = self.machines[number]
        if not machine.is_cut:
            return
        machine.is_cut = False
        for other in self.nodes:
            if other != number:
                self.break_stream(number, other)
        self._change_view()

    def kill_agent(self, number: int, seconds: float) -> None:
        """The agent is gone and comes back; programs and services do not notice."""
        node, machine = self.nodes[number], self.machines[number]
        if not node.is_on or not machine.agent_is_up:
            return
        self.count("agent-killed")
        if machine.programs:
            self.count("orphans")
        machine.agent_is_up, machine.life = False, machine.life + 1
        machine.memory, machine.recurring = node.history, node.lrm.recurring
        machine.last_call = node.lrm.last_call
        self.later(DEAD_TIME, self._change_view)
        power = node.power
        self.later(seconds, lambda: self._agent_back(node, power))

    def _agent_back(self, node: Node, power: int) -> None:
        machine = self.machines[node.number]
        if node.power != power or machine.agent_is_up:
            return
        machine.agent_is_up = True
        self._boot(node)
        node.history = machine.memory or NodeHistory(node.name)
        node.lrm.last_call = machine.last_call
        interrupted = {p.op.resource for p in machine.programs if p.op.interval_ms == 0}
        for number, program in enumerate(machine.programs, 1):
            if program.op.interval_ms > 0:
                program.is_over = True
                continue
            program.run, program.life = number, machine.life
            node.history.record_pending(program.op, self.wall)
            self._lrm(node, ops.Adopt(number, program.op))
        machine.programs = [p for p in machine.programs if not p.is_over]
        for op in machine.recurring:
            if op.resource not in interrupted:
                self._lrm(node, ops.Request(op))
        self._change_view()

    def power_off(self, number: int) -> None:
        machine = self.machines[number]
        for program in machine.programs:
            program.is_over = True
        self.machines[number] = Machine(machine.life + 1, run_id=machine.run_id + 1)
        super().power_off(number)

    def power_on(self, number: int) -> None:
        if not self.nodes[number].is_on:
            super().power_on(number)

    def quiet(self) -> None:
        """No trouble from here on: devices work, and everybody comes back."""
        self.calm, self.trouble = True, 0.0
        for number, node in self.nodes.items():
            self._mend(number)
            if not node.is_on:
                self.power_on(number)
            elif not self.machines[number].agent_is_up:
                self._agent_back(node, node.power)

    # ---- who is there

    def is_present(self, number: int) -> bool:
        machine = self.machines[number]
        return self.nodes[number].is_on and machine.agent_is_up and not machine.is_cut

    def _change_view(self) -> None:
        members = tuple(n for n in self.nodes if self.is_present(n))
        if not members:
            return
        self._term += 64
        old = [n.view for n in self.nodes.values() if self.is_present(n.number) and n.view]
        newest = max(old, key=lambda view: view.term, default=None)
        dc = newest.dc if newest is not None and newest.dc in members else members[0]
        view = View(self._term, members, members, dc, 2 * len(members) > len(self.nodes))
        for number in members:
            node = self.nodes[number]
            pause = self.rng.uniform(0, 0.05)
            self._alive(node, pause, lambda node=node: self._install(node, view))

    def _install(self, node: Node, view: View) -> None:
        if not self.is_present(node.number) or (node.view and node.view.term >= view.term):
            return
        old = node.view
        super()._install(node, view)
        core = self.machines[node.number].fencing
        if old is None or old.dc != view.dc:
            core.drop()
        if node.number == view.dc:
            lives = {self.names[n]: self.machines[n].life for n in view.members}
            self._fence(node, fencing.MembersChanged(lives))

    def _boot(self, node: Node) -> None:
        super()._boot(node)
        self.machines[node.number].fencing = fencing.FencingCore(
            lambda: node.cib.root,
            lambda: self._members_of(node),
            random.Random(f"{node.number}/{node.power}"),
            lambda: 20_000,
        )

    def _members_of(self, node: Node) -> tuple[str, ...]:
        view = node.view
        if view is None:
            return ()
        rest = [member for member in view.members if member != view.dc]
        return tuple(self.names[member] for member in (view.dc, *rest))

    def _join(self, node: Node, view: View) -> None:
        if node.view is not view:
            return
        lrm = etree.tostring(node.history.element(str(node.number)))
        life = f"life {self.machines[node.number].run_id}"
        state = messages.JoinState(
            view.term, node.name, life, lrm, {}, node.lrm.outstanding, self.wall, node.core.number
        )
        self._send(node, view.dc, state)

    @property
    def wall(self) -> float:
        """What the machines' clocks show; somebody sets them now and then."""
        return 1_700_000_000.0 + self.now + self.shift

    def _alive(self, node: Node, delay: float, work: Any) -> None:
        life = self.machines[node.number].life
        super()._alive(node, delay, lambda: self._if_same_life(node, life, work))

    def _if_same_life(self, node: Node, life: int, work: Any) -> None:
        machine = self.machines[node.number]
        if machine.life == life and machine.agent_is_up:
            work()

    def _under_way(self, frm: int, to: int, arrive: Any) -> None:
        def arrived() -> None:
            if not self.machines[frm].is_cut and not self.machines[to].is_cut:
                arrive()

        if not self.machines[frm].is_cut:
            super()._under_way(frm, to, arrived)

    # ---- fencing

    def _controller_effect(self, node: Node, effect: Any) -> None:
        match effect:
            case controller.Fence():
                asked = fencing.Request(effect.target, effect.action, effect.delay)
                self._fence(node, asked)
            case _:
                super()._controller_effect(node, effect)

    def _fence(self, node: Node, event: fencing.Event) -> None:
        core = self.machines[node.number].fencing
        for effect in core.handle(event, self.now, self.wall):
            match effect:
                case fencing.RunAgent():
                    executor = next(n for n, name in self.names.items() if name == effect.node)
                    self._order_fence(node, executor, effect)
                case fencing.SetTimer(name=name, delay=delay):
                    due = fencing.TimerFired(name)
                    self._timer(node, "f", name, delay, lambda due=due: self._fence(node, due))
                case fencing.Finished(target=target, action=action, ok=ok, error=error):
                    self.note("fenced", target, ok, error)
                    self.count("fenced" if ok else "fencing-failed")
                    self._give(node, controller.FenceFinished(target, action, ok, error))

    def _order_fence(self, dc: Node, executor: int, order: fencing.RunAgent) -> None:
        node = self.nodes[executor]
        if executor == dc.number:
            self._alive(dc, 0.0, lambda: self._run_device(node, dc, order))
        else:
            self._under_way(dc.number, executor, lambda: self._run_device(node, dc, order))

    def _run_device(self, executor: Node, dc: Node, order: fencing.RunAgent) -> None:
        """The agent of the device runs on a machine, whether its node agent lives on or not."""
        mode = "works" if self.calm else self.modes.choice(MODES)
        if self.lies and not self.calm and self.modes.random() < 0.3:
            mode = "lies"
        self.count(f"device-{mode}")
        target = next(n for n, name in self.names.items() if name == order.target)
        time = {"slow": 12.0, "hangs": order.timeout_ms / 1000}.get(mode, 0.5)
        time *= self.modes.uniform(0.6, 1.0)
        power = executor.power

        def act() -> None:
            if not executor.is_on or executor.power != power:
                return
            if mode in ("works", "slow"):
                self._reset(target)
            self.lied = self.lied or (mode == "lies" and self.nodes[target].is_on)

        self.later(time, act)
        rc = {"works": 0, "slow": 0, "lies": 0, "fails": 1}.get(mode, -1)
        done = fencing.Ran(order.run, rc, "", "" if rc == 0 else mode)
        self._alive(executor, time + 0.001, lambda: self._tell_ran(executor, dc, done))

    def _tell_ran(self, executor: Node, dc: Node, done: fencing.Ran) -> None:
        if executor is dc:
            self._fence(dc, done)
        else:
            self._under_way(executor.number, dc.number, lambda: self._fence(dc, done))

    def _reset(self, number: int) -> None:
        self.power_off(number)
        self.later(self.modes.uniform(1, 6), lambda: self.power_on(number))

    # ---- programs

    def _lrm(self, node: Node, event: ops.Event) -> None:
        for effect in node.lrm.handle(event, self.now, self.wall):
            match effect:
                case ops.Spawn(run=run, op=op):
                    self._spawn(node, run, op)
                case ops.Signal(run=run):
                    life = self.machines[node.number].life
                    for program in list(self.machines[node.number].programs):
                        if (program.run, program.life) == (run, life):
                            self._end_program(node, program, killed=True)
                case ops.SetTimer(name=name, delay=delay):
                    due = ops.TimerFired(name)
                    self._timer(node, "l", name, delay, lambda due=due: self._lrm(node, due))
                case ops.StopTimer(name=name):
                    node.timers.pop(("l", name), None)
                case ops.Report(result=result):
                    result = node.history.in_order(result)
                    node.history.record(result)
                    if node.view is not None:
                        self._send(node, node.view.dc, messages.OpReport(node.view.term, result))

    def _spawn(self, node: Node, run: int, op: LrmOp) -> None:
        machine = self.machines[node.number]
        has_lease = not machine.is_cut or self.now - machine.cut_at < LEASE
        if op.operation in NEEDS_AUTHORITY and not (has_lease and node.view is not None):
            failed = ops.Finished(run, 1, OpStatus.ERROR, "no authority")
            self._alive(node, 0.0, lambda: self._lrm(node, failed))
            return
        node.history.record_pending(op, self.wall)
        program = Program(op, run, machine.life)
        self._begins(node, op)
        machine.programs.append(program)
        slow = op.operation == "start" and not self.calm and self.rng.random() < 0.4
        spent = self.rng.uniform(3, 15) if slow else self.rng.uniform(0.005, 0.4)
        power = node.power

        def over() -> None:
            if node.is_on and node.power == power and not program.is_over:
                self._end_program(node, program)

        self.later(spent, over)

    def _end_program(self, node: Node, program: Program, *, killed: bool = False) -> None:
        """What the program did is done; whether an agent is there to hear of it is another matter."""
        machine = self.machines[node.number]
        program.is_over = True
        machine.programs.remove(program)
        rc = -9 if killed else self._act(node, program.op)
        self.note("op", node.number, program.op.key, rc)
        if not machine.agent_is_up or program.life != machine.life:
            return
        adopted = node.lrm.is_adopted(program.run)
        if adopted:
            node.history.forget(program.op.resource)
            self._lrm(node, ops.Forget(program.op.resource))
        status = OpStatus.ERROR if killed else OpStatus.DONE
        done = ops.Finished(program.run, 1 if killed else rc, status)
        self._alive(node, 0.0, lambda: self._finished(node, done, adopted))

    def _finished(self, node: Node, done: ops.Finished, adopted: bool) -> None:
        self._lrm(node, done)
        if adopted and node.view is not None:
            self._join(node, node.view)

    # ---- the truth

    def _begins(self, node: Node, op: LrmOp) -> None:
        """One action of a resource at a time on a machine; nothing starts what may be up elsewhere."""
        busy = [
            p.op.key for p in self.machines[node.number].programs if p.op.resource == op.resource
        ]
        if busy and op.interval_ms == 0:
            raise Violation(f"{self.now:.3f}: {op.key} begins on {node.name} during {busy[0]}")
        if op.operation != "start" or op.standard == "stonith" or self.lied:
            return
        for other in self.nodes.values():
            if other is node or not other.is_on:
                continue
            starts = [
                p.op for p in self.machines[other.number].programs if p.op.operation == "start"
            ]
            if op.resource in other.services or any(p.resource == op.resource for p in starts):
                text = f"{op.key} begins on {node.name}, {other.name} may run it"
                raise Violation(f"{self.now:.3f}: {text}")

    def _check(self) -> None:
        if not self.lied:
            super()._check()

    def check_end(self) -> None:
        """C5: everything runs once, nothing waits for anybody any more."""
        leaders = [n for n in self.nodes.values() if self.is_present(n.number) and n.core.is_dc]
        if len(leaders) != 1:
            raise Violation(f"{len(leaders)} controllers at the end")
        [dc] = leaders
        if not dc.core.is_idle:
            raise Violation(f"the DC does not come to rest: {dc.core.snapshot()}")
        if self.machines[dc.number].fencing.pending:
            raise Violation(f"fencing goes on: {self.machines[dc.number].fencing.pending}")
        for resource in RESOURCES:
            count = sum(resource in node.services for node in self.nodes.values())
            if count != 1:
                raise Violation(f"{resource} runs {count} times at the end")


def _with_fencing(cib: Cib) -> None:
    """Fencing is on; one device for all nodes, which any of them may use."""
    for pair in cib.section("crm_config").iter("nvpair"):
        if pair.get("name") == "fencing-enabled":
            pair.set("value", "true")
    device = etree.SubElement(cib.section("resources"), "primitive", id="switch")
    device.set("class", "stonith")
    device.set("type", "fence_sim")
    values = etree.SubElement(device, "instance_attributes", id="switch-i")
    hosts = {"pcmk_host_list": "n1 n2 n3", "pcmk_host_check": "static-list"}
    for name, value in hosts.items():
        etree.SubElement(values, "nvpair", id=f"switch-{name}", name=name, value=value)


def play(seed: int) -> FenceWorld:
    """Two minutes of trouble, then quiet; raises `Violation` when a rule was broken."""
    world = FenceWorld(seed, lies=seed % 5 == 4)
    rng = random.Random(f"{seed}/trouble")
    world.run(5)
    for _ in range(14):
        victim = rng.choice(list(world.nodes))
        match rng.randrange(8):
            case 0:
                if sum(world.is_present(n) for n in world.nodes) == 3:
                    world.power_off(victim)
                    world.run(rng.uniform(0.1, 8))
                    world.power_on(victim)
            case 1 | 2:
                world.kill_agent(victim, rng.choice([0.2, 1.0, 2.5, 6.0]))
            case 3:
                world.cut(victim, rng.choice([0.5, 2.5, 8.0, 30.0]))
            case 4:
                world.break_stream(*rng.sample(list(world.nodes), 2))
            case 5:
                world.kill_service(rng.choice(RESOURCES))
            case 6:
                name, value = f"n{rng.randint(1, 3)}", rng.choice(["on", "off"])
                world.configure(lambda cib, name=name, value=value: standby(cib, name, value))
            case 7:
                world.shift += rng.choice([-3600.0, -5.0, 5.0, 86_400.0])
        world.run(rng.uniform(0.05, 10))
    world.quiet()
    for number in world.nodes:
        world.configure(lambda cib, number=number: standby(cib, f"n{number}", "off"))
    world.run(300)
    world.check_end()
    return world


def standby(cib: Cib, name: str, value: str) -> None:
    """Set or take back standby of a node."""
    node = next(n for n in cib.section("nodes") if n.get("uname") == name)
    for old in node:
        node.remove(old)
    attributes = etree.SubElement(node, "instance_attributes", id=f"{name}-attributes")
    etree.SubElement(attributes, "nvpair", id=f"{name}-standby", name="standby", value=value)
