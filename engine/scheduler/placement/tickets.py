"""What a missing ticket takes away from a resource (P18).

Applied while constraints are read, before locations. The part that concerns promotion is done
when roles are chosen (P15.10).
"""

from __future__ import annotations

from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Model,
    Resource,
    Role,
    TicketConstraint,
    apply_score,
)
from engine.scheduler.reading.nodes import mark_for_fencing
from engine.scheduler.reading.requests import ActionRequests


def apply_ticket(model: Model, requests: ActionRequests, constraint: TicketConstraint) -> None:
    """Bring a ticket's state to the primitives below the constraint's resource."""
    constraint.resource.tickets.append(constraint)
    ticket = constraint.ticket
    if ticket.granted and not ticket.standby:
        return
    _lose(model, requests, constraint, constraint.resource)


def _lost(constraint: TicketConstraint) -> str:
    return f"ticket {constraint.ticket.id}"


def _lose(
    model: Model, requests: ActionRequests, constraint: TicketConstraint, resource: Resource
) -> None:
    if resource.children:
        for child in resource.children:
            _lose(model, requests, constraint, child)
        return
    policy = constraint.loss_policy
    promoted_only = constraint.role is Role.PROMOTED
    if constraint.ticket.granted or not resource.running_on:
        if not promoted_only or policy == "stop":
            apply_score(model, resource, None, MINUS_INFINITY, _lost(constraint))
        return
    concerned = constraint.role in (Role.UNKNOWN, resource.role)
    match policy:
        case "stop":
            apply_score(model, resource, None, MINUS_INFINITY, _lost(constraint))
        case "demote":
            if not promoted_only:
                apply_score(model, resource, None, MINUS_INFINITY, _lost(constraint))
        case "fence" if concerned:
            apply_score(model, resource, None, MINUS_INFINITY, _lost(constraint))
            for node in resource.running_on:
                reason = "deadman ticket was lost"
                mark_for_fencing(model, requests, node, reason)
        case "freeze" if concerned:
            resource.managed = False
            resource.blocked = True
