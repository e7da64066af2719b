"""The working scores of one run, and the bookkeeping of assignments (P1, P4, P10).

`Placement` holds what the passes share: which nodes are usable, how nodes are ranked, where score
lines go. What a primitive, group, clone or bundle does to get a node lives in a module of its own
each; `assign` finds it by variant, because assignment is a recursion over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from engine.base.values import name_key
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Colocation,
    Model,
    Node,
    Resource,
    Role,
    Variant,
    apply_score,
)
from engine.scheduler.placement.ranking import NodeRanking, is_usable
from engine.scheduler.placement.sum_store import SumStore

if TYPE_CHECKING:
    from engine.scheduler.placement.scores import ScoreSink

Table = dict[int, int]
"""Node index → score."""

MERGES = 50_000
FEWEST_MERGES = 1_000
"""Every path of colocations is followed, and with dense colocations their number doubles with each
resource. So many tables are merged for one resource; when that did not suffice, half as many for the
next one, but never fewer than the second number. Beyond that only direct dependents count."""

Assigner = Callable[["Placement", Resource, Node | None, bool], Node | None]
"""(placement, resource, preferred node, whether a failure is final) → the node, if there is one."""


class PlacementHooks(Protocol):
    """What placement tells, and asks, the store of actions."""

    def assignment_failed(self, resource: Resource) -> None:
        """No node for the primitive, finally: its actions change (C3.14)."""

    def is_clearing_fail_count(self, resource: Resource, node: Node) -> bool:
        """True if the fail count of the resource on the node is about to be cleared (P6.9)."""

    def delete_history(self, resource_id: str, resource: Resource | None, node: Node) -> None:
        """The history of the resource on the node shall be deleted (P6.6)."""


class Placement:
    """The state of one assignment run; it never leaves `schedule`."""

    __slots__ = (
        "_assigners",
        "_deltas",
        "colocation_lists",
        "hooks",
        "merge_limit",
        "merges_left",
        "model",
        "promoting",
        "ranking",
        "show_order",
        "sink",
        "sums",
        "too_dense",
        "uname_is_unique",
        "usable",
        "walks",
    )

    def __init__(
        self,
        model: Model,
        hooks: PlacementHooks,
        assigners: Mapping[Variant, Assigner],
        sink: ScoreSink | None = None,
    ) -> None:
        self.model = model
        self.hooks = hooks
        self.sink = sink
        self.ranking = NodeRanking(model.options.placement_strategy)
        self._assigners = assigners
        self._deltas: dict[tuple[float, int], int] = {}
        self.colocation_lists: dict[tuple[int, bool], list[Colocation]] = {}
        self.merge_limit = MERGES
        self.merges_left = MERGES
        self.too_dense: list[str] = []  # resources whose colocations branch beyond the limit
        self.promoting: set[int] = set()  # clones whose role selection has begun (P15.10)
        self.sums = SumStore()
        self.walks = 0  # how many walks over dependents are under way, one within the other
        self.usable: list[bool] = []
        self.refresh_nodes()
        shown = sorted(model.node_table, key=lambda node: name_key(node.name))
        self.show_order = [0] * len(model.node_table)
        for place, node in enumerate(shown):
            self.show_order[node.index] = place
        names = [node.attributes.get("#uname", "").lower() for node in model.node_table]
        self.uname_is_unique = "" not in names and len(set(names)) == len(names)

    # Nodes and tables.

    def refresh_nodes(self) -> None:
        """Look again which nodes are usable: a remote connection was assigned (P9.11)."""
        self.usable = [is_usable(node) for node in self.model.node_table]
        self.sums.forget()

    def entries(self, resource: Resource) -> Iterator[tuple[Node, int]]:
        """(node, score) for each entry of the resource's table."""
        table = self.model.node_table
        return ((table[index], score) for index, score in resource.allowed.items())

    def any_usable(self, table: Table) -> bool:
        """Some entry is on a usable node and not negative (P4.2)."""
        usable = self.usable
        return any(score >= 0 and usable[index] for index, score in table.items())

    def ban(self, resource: Resource, node: Node | None, reason: str) -> None:
        """-INFINITY for a resource and all below it, on one node or on all (P6.5)."""
        apply_score(self.model, resource, node, MINUS_INFINITY, reason)
        self._touched_below(resource)

    def prefer(self, resource: Resource, node: Node, score: int, reason: str) -> None:
        """Add a score for a resource and all below it on a node (P6.5)."""
        apply_score(self.model, resource, node, score, reason)
        self._touched_below(resource)

    def note(self, resource: Resource, node: Node | None, reason: str) -> None:
        """Tell the sink why the score on the node (None: on each) is what it is now."""
        self.touched(resource)
        if self.model.witness is not None:
            self.model.witness(resource, node, reason)

    def touched(self, resource: Resource) -> None:
        """The resource's table has changed: whoever changes one says so, here or with `note`."""
        self.sums.touched(resource.index)

    def _touched_below(self, resource: Resource) -> None:
        self.touched(resource)
        for child in resource.children:
            self._touched_below(child)

    # Assignment.

    def assign(self, resource: Resource, prefer: Node | None, stop_if_fail: bool) -> Node | None:
        """Give the resource a node, and everything that has to be placed before it."""
        return self._assigners[resource.variant](self, resource, prefer, stop_if_fail)

    def settle(
        self,
        resource: Resource,
        node: Node | None,
        *,
        score: int = 0,
        force: bool = False,
        stop_if_fail: bool = True,
    ) -> None:
        """Record the node of a resource, `score` being its entry's (P10.6)."""
        if resource.children:
            for child in resource.children:
                self.settle(child, node, score=score, force=force, stop_if_fail=stop_if_fail)
            return
        if node is not None and not force and not _may_take(node, score):
            node = None
        self.unassign(resource)
        resource.unassigned = False
        if node is None:
            if stop_if_fail:
                resource.next_role = Role.STOPPED
                self.hooks.assignment_failed(resource)
            return
        resource.assigned = node
        resource.assigned_score = score
        node.assigned_count += 1
        if resource.utilization:
            _take_capacity(node, resource, -1)
        if self.sink is not None:
            self.sink.utilization(resource, node, needs(resource))

    def unassign(self, resource: Resource) -> None:
        """Take the node back from a resource and all below it (P10.8)."""
        resource.unassigned = True
        for child in resource.children:
            self.unassign(child)
        node = resource.assigned
        if node is None or resource.children:
            return
        resource.assigned = None
        node.assigned_count -= 1
        if resource.utilization:
            _take_capacity(node, resource, 1)

    # Output.

    def show(self, function: str, resource: Resource) -> None:
        """Score lines of the table of a resource and of all below it (P22.2, P22.3)."""
        if self.sink is None or resource.removed:
            return
        order = self.show_order
        table = self.model.node_table
        for index in sorted(resource.allowed, key=order.__getitem__):
            self.sink.allocation(function, resource, table[index], resource.allowed[index])
        for child in resource.children:
            self.show(function, child)

    def delta(self, factor: float, score: int) -> int:
        """`factor` of `score`, rounded away from zero and never zero for nothing (P2.3, P2.4)."""
        if factor == 1.0:
            return score
        known = self._deltas.get((factor, score))
        if known is None:
            known = self._deltas[factor, score] = scaled(factor, score)
        return known


def scaled(factor: float, score: int) -> int:
    """Part of a score as Pacemaker computes it: single precision, half away from zero (P2.4)."""
    product = single(factor * score)
    rounded = int(product - 0.5) if product < 0 else int(product + 0.5)
    if rounded == 0 and score != 0:
        if factor > 0:
            return 1
        if factor < 0:
            return -1
    return rounded


def single(value: float) -> float:
    """The value rounded to single precision (P2.3)."""
    from ctypes import c_float

    return c_float(value).value


def needs(resource: Resource) -> dict[str, int]:
    """The resource's utilization as numbers; anything else counts as nothing (P17.1)."""
    return {name: _number(text) for name, text in resource.utilization.items()}


def capacity_of(node: Node) -> dict[str, int]:
    """The node's configured capacity as numbers."""
    return {name: _number(text) for name, text in node.utilization.items()}


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def nodes_of(resource: Resource) -> list[Node]:
    """The distinct nodes assigned to the primitives of a resource (P1.9a)."""
    if not resource.children:
        return [] if resource.assigned is None else [resource.assigned]
    found: dict[int, Node] = {}
    for child in resource.children:
        for node in nodes_of(child):
            found.setdefault(node.index, node)
    return list(found.values())


def node_of(resource: Resource) -> Node | None:
    """The one node of a resource, None if it has none or several (P1.9a)."""
    nodes = nodes_of(resource)
    return nodes[0] if len(nodes) == 1 else None


def score_on_node_of(resource: Resource) -> int:
    """The entry's score when the first primitive of the resource got its node (P11.21)."""
    while resource.children:
        placed = [child for child in resource.children if nodes_of(child)]
        if not placed:
            return 0
        resource = placed[0]
    return resource.assigned_score


def is_blocked(resource: Resource) -> bool:
    """Blocked itself or anywhere below."""
    return resource.blocked or any(is_blocked(child) for child in resource.children)


def is_failed(resource: Resource) -> bool:
    """Failed itself or anywhere below."""
    return resource.failed or any(is_failed(child) for child in resource.children)


def _may_take(node: Node, score: int) -> bool:
    """P10.7: a guest may be chosen before it is online."""
    return score >= 0 and (is_usable(node) or node.is_guest)


def _take_capacity(node: Node, resource: Resource, sign: int) -> None:
    capacity = node.capacity
    for name, value in needs(resource).items():
        capacity[name] = capacity.get(name, 0) + sign * value
