"""Examples as text: what is configured, what happens, where everything runs then, and what is done.

An example reads from top to bottom:

    # Title (rules)
    given            statements of the shell; the nodes they name are up, and the cluster settles
    when             one event a line, see `EVENTS`
    then             each primitive and where it is to run (a number in brackets: so many instances)
    does             the actions in the order in which they are carried out, one after the other

`when`, `then` and `does` may repeat; each step begins where the one before has ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crmshell.pending.changes import PendingCib
from crmshell.pending.textedit import load_text
from engine.base.isodate import Zone
from engine.cib.document import Cib, empty_cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.model.model import Resource, Role
from engine.scheduler.model.transition import CRM_EVENT, PSEUDO_EVENT, GraphAction
from engine.simulator.inject import Injections, OpSpec, inject
from engine.simulator.player import Player
from engine.simulator.status_tree import StatusTree

FOLDER = Path(__file__).with_name("examples")
START = 1_700_000_000
STEP = 60
MOST_ROUNDS = 12
HEADINGS = ("given", "when", "then", "does")
EVENTS = """
configure STATEMENT      a statement, new or instead of the one with that name
delete ID                an object goes
NODE fails | leaves | joins
NODE has NAME=VALUE      a transient attribute
result RSC_OP_MS@NODE=RC a result of an operation comes in
ticket NAME granted | revoked | standby | active
quorum lost | regained
minutes N                time passes
"""


@dataclass(slots=True)
class Step:
    """What happens, and what is expected of it."""

    events: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Example:
    title: str
    given: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def read_example(text: str) -> Example:
    """The parts of a file; raises `ValueError` for a line that belongs to none."""
    lines = text.splitlines()
    example = Example(lines[0].lstrip("# "))
    part = ""
    for line in lines[1:]:
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        if not line.startswith(" "):
            if word not in HEADINGS:
                raise ValueError(f"expected one of {', '.join(HEADINGS)}: {line}")
            part = word
            if part == "when" or (part == "then" and not example.steps):
                example.steps.append(Step())
        elif part == "given":
            example.given.append(word)
        else:
            step = example.steps[-1]
            {"when": step.events, "then": step.where, "does": step.actions}[part].append(word)
    return example


def write_example(example: Example) -> str:
    """The text of an example."""

    def block(heading: str, lines: list[str]) -> str:
        return "".join([f"{heading}\n", *(f"    {line}\n" for line in lines)])

    parts = [block("given", example.given)]
    for step in example.steps:
        if step.events:
            parts.append(block("when", step.events))
        parts.append(block("then", step.where) + block("does", step.actions or ["nothing"]))
    return f"# {example.title}\n\n" + "\n".join(parts)


class Cluster:
    """A cluster that does what the scheduler says, in no time."""

    def __init__(self, given: list[str]) -> None:
        self.pending = PendingCib(empty_cib())
        load_text(self.pending, given, "example", "update")
        self.cib = Cib(self.pending.cib.root)
        self.cib.root.set("have-quorum", "true")
        self.now = float(START)
        nodes = [
            node.get("uname", "") for node in self.cib.root.iterfind("configuration/nodes/node")
        ]
        inject(self.cib, Injections(nodes_up=nodes), self.now)

    def decide(self) -> Schedule:
        return schedule(self.cib, self.now, zone=Zone())

    def play(self, decided: Schedule) -> list[str]:
        """Carry the transition out; the actions in their order."""
        player = Player(
            self.cib,
            self.now,
            lambda name: decided.model.find(name) is not None,
            start_failure_is_fatal=decided.model.options.start_failure_is_fatal,
        )
        player.play(decided.transition)
        self.now += 1
        return [
            text
            for done in player.done
            if done.action
            for text in _shown(done.action, done.resource)
        ]

    def settle(self) -> None:
        """Go on until nothing is left to do; raises `RuntimeError` if that never happens."""
        for _ in range(MOST_ROUNDS):
            if not self.play(self.decide()):
                return
        raise RuntimeError("the cluster does not settle")

    def happen(self, event: str) -> None:
        """One line of `when`."""
        words = event.split()
        wanted = Injections()
        match words:
            case ["configure", *_]:
                self._edit(event.split(None, 1)[1])
            case ["delete", name]:
                self._delete(name)
            case ["result", text]:
                wanted.operations.append(OpSpec.from_text(text))
            case ["ticket", name, state]:
                lists = {
                    "granted": wanted.tickets_grant,
                    "revoked": wanted.tickets_revoke,
                    "standby": wanted.tickets_standby,
                    "active": wanted.tickets_activate,
                }
                lists[state].append(name)
            case ["quorum", "lost" | "regained" as state]:
                wanted.quorum = "true" if state == "regained" else "false"
            case ["minutes", count]:
                self.now += 60 * int(count)
            case [node, "fails"]:
                wanted.nodes_fail.append(node)
            case [node, "leaves"]:
                wanted.nodes_down.append(node)
            case [node, "joins"]:
                wanted.nodes_up.append(node)
            case [node, "has", pair]:
                self._attribute(node, *pair.split("=", 1))
            case _:
                raise ValueError(f"'{event}' is not an event; expected one of{EVENTS}")
        if wanted:
            inject(self.cib, wanted, self.now)

    def _edit(self, statement: str) -> None:
        self.pending = PendingCib(self.cib)
        load_text(self.pending, [statement], "example", "update")
        self.cib = Cib(self.pending.cib.root)

    def _delete(self, name: str) -> None:
        for element in list(self.cib.root.iterfind(f"configuration//*[@id='{name}']")):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)

    def _attribute(self, node: str, name: str, value: str) -> None:
        states = self.cib.root.iterfind("status/node_state")
        state = next(one for one in states if one.get("uname") == node)
        StatusTree(self.cib).set_transient(state, name, value)


def run_example(example: Example) -> Example:
    """The same example as it comes out."""
    cluster = Cluster(example.given)
    outcome = Example(example.title, example.given)
    if example.steps and example.steps[0].events:
        cluster.settle()
    for step in example.steps:
        for event in step.events:
            cluster.happen(event)
        if step.events:
            cluster.now += STEP
        decided = cluster.decide()
        where = list(_where(decided))
        outcome.steps.append(Step(step.events, where, cluster.play(decided)))
    return outcome


def _where(decided: Schedule) -> Iterator[str]:
    """Each primitive with the nodes that its instances are to run on."""
    places: dict[str, list[str]] = {}
    for top in decided.model.resources:
        for one in _primitives(top):
            name = re.sub(r":\d+$", "", one.id) if not one.unique else one.id
            found = places.setdefault(name, [])
            node = one.assigned
            if node is None or one.next_role in {Role.STOPPED, Role.UNKNOWN}:
                continue
            role = {Role.PROMOTED: "promoted on ", Role.UNPROMOTED: "unpromoted on "}.get(
                one.next_role, ""
            )
            found.append(f"{role}{node.name}" + ("" if one.managed else " (unmanaged)"))
    for name, found in sorted(places.items()):
        yield f"{name}: {', '.join(sorted(found)) or 'stopped'}"


def _primitives(resource: Resource) -> Iterator[Resource]:
    if not resource.children and resource.bundle is None:
        yield resource
    for child in resource.children:
        yield from _primitives(child)
    if resource.bundle is not None:
        for replica in resource.bundle.replicas:
            yield replica.container
            for part in (replica.ip, replica.connection, replica.child):
                if part is not None:
                    yield from _primitives(part)


def _shown(action: GraphAction, resource: str) -> Iterator[str]:
    """An action as a reader would say it; pseudo actions are nothing that anybody does."""
    if action.tag == PSEUDO_EVENT:
        return
    if action.tag == CRM_EVENT:
        if action.operation == "stonith":
            yield f"fence {action.node} ({action.meta('stonith_action')})"
        elif action.operation == "do_shutdown":
            yield f"let {action.node} shut down"
        else:
            yield f"{action.operation.replace('_', ' ')} {resource} on {action.node}".replace(
                "  ", " "
            )
        return
    what = action.operation
    if what == "monitor" and not action.interval_ms:
        what = "probe"
    if what == "notify":
        kind, of = action.meta("notify_type"), action.meta("notify_operation")
        yield f"notify {resource} on {action.node} ({kind}-{of})"
        return
    every = (
        f" every {action.interval_ms / 1000:g}s" if action.interval_ms and what == "monitor" else ""
    )
    yield f"{what} {resource} on {action.node}{every}"
