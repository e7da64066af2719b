"""What would be down if one thing failed: every node and every resource in turn, each scheduled on a copy. Pure.

A lost node counts as fenced: what ran there is to start elsewhere. A failed resource has failed too often on its
node: it has to leave it. Only what runs today can be lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.cib.document import Cib
from engine.reasons.outcome import Place, places_of_all
from engine.scheduler.api import schedule
from engine.scheduler.reading.warm import Warm
from engine.simulator.status_tree import StatusTree

FAILED = "INFINITY"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that fails, what is down because of it, and what goes on in another place.

    `down` are resources of which no instance is left, `demoted` those without a promoted one; `cib` is the
    state after the failure, for whoever asks why. `error` says why it could not be tried.
    """

    kind: str  # `node` or `resource`
    name: str
    node: str
    down: tuple[str, ...] = ()
    demoted: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    has_quorum: bool = True
    error: str = ""

    @property
    def is_survived(self) -> bool:
        return not (self.down or self.demoted or self.error)


@dataclass(slots=True)
class _Trial:
    now: float
    warm: Warm

    def places(self, cib: Cib) -> dict[str, tuple[Place, ...]]:
        """Where every resource will be."""
        read = self.warm.read(cib.to_bytes(), "the CIB")
        return places_of_all(schedule(read, self.now, warm=self.warm))


def single_failures(
    cib: Cib, now: float, told: Callable[[int, int], None] = lambda done, of: None
) -> Iterator[Failure]:
    """Each failure with what it leads to; `now` is epoch seconds, `told(done, of)` is called before each trial.

    Raises `EngineError` when the CIB cannot be scheduled as it is.
    """
    trial = _Trial(now, Warm())
    before = trial.places(cib)
    nodes = _online_nodes(cib)
    failing = [
        (name, place.node)
        for name, places in before.items()
        for place in places[:1]
        if place.node in nodes
    ]
    total = len(nodes) + len(failing)
    for number, (name, node_id) in enumerate(nodes.items()):
        told(number, total)
        changed = _without_node(cib, name, node_id, len(nodes))
        yield _compared(trial, before, changed, Failure("node", name, name))
    for number, (name, node) in enumerate(failing, len(nodes)):
        told(number, total)
        changed = _with_failed(cib, name, node, nodes[node])
        yield _compared(trial, before, changed, Failure("resource", name, node))


def _compared(
    trial: _Trial, before: Mapping[str, tuple[Place, ...]], cib: Cib, failure: Failure
) -> Failure:
    has_quorum = cib.root.get("have-quorum", "1") == "1"
    try:
        after = trial.places(cib)
    except EngineError as problem:
        return Failure(
            failure.kind, failure.name, failure.node, has_quorum=has_quorum, error=str(problem)
        )
    down, demoted, moved = [], [], []
    for name, places in before.items():
        now = after.get(name, ())
        if places and not now:
            down.append(name)
        elif _promoted(places) and not _promoted(now):
            demoted.append(name)
        elif Counter(now) - Counter(places):
            moved.append(name)
    return Failure(
        failure.kind,
        failure.name,
        failure.node,
        tuple(down),
        tuple(demoted),
        tuple(moved),
        has_quorum,
    )


def _promoted(places: tuple[Place, ...]) -> bool:
    return any(place.role == "promoted" for place in places)


def state_after(cib: Cib, failure: Failure) -> Cib:
    """The state in which a failure leaves the cluster, for questions about it."""
    nodes = _online_nodes(cib)
    if failure.kind == "node":
        return _without_node(cib, failure.name, nodes[failure.node], len(nodes))
    return _with_failed(cib, failure.name, failure.node, nodes[failure.node])


def _online_nodes(cib: Cib) -> dict[str, str]:
    """Ids of the members that are there, by name."""
    states = {state.get("id", ""): state for state in cib.root.iterfind("status/node_state")}
    found = {}
    for node in cib.root.iterfind("configuration/nodes/node"):
        state = states.get(node.get("id", ""))
        if state is not None and state.get("crmd") == "online" and node.get("type") != "remote":
            found[node.get("uname", "")] = node.get("id", "")
    return found


def _without_node(cib: Cib, name: str, node_id: str, online: int) -> Cib:
    copy = cib.copy()
    tree = StatusTree(copy)
    tree.take_down(tree.node_state(name, node_id))
    configured = sum(
        1 for node in copy.root.iterfind("configuration/nodes/node") if node.get("type") != "remote"
    )
    if configured > 2 and 2 * (online - 1) <= configured:
        copy.root.set("have-quorum", "0")
    return copy


def _with_failed(cib: Cib, name: str, node: str, node_id: str) -> Cib:
    copy = cib.copy()
    tree = StatusTree(copy)
    tree.set_transient(tree.node_state(node, node_id), f"fail-count-{name}#monitor_10000", FAILED)
    return copy
