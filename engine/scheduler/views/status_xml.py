"""The status of a cluster as elements of Pacemaker's `pacemaker-result` documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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
from engine.scheduler.views.node_text import feature_set
from engine.scheduler.views.status_parts import (
    Look,
    StatusParts,
    is_elsewhere,
    is_named,
    is_shown,
)
from engine.scheduler.views.status_text import is_disabled, is_listed, shown_role


def element(parent: etree._Element, tag: str, values: Mapping[str, str]) -> etree._Element:
    """A child with attributes in that order."""
    made = etree.SubElement(parent, tag)
    for name, value in values.items():
        made.set(name, value)
    return made


def fill_status(parent: etree._Element, model: Model, parts: StatusParts, look: Look) -> None:
    """Nodes, resources and the parts that are wanted."""
    add_nodes(parent, model, look)
    add_resources(parent, model, look)
    if parts.attributes:
        add_attributes(parent, model, look)
    if parts.failcounts:
        _add_history(parent, model)
        add_failures(parent, model, look)


def add_nodes(parent: etree._Element, model: Model, look: Look) -> None:
    """The nodes; below each what runs there, if that is how it is looked at."""
    nodes = etree.SubElement(parent, "nodes")
    for node in filter(look.shows_node, model.nodes):
        made = element(nodes, "node", _node_values(model, node))
        for resource in node.running if look.by_node else ():
            if is_shown(resource, look):
                _add_primitive(made, resource, replace(look, description=True))


def add_resources(parent: etree._Element, model: Model, look: Look) -> None:
    """The resources that are asked for; those that are active only once, there or by node."""
    holder = etree.SubElement(parent, "resources")
    for resource in model.resources:
        if is_listed(resource, look) and is_shown(resource, look):
            add_resource(holder, resource, look)


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
    if known := feature_set(node):
        values["feature_set"] = known
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


def add_attributes(parent: etree._Element, model: Model, look: Look) -> None:
    found = [row for row in node_attributes(model) if look.shows_node(row[0])]
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
                "orphan": "false",
                "removed": "false",  # only known resources are listed
                "migration-threshold": str(row.threshold),
                "fail-count": str(row.count),
            }
            if row.last:
                values["last-failure"] = row.last
            element(of_node, "resource_history", values)


def add_failures(parent: etree._Element, model: Model, look: Look) -> None:
    found = failures(model, look)
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


def add_resource(parent: etree._Element, resource: Resource, look: Look) -> None:
    """A resource with its members, instances or replicas."""
    match resource.variant:
        case Variant.PRIMITIVE:
            _add_primitive(parent, resource, look)
            return
        case Variant.GROUP:
            values = {"id": resource.id, "number_resources": str(len(resource.children))}
            values |= _management(resource)
            values["disabled"] = _flag(is_disabled(resource))
            made = element(parent, "group", values | _description(resource, look))
        case Variant.CLONE:
            made = element(parent, "clone", _clone_values(resource) | _description(resource, look))
        case Variant.BUNDLE:
            _add_bundle(parent, resource, look)
            return
    as_part = is_named(resource, look)
    for child in resource.children:
        if is_shown(child, look, as_part=as_part) and not is_elsewhere(child, look):
            add_resource(made, child, look)


def _description(resource: Resource, look: Look) -> dict[str, str]:
    text = resource.attributes.get("description", "")
    return {"description": text} if text and look.describes else {}


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


def _add_bundle(parent: etree._Element, bundle: Resource, look: Look) -> None:
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
    made = element(parent, "bundle", values | _description(bundle, look))
    as_whole = is_named(bundle, look)
    for replica in settings.replicas:
        parts = (replica.ip, replica.child, replica.container, replica.connection)
        shown = [
            part for part in parts if part is not None and is_shown(part, look, as_part=as_whole)
        ]
        if not shown or is_elsewhere(replica.container, look):
            continue
        holder = element(made, "replica", {"id": str(replica.number)})
        for part in shown:
            add_resource(holder, part, look)


def _add_primitive(parent: etree._Element, resource: Resource, look: Look) -> None:
    provider = f":{resource.agent_provider}" if resource.agent_provider else ""
    values = {
        "id": resource.id if resource.unique else resource.base_id,
        "resource_agent": f"{resource.agent_class}{provider}:{resource.agent_type}",
        "role": shown_role(resource, look),
        **_target_role(resource),
        "active": _flag(is_active(resource)),
        "orphaned": _flag(resource.removed),
        "removed": _flag(resource.removed),
        "blocked": _flag(resource.blocked),
        **_management(resource),
        "failed": _flag(resource.failed),
        "failure_ignored": _flag(resource.failure_ignored),
        "nodes_running_on": str(len(resource.running_on)),
    }
    if look.pending and resource.pending_action == "monitor":
        values["pending"] = "Monitoring"
    if resource.lock_node is not None:
        values["locked_to"] = resource.lock_node.name
    values |= _description(resource, look)
    made = element(parent, "resource", values)
    for node in resource.running_on:
        of_node = {"name": node.name, "id": node.id, "cached": _flag(node.online)}
        element(made, "node", of_node)
