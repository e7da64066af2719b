"""Node attributes and fail counts as text: optional parts of a status."""

from __future__ import annotations

import datetime as dt

from engine.base.score import score_to_text
from engine.scheduler.failcounts import fail_count
from engine.scheduler.model import INFINITY, Model, Node, Resource, leaves

_EPOCH = dt.datetime(1970, 1, 1)
_OWN_PREFIXES = ("#", "fail-count-", "last-failure-")
_HIDDEN = frozenset(("standby", "maintenance", "shutdown", "terminate"))


def attribute_lines(model: Model) -> list[str]:
    """The attributes that users and agents gave to each online node."""
    lines = ["  * Node Attributes:"]
    for node in model.nodes:
        if not node.online:
            continue
        shown = {
            name: value
            for name, value in node.attributes.items()
            if name not in _HIDDEN and not name.startswith(_OWN_PREFIXES)
        }
        if shown:
            lines.append(f"    * Node: {node.name}:")
            for name in sorted(shown):
                lines.append(f"      * {name:<32}\t: {shown[name]:<10}".rstrip())
    return lines


def failcount_lines(model: Model) -> list[str]:
    """For each online node the resources that failed there, or have a migration threshold."""
    lines = ["  * Migration Summary:"]
    for node in model.nodes:
        if not node.online:
            continue
        found = [
            line
            for top in model.resources
            for resource in leaves(top)
            for line in _failcount_line(model, resource, node)
        ]
        if found:
            lines.append(f"    * Node: {node.name}:")
            lines.extend([f"      * {line}" for line in dict.fromkeys(found)])
    return lines


def _failcount_line(model: Model, resource: Resource, node: Node) -> list[str]:
    count, last = fail_count(model, resource, node)
    if count <= 0:
        return []
    name = resource.history_id or (resource.id if resource.unique else resource.base_id)
    text = f"{name}: migration-threshold={_threshold(resource)} fail-count={score_to_text(count)}"
    if last > 0:
        moment = _EPOCH + dt.timedelta(seconds=last + model.zone.utc_offset)
        text += f" last-failure='{moment:%a %b %e %H:%M:%S %Y}'"
    return [text]


def _threshold(resource: Resource) -> str:
    value = resource.migration_threshold
    return "INFINITY" if value >= INFINITY else str(value)
