"""Primitives counted by agent and node, as a brief status shows them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.base.values import name_key
from engine.scheduler.model.model import Resource, Variant
from engine.scheduler.reading.activity import current_node, is_active
from engine.scheduler.views.node_text import Item
from engine.scheduler.views.status_parts import Look, is_elsewhere, is_shown


def brief_items(
    resources: Iterable[Resource], look: Look, *, names: bool = True, totals: bool | None = None
) -> list[Item]:
    """One line for each agent and node; `totals`: out of how many (default: if `look.inactive`).

    `names`: with the name of the node.
    """
    if totals is None:
        totals = look.inactive
    count: dict[str, int] = {}
    active: dict[str, dict[str, int]] = {}
    for resource in resources:
        if not _is_counted(resource, look):
            continue
        agent = agent_name(resource)
        count[agent] = count.get(agent, 0) + 1
        node = current_node(resource) if is_active(resource) else None
        if node is not None:
            places = active.setdefault(agent, {})
            places[node.name] = places.get(node.name, 0) + 1
    items: list[Item] = []
    for agent in sorted(count):
        for name, number in sorted(active.get(agent, {}).items(), key=lambda row: name_key(row[0])):
            total = f"/{count[agent]}" if totals else ""
            items.append(Item(f"{number}{total}\t({agent}):\tActive {name if names else ''}"))
        if totals and agent not in active:
            items.append(Item(f"0/{count[agent]}\t({agent}):\tActive"))
    return items


def _is_counted(resource: Resource, look: Look) -> bool:
    if resource.variant is not Variant.PRIMITIVE or not is_shown(resource, look):
        return False
    if resource.removed and not is_active(resource):
        return False
    return not is_elsewhere(resource, look)


def agent_name(resource: Resource) -> str:
    """Class, provider and type of a primitive."""
    parts = (resource.agent_class, resource.agent_provider, resource.agent_type)
    return ":".join(part for part in parts if part)
