"""What `crm_simulate --output-as xml` writes: a `pacemaker-result` element."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lxml import etree

from engine.base.api_version import API_VERSION
from engine.base.score import score_to_text
from engine.scheduler.api import Schedule
from engine.scheduler.model.model import Model, Role
from engine.scheduler.model.transition import CRM_EVENT, PSEUDO_EVENT
from engine.scheduler.placement.scores import (
    Allocation,
    Capacity,
    Promotion,
    ScoreLine,
    Utilization,
)
from engine.scheduler.views.status_parts import Look, StatusParts
from engine.scheduler.views.status_xml import element, fill_status
from engine.scheduler.views.transition_summary import Change, fencings, resource_changes
from engine.simulator.inject import Modification
from engine.simulator.player import Done

_NO_NAME = re.compile(r"^[^A-Za-z_]|[^A-Za-z0-9_.-]")


class XmlOutput:
    """Builds the element; `finish` gives its text. Quiet output holds the same."""

    def __init__(self, request: str, parts: StatusParts) -> None:
        self._root = etree.Element("pacemaker-result")
        self._root.set("api-version", API_VERSION)
        self._root.set("request", _printable(request))
        self._parts = parts
        self._statuses = 0

    def date(self, text: str) -> None:
        """Which moment is scheduled at: not part of the document."""

    def notices(self, model: Model) -> None:
        """Maintenance, and how many instances are disabled: not part of the document."""

    def status(self, model: Model, heading: str, *, pending: bool) -> None:
        """Nodes and resources as they are; the second time as they will be."""
        del heading
        tag = "revised_cluster_status" if self._statuses else "cluster_status"
        self._statuses += 1
        fill_status(self._add(tag), model, self._parts, Look(pending=pending))

    def modifications(self, made: Sequence[Modification]) -> None:
        """What was injected before scheduling."""
        settings: dict[str, str] = {}
        for each in made:
            if each.tag == "modifications":
                settings |= each.values
        element(self._root, "modifications", settings)
        for each in made:
            if each.tag != "modifications":
                element(self._root, each.tag, each.values)

    def scores(self, heading: str, notices: Sequence[str], lines: Sequence[ScoreLine]) -> None:
        """Allocation scores and utilization (P22.5)."""
        del notices
        tag = "allocations" if heading == "Assignment Scores" else "allocations_utilizations"
        if heading == "Utilization Information":
            tag = "utilizations"
        block = self._add(tag)
        for line in lines:
            _add_score(block, line)

    def summary(self, schedule: Schedule) -> None:
        """What will change for each node and resource."""
        block = self._add("actions")
        for fencing in fencings(schedule.plan):
            values = {"task": f"Fence ({fencing.action})", "node": fencing.node}
            element(block, "node_action", values | {"reason": fencing.reason})
        for change in resource_changes(schedule.plan):
            element(block, "rsc_action", _change_values(change))

    def executed(self, done: Sequence[Done]) -> None:
        """The actions in the order in which they were played."""
        block = self._add("transition")
        for step in done:
            _add_step(block, step)

    def timings(self, rows: Sequence[tuple[str, float]]) -> None:
        """CPU seconds that each of several inputs took."""
        block = self._add("timings")
        for path, seconds in rows:
            element(block, "timing", {"file": path, "duration": f"{seconds:.6f}"})

    def take(self) -> str:
        """Nothing: an element is written when it is complete."""
        return ""

    def finish(self, status: int, message: str, errors: Iterable[str] = ()) -> str:
        """The whole document."""
        end = element(self._root, "status", {"code": str(int(status)), "message": message})
        texts = list(errors)
        if texts:
            block = etree.SubElement(end, "errors")
            for text in texts:
                etree.SubElement(block, "error").text = _printable(text)
        return etree.tostring(self._root, pretty_print=True, encoding="unicode")

    def _add(self, tag: str) -> etree._Element:
        return etree.SubElement(self._root, tag)


def _printable(text: str) -> str:
    """The text without what no XML document can hold."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe") else "?"
        for c in text
    )


def _change_values(change: Change) -> dict[str, str]:
    """Attributes by what a reader needs to know: only one node, or from where to where."""
    values = {"action": change.verb.lower(), "resource": change.subject}
    origin, destination = change.origin, change.destination
    role, goal = change.role.text, change.goal.text
    same_role, same_node = change.role is change.goal, origin == destination
    of_role = {"role": role} if change.shows_roles else {}
    if not origin:
        if change.shows_roles:
            values |= {"role": role, "next-role": goal, "dest": destination}
        else:
            values["node"] = destination
    elif not destination:
        values |= of_role | {"node": origin}
    elif same_role and same_node:
        values |= of_role | {"source": origin}
    elif same_role:
        values |= {"source": origin, "dest": destination} | of_role
    elif same_node:
        values |= _two_roles(change) | {"source": origin}
    else:
        values |= {"role": role, "source": origin, "next-role": goal, "dest": destination}
    if change.cause:
        values["reason"] = change.cause
    if change.blocked:
        values["blocked"] = "true"
    return values


def _two_roles(change: Change) -> dict[str, str]:
    if not change.shows_roles and {change.role, change.goal} == {Role.STARTED, Role.UNPROMOTED}:
        return {}
    return {"role": change.role.text, "next-role": change.goal.text}


def _add_score(parent: etree._Element, line: ScoreLine) -> None:
    match line:
        case Allocation():
            values = {
                "function": line.function,
                "node": line.node,
                "score": score_to_text(line.score),
                "id": line.resource,
            }
            element(parent, "node_weight", values)
        case Promotion():
            values = {"id": line.resource, "score": score_to_text(line.score)}
            element(parent, "promotion_score", values | ({"node": line.node} if line.node else {}))
        case Capacity():
            made = element(parent, "capacity", {"node": line.node, "comment": line.comment})
            _add_numbers(made, line.capacity)
        case Utilization():
            values = {"resource": line.resource, "node": line.node}
            made = element(parent, "utilization", values | {"function": "pcmk__assign_resource"})
            _add_numbers(made, line.need)


def _add_numbers(parent: etree._Element, pairs: Iterable[tuple[str, int]]) -> None:
    """An element named after each attribute, as far as that can be a name."""
    for name, value in pairs:
        etree.SubElement(parent, _NO_NAME.sub("_", name)).text = str(value)


def _add_step(parent: etree._Element, step: Done) -> None:
    action = step.action
    if action is None:
        if step.change is not None:
            element(parent, step.change.tag, step.change.values)
        return
    node = {"node": action.node} if action.node else {}
    if action.tag == PSEUDO_EVENT:
        element(parent, "pseudo_action", {"task": action.key} | node)
    elif action.tag == CRM_EVENT and action.operation == "stonith":
        values = {"target": action.node, "op": action.meta("stonith_action")}
        element(parent, "fencing_action", values)
    elif action.tag == CRM_EVENT:
        values = {"task": action.operation} | node
        if action.primitive is not None:
            values["id"] = action.primitive.id
        element(parent, "cluster_action", values)
    else:
        values = {"resource": step.resource, "op": action.operation} | node
        if action.interval_ms and action.operation != "delete":
            values["interval"] = str(action.interval_ms)
        element(parent, "rsc_action", values)
