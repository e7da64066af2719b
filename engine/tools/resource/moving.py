"""Moves and bans: constraints that a command makes and takes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.cib.edits import BAN, PREFER, ban, clear, prefer
from engine.scheduler.model.model import Resource, Role, leaves
from engine.scheduler.reading.activity import active_nodes
from engine.tools.resource.state import State

if TYPE_CHECKING:
    from lxml import etree

    from engine.tools.frame.change import Edit
    from engine.tools.frame.output import Output


def movable(state: State, name: str) -> Resource:
    """The resource that is moved as a whole; raises `EngineError` for one instance of a clone."""
    resource = state.resource(name)
    if resource.instance is not None and resource.id == name and not resource.unique:
        text = f"Cannot operate on clone resource instance '{name}'"
        raise EngineError(text, status=ExitStatus.INVALID_PARAM)
    return resource


def end_of(lifetime: str) -> str:
    """When a period of ISO 8601 that begins now ends, as text; "" for no end."""
    if not lifetime:
        return ""
    from engine.base.isodate import Moment, epoch_from_text, text_of
    from engine.ipc.live import local_zone
    from engine.tools.iso8601 import duration_from_text, later

    zone = local_zone()
    if not lifetime.upper().startswith("P"):
        moment = epoch_from_text(lifetime, zone)
        if moment is None:
            text = f"--lifetime: '{lifetime}' is neither a period nor a time of ISO 8601"
            raise EngineError(text, status=ExitStatus.USAGE)
        return text_of(moment)
    begin = Moment(int(time.time()), 0)
    return text_of(later(begin, duration_from_text(lifetime)).epoch)


def place_now(state: State, resource: Resource, *, promoted: bool) -> str:
    """The one node where a resource is, or is promoted; raises `EngineError` if there are more."""
    found = {
        node.name
        for leaf in leaves(resource) or [resource]
        for node in active_nodes(leaf)
        if not promoted or leaf.role is Role.PROMOTED
    }
    if len(found) == 1:
        return found.pop()
    name = resource.base_id or resource.id
    text = f"Resource '{name}' not moved: active in {len(found)} locations."
    raise EngineError(
        f"{text}\nTo prevent '{name}' from running on a specific location, specify a node.",
        status=ExitStatus.USAGE,
    )


def move_edit(resource: str, node: str, role: str, until: str) -> Edit:
    """Let the resource go to a node; earlier moves and a ban from that node are taken back."""

    def edit(root: etree._Element) -> etree._Element:
        cib = Cib(root)
        for old in list(cib.section("constraints").iterfind("rsc_location")):
            id_, parent = old.get("id", ""), old.getparent()
            is_old = id_ in {f"{PREFER}{resource}", f"{BAN}{resource}-on-{node}"}
            if is_old and parent is not None:
                parent.remove(old)
        prefer(cib, resource, node, role=role, until=until)
        return cib.root

    return edit


def ban_edit(resource: str, node: str, role: str, until: str) -> Edit:
    """Keep the resource off a node."""

    def edit(root: etree._Element) -> etree._Element:
        cib = Cib(root)
        ban(cib, resource, node, role=role, until=until)
        return cib.root

    return edit


def clear_edit(resource: str, node: str, gone: list[str]) -> Edit:
    """Take moves and bans back; `gone` gets their ids."""

    def edit(root: etree._Element) -> etree._Element:
        cib = Cib(root)
        gone[:] = clear(cib, resource, node)
        return cib.root

    return edit


def expired_edit(resource: str, node: str, now: float, gone: list[str]) -> Edit:
    """Take those back whose time is over, of all resources if none is named."""
    from engine.base.isodate import epoch_from_text
    from engine.ipc.live import local_zone

    zone = local_zone()

    def edit(root: etree._Element) -> etree._Element:
        cib = Cib(root)
        gone.clear()
        for each in list(cib.section("constraints").iterfind("rsc_location")):
            id_ = each.get("id", "")
            if not id_.startswith((PREFER, BAN)) or (resource and each.get("rsc") != resource):
                continue
            ends = [epoch_from_text(e.get("end", ""), zone) for e in each.iter("date_expression")]
            nodes = {e.get("value") for e in each.iter("expression")}
            is_over = any(end is not None and end <= now for end in ends)
            parent = each.getparent()
            if is_over and parent is not None and (not node or node in nodes):
                parent.remove(each)
                gone.append(id_)
        return cib.root

    return edit


def warn_of_ban(out: Output, resource: str, node: str) -> None:
    """A ban stays until it is taken back."""
    out.line(
        f"WARNING: Creating rsc_location constraint '{BAN}{resource}-on-{node}' with a score of "
        f"-INFINITY for resource {resource} on {node}."
    )
    out.line(
        f"\tThis will prevent {resource} from running on {node} until the constraint is removed "
        "using the clear option or by editing the CIB with an appropriate tool."
    )
    out.line(f"\tThis will be the case even if {node} is the last node in the cluster")
