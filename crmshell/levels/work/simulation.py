"""The scheduler run for people: what it would do, with which scores, and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmshell.errors import ShellError
from engine.base.errors import EngineError

if TYPE_CHECKING:
    from engine.cib.document import Cib
    from engine.scheduler.api import Schedule


def run_scheduler(cib: Cib, now: float) -> Schedule:
    """The schedule of a CIB; raises `ShellError` when it cannot be scheduled."""
    from engine.scheduler.api import schedule

    try:
        return schedule(cib, now)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None


def summary_text(done: Schedule) -> str:
    """What the transition does to nodes and resources."""
    from engine.scheduler.views.transition_summary import summary_lines

    lines = summary_lines(done.plan)
    return "\n".join(f"  * {line}" for line in lines) if lines else "  nothing is to be done"


def actions_text(done: Schedule) -> str:
    """The summary, then the actions in an order in which they can run."""
    lines = [summary_text(done)]
    actions = [synapse.action for synapse in done.transition.synapses]
    shown = [action for action in actions if action.tag != "pseudo_event"]
    if shown:
        lines += ["", "Actions:"]
    for action in shown:
        interval = f" every {action.interval_ms // 1000}s" if action.interval_ms else ""
        subject = action.primitive.id if action.primitive else action.key
        where = f" on {action.node}" if action.node else ""
        lines.append(f"  {action.operation} {subject}{interval}{where}")
    return "\n".join([*lines, *_longest_chain(done)])


def _longest_chain(done: Schedule) -> list[str]:
    """The actions of which each waits for the one before: they decide how long it takes."""
    from engine.reasons.paths import critical_path

    chain, _ = critical_path(done.transition)
    if len(chain) < 2:
        return []
    steps = [f"{action.key} on {action.node}" if action.node else action.key for action in chain]
    return ["", f"Longest chain ({len(steps)} actions):", *(f"  {step}" for step in steps)]


def scores_text(cib: Cib, now: float, *, scores: bool = True, utilization: bool = False) -> str:
    """Allocation scores, and what is used of the nodes' capacity."""
    from engine.scheduler.api import schedule
    from engine.scheduler.placement.scores import ScoreRecord

    record = ScoreRecord(scores, utilization)
    try:
        schedule(cib, now, scores=record)
    except EngineError as problem:
        raise ShellError(str(problem), reports=problem.reports) from None
    return "\n".join(line.text for line in record.lines)


def dot_text(done: Schedule) -> str:
    """The transition as graphviz text."""
    from engine.scheduler.graph import dot

    return dot.dot_text(done.plan)
