"""The status as the elements of a `pacemaker-result` document."""

from __future__ import annotations

from lxml import etree

from engine.scheduler.views.cluster_summary import (
    bans,
    is_mixed,
    last_change,
    option_values,
    stack_of,
    version_of,
)
from engine.scheduler.views.fencing_view import fencing_values, reduced
from engine.scheduler.views.node_details import clock_text, iso_text
from engine.scheduler.views.operations_view import history_rows, operation_values, row_values
from engine.scheduler.views.status_parts import Look
from engine.scheduler.views.status_xml import (
    add_attributes,
    add_failures,
    add_nodes,
    add_resources,
    element,
)
from engine.tools.monitor.facts import Facts
from engine.tools.monitor.sections import FULL_HISTORY, Sections


def add_status(root: etree._Element, facts: Facts, wanted: Sections, look: Look) -> None:
    """All sections that are wanted."""
    model = facts.model
    _add_summary(root, facts, wanted)
    if "nodes" in wanted:
        add_nodes(root, model, look)
    if "resources" in wanted:
        add_resources(root, model, look)
    if "attributes" in wanted:
        add_attributes(root, model, look)
    if "operations" in wanted or "failcounts" in wanted:
        _add_history(root, facts, look, operations="operations" in wanted)
    if "failures" in wanted:
        add_failures(root, model, look)
    if facts.fencing is not None:
        _add_fencing(root, facts, wanted, look)
    if "tickets" in wanted:
        _add_tickets(root, facts)
    if "bans" in wanted:
        _add_bans(root, facts, wanted, look)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _add_summary(root: etree._Element, facts: Facts, wanted: Sections) -> None:
    model = facts.model
    block = etree.Element("summary")
    if "stack" in wanted:
        state = {"pacemakerd-state": "running"} if facts.running else {}
        element(block, "stack", {"type": stack_of(model)} | state)
    if "dc" in wanted:
        element(block, "current_dc", _dc_values(facts))
    if "times" in wanted:
        change = last_change(model)
        element(block, "last_update", {"time": clock_text(model, facts.now)})
        element(
            block,
            "last_change",
            {
                "time": change.time,
                "user": change.user,
                "client": change.client,
                "origin": change.origin,
            },
        )
    if "counts" in wanted:
        counts = {
            "number": str(model.resource_count),
            "disabled": str(model.disabled_count),
            "blocked": str(model.blocked_count),
        }
        element(block, "nodes_configured", {"number": str(len(model.nodes))})
        element(block, "resources_configured", counts)
    if "options" in wanted:
        element(block, "cluster_options", option_values(model))
    if len(block):
        root.append(block)


def _dc_values(facts: Facts) -> dict[str, str]:
    model = facts.model
    if model.dc_node is None:
        return {"present": "false"}
    return {
        "present": "true",
        "version": version_of(model),
        "name": model.dc_node.name,
        "id": model.dc_node.id,
        "with_quorum": _flag(model.quorate),
        "mixed_version": _flag(is_mixed(model)),
    }


def _add_history(root: etree._Element, facts: Facts, look: Look, *, operations: bool) -> None:
    model = facts.model
    if not model.histories.node_names:
        return
    block = etree.SubElement(root, "node_history")
    for node, rows in history_rows(model, look, operations=operations):
        of_node = element(block, "node", {"name": node.name})
        for row in rows:
            made = element(of_node, "resource_history", row_values(model, row))
            for each in row.operations:
                element(made, "operation_history", operation_values(model, each))


def _add_fencing(root: etree._Element, facts: Facts, wanted: Sections, look: Look) -> None:
    events = [e for e in facts.fencing or () if look.nodes is None or e.target in look.nodes]
    if wanted.history < FULL_HISTORY:
        events = reduced(events)
    states = {"success": "succeeded"}
    shown = [e for e in events if f"fencing-{states.get(e.state, e.state)}" in wanted]
    if shown:
        block = element(root, "fence_history", {"status": "0"})
        for event in shown:
            element(block, "fence_event", fencing_values(event))


def _add_tickets(root: etree._Element, facts: Facts) -> None:
    block = etree.Element("tickets")
    for ticket in facts.model.tickets.values():
        values = {
            "id": ticket.id,
            "status": "granted" if ticket.granted else "revoked",
            "standby": _flag(ticket.standby),
        }
        if ticket.last_granted > 0:
            values["last-granted"] = iso_text(facts.model, ticket.last_granted)
        element(block, "ticket", values)
    if len(block):
        root.append(block)


def _add_bans(root: etree._Element, facts: Facts, wanted: Sections, look: Look) -> None:
    block = etree.Element("bans")
    for ban in bans(facts.model, look, wanted.prefix):
        only = _flag(ban.promoted_only)
        values = {
            "id": ban.id,
            "resource": ban.resource,
            "node": ban.node.name,
            "weight": str(ban.score),
            "promoted-only": only,
            "master_only": only,
        }
        element(block, "ban", values)
    if len(block):
        root.append(block)
