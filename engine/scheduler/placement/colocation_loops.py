"""Mandatory colocations that lead back to where they began (legal, but order decides; P11.28)."""

from __future__ import annotations

from engine.base.reports import Report, warning
from engine.scheduler.model.acyclic import every_turn_comes
from engine.scheduler.model.model import INFINITY, Colocation, Model


def colocation_loops(model: Model) -> list[Report]:
    """One finding for each loop."""
    primaries: dict[str, list[str]] = {}
    for constraint in model.constraints:
        if isinstance(constraint, Colocation) and constraint.score >= INFINITY:
            primary = constraint.primary.id
            primaries.setdefault(constraint.dependent.id, []).append(primary)
            primaries.setdefault(primary, [])
    if every_turn_comes(primaries):
        return []
    from engine.scheduler.model.order_view import loops_of  # networkx, only where there is a loop

    found = []
    for component in loops_of(primaries):
        names = ", ".join(sorted(component))
        message = f"the mandatory colocations of {names} form a loop; the first placed decides"
        found.append(warning("colocation-loop", message))
    return sorted(found, key=lambda report: report.message)
