"""The status of a cluster as text: node list and resource list (C18), also for `crm status`.

The lists are made as items with sub-items; `render` writes them with bullets and indentation.
"""

from __future__ import annotations

from typing import Final

from engine.base.values import name_key
from engine.scheduler.model.model import (
    Model,
    Node,
    Replica,
    Resource,
    Role,
    Variant,
    role_from_text,
)
from engine.scheduler.reading.activity import current_node, is_active, role_of
from engine.scheduler.views.brief import agent_name, brief_items
from engine.scheduler.views.node_details import could_not_look
from engine.scheduler.views.node_text import Item, name_list, node_items, render
from engine.scheduler.views.result_words import exit_text
from engine.scheduler.views.status_parts import (
    Look,
    is_elsewhere,
    is_named,
    is_shown,
    places_of,
    printed_id,
)

_PENDING_WORDS: Final = {
    "start": "Starting",
    "stop": "Stopping",
    "migrate_to": "Migrating",
    "migrate_from": "Migrating",
    "promote": "Promoting",
    "demote": "Demoting",
}


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


def status_lines(model: Model, look: Look) -> list[str]:
    """Node list and resource list; `pending`: show actions under way (C18.9)."""
    nodes = node_items(model)
    first = [*render([Item("Node List:", nodes)], 1), ""] if nodes else []
    resources = Item("Full List of Resources:", resource_items(model, look))
    return [*first, *render([resources], 1)]


# -- resources ---------------------------------------------------------------------------------


def resource_title(look: Look) -> str:
    """What the list of resources is called."""
    if look.by_node:
        return "Inactive Resources"
    return "Full List of Resources" if look.inactive else "Active Resources"


def resource_items(model: Model, look: Look) -> list[Item]:
    """All resources that are asked for; removed ones only while they are active (C18.4)."""
    if look.by_node and not look.inactive:
        return []  # each stands below its node
    items = brief_items(model.resources, look) if look.brief and not look.by_node else []
    for resource in model.resources:
        item = resource_item(model, resource, look) if is_listed(resource, look) else None
        if item is not None:
            items.append(item)
    kind = "inactive " if look.by_node else "" if look.inactive else "active "
    return items or [Item(f"No {kind}resources")]


def is_listed(resource: Resource, look: Look) -> bool:
    """Whether a resource of the top level stands in the list of resources."""
    if resource.removed and not is_active(resource):
        return False
    if look.by_node:
        return not is_active(resource)
    if look.brief and resource.variant is Variant.PRIMITIVE:
        return False
    if not look.inactive and not is_active(resource, everything=False):
        return False
    return not is_elsewhere(resource, look)


def items_below_node(model: Model, node: Node, look: Look) -> list[Item]:
    """What runs on a node, below its line."""
    running = [each for each in node.running if is_shown(each, look)]
    if look.brief:
        return brief_items(running, look, names=False, totals=False)
    return [
        Item(primitive_text(model, each, printed_id(each), None, look, stands_below_node=True))
        for each in running
    ]


def resource_item(model: Model, resource: Resource, look: Look) -> Item | None:
    """One resource with its members or instances; None for one that is not asked for."""
    if not is_shown(resource, look):
        return None
    if resource.variant is Variant.GROUP:
        return _group_item(model, resource, look)
    if resource.variant is Variant.CLONE:
        return _clone_item(model, resource, look)
    if resource.variant is Variant.BUNDLE:
        return _bundle_item(model, resource, look)
    if resource.meta.get("internal_rsc") == "true" and not look.detail and look.resources is None:
        return None
    node = current_node(resource) or resource.pending_node
    return Item(primitive_text(model, resource, printed_id(resource), node, look))


def primitive_text(
    model: Model,
    resource: Resource,
    name: str,
    node: Node | None,
    look: Look,
    *,
    stands_below_node: bool = False,
) -> str:
    """Line of a primitive (C18.5)."""
    if node is None and not stands_below_node:
        node = resource.lock_node
    several = len(resource.running_on) > 1 and not stands_below_node
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
        words.append(shown_role(resource, look))
    if node is not None:
        words.append(node.name)
    if resource.role is Role.STOPPED:
        failure = failed_probe(model, resource, node)
        if failure:
            words.append(f"({failure}) ")
    flags = _flags(resource, node, look)
    if flags:
        words.append(f"({', '.join(flags)})")
    if several:
        words.append(name_list(active.name for active in resource.running_on))
    description = resource.attributes.get("description", "")
    if description and (look.describes or stands_below_node):
        words.append(f"({description})")
    return f"{name}\t({agent_name(resource)}):\t {' '.join(words)}"


def shown_role(resource: Resource, look: Look) -> str:
    """The role; `pending`: or the action that is to change it."""
    if look.pending:
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


def _flags(resource: Resource, node: Node | None, look: Look) -> list[str]:
    flags: list[str] = []
    if node is not None and not node.online and node.unclean:
        flags.append("UNCLEAN")
    if node is not None and node is resource.lock_node:
        flags.append("LOCKED")
    if look.pending and resource.pending_action == "monitor":
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
        if failure.key != key or not could_not_look(failure):
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


def _group_item(model: Model, group: Resource, look: Look) -> Item | None:
    """A group and its members (C18.6)."""
    as_part = is_named(group, look)
    members = [
        member
        for member in group.children
        if is_shown(member, look, as_part=as_part) and not is_elsewhere(member, look)
    ]
    if look.brief:
        items = brief_items(members, look, totals=True)
    else:
        running = [each for each in members if look.inactive or is_active(each)]
        found = [resource_item(model, member, look) for member in running]
        items = [item for item in found if item is not None]
    if not items:
        return None
    words = []
    idle = sum(not is_active(member) for member in group.children)
    if 0 < idle < len(group.children) and not look.inactive:
        words.append(f"{idle} member{'' if idle == 1 else 's'} inactive")
    if is_disabled(group):
        words.append("disabled")
    words += _management(group)
    head = f"Resource Group: {group.id}{_attributes(words)}{_description(group, look)}"
    return Item(f"{head}:", items)


def _description(resource: Resource, look: Look) -> str:
    """The description of a collective, where it is wanted."""
    text = resource.attributes.get("description", "")
    return f" ({text})" if text and look.describes else ""


# -- clones ------------------------------------------------------------------------------------


def _clone_item(model: Model, clone: Resource, look: Look) -> Item | None:
    """A clone: instances with something to tell, then lists of nodes by role (C18.7)."""
    child_id = clone.clone_blueprint.id if clone.clone_blueprint is not None else ""
    head = f"Clone Set: {clone.id} [{child_id}]{_attributes(_clone_words(clone))}"
    item = Item(f"{head}{_description(clone, look)}:")
    as_part = is_named(clone, look)
    promoted: list[str] = []
    started: list[str] = []
    for child in clone.children:
        if not is_shown(child, look, as_part=as_part) or is_elsewhere(child, look):
            continue
        node = None if look.detail else _listed_on(clone, child, look)
        if node is not None:
            (promoted if role_of(child) is Role.PROMOTED else started).append(node.name)
        elif look.detail or _shown_in_full(clone, child, look):
            found = resource_item(model, child, look)
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
    wants_stopped = look.inactive and not look.detail and not clone.unique
    if settings is not None and wants_stopped and settings.clone_max > listed:
        item.items.extend(_stopped_items(model, clone, look))
    return item if item.items or (look.inactive and look.resources is None) else None


def _clone_words(clone: Resource) -> list[str]:
    words: list[str] = []
    if clone.promotable:
        words.append("promotable")
    if clone.unique:
        words.append("unique")
    if is_disabled(clone):
        words.append("disabled")
    return words + _management(clone)


def _clone_target_role(clone: Resource) -> Role:
    """Target role of the clone or, if it has none, of its first instance."""
    wanted = _target_role(clone)
    if wanted is Role.UNKNOWN and clone.children:
        wanted = _target_role(clone.children[0])
    return wanted


def _add_names(item: Item, title: str, names: list[str]) -> None:
    if names:
        item.items.append(Item(f"{title}: {name_list(sorted(names, key=name_key))}"))


def _listed_on(clone: Resource, child: Resource, look: Look) -> Node | None:
    """The node under which an instance is only listed; None if it is shown in full or not at all."""
    if _all(child, "unique") or _is_pending(child, look) or not is_active(child):
        return None
    if _any(child, "removed") or not _all(child, "managed") or _any(child, "failed"):
        return None
    places = places_of(child)
    if len(places) != 1 or (not places[0].online and places[0].unclean):
        return None
    return places[0]


def _shown_in_full(clone: Resource, child: Resource, look: Look) -> bool:
    partly = is_active(child, everything=False)
    if _all(child, "unique"):
        return partly or not clone.removed
    return partly or _is_pending(child, look)


def _is_pending(child: Resource, look: Look) -> bool:
    return look.pending and bool(child.pending_action)


def _any(resource: Resource, flag: str) -> bool:
    return bool(getattr(resource, flag)) or any(_any(child, flag) for child in resource.children)


def _all(resource: Resource, flag: str) -> bool:
    return bool(getattr(resource, flag)) and all(_all(child, flag) for child in resource.children)


def _stopped_items(model: Model, clone: Resource, look: Look) -> list[Item]:
    """Nodes where an anonymous clone could be active and is not, by reason."""
    indexes = clone.allowed.keys() or clone.known_on.keys()
    nodes = sorted((model.node_table[index] for index in indexes), key=_node_key)
    wanted = _clone_target_role(clone)
    by_text: dict[str, list[str]] = {}
    for node in nodes:
        if node in clone.running_on or not look.shows_node(node):
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


def _bundle_item(model: Model, bundle: Resource, look: Look) -> Item | None:
    """A bundle: a line per replica, or all parts of a replica (C18.8)."""
    settings = bundle.bundle
    replicas = settings.replicas if settings is not None else []
    image = settings.image if settings is not None else ""
    kind = "Container bundle set" if len(replicas) > 1 else "Container bundle"
    unique = " (unique)" if bundle.unique else ""
    head = f"{kind}: {bundle.id} [{image}]{unique}{_attributes(_management(bundle))}"
    item = Item(f"{head}{_description(bundle, look)}:")
    as_whole = is_named(bundle, look)
    for replica in replicas:
        if is_elsewhere(replica.container, look):
            continue
        if as_whole and not look.detail:
            item.items.append(_replica_line(model, replica, look))
            continue
        parts = (replica.ip, replica.child, replica.container, replica.connection)
        shown = [
            Item(_part_text(model, part, look))
            for part in parts
            if part is not None and is_shown(part, look, as_part=as_whole)
        ]
        if shown:
            title = f"Replica[{replica.number}]" if len(replicas) > 1 else ""
            item.items.append(Item(title, shown))
    return item if item.items else None


def _part_text(model: Model, part: Resource, look: Look) -> str:
    primitive = part if part.variant is Variant.PRIMITIVE else part.children[0]
    node = current_node(primitive) or primitive.pending_node
    return primitive_text(model, primitive, printed_id(primitive), node, look)


def _replica_line(model: Model, replica: Replica, look: Look) -> Item:
    resource = replica.child if replica.child is not None else replica.container
    owner = replica.connection if replica.connection is not None else replica.container
    name = f"{owner.id} ({replica.address})" if replica.address else owner.id
    node = current_node(replica.container)
    return Item(primitive_text(model, resource, name, node, look))
