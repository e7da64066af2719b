"""Why an action is planned or waits (for people).

Works on a finished `Schedule`; nothing here changes a decision. Why a score is what it is, the
contributions tell that a `ScoreRecord` keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.scheduler.model.model import Resource
from engine.scheduler.model.order_view import digraph
from engine.scheduler.planning.action_table import OPTIONAL, RUNNABLE, Action
from engine.scheduler.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Waiting:
    """A planned or blocked action of a resource, and the actions it waits for directly."""

    action: str
    state: str  # `planned` or `blocked`, with the scheduler's reason
    after: tuple[str, ...]


def actions_of(plan: Plan, resource: Resource) -> Iterator[Waiting]:
    """What is to be done with a primitive, in the order of planning; probes and monitors are not told."""
    table = plan.actions.all
    graph = digraph(plan.graph)
    for action in table:
        if action.rsc is not resource or action.flags & OPTIONAL or action.task == "monitor":
            continue
        before = graph.predecessors(action.id) if action.id in graph else ()
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
