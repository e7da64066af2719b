"""The status of a cluster as text: node list and resource list (C18), also for `crm status`.

The lists are made as items with sub-items; `render` writes them with bullets and indentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.base.values import name_key
from engine.cib.history import NOT_INSTALLED
from engine.scheduler.model.model import Model, Node, Resource, Role, Variant, role_from_text
from engine.scheduler.reading.activity import current_node, is_active, role_of
from engine.scheduler.reading.nodes import health_colour
from engine.scheduler.views.result_words import exit_text

_PENDING_WORDS: Final = {
    "start": "Starting",
    "stop": "Stopping",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
    "promote": "Promoting",
    "demote": "Demoting",
}
_MASKED: Final = frozenset((2, 5))


@dataclass(slots=True)
class Item:
    """A line, and the lines that belong below it."""

    text: str
    items: list[Item] = field(default_factory=list)


def render(items: Iterable[Item], depth: int = 0) -> Iterator[str]:
    """The items as lines: two blanks per level and a bullet (C18.2)."""
    for item in items:
        yield f"{'  ' * depth}* {item.text}"
        yield from render(item.items, depth + 1)


def banner_lines(model: Model) -> list[str]:
    """Notices above the status: maintenance mode, disabled and blocked resources (C18.1)."""
    lines: list[str] = []
    if model.options.maintenance_mode:
        lines += [
            "",
            "              *** Resource management is DISABLED ***",
            "  The cluster will not attempt to start, stop or recover services",
        ]
    if model.disabled_count or model.blocked_count:
        if lines:
            lines.append("")
        lines.append(
            f"{model.disabled_count} of {model.resource_count} resource instances DISABLED"
            f" and {model.blocked_count} BLOCKED from further action due to failure"
        )
    return lines


def status_lines(model: Model, *, pending: bool) -> list[str]:
    """Node list and resource list; `pending`: show actions under way (C18.9)."""
    nodes = Item("Node List:", node_items(model))
    resources = Item("Full List of Resources:", resource_items(model, pending=pending))
    return [*render([nodes], 1), "", *render([resources], 1)]


# -- nodes -------------------------------------------------------------------------------------


def node_items(model: Model) -> list[Item]:
    """Nodes with something to tell on their own, then those that are just there (C18.3)."""
    items: list[Item] = []
    groups: dict[str, list[str]] = {
        "Online": [],
        "OFFLINE": [],
        "RemoteOnline": [],
        "RemoteOFFLINE": [],
        "GuestOnline": [],
    }
    for node in model.nodes:
        colour = health_colour(model, node)
        if _is_special(node) or colour != "green":
            health = "" if colour == "green" else f" (health is {colour.upper()})"
            items.append(Item(f"{_node_type(node)} {node.name}: {node_status(node)}{health}"))
            continue
        prefix = "Guest" if node.is_guest else "Remote" if node.is_remote_type else ""
        group = groups.get(prefix + ("Online" if node.online else "OFFLINE"))
        if group is not None:
            group.append(node.name)
    items += [Item(f"{title}: {name_list(names)}") for title, names in groups.items() if names]
    return items


def name_list(names: Iterable[str]) -> str:
    """Names as a list in brackets, `[ a b ]`."""
    return f"[ {' '.join(names)} ]"


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


# -- resources ---------------------------------------------------------------------------------


def resource_items(model: Model, *, pending: bool) -> list[Item]:
    """All resources; removed ones only while they are active (C18.4)."""
    items: list[Item] = []
    for resource in model.resources:
        if resource.removed and not is_active(resource):
            continue
        item = resource_item(model, resource, pending=pending)
        if item is not None:
            items.append(item)
    return items or [Item("No resources")]


def resource_item(model: Model, resource: Resource, *, pending: bool) -> Item | None:
    """One resource with its members or instances; None for an implicit one."""
    if resource.variant is Variant.GROUP:
        return _group_item(model, resource, pending=pending)
    if resource.variant is Variant.CLONE:
        return _clone_item(model, resource, pending=pending)
    if resource.variant is Variant.BUNDLE:
        return _bundle_item(model, resource, pending=pending)
    if resource.meta.get("internal_rsc") == "true":
        return None
    node = current_node(resource) or resource.pending_node
    return Item(primitive_text(model, resource, printed_id(resource), node, pending=pending))


def printed_id(resource: Resource) -> str:
    """Instances of anonymous clones go by their base id (15.7)."""
    return resource.id if resource.unique else resource.base_id


def _agent(resource: Resource) -> str:
    parts = (resource.agent_class, resource.agent_provider, resource.agent_type)
    return ":".join(part for part in parts if part)


def primitive_text(
    model: Model, resource: Resource, name: str, node: Node | None, *, pending: bool
) -> str:
    """Line of a primitive (C18.5)."""
    if node is None:
        node = resource.lock_node
    several = len(resource.running_on) > 1
    if several:
        node = None
    words: list[str] = []
    if resource.removed:
        words.append("ORPHANED")
    if resource.failed:
        words.append("FAILED")
        if resource.role is Role.PROMOTED:
            words.append("Promoted")
    else:
        words.append(shown_role(resource, pending=pending))
    if node is not None:
        words.append(node.name)
    if resource.role is Role.STOPPED:
        failure = failed_probe(model, resource, node)
        if failure:
            words.append(f"({failure}) ")
    flags = _flags(resource, node, pending=pending)
    if flags:
        words.append(f"({', '.join(flags)})")
    if several:
        words.append(name_list(active.name for active in resource.running_on))
    return f"{name}\t({_agent(resource)}):\t {' '.join(words)}"


def shown_role(resource: Resource, *, pending: bool) -> str:
    """The role; `pending`: or the action that is to change it."""
    if pending:
        word = _PENDING_WORDS.get(resource.pending_action)
        if word is not None:
            return word
    role = resource.role
    if role is Role.STARTED and resource.top.promotable:
        role = Role.UNPROMOTED
    return role.text


def _target_role(resource: Resource) -> Role:
    return role_from_text(resource.meta.get("target-role"))


def is_disabled(resource: Resource) -> bool:
    """Kept from what it could be: stopped, or unpromoted where it could be promoted."""
    wanted = _target_role(resource)
    return wanted is Role.STOPPED or (wanted is Role.UNPROMOTED and resource.top.promotable)


def _flags(resource: Resource, node: Node | None, *, pending: bool) -> list[str]:
    flags: list[str] = []
    if node is not None and not node.online and node.unclean:
        flags.append("UNCLEAN")
    if node is not None and node is resource.lock_node:
        flags.append("LOCKED")
    if pending and resource.pending_action == "monitor":
        flags.append("Monitoring")
    wanted = _target_role(resource)
    if wanted is Role.STOPPED:
        flags.append("disabled")
    elif wanted is Role.UNPROMOTED and resource.top.promotable:
        flags.append(f"target-role:{resource.meta.get('target-role')}")  # as it is written
    if resource.blocked:
        flags.append("blocked")
    elif not resource.managed:
        flags.append("maintenance" if resource.maintenance else "unmanaged")
    if resource.failure_ignored:
        flags.append("failure ignored")
    return flags


def failed_probe(model: Model, resource: Resource, node: Node | None) -> str:
    """Why a probe could not look for the resource (on that node, or anywhere); "" if it could."""
    top = resource.top
    wanted = resource.id
    if top.variant is Variant.CLONE and top.clone_blueprint is not None:
        wanted = top.clone_blueprint.id
    key = f"{wanted}_monitor_0"
    for failure in model.failed_ops:
        if failure.key != key or failure.interval_ms != 0:
            continue
        if failure.rc not in _MASKED and failure.status != NOT_INSTALLED:
            continue
        where = failure.attributes.get("on_node", "").lower()
        if not where or (node is not None and where != node.name.lower()):
            continue
        return exit_text(failure.rc)
    return ""


def _management(resource: Resource) -> list[str]:
    if resource.managed:
        return []
    return ["maintenance" if resource.maintenance else "unmanaged"]


def _attributes(words: list[str]) -> str:
    return f" ({', '.join(words)})" if words else ""


def _group_item(model: Model, group: Resource, *, pending: bool) -> Item:
    """A group and its members (C18.6)."""
    words = ["disabled"] if is_disabled(group) else []
    words += _management(group)
    item = Item(f"Resource Group: {group.id}{_attributes(words)}:")
    for member in group.children:
        found = resource_item(model, member, pending=pending)
        if found is not None:
            item.items.append(found)
    return item


# -- clones ------------------------------------------------------------------------------------


def _clone_item(model: Model, clone: Resource, *, pending: bool) -> Item:
    """A clone: instances with something to tell, then lists of nodes by role (C18.7)."""
    words: list[str] = []
    if clone.promotable:
        words.append("promotable")
    if clone.unique:
        words.append("unique")
    if is_disabled(clone):
        words.append("disabled")
    words += _management(clone)
    child_id = clone.clone_blueprint.id if clone.clone_blueprint is not None else ""
    item = Item(f"Clone Set: {clone.id} [{child_id}]{_attributes(words)}:")
    promoted: list[str] = []
    started: list[str] = []
    for child in clone.children:
        node = _listed_on(clone, child, pending=pending)
        if node is not None:
            (promoted if role_of(child) is Role.PROMOTED else started).append(node.name)
        elif _shown_in_full(clone, child, pending=pending):
            found = resource_item(model, child, pending=pending)
            if found is not None:
                item.items.append(found)
    _add_names(item, "Promoted", promoted)
    started_title = "Started"
    if clone.promotable:
        started_title = "Unpromoted"
        if _clone_target_role(clone) is Role.UNPROMOTED:
            started_title = "Unpromoted (target-role)"
    _add_names(item, started_title, started)
    settings = clone.clone
    listed = len(promoted) + len(started)
    if settings is not None and not clone.unique and settings.clone_max > listed:
        item.items.extend(_stopped_items(model, clone))
    return item


def _clone_target_role(clone: Resource) -> Role:
    """Target role of the clone or, if it has none, of its first instance."""
    wanted = _target_role(clone)
    if wanted is Role.UNKNOWN and clone.children:
        wanted = _target_role(clone.children[0])
    return wanted


def _add_names(item: Item, title: str, names: list[str]) -> None:
    if names:
        item.items.append(Item(f"{title}: {name_list(sorted(names, key=name_key))}"))


def _listed_on(clone: Resource, child: Resource, *, pending: bool) -> Node | None:
    """The node under which an instance is only listed; None if it is shown in full or not at all."""
    if _all(child, "unique") or _is_pending(child, pending=pending) or not is_active(child):
        return None
    if _any(child, "removed") or not _all(child, "managed") or _any(child, "failed"):
        return None
    places = _places(child)
    if len(places) != 1 or (not places[0].online and places[0].unclean):
        return None
    return places[0]


def _shown_in_full(clone: Resource, child: Resource, *, pending: bool) -> bool:
    partly = is_active(child, everything=False)
    if _all(child, "unique"):
        return partly or not clone.removed
    return partly or _is_pending(child, pending=pending)


def _is_pending(child: Resource, *, pending: bool) -> bool:
    return pending and bool(child.pending_action)


def _any(resource: Resource, flag: str) -> bool:
    return bool(getattr(resource, flag)) or any(_any(child, flag) for child in resource.children)


def _all(resource: Resource, flag: str) -> bool:
    return bool(getattr(resource, flag)) and all(_all(child, flag) for child in resource.children)


def _places(resource: Resource) -> list[Node]:
    """Where an instance is active; of a group every node of every member."""
    if not resource.children:
        return resource.running_on
    found: list[Node] = []
    for child in resource.children:
        found.extend(node for node in _places(child) if node not in found)
    return found


def _stopped_items(model: Model, clone: Resource) -> list[Item]:
    """Nodes where an anonymous clone could be active and is not, by reason."""
    indexes = clone.allowed.keys() or clone.known_on.keys()
    nodes = sorted((model.node_table[index] for index in indexes), key=_node_key)
    wanted = _clone_target_role(clone)
    by_text: dict[str, list[str]] = {}
    for node in nodes:
        if node in clone.running_on:
            continue
        text = "Stopped (disabled)" if wanted is Role.STOPPED else "Stopped"
        failure = failed_probe(model, clone, node)
        if failure:
            text = f"Stopped ({failure})"
        by_text.setdefault(text, []).append(node.name)
    return [Item(f"{text}: {name_list(by_text[text])}") for text in sorted(by_text)]


def _node_key(node: Node) -> tuple[tuple[int, int, int, str], ...]:
    return name_key(node.name)


# -- bundles -----------------------------------------------------------------------------------


def _bundle_item(model: Model, bundle: Resource, *, pending: bool) -> Item:
    """A bundle, one line per replica (C18.8)."""
    settings = bundle.bundle
    replicas = settings.replicas if settings is not None else []
    image = settings.image if settings is not None else ""
    kind = "Container bundle set" if len(replicas) > 1 else "Container bundle"
    unique = " (unique)" if bundle.unique else ""
    item = Item(f"{kind}: {bundle.id} [{image}]{unique}{_attributes(_management(bundle))}:")
    for replica in replicas:
        resource = replica.child if replica.child is not None else replica.container
        owner = replica.connection if replica.connection is not None else replica.container
        name = f"{owner.id} ({replica.address})" if replica.address else owner.id
        node = current_node(replica.container)
        item.items.append(Item(primitive_text(model, resource, name, node, pending=pending)))
    return item
