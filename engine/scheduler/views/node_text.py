"""Nodes as lines of a status (C18.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from engine.scheduler.model.model import Model, Node
from engine.scheduler.reading.activity import current_node
from engine.scheduler.reading.nodes import health_colour
from engine.scheduler.views.status_parts import EVERYTHING, Look

_NO_FEATURE_SET = "<3.15.1"  # nodes report theirs since that release


@dataclass(slots=True)
class Item:
    """A line, and the lines that belong below it; without text only these, one level deeper."""

    text: str
    items: list[Item] = field(default_factory=list)


def render(items: Iterable[Item], depth: int = 0) -> Iterator[str]:
    """The items as lines: two blanks per level and a bullet (C18.2)."""
    for item in items:
        if item.text:
            yield f"{'  ' * depth}* {item.text}"
        yield from render(item.items, depth + 1)


def node_items(
    model: Model, look: Look = EVERYTHING, below: Callable[[Node], list[Item]] | None = None
) -> list[Item]:
    """Nodes with something to tell on their own, then those that are just there (C18.3).

    `below` gives what is shown below each node where the list is one of nodes with their resources.
    """
    items: list[Item] = []
    groups: dict[str, list[str]] = {
        "Online": [],
        "OFFLINE": [],
        "RemoteOnline": [],
        "RemoteOFFLINE": [],
        "GuestOnline": [],
    }
    for node in filter(look.shows_node, model.nodes):
        if below is not None:
            held = below(node)
            if held or not look.brief:
                text = f"{_line(model, node, look)}:"
                items.append(Item(text, [Item("Resources:", held)]))
        elif look.detail or _is_special(node) or health_colour(model, node) != "green":
            items.append(Item(_line(model, node, look)))
        else:
            prefix = "Guest" if node.is_guest else "Remote" if node.is_remote_type else ""
            group = groups.get(prefix + ("Online" if node.online else "OFFLINE"))
            if group is not None:
                group.append(node.name)
    items += [Item(f"{title}: {name_list(names)}") for title, names in groups.items() if names]
    return items


def name_list(names: Iterable[str]) -> str:
    """Names as a list in brackets, `[ a b ]`."""
    return f"[ {' '.join(names)} ]"


def display_name(node: Node, look: Look) -> str:
    """The name of a node; with details its id too, and where a guest is hosted."""
    if not look.detail:
        return node.name
    name = node.name
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        host = current_node(connection.launcher)
        name += f"@{host.name if host is not None else ''}"
    return name if node.id == node.name else f"{name} ({node.id})"


def feature_set(node: Node) -> str:
    """The feature set that a member reported; "" for a node that has none to report."""
    if node.online and node.expected_up and not node.is_remote_type:
        return node.feature_set or _NO_FEATURE_SET
    return ""


def _line(model: Model, node: Node, look: Look) -> str:
    colour = health_colour(model, node)
    text = f"{_node_type(node)} {display_name(node, look)}: {node_status(node)}"
    if colour != "green":
        text += f" (health is {colour.upper()})"
    known = feature_set(node) if look.detail else ""
    return f"{text}, feature set {known}" if known else text


def _node_type(node: Node) -> str:
    if node.is_guest:
        return "GuestNode"
    return "RemoteNode" if node.is_remote_type else "Node"


def _is_special(node: Node) -> bool:
    return (
        node.unclean
        or node.pending
        or node.standby
        or node.maintenance
        or (node.standby_on_fail and node.online)
    )


def node_status(node: Node) -> str:
    """One word or two about the node's state (C18.3)."""
    if node.unclean:
        state = "online" if node.online else "pending" if node.pending else "offline"
        return f"UNCLEAN ({state})"
    if node.pending:
        return "pending"
    if node.standby_on_fail and node.online:
        return "standby (on-fail)"
    if node.standby:
        if not node.online:
            return "OFFLINE (standby)"
        return "standby (with active resources)" if node.running else "standby"
    if node.maintenance:
        return "maintenance" if node.online else "OFFLINE (maintenance)"
    return "online" if node.online else "OFFLINE"
