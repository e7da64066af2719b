"""What a plan holds, in words that tests can compare: `db_start_0 n1`, and what it waits for."""

from __future__ import annotations

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.model.transition import GraphAction
from engine.scheduler.views.transition_summary import summary_lines
from tests.unit.scheduler.clusters import NOW, op


def decide(cib: Cib) -> Schedule:
    """The schedule at the tests' moment."""
    return schedule(cib, NOW, zone=Zone())


def name(action: GraphAction) -> str:
    """Key and node of an action."""
    return f"{action.internal_key or action.key} {action.node}".strip()


def actions(decided: Schedule) -> set[str]:
    """All actions of the graph that somebody executes."""
    return {name(s.action) for s in decided.transition.synapses if s.action.tag != "pseudo_event"}


def pseudo_actions(decided: Schedule) -> set[str]:
    """The actions of the graph that nobody executes."""
    return {name(s.action) for s in decided.transition.synapses if s.action.tag == "pseudo_event"}


def find(decided: Schedule, wanted: str) -> GraphAction:
    """The action of the graph with that name."""
    return next(s.action for s in decided.transition.synapses if name(s.action) == wanted)


def inputs(decided: Schedule, wanted: str) -> set[str]:
    """What an action waits for."""
    names = {s.action.id: name(s.action) for s in decided.transition.synapses}
    return next(
        {names[i] for i in s.inputs}
        for s in decided.transition.synapses
        if name(s.action) == wanted
    )


def summary(decided: Schedule) -> list[str]:
    """The lines of the transition summary, blanks squeezed."""
    return [" ".join(line.split()) for line in summary_lines(decided.plan)]


NO_PARAMETERS = "f2317cad3d54cec5d7d7aa7d0bf35cf8"


def running(resource: str, **further: str) -> str:
    """A successful start with the digest of a resource without parameters."""
    return op(resource, "start", op_digest=NO_PARAMETERS, **further)


def stopped(resource: str) -> str:
    """A probe that found nothing."""
    return op(resource, "monitor", 7)


def order(first: str, then: str, **fields: str) -> str:
    words = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in fields.items())
    return f'<rsc_order id="{first}-{then}" first="{first}" then="{then}"{words}/>'


def location(resource: str, node: str, score: str = "INFINITY") -> str:
    return (
        f'<rsc_location id="l-{resource}-{node}" rsc="{resource}" node="{node}" score="{score}"/>'
    )
