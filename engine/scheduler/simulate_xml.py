"""What `crm_simulate --output-as xml` writes: a `pacemaker-result` element."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree

from engine.base.score import score_to_text
from engine.scheduler.api import Schedule
from engine.scheduler.execute import Done
from engine.scheduler.model import Model, Node, Resource, Variant
from engine.scheduler.nodes import health_colour
from engine.scheduler.scores import Allocation, Capacity, Promotion, ScoreLine
from engine.scheduler.simulate_text import StatusParts
from engine.scheduler.summary import banner_lines
from engine.scheduler.transition import CRM_EVENT, PSEUDO_EVENT
from engine.scheduler.transition_summary import resource_changes, summary_lines

API_VERSION = "2.38"
_FENCING = re.compile(r"Fence \((?P<action>[^)]*)\) (?P<node>.+) '(?P<reason>.*)'$", re.DOTALL)


class XmlOutput:
    """Builds the element; `finish` gives its text."""

    def __init__(self, request: str, parts: StatusParts) -> None:
        self._root = etree.Element("pacemaker-result")
        self._root.set("api-version", API_VERSION)
        self._root.set("request", request)
        self._parts = parts

    def date(self, text: str) -> None:
        """Which moment is scheduled at."""
        self._add("info").text = text

    def info(self, text: str) -> None:
        """A remark by itself."""
        self._add("info").text = text

    def notices(self, model: Model) -> None:
        """Maintenance, and how many instances are disabled or blocked."""
        for line in banner_lines(model):
            if line.strip():
                self._add("info").text = line.strip()

    def status(self, model: Model, heading: str, *, pending: bool) -> None:
        """Nodes and resources as they are."""
        del heading, pending
        status = self._add("cluster_status")
        nodes = etree.SubElement(status, "nodes")
        for node in model.nodes:
            _node_element(nodes, model, node, attributes=self._parts.attributes)
        resources = etree.SubElement(status, "resources")
        for resource in model.resources:
            _resource_element(resources, resource)

    def modifications(self, lines: Sequence[str]) -> None:
        """What was injected before scheduling."""
        block = self._add("modifications")
        for line in lines:
            etree.SubElement(block, "modification").text = line

    def scores(self, heading: str, lines: Sequence[ScoreLine]) -> None:
        """Allocation scores and utilization (P22.5)."""
        tag = "allocations" if heading == "Assignment Scores" else "allocations_utilizations"
        if heading == "Utilization Information":
            tag = "utilizations"
        block = self._add(tag)
        for line in lines:
            _score_element(block, line)

    def summary(self, schedule: Schedule) -> None:
        """What will change for each node and resource."""
        block = self._add("actions")
        for line in summary_lines(schedule.plan):
            fencing = _FENCING.match(line)
            if fencing is not None:
                _element(
                    block,
                    "node_action",
                    task=f"Fence ({fencing['action']})",
                    node=fencing["node"],
                    reason=fencing["reason"],
                )
        for change in resource_changes(schedule.plan):
            values = {"action": change.verb, "resource": change.subject}
            if change.details:
                values["details"] = change.details
            if change.reason:
                values["reason"] = change.reason.removeprefix("due to ")
            _element(block, "rsc_action", **values)

    def executed(self, done: Sequence[Done]) -> None:
        """The actions in the order in which they were played."""
        block = self._add("transition")
        for step in done:
            _step_element(block, step)

    def take(self) -> str:
        """Nothing: an element is written when it is complete."""
        return ""

    def finish(self, status: int, message: str) -> str:
        """The whole document."""
        _element(self._root, "status", code=str(int(status)), message=message)
        data = etree.tostring(self._root, pretty_print=True, encoding="unicode")
        return f'<?xml version="1.0"?>\n{data}'

    def _add(self, tag: str) -> etree._Element:
        return etree.SubElement(self._root, tag)


def _element(parent: etree._Element, tag: str, **values: str) -> etree._Element:
    made = etree.SubElement(parent, tag)
    for name, value in values.items():
        made.set(name.rstrip("_"), value)
    return made


def _flags(**values: bool) -> dict[str, str]:
    return {name: "true" if value else "false" for name, value in values.items()}


def _node_element(parent: etree._Element, model: Model, node: Node, *, attributes: bool) -> None:
    kind = "member"
    if node.is_remote_type:
        kind = "guest" if node.is_guest else "remote"
    made = _element(
        parent,
        "node",
        name=node.name,
        id_=node.id,
        **_flags(
            online=node.online,
            standby=node.standby,
            standby_onfail=node.standby_on_fail,
            maintenance=node.maintenance,
            pending=node.pending,
            unclean=node.unclean,
            shutdown=node.shutdown,
            expected_up=node.expected_up,
            is_dc=node.is_dc,
        ),
        health=health_colour(model, node),
        resources_running=str(len(node.running)),
        type=kind,
    )
    if attributes:
        for name, value in sorted(node.attributes.items()):
            _element(made, "attribute", name=name, value=value)


def _resource_element(parent: etree._Element, resource: Resource) -> None:
    state: Mapping[str, str] = _flags(
        maintenance=resource.maintenance, managed=resource.managed, failed=resource.failed
    )
    match resource.variant:
        case Variant.PRIMITIVE:
            _primitive_element(parent, resource, state)
            return
        case Variant.GROUP:
            count = str(len(resource.children))
            made = _element(parent, "group", id_=resource.id, number_resources=count, **state)
        case Variant.CLONE:
            kind = _flags(multi_state=resource.promotable, unique=resource.unique)
            made = _element(parent, "clone", id_=resource.id, **kind, **state)
        case Variant.BUNDLE:
            _bundle_element(parent, resource, state)
            return
    for child in resource.children:
        _resource_element(made, child)


def _bundle_element(parent: etree._Element, bundle: Resource, state: Mapping[str, str]) -> None:
    settings = bundle.bundle
    if settings is None:
        return
    made = _element(
        parent,
        "bundle",
        id_=bundle.id,
        type=settings.agent,
        image=settings.image,
        **_flags(unique=bundle.unique),
        **state,
    )
    for replica in settings.replicas:
        holder = _element(made, "replica", id_=str(replica.number))
        for part in (replica.ip, replica.child, replica.container, replica.connection):
            if part is not None:
                _resource_element(holder, part)


def _primitive_element(
    parent: etree._Element, resource: Resource, state: Mapping[str, str]
) -> None:
    provider = f":{resource.agent_provider}" if resource.agent_provider else ""
    made = _element(
        parent,
        "resource",
        id_=resource.id if resource.unique else resource.base_id,
        resource_agent=f"{resource.agent_class}{provider}:{resource.agent_type}",
        role=resource.role.text,
        **_flags(
            active=bool(resource.running_on), orphaned=resource.removed, blocked=resource.blocked
        ),
        **state,
        **_flags(failure_ignored=resource.failure_ignored),
        nodes_running_on=str(len(resource.running_on)),
    )
    for node in resource.running_on:
        _element(made, "node", name=node.name, id_=node.id, **_flags(cached=not node.online))


def _score_element(parent: etree._Element, line: ScoreLine) -> None:
    if isinstance(line, Allocation):
        _element(
            parent,
            "node_weight",
            function=line.function,
            node=line.node,
            score=score_to_text(line.score),
            id_=line.resource,
        )
    elif isinstance(line, Promotion):
        made = _element(
            parent, "promotion_score", id_=line.resource, score=score_to_text(line.score)
        )
        if line.node:
            made.set("node", line.node)
    elif isinstance(line, Capacity):
        made = _element(parent, "capacity", node=line.node, comment=line.comment)
        for name, value in line.capacity:
            _element(made, "utilization", name=name, value=str(value))
    else:
        made = _element(
            parent,
            "utilization",
            resource=line.resource,
            node=line.node,
            function="pcmk__assign_resource",
        )
        for name, value in line.need:
            _element(made, "utilization", name=name, value=str(value))


def _step_element(parent: etree._Element, step: Done) -> None:
    action = step.action
    if action is None:
        etree.SubElement(parent, "info").text = step.text
    elif action.tag == PSEUDO_EVENT:
        made = _element(parent, "pseudo_action", task=action.key)
        if action.node:
            made.set("node", action.node)
    elif action.tag == CRM_EVENT and action.operation == "stonith":
        _element(parent, "fencing", target=action.node, op=action.meta("stonith_action"))
    elif action.tag == CRM_EVENT:
        made = _element(parent, "cluster_action", task=action.operation, node=action.node)
        if action.primitive is not None:
            made.set("id", action.primitive.id)
    else:
        made = _element(
            parent, "rsc_action", resource=step.resource, op=action.operation, node=action.node
        )
        if action.interval_ms:
            made.set("interval", str(action.interval_ms))
