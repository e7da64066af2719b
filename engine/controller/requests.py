"""What the DC does when somebody asks: attributes, clean-up, fencing by hand, shutdown of a node.

Pure: a request and the situation give a decision. Every refusal is one line and says what is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from lxml import etree

from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.base.events import StatusChange, View
from engine.base.exitcodes import ExitStatus
from engine.base.timespec import seconds_from
from engine.cib.access import is_restricted, permission_denied
from engine.cib.patch import xml_text
from engine.cib.status import change_ticket, forget_ticket, ticket_state
from engine.controller.attributes import (
    AttributeUpdate,
    clearing_updates,
    failed_resources,
    updated_value,
)
from engine.controller.events import ConfirmFenced, Effect, Fence, Story, Tell
from engine.controller.messages import Ask, ForgetResource
from engine.controller.options import ControllerOptions
from engine.controller.remotes import RemoteHosts, fenced_remote_state, is_remote, remote_names
from engine.controller.rights import Asking, may_read_attribute, refuse_changes
from engine.controller.status import (
    DOWN,
    attribute_change,
    find_state,
    forget_resource,
    node_state,
    put_node_state,
    resources_in,
    transient_attributes,
)

MAX_TEXT = 64 * 1024
FENCE_ACTIONS = ("reboot", "off", "on")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}\Z")


MOST_TAG = 64  # characters


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision depends on."""

    root: etree._Element
    names: dict[int, str]
    view: View | None
    options: ControllerOptions
    now: float
    wall: float
    remotes: RemoteHosts = field(default_factory=RemoteHosts)
    private: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    """Attributes that never come into the CIB, by node id and name; None for one that was deleted."""

    @property
    def status(self) -> etree._Element | None:
        return self.root.find("status")

    def node_id(self, name: str) -> int | None:
        return next((n for n, known in self.names.items() if known == name), None)

    def state_id(self, name: str) -> str | None:
        """The id of a node in the status section: the number of a member, the name of a remote node."""
        number = self.node_id(name)
        if number is not None:
            return str(number)
        return name if name in remote_names(self.root) else None

    def nodes(self) -> list[tuple[str, str, int | None]]:
        """Id, name and the member to give orders to, of every node of the cluster."""
        found: list[tuple[str, str, int | None]] = [
            (str(number), name, number if self.is_member(number) else None)
            for number, name in sorted(self.names.items())
        ]
        for name in remote_names(self.root):
            found.append((name, name, self.remotes.of(name)))
        return found

    def is_member(self, node_id: int) -> bool:
        return self.view is not None and node_id in self.view.members


@dataclass(frozen=True, slots=True)
class Decision:
    """The reply (None: when the fencing of `fences` is over), and what else shall happen.

    `trigger` names the reason to schedule, "" for none.
    """

    reply: dict[str, Any] | None
    effects: tuple[Effect, ...] = ()
    attributes: tuple[tuple[AttributeUpdate, float], ...] = ()
    changes: tuple[StatusChange, ...] = ()
    trigger: str = ""
    fences: str = ""
    private: tuple[AttributeUpdate, ...] = ()


def decide(ask: Ask, situation: Situation) -> Decision:
    """The decision about a request of a client, as far as their rights go."""
    decision, asking = _decide(ask, situation), Asking.of(ask)
    try:
        if decision.private and is_restricted(situation.root, asking.user):
            raise permission_denied("no right to change private attributes")
        written = [attribute_change(u.node_id, u.name, u.value) for u, _ in decision.attributes]
        refuse_changes(asking, situation.root, (*written, *decision.changes))
    except EngineError as problem:
        return Decision(refused(str(problem), problem.status))
    return decision


def _decide(ask: Ask, situation: Situation) -> Decision:
    match ask.kind:
        case "attribute":
            return _attribute(ask.fields, situation)
        case "attribute-value":
            return _attribute_value(ask, situation)
        case "ticket":
            return _ticket(ask.fields, situation)
        case "cleanup":
            return _cleanup(ask.fields, situation)
        case "fence":
            return _fence(ask, situation)
        case "confirm-fenced":
            return _confirm_fenced(ask, situation)
        case "shutdown":
            return _shutdown(ask.fields, situation)
        case _:
            return _refuse(f"unknown request '{ask.kind}'", ExitStatus.PROTOCOL)


def not_dc() -> dict[str, Any]:
    """The reply of a node that is not DC (any more)."""
    text = "there is no designated controller at present, try again"
    return refused(text, ExitStatus.TEMPFAIL)


def not_understood(ask: Ask, bug: Exception) -> Decision:
    """The decision about a request that met a bug of ours: said to who asked, and in the log."""
    story = Story(f"request failed: {bug!r}", {"kind": ask.kind, "user": ask.user}, True)
    refusal = refused(f"internal error: {bug!r}", ExitStatus.SOFTWARE)
    return Decision(refusal, effects=(story,))


def refused(text: str, status: ExitStatus) -> dict[str, Any]:
    """The fields of an answer that says no."""
    return {"ok": False, "error": text, "status": int(status)}


def _attribute(fields: Mapping[str, Any], situation: Situation) -> Decision:
    name, value = fields.get("name"), fields.get("value")
    if not isinstance(name, str) or not name:
        return _refuse("an attribute needs a name", ExitStatus.USAGE)
    if any(xml_text(text) != text or len(text) > MAX_TEXT for text in (name, str(value))):
        text = f"name and value of an attribute are {MAX_TEXT} characters of text at most"
        return _refuse(text, ExitStatus.USAGE)
    node_id = situation.state_id(str(fields.get("node", "")))
    if node_id is None:
        return _unknown_node(str(fields.get("node", "")), situation)
    is_private = any(known == name for _, known in situation.private) or (
        bool(fields.get("private")) and not _is_public(name, situation)
    )
    if is_private:
        hidden = AttributeUpdate(node_id, name, None if value is None else str(value))
        return Decision({"ok": True}, private=(hidden,))
    if value is not None:
        state = find_state(situation.status, node_id)
        value = updated_value(transient_attributes(state).get(name), str(value))
    seconds = seconds_from(fields.get("delay"), 0.0)
    update = AttributeUpdate(node_id, name, value)
    return Decision({"ok": True}, attributes=((update, seconds),))


def _is_public(name: str, situation: Situation) -> bool:
    """Whether the attribute stands in the CIB: what it was made as, it remains."""
    states = situation.status if situation.status is not None else ()
    return any(name in transient_attributes(state) for state in states)


def _attribute_value(ask: Ask, situation: Situation) -> Decision:
    fields = ask.fields
    name, node_id = str(fields.get("name", "")), situation.state_id(str(fields.get("node", "")))
    if node_id is None:
        return _unknown_node(str(fields.get("node", "")), situation)
    if not may_read_attribute(Asking.of(ask), situation.root, node_id, name):
        return _refuse(
            f"Permission denied: no right to read '{name}'", ExitStatus.INSUFFICIENT_PRIV
        )
    value = transient_attributes(find_state(situation.status, node_id)).get(name)
    if (node_id, name) in situation.private:
        value = situation.private[node_id, name] or ""
    return Decision({"ok": True, "value": value})


def _ticket(fields: Mapping[str, Any], situation: Situation) -> Decision:
    """Set and delete attributes of a ticket, or forget it: a change of the status like another."""
    name, values, gone = fields.get("ticket"), fields.get("values"), fields.get("gone")
    if not isinstance(name, str) or not name or xml_text(name) != name:
        return _refuse("a ticket needs a name", ExitStatus.USAGE)
    new = {} if values is None else values
    names = [] if gone is None else gone
    if not isinstance(new, Mapping) or not isinstance(names, list):
        return _refuse("a ticket has values by name, and names to delete", ExitStatus.USAGE)
    for key, value in new.items():
        if not _is_attribute(key) or xml_text(str(value)) != value or len(value) > MAX_TEXT:
            return _refuse(f"'{key}' cannot be set on a ticket", ExitStatus.USAGE)
    scratch = etree.Element("cib")
    status = etree.SubElement(scratch, "status")
    present = None if situation.status is None else situation.status.find("tickets")
    if present is not None:
        status.append(deepcopy(present))
    before = ticket_state(scratch, name)
    known = None if before is None else dict(before.attrib)
    if fields.get("forget"):
        forget_ticket(scratch, name)
    else:
        change_ticket(scratch, name, new, map(str, names), situation.wall)
    after = ticket_state(scratch, name)
    if known == (None if after is None else dict(after.attrib)):
        return Decision({"ok": True})
    xml = b"" if after is None else etree.tostring(after, with_tail=False)
    change = StatusChange((("tickets", ""), ("ticket_state", name)), xml)
    return Decision({"ok": True}, changes=(change,), trigger=f"ticket {name}")


def _is_attribute(name: object) -> bool:
    return isinstance(name, str) and name != "id" and _ATTRIBUTE.match(name) is not None


def _shutdown(fields: Mapping[str, Any], situation: Situation) -> Decision:
    name = str(fields.get("node", ""))
    node_id = situation.state_id(name)
    if node_id is None:
        return _unknown_node(name, situation)
    update = AttributeUpdate(node_id, "shutdown", str(int(situation.wall)))
    return Decision(
        {"ok": True},
        effects=(Story("shutdown requested", {"node": name}),),
        attributes=((update, 0.0),),
    )


def _cleanup(fields: Mapping[str, Any], situation: Situation) -> Decision:
    wanted, node_name = str(fields.get("resource", "")), str(fields.get("node", ""))
    operation = str(fields.get("operation", "") or "")
    interval = fields.get("interval", 0)
    interval_ms = interval if isinstance(interval, int) else 0
    if node_name and situation.state_id(node_name) is None:
        return _unknown_node(node_name, situation)
    leaves = _leaves(situation.root, wanted)
    if wanted and not leaves and not _is_in_history(situation, wanted):
        known = [
            r.get("id", "") for r in situation.root.iterfind("configuration/resources//*[@id]")
        ]
        near = get_close_matches(wanted, known, 1)
        hint = f", did you mean '{near[0]}'?" if near else ""
        return _refuse(f"there is no resource '{wanted}'{hint}", ExitStatus.NOSUCH)
    changes: list[StatusChange] = []
    effects: list[Effect] = []
    cleaned = []
    for node_id, name, member in situation.nodes():
        state = find_state(situation.status, node_id)
        if state is None or (node_name and name != node_name):
            continue
        present = transient_attributes(state)
        for resource in _to_clean(state, present, leaves or ((wanted,) if wanted else ()), fields):
            updates = clearing_updates(node_id, present, resource, operation, interval_ms)
            changes += [attribute_change(u.node_id, u.name, None) for u in updates]
            changes += forget_resource(state, resource)
            if situation.view is not None and member is not None:
                remote = node_id if is_remote(state) else ""
                order = ForgetResource(situation.view.term, 0, resource, remote=remote)
                effects.append(Tell(member, order))
            cleaned.append(f"{resource} on {name}")
    effects.append(Story("clean-up", {"what": ", ".join(cleaned) or "nothing"}))
    trigger = f"clean-up of {', '.join(cleaned)}" if cleaned else ""
    return Decision({"ok": True, "cleaned": cleaned}, tuple(effects), (), tuple(changes), trigger)


def _to_clean(
    state: etree._Element,
    present: Mapping[str, str],
    wanted: tuple[str, ...],
    fields: Mapping[str, Any],
) -> list[str]:
    """The histories on a node that a clean-up means: of failed resources, or, without `failures_only`, all."""
    everything = fields.get("failures_only") is False
    counted = failed_resources(present)
    found = []
    for resource in resources_in(state):
        name = resource.get("id", "")
        base, _, number = name.rpartition(":")
        plain = base if base and is_digits(number) else name
        if wanted and name not in wanted and plain not in wanted:
            continue
        has_failed = any(op.get("id") == f"{name}_last_failure_0" for op in resource)
        if everything or has_failed or name in counted:
            found.append(name)
    for name in counted:
        if name not in found and (not wanted or name in wanted):
            found.append(name)
    return found


def _fence(ask: Ask, situation: Situation) -> Decision:
    name = str(ask.fields.get("node", ""))
    action = str(ask.fields.get("action", "") or situation.options.fencing_action)
    if situation.state_id(name) is None:
        return _unknown_node(name, situation)
    if action not in FENCE_ACTIONS:
        return _refuse(
            f"'{action}' is no fencing action (one of {', '.join(FENCE_ACTIONS)})",
            ExitStatus.USAGE,
        )
    story = Story("fencing requested", {"node": name, "action": action, "user": ask.user})
    origin = _tag(ask) or ask.user
    return Decision(None, effects=(story, Fence(name, action, 0.0, origin)), fences=name)


def _tag(ask: Ask) -> str:
    """What a client calls itself in the history of fencing: a short printable text, or nothing."""
    tag = str(ask.fields.get("tag", ""))
    return tag if tag.isprintable() and len(tag) <= MOST_TAG else ""


def _confirm_fenced(ask: Ask, situation: Situation) -> Decision:
    name = str(ask.fields.get("node", ""))
    node_id = situation.state_id(name)
    if node_id is None:
        return _unknown_node(name, situation)
    number = situation.node_id(name)
    if number is None and situation.remotes.of(name) is not None:
        text = f"the connection to {name} is up, so it is not down"
        return _refuse(text, ExitStatus.UNSAFE)
    if number is not None and situation.is_member(number):
        text = f"{name} is an active member of the cluster, so it is not down"
        return _refuse(text, ExitStatus.UNSAFE)
    story = Story(f"{name} confirmed by human to be down", {"user": ask.user}, True)
    if number is None:
        change = fenced_remote_state(name, situation.wall)
    else:
        change = put_node_state(node_state(node_id, name, DOWN))
    return Decision(
        {"ok": True},
        effects=(story, ConfirmFenced(name, ask.user)),
        changes=(change,),
        trigger=f"{name} confirmed to be down",
    )


def _leaves(root: etree._Element, name: str) -> tuple[str, ...]:
    """The primitives in or under the configured resource with this id."""
    if not name:
        return ()
    for element in root.iterfind("configuration/resources//*"):
        if element.get("id") == name and element.tag == "primitive":
            return (name,)
        if element.get("id") == name and element.tag in ("group", "clone", "master", "bundle"):
            return tuple(p.get("id", "") for p in element.iter("primitive"))
    return ()


def _is_in_history(situation: Situation, name: str) -> bool:
    status = situation.status
    if status is None:
        return False
    return any(r.get("id") == name for state in status for r in resources_in(state))


def _unknown_node(name: str, situation: Situation) -> Decision:
    known = [each for _, each, _ in situation.nodes()]
    near = get_close_matches(name, known, 1)
    hint = f", did you mean '{near[0]}'?" if near else f" (nodes: {', '.join(known)})"
    return _refuse(f"there is no node '{name}'{hint}", ExitStatus.NOSUCH)


def _refuse(text: str, status: ExitStatus) -> Decision:
    return Decision(refused(text, status))
