"""Why a resource is where it is, and why an action is planned or waits (for people).

Works on a finished `Schedule` and, for placements, on the contributions that a `ScoreRecord` kept
while it was made. Nothing here changes a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from engine.base.score import score_to_text
from engine.scheduler.actions import OPTIONAL, RUNNABLE, Action
from engine.scheduler.model import INFINITY, Model, Node, Resource, leaves
from engine.scheduler.order_view import digraph
from engine.scheduler.placement import nodes_of
from engine.scheduler.plan import Plan
from engine.scheduler.scores import Contribution


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that changed the score of a resource on a node, and the score after it."""

    reason: str
    score: int


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """What speaks for and against a resource on one node. `obstacle` is "" on a usable node."""

    node: str
    score: int | None
    obstacle: str
    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """One line."""
        if self.score is None:
            return f"{self.node}: not considered"
        score = score_to_text(self.score)
        why = "; ".join(f"{s.reason}: {score_to_text(s.score)}" for s in self.steps)
        parts = [part for part in (self.obstacle, why) if part]
        return f"{self.node}: {score}" + (f" ({'; '.join(parts)})" if parts else "")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a primitive is to run, and the verdict on each node, best first."""

    resource: str
    node: str
    verdicts: tuple[NodeVerdict, ...]

    @property
    def lines(self) -> list[str]:
        """The explanation as text."""
        head = (
            f"{self.resource} runs on {self.node}" if self.node else f"{self.resource} runs nowhere"
        )
        return [head, *[f"  {verdict.text}" for verdict in self.verdicts]]


def explain_placement(
    model: Model, contributions: Iterable[Contribution], resource: Resource
) -> list[Placed]:
    """One explanation for each primitive of the resource."""
    by_resource: dict[str, dict[str, list[Step]]] = {}
    for c in contributions:
        steps = by_resource.setdefault(c.resource, {}).setdefault(c.node, [])
        if not steps or steps[-1].score != c.score:
            steps.append(Step(c.reason, c.score))
    return [
        _placed(model, primitive, by_resource.get(primitive.id, {}))
        for primitive in leaves(resource)
    ]


def _placed(model: Model, primitive: Resource, steps: dict[str, list[Step]]) -> Placed:
    verdicts = [
        NodeVerdict(
            node.name,
            primitive.allowed.get(node.index),
            _obstacle(node),
            tuple(steps.get(node.name, ())),
        )
        for node in model.nodes
    ]
    verdicts.sort(key=lambda v: (bool(v.obstacle), -INFINITY - 1 if v.score is None else -v.score))
    nodes = nodes_of(primitive)
    return Placed(primitive.id, nodes[0].name if nodes else "", tuple(verdicts))


def _obstacle(node: Node) -> str:
    """Why nothing may be placed on the node at all."""
    for holds, text in (
        (not node.online, "the node is offline"),
        (node.unclean, "the node has to be fenced"),
        (node.shutdown, "the node is shutting down"),
        (node.standby, "the node is in standby"),
        (node.maintenance, "the node is in maintenance"),
    ):
        if holds:
            return text
    return ""


# Actions.


def explain_action(plan: Plan, action: Action) -> list[str]:
    """What became of an action, and the required actions that it waits for, nearest first."""
    lines = [f"{_title(action)}: {_state(action)}"]
    if action.id not in plan.graph.succ:
        return lines
    table = plan.actions.all
    backwards = digraph(plan.graph).reverse(copy=False)
    distances = nx.single_source_shortest_path_length(backwards, action.id)
    for number, distance in sorted(distances.items(), key=lambda item: (item[1], item[0])):
        other = table[number - 1]
        if distance and not other.flags & OPTIONAL:
            lines.append(f"  after {_title(other)}: {_state(other)}")
    return lines


def _title(action: Action) -> str:
    return f"{action.key} on {action.node.name}" if action.node is not None else action.key


def _state(action: Action) -> str:
    if action.flags & OPTIONAL:
        state = "not needed"
    elif action.flags & RUNNABLE:
        state = "planned"
    else:
        state = "blocked"
    return f"{state} ({action.reason})" if action.reason else state
