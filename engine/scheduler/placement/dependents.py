"""Dependents' wishes flow into the table of their primary (P11.23 to P11.28)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.base.score import add_scores
from engine.scheduler.model.model import (
    INFINITY,
    MINUS_INFINITY,
    Colocation,
    Node,
    Resource,
    Variant,
)
from engine.scheduler.placement.colocation import (
    has_influence,
    needs_host_lookup,
    this_with_list,
    with_this_list,
)
from engine.scheduler.placement.dependent_sums import shares_group_locations, summed
from engine.scheduler.placement.location import apply_location
from engine.scheduler.placement.placement import FEWEST_MERGES, Placement, Table, single

_UNUSABLE = -100 * INFINITY
"""Marks an entry that a negative wish has spoilt for a clone (P11.27); never shown."""


@dataclass(frozen=True, slots=True)
class MergeMode:
    """`active`: give up if no usable node is left. `nonnegative`: negative sums become unusable
    entries. `upward`: follow the primaries instead of the dependents (P8.5)."""

    active: bool = False
    nonnegative: bool = False
    upward: bool = False


PLAIN = MergeMode()
NONNEGATIVE = MergeMode(nonnegative=True)
ACTIVE = MergeMode(active=True)
ACTIVE_NONNEGATIVE = MergeMode(active=True, nonnegative=True)
UPWARD = MergeMode(upward=True)
_FOLLOWING = {
    PLAIN: ACTIVE,
    NONNEGATIVE: ACTIVE_NONNEGATIVE,
    UPWARD: MergeMode(active=True, upward=True),
}


@contextmanager
def limited_merging(placement: Placement, resource: Resource) -> Iterator[None]:
    """All dependents of one resource share one allowance of merges (see `MERGES`)."""
    outer = placement.merges_left
    placement.merges_left = placement.merge_limit
    try:
        yield
    finally:
        if placement.merges_left < 0:
            placement.too_dense.append(resource.id)
            placement.merge_limit = max(placement.merge_limit // 2, FEWEST_MERGES)
        placement.merges_left = outer


def add_dependent_scores(placement: Placement, resource: Resource, colocation: Colocation) -> None:
    """Take the dependent's scores into the table of a primary that is being assigned (P11.23)."""
    if not has_influence(colocation):
        return
    mode = ACTIVE_NONNEGATIVE if resource.variant is Variant.CLONE else ACTIVE
    factor = single(colocation.score / INFINITY)
    resource.allowed = merged(
        placement, colocation.dependent, resource, resource.allowed, colocation, factor, mode
    )
    placement.touched(resource)
    if placement.sink is not None:
        placement.note(resource, None, f"{colocation.dependent.id} shall be with it")


def merged(
    placement: Placement,
    source: Resource,
    target: Resource,
    table: Table | None,
    colocation: Colocation | None,
    factor: float,
    mode: MergeMode,
) -> Table:
    """The table with the scores of `source`, and of what hangs on it, added (P11.24).

    Without a table the source's own is the start (P8.5). Never changes the table it is given.
    """
    if source.merging:
        return {} if table is None else table
    if table is not None and colocation is not None:
        if factor == 0:  # nothing of nothing, here and in all that hangs on it
            return table
        known = summed(placement, source, target, table, colocation, factor, mode)
        if known is not None:
            return known
    source.merging = True
    placement.walks += 1
    try:
        if source.variant is Variant.GROUP:
            if not source.children:
                return {} if table is None else table
            member = source.children[-1 if table is None else 0]
            return merged(placement, member, target, table, colocation, factor, mode)
        return _merged(placement, source, target, table, colocation, factor, mode)
    finally:
        placement.walks -= 1
        source.merging = False


def _merged(
    placement: Placement,
    source: Resource,
    target: Resource,
    table: Table | None,
    colocation: Colocation | None,
    factor: float,
    mode: MergeMode,
) -> Table:
    if table is None or colocation is None:
        work = dict(source.allowed)
        target = source
    else:
        work = dict(table)
        _add_source(placement, work, source, target, colocation, factor, mode)
    placement.merges_left -= 1
    if placement.any_usable(work):
        following = _FOLLOWING.get(mode, mode)
        upward = mode.upward
        linked = this_with_list if upward else with_this_list
        for link in linked(placement, source):
            if placement.merges_left < 0:
                break
            if not upward and not has_influence(link):
                continue
            other = link.primary if upward else link.dependent
            share = single(single(factor * link.score) / INFINITY)
            work = merged(placement, other, target, work, link, share, following)
    elif mode.active and table is not None:
        return table
    if mode.nonnegative:
        for index, score in work.items():
            if score == _UNUSABLE:
                work[index] = 1
    return work


def _add_source(
    placement: Placement,
    work: Table,
    source: Resource,
    target: Resource,
    colocation: Colocation,
    factor: float,
    mode: MergeMode,
) -> None:
    """P11.25 to P11.27, in place."""
    wishes = _best_wishes(placement, work, source, target, colocation)
    yields: bool | None = None
    for index, wish in wishes.items():
        old = work[index]
        if old == _UNUSABLE:
            continue
        if factor < 0 and wish < 0:
            # Avoiding a place that the dependent avoids itself is no wish (P11.26), ...
            if colocation.primary.stickiness >= -wish:
                continue
            if yields is None:
                # ... unless the dependent can live on one node only.
                yields = has_influence(colocation) and _allowed_on_one_node(colocation.dependent)
            if not yields:
                continue
        new = add_scores(placement.delta(factor, wish), old)
        if mode.nonnegative and new < 0:
            if old > 0:
                work[index] = _UNUSABLE
                continue
            if old == 0:
                continue
        work[index] = new


def _allowed_on_one_node(resource: Resource) -> bool:
    return sum(1 for score in resource.allowed.values() if score >= 0) == 1


def _best_wishes(
    placement: Placement,
    work: Table,
    source: Resource,
    target: Resource,
    colocation: Colocation,
) -> Table:
    """For each entry of `work` the best score of the source on a usable node that matches it."""
    allowed = source.allowed
    if shares_group_locations(source, colocation):
        allowed = _with_group_locations(placement, source)
    usable = placement.usable
    attribute = colocation.node_attribute
    if (
        attribute == "#uname"
        and placement.uname_is_unique
        and not needs_host_lookup(source)
        and not needs_host_lookup(target)
    ):
        return {
            index: allowed.get(index, MINUS_INFINITY) if usable[index] else MINUS_INFINITY
            for index in work
        }
    nodes = placement.model.node_table
    best: dict[str | None, int] = {}
    for index, score in allowed.items():
        if usable[index]:
            value = _folded(colocation_value(nodes[index], attribute, source))
            if score > best.get(value, MINUS_INFINITY):
                best[value] = score
    return {
        index: best.get(_folded(colocation_value(nodes[index], attribute, target)), MINUS_INFINITY)
        for index in work
    }


def _with_group_locations(placement: Placement, member: Resource) -> Table:
    real, real_modes = member.allowed, member.probe_modes
    member.allowed, member.probe_modes = dict(real), dict(real_modes)
    assert member.parent is not None
    for location in member.parent.locations:
        apply_location(placement, member, location)
    shared = member.allowed
    member.allowed, member.probe_modes = real, real_modes
    return shared


# Node attributes of colocations.


def colocation_value(node: Node, attribute: str, resource: Resource) -> str | None:
    """The value of a colocation's node attribute on a node, as the resource sees it (P11.16)."""
    if node.is_guest and (
        (node.is_bundle and resource.container_inner)
        or resource.meta.get("container-attribute-target", "").lower() == "host"
    ):
        connection = node.connection
        launcher = None if connection is None else connection.launcher
        host = None if launcher is None else launcher.assigned
        return None if host is None else host.attributes.get(attribute)
    return node.attributes.get(attribute)


def same_value(first: str | None, second: str | None) -> bool:
    """Values compare without case; two missing ones are equal (P11.15, P24.11)."""
    return _folded(first) == _folded(second)


def _folded(value: str | None) -> str | None:
    return None if value is None else value.lower()
