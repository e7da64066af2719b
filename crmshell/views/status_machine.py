"""The state of the cluster for programs: plain data, as JSON and as XML (`crm_mon --output-as xml`)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from crmshell.views.status import (
    OCF_WORDS,
    Background,
    dc_name,
    is_quorate,
    last_change,
    primitives_of,
    read_model,
    shown_attributes,
    stack_name,
)
from engine.cib.document import Cib
from engine.scheduler.model.model import FailedOp, Model, Node, Resource, Role, Variant
from engine.scheduler.reading.activity import active_nodes
from engine.scheduler.views.status_parts import printed_id

Data = dict[str, Any]


def status_data(cib: Cib, now: float, background: Background) -> Data:
    """Everything about the state as dictionaries, lists, texts, numbers and booleans."""
    model = read_model(cib, now)
    return {
        "summary": {
            "stack": stack_name(cib, background),
            "dc": dc_name(model, cib, background),
            "with_quorum": is_quorate(model, background),
            "last_change": last_change(cib),
            "nodes_configured": len(model.nodes),
            "resources_configured": model.resource_count,
            "disabled": model.disabled_count,
            "blocked": model.blocked_count,
            "stonith_enabled": model.options.fencing_enabled,
            "maintenance_mode": model.options.maintenance_mode,
            "epoch": ".".join(str(part) for part in cib.version),
        },
        "nodes": [_node_data(model, node) for node in model.nodes],
        "resources": [_resource_data(each) for each in model.resources],
        "failures": [_failure_data(failure) for failure in model.failed_ops],
        "tickets": [
            {"id": ticket.id, "granted": ticket.granted, "standby": ticket.standby}
            for ticket in model.tickets.values()
        ],
    }


def _node_data(model: Model, node: Node) -> Data:
    running = [
        leaf
        for resource in model.resources
        for leaf in primitives_of(resource)
        if node in active_nodes(leaf)
    ]
    return {
        "name": node.name,
        "id": node.id,
        "online": node.online,
        "standby": node.standby,
        "standby_onfail": node.standby_on_fail,
        "maintenance": node.maintenance,
        "pending": node.pending,
        "unclean": node.unclean,
        "shutdown": node.shutdown,
        "expected_up": node.expected_up,
        "is_dc": node.is_dc,
        "resources_running": len(running),
        "type": "remote" if node.is_remote_type else "member",
        "attributes": shown_attributes(node),
    }


def _resource_data(resource: Resource) -> Data:
    kinds = {Variant.GROUP: "group", Variant.CLONE: "clone", Variant.BUNDLE: "bundle"}
    kind = kinds.get(resource.variant, "resource")
    data: Data = {"kind": kind, "id": printed_id(resource), "managed": resource.managed}
    if kind != "resource":
        data["members"] = [_resource_data(child) for child in resource.children]
        return data
    agent = (resource.agent_class, resource.agent_provider, resource.agent_type)
    role = resource.role
    if role is Role.STARTED and resource.top.promotable:
        role = Role.UNPROMOTED
    return {
        **data,
        "resource_agent": ":".join(part for part in agent if part),
        "role": role.text,
        "target_role": resource.meta.get("target-role", ""),
        "active": bool(active_nodes(resource)),
        "orphaned": resource.removed,
        "blocked": resource.blocked,
        "maintenance": resource.maintenance,
        "failed": resource.failed,
        "failure_ignored": resource.failure_ignored,
        "pending": resource.pending_action,
        "nodes": [node.name for node in active_nodes(resource)],
    }


def _failure_data(failure: FailedOp) -> Data:
    return {
        "op_key": f"{failure.resource_id}_{failure.task}_{failure.interval_ms}",
        "node": failure.node_name,
        "exitstatus": OCF_WORDS.get(failure.rc, "unknown"),
        "exitcode": failure.rc,
        "exitreason": failure.exit_reason,
        "call": failure.call_id,
        "interval": failure.interval_ms,
        "task": failure.task,
    }


def status_json(cib: Cib, now: float, background: Background) -> str:
    """The data as JSON text."""
    import json

    return json.dumps(status_data(cib, now, background), indent=2, ensure_ascii=False)


def status_xml(cib: Cib, now: float, background: Background) -> str:
    """The data in the element names of Pacemaker's API (`pacemaker-result`)."""
    data = status_data(cib, now, background)
    root = etree.Element("pacemaker-result", {"api-version": "2.30", "request": "crm status"})
    _summary_element(root, data["summary"])
    nodes = etree.SubElement(root, "nodes")
    for node in data["nodes"]:
        _put(nodes, "node", {key: value for key, value in node.items() if key != "attributes"})
    resources = etree.SubElement(root, "resources")
    for resource in data["resources"]:
        _resource_element(resources, resource)
    attributes = etree.SubElement(root, "node_attributes")
    for node in data["nodes"]:
        holder = etree.SubElement(attributes, "node", name=node["name"])
        for name, value in node["attributes"].items():
            _put(holder, "attribute", {"name": name, "value": value})
    failures = etree.SubElement(root, "failures")
    for failure in data["failures"]:
        _put(failures, "failure", failure)
    tickets = etree.SubElement(root, "tickets")
    for ticket in data["tickets"]:
        status = "granted" if ticket["granted"] else "revoked"
        _put(
            tickets, "ticket", {"id": ticket["id"], "status": status, "standby": ticket["standby"]}
        )
    _put(root, "status", {"code": 0, "message": "OK"})
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _summary_element(root: etree._Element, summary: Data) -> None:
    holder = etree.SubElement(root, "summary")
    _put(holder, "stack", {"type": summary["stack"]})
    dc: Data = {"present": bool(summary["dc"])}
    if summary["dc"]:
        dc |= {"name": summary["dc"], "with_quorum": summary["with_quorum"]}
    _put(holder, "current_dc", dc)
    _put(holder, "last_change", {"time": summary["last_change"]})
    _put(holder, "nodes_configured", {"number": summary["nodes_configured"]})
    _put(
        holder,
        "resources_configured",
        {
            "number": summary["resources_configured"],
            "disabled": summary["disabled"],
            "blocked": summary["blocked"],
        },
    )
    _put(
        holder,
        "cluster_options",
        {
            "stonith-enabled": summary["stonith_enabled"],
            "maintenance-mode": summary["maintenance_mode"],
        },
    )


def _resource_element(parent: etree._Element, data: Data) -> None:
    fields = {key: value for key, value in data.items() if key not in {"kind", "members", "nodes"}}
    element = _put(
        parent, data["kind"], {key: value for key, value in fields.items() if value != ""}
    )
    for member in data.get("members", ()):
        _resource_element(element, member)
    for name in data.get("nodes", ()):
        _put(element, "node", {"name": name})


def _put(parent: etree._Element, tag: str, fields: Data) -> etree._Element:
    """A child element; booleans as `true` and `false`."""
    element = etree.SubElement(parent, tag)
    for name, value in fields.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        element.set(name, text)
    return element
