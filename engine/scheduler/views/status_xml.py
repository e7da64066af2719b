"""The status of a cluster as elements of Pacemaker's `pacemaker-result` documents."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from engine.scheduler.model.model import Model, Node, Resource, Variant
from engine.scheduler.reading.activity import is_active
from engine.scheduler.reading.nodes import health_colour
from engine.scheduler.views.node_details import (
    Failure,
    fail_counts,
    failures,
    iso_text,
    node_attributes,
)
from engine.scheduler.views.status_parts import StatusParts
from engine.scheduler.views.status_text import is_disabled, shown_role

_NO_FEATURE_SET = "<3.15.1"  # nodes tell theirs since that release


def element(parent: etree._Element, tag: str, values: Mapping[str, str]) -> etree._Element:
    """A child with attributes in that order."""
    made = etree.SubElement(parent, tag)
    for name, value in values.items():
        made.set(name, value)
    return made


def fill_status(parent: etree._Element, model: Model, parts: StatusParts, *, pending: bool) -> None:
    """Nodes, resources and the parts that are wanted; `pending`: with what is going on."""
    nodes = etree.SubElement(parent, "nodes")
    for node in model.nodes:
        element(nodes, "node", _node_values(model, node))
    resources = etree.SubElement(parent, "resources")
    for resource in model.resources:
        if not resource.removed or is_active(resource):
            _add_resource(resources, resource, pending=pending)
    if parts.attributes:
        _add_attributes(parent, model)
    if parts.failcounts:
        _add_history(parent, model)
        _add_failures(parent, model)


def _flag(value: bool) -> str:
    return "true" if value else "false"


# -- nodes -------------------------------------------------------------------------------------


def _node_values(model: Model, node: Node) -> dict[str, str]:
    values = {
        "name": node.name,
        "id": node.id,
        "online": _flag(node.online),
        "standby": _flag(node.standby),
        "standby_onfail": _flag(node.standby_on_fail),
        "maintenance": _flag(node.maintenance),
        "pending": _flag(node.pending),
        "unclean": _flag(node.unclean),
        "health": health_colour(model, node),
    }
    if node.online and node.expected_up and not node.is_remote_type:
        values["feature_set"] = node.feature_set or _NO_FEATURE_SET
    values |= {
        "shutdown": _flag(node.shutdown),
        "expected_up": _flag(node.expected_up),
        "is_dc": _flag(node.is_dc),
        "resources_running": str(len(node.running)),
        "type": "remote" if node.is_remote_type else "member",
    }
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        values["id_as_resource"] = connection.launcher.id
    return values


def _add_attributes(parent: etree._Element, model: Model) -> None:
    found = node_attributes(model)
    if not found:
        return
    block = etree.SubElement(parent, "node_attributes")
    for node, attributes in found:
        of_node = element(block, "node", {"name": node.name})
        for attribute in attributes:
            values = {"name": attribute.name, "value": attribute.value}
            if attribute.expected is not None:
                values["expected"] = str(attribute.expected)
            element(of_node, "attribute", values)


def _add_history(parent: etree._Element, model: Model) -> None:
    if not model.histories.node_names:
        return
    block = etree.SubElement(parent, "node_history")
    for node, counts in fail_counts(model):
        of_node = element(block, "node", {"name": node.name})
        for row in counts:
            values = {
                "id": row.resource,
                "orphan": "false",  # only known resources are listed
                "migration-threshold": str(row.threshold),
                "fail-count": str(row.count),
            }
            if row.last:
                values["last-failure"] = row.last
            element(of_node, "resource_history", values)


def _add_failures(parent: etree._Element, model: Model) -> None:
    found = failures(model)
    if found:
        block = etree.SubElement(parent, "failures")
        for failure in found:
            element(block, "failure", _failure_values(model, failure))


def _failure_values(model: Model, failure: Failure) -> dict[str, str]:
    values = {
        "op_key" if failure.has_key else "id": failure.key,
        "node": failure.node,
        "exitstatus": failure.exit,
        "exitreason": "none" if failure.reason is None else failure.reason,
        "exitcode": failure.rc,
        "call": failure.call,
        "status": failure.status,
    }
    if failure.changed_at is not None:
        values |= {
            "last-rc-change": iso_text(model, failure.changed_at),
            "queued": failure.queued_ms,
            "exec": failure.exec_ms,
            "interval": failure.interval_ms,
            "task": failure.task,
        }
    return values


# -- resources ---------------------------------------------------------------------------------


def _add_resource(parent: etree._Element, resource: Resource, *, pending: bool) -> None:
    match resource.variant:
        case Variant.PRIMITIVE:
            _add_primitive(parent, resource, pending=pending)
            return
        case Variant.GROUP:
            values = {"id": resource.id, "number_resources": str(len(resource.children))}
            values |= _management(resource)
            values["disabled"] = _flag(is_disabled(resource))
            made = element(parent, "group", values)
        case Variant.CLONE:
            made = element(parent, "clone", _clone_values(resource))
        case Variant.BUNDLE:
            _add_bundle(parent, resource, pending=pending)
            return
    for child in resource.children:
        _add_resource(made, child, pending=pending)


def _management(resource: Resource) -> dict[str, str]:
    return {"maintenance": _flag(resource.maintenance), "managed": _flag(resource.managed)}


def _clone_values(clone: Resource) -> dict[str, str]:
    values = {
        "id": clone.id,
        "multi_state": _flag(clone.promotable),
        "unique": _flag(clone.unique),
        **_management(clone),
        "disabled": _flag(is_disabled(clone)),
        "failed": _flag(clone.failed),
        "failure_ignored": _flag(clone.failure_ignored),
    }
    return values | _target_role(clone)


def _target_role(resource: Resource) -> dict[str, str]:
    """As it is written, if it is set."""
    wanted = resource.meta.get("target-role")
    return {} if wanted is None else {"target_role": wanted}


def _add_bundle(parent: etree._Element, bundle: Resource, *, pending: bool) -> None:
    settings = bundle.bundle
    if settings is None:
        return
    values = {
        "id": bundle.id,
        "type": settings.agent,
        "image": settings.image,
        "unique": _flag(bundle.unique),
        **_management(bundle),
        "failed": _flag(bundle.failed),
    }
    made = element(parent, "bundle", values)
    for replica in settings.replicas:
        holder = element(made, "replica", {"id": str(replica.number)})
        for part in (replica.ip, replica.child, replica.container, replica.connection):
            if part is not None:
                _add_resource(holder, part, pending=pending)


def _add_primitive(parent: etree._Element, resource: Resource, *, pending: bool) -> None:
    provider = f":{resource.agent_provider}" if resource.agent_provider else ""
    values = {
        "id": resource.id if resource.unique else resource.base_id,
        "resource_agent": f"{resource.agent_class}{provider}:{resource.agent_type}",
        "role": shown_role(resource, pending=pending),
        **_target_role(resource),
        "active": _flag(is_active(resource)),
        "orphaned": _flag(resource.removed),
        "blocked": _flag(resource.blocked),
        **_management(resource),
        "failed": _flag(resource.failed),
        "failure_ignored": _flag(resource.failure_ignored),
        "nodes_running_on": str(len(resource.running_on)),
    }
    if pending and resource.pending_action == "monitor":
        values["pending"] = "Monitoring"
    if resource.lock_node is not None:
        values["locked_to"] = resource.lock_node.name
    made = element(parent, "resource", values)
    for node in resource.running_on:
        of_node = {"name": node.name, "id": node.id, "cached": _flag(node.online)}
        element(made, "node", of_node)
