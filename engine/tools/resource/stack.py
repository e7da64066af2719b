"""The constraints of a resource: where it may run, and what it runs with, one step or all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.base.score import score_to_text
from engine.scheduler.model.model import Colocation, Location, Model, Resource, Role
from engine.scheduler.views.node_text import Item, render
from engine.scheduler.views.status_parts import printed_id

if TYPE_CHECKING:
    from engine.tools.frame.output import Output


def meant(resource: Resource, *, exactly: bool) -> Resource:
    """A member of a group or clone stands for the whole, unless it is meant `exactly`."""
    return resource if exactly else resource.outermost


def dependents(model: Model, resource: Resource) -> list[Colocation]:
    """Colocations of others with the resource, in the order in which they count."""
    found = [each for each in _colocations(model) if each.primary is resource]
    return sorted(found, key=lambda each: _rank(each.dependent))


def primaries(model: Model, resource: Resource) -> list[Colocation]:
    """Colocations of the resource with others, in the order in which they count."""
    found = [each for each in _colocations(model) if each.dependent is resource]
    return sorted(found, key=lambda each: _rank(each.primary))


def _colocations(model: Model) -> Iterator[Colocation]:
    return (each for each in model.constraints if isinstance(each, Colocation))


def _rank(resource: Resource) -> tuple[int, bool, bool, str]:
    return -resource.priority, resource.clone is None, not resource.promotable, resource.id


def show_constraints(out: Output, model: Model, resource: Resource, *, recursive: bool) -> None:
    """All constraints of a resource; `recursive`: and of what it runs with, and so on."""
    if out.is_xml:
        block = out.element("constraints")
        for values in _rows(model, resource, recursive=recursive):
            tag = "rsc_location" if "node" in values else "rsc_colocation"
            out.element(tag, values, parent=block)
        return
    items = _location_items(model, resource)
    for forward in (False, True):
        items += _items(model, resource, (resource,), forward=forward, recursive=recursive)
    for item in items:
        out.line(item.text)
        for line in render(item.items, 1):
            out.line(line)


def _next(
    model: Model, resource: Resource, *, forward: bool
) -> Iterator[tuple[Colocation, Resource]]:
    for each in (primaries if forward else dependents)(model, resource):
        yield each, each.primary if forward else each.dependent


def _items(
    model: Model,
    resource: Resource,
    path: tuple[Resource, ...],
    *,
    forward: bool,
    recursive: bool,
) -> list[Item]:
    lines = []
    for each, other in _next(model, resource, forward=forward):
        name = printed_id(other)
        if other in path:
            lines.append(Item(f"{name} (id={each.id} - loop)"))
            continue
        role = each.primary_role if forward else each.dependent_role
        needs = "" if role is Role.UNKNOWN else f"needs role={role.text}, "
        item = Item(f"{name} (score={score_to_text(each.score)}, {needs}id={each.id})")
        item.items += _location_items(model, other)
        if recursive:
            longer = (*path, other)
            item.items += _items(model, other, longer, forward=forward, recursive=True)
        lines.append(item)
    name = printed_id(resource)
    title = f"Resources {name} is colocated with" if forward else f"Resources colocated with {name}"
    return [Item(f"{title}:", lines)] if lines else []


def _locations(model: Model, resource: Resource) -> Iterator[tuple[Location, str, str]]:
    for each in model.constraints:
        if isinstance(each, Location) and each.resource is resource:
            for node, score in each.scores:
                yield each, node.name, score_to_text(score)


def _location_items(model: Model, resource: Resource) -> list[Item]:
    lines = []
    for each, node, score in _locations(model, resource):
        role = "" if each.role is Role.UNKNOWN else f", role={each.role.text}"
        text = f"Node {node} (score={score}, id={each.id}, rsc={printed_id(resource)}{role})"
        lines.append(Item(text))
    return [Item("Locations:", lines)] if lines else []


def _rows(model: Model, resource: Resource, *, recursive: bool) -> Iterator[dict[str, str]]:
    yield from _location_rows(model, resource)
    for forward in (False, True):
        yield from _colocated_rows(model, resource, (resource,), forward, recursive)


def _location_rows(model: Model, resource: Resource) -> Iterator[dict[str, str]]:
    for each, node, score in _locations(model, resource):
        values = {"node": node, "rsc": printed_id(resource), "id": each.id, "score": score}
        yield values | ({} if each.role is Role.UNKNOWN else {"role": each.role.text})


def _colocated_rows(
    model: Model, resource: Resource, path: tuple[Resource, ...], forward: bool, recursive: bool
) -> Iterator[dict[str, str]]:
    for each, other in _next(model, resource, forward=forward):
        yield _colocation_values(each)
        if other in path:
            continue
        yield from _location_rows(model, other)
        if recursive:
            yield from _colocated_rows(model, other, (*path, other), forward, recursive)


def _colocation_values(each: Colocation) -> dict[str, str]:
    values = {
        "id": each.id,
        "rsc": printed_id(each.dependent),
        "with-rsc": printed_id(each.primary),
        "score": score_to_text(each.score),
        "node-attribute": each.node_attribute,
    }
    if each.dependent_role is not Role.UNKNOWN:
        values["rsc-role"] = each.dependent_role.text
    if each.primary_role is not Role.UNKNOWN:
        values["with-rsc-role"] = each.primary_role.text
    return values
