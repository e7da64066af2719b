"""Why an action is planned or waits, and which constraints contradict each other (for people).

Works on a finished `Schedule`; nothing here changes a decision. Why a score is what it is, the
contributions tell that a `ScoreRecord` keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx

from engine.base.reports import Report, warning
from engine.scheduler.actions import OPTIONAL, RUNNABLE, Action
from engine.scheduler.model import INFINITY, Colocation, Model, Resource
from engine.scheduler.plan import Plan


@dataclass(frozen=True, slots=True)
class Waiting:
    """A planned or blocked action of a resource, and the actions it waits for directly."""

    action: str
    state: str  # `planned` or `blocked`, with the scheduler's reason
    after: tuple[str, ...]


def actions_of(plan: Plan, resource: Resource) -> Iterator[Waiting]:
    """What is to be done with a primitive, in the order of planning; probes and monitors are not told."""
    table = plan.actions.all
    for action in table:
        if action.rsc is not resource or action.flags & OPTIONAL or action.task == "monitor":
            continue
        before = plan.graph.predecessors(action.id) if action.id in plan.graph else ()
        after = (table[number - 1] for number in sorted(before))
        yield Waiting(
            _title(action),
            _state(action),
            tuple(_title(one) for one in after if not one.flags & OPTIONAL),
        )


def _title(action: Action) -> str:
    return f"{action.key} on {action.node.name}" if action.node is not None else action.key


def _state(action: Action) -> str:
    state = "planned" if action.flags & RUNNABLE else "blocked"
    return f"{state} ({action.reason})" if action.reason else state


# Loops of colocations.


def colocation_loops(model: Model) -> list[Report]:
    """Mandatory colocations that lead back to where they began (legal, but order decides; P11.28)."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for constraint in model.constraints:
        if isinstance(constraint, Colocation) and constraint.score >= INFINITY:
            graph.add_edge(constraint.dependent.id, constraint.primary.id)
    found = []
    for component in nx.strongly_connected_components(graph):
        if len(component) > 1:
            names = ", ".join(sorted(component))
            message = f"the mandatory colocations of {names} form a loop; the first placed decides"
            found.append(warning("colocation-loop", message))
    return sorted(found, key=lambda report: report.message)
