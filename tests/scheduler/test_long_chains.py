"""Chains of thousands: no recursion error, everything in its place, and work in proportion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from unittest import mock

import pytest

from engine.base.isodate import Zone
from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.model.model import leaves
from engine.scheduler.placement import dependents as merging

NOW = 1_700_000_000.0
AGENT = 'class="ocf" provider="pacemaker" type="Dummy"'
NODES = ("one", "two", "three")


def cluster(resources: str, constraints: str) -> Cib:
    nodes = "".join(f'<node id="{n}" uname="{n}"/>' for n in NODES)
    states = "".join(
        f'<node_state id="{n}" uname="{n}" in_ccm="true" crmd="online" join="member"'
        ' expected="member"/>'
        for n in NODES
    )
    options = '<nvpair id="o-s" name="fencing-enabled" value="false"/>'
    return Cib.from_bytes(
        '<cib validate-with="pacemaker-3.9" crm_feature_set="3.16.1" have-quorum="1" epoch="1">'
        f'<configuration><crm_config><cluster_property_set id="o">{options}'
        f"</cluster_property_set></crm_config><nodes>{nodes}</nodes><resources>{resources}"
        f"</resources><constraints>{constraints}</constraints></configuration>"
        f"<status>{states}</status></cib>".encode()
    )


def names(count: int) -> list[str]:
    return [f"r{number}" for number in range(count)]


def primitives(count: int) -> str:
    return "".join(f'<primitive id="{name}" {AGENT}/>' for name in names(count))


def colocations(count: int) -> Iterator[str]:
    for first, then in pairwise(names(count)):
        yield f'<rsc_colocation id="c-{then}" rsc="{then}" with-rsc="{first}" score="INFINITY"/>'


def backwards(count: int) -> Iterator[str]:
    for first, then in pairwise(names(count)):
        yield f'<rsc_colocation id="c-{then}" rsc="{first}" with-rsc="{then}" score="INFINITY"/>'


def orders(count: int) -> Iterator[str]:
    for first, then in pairwise(names(count)):
        yield f'<rsc_order id="o-{then}" first="{first}" then="{then}"/>'


def decide(cib: Cib) -> Schedule:
    return schedule(cib, NOW, zone=Zone())


def places(decided: Schedule) -> set[str]:
    return {
        rsc.assigned.name if rsc.assigned is not None else ""
        for top in decided.model.resources
        for rsc in leaves(top)
    }


@pytest.mark.parametrize("links", [colocations, backwards])
def test_a_chain_of_five_thousand_colocations_ends_up_on_one_node(
    links: Callable[[int], Iterator[str]],
) -> None:
    decided = decide(cluster(primitives(5000), "".join(links(5000))))

    assert len(places(decided)) == 1
    assert "" not in places(decided)
    assert not decided.reports


def test_a_chain_of_five_thousand_orderings_starts_from_its_end() -> None:
    decided = decide(cluster(primitives(5000), "".join(orders(5000))))
    starts = [s.action for s in decided.transition.synapses if s.action.operation == "start"]

    assert len(starts) == 5000
    assert not decided.plan.loops


def test_a_group_of_a_thousand_and_a_clone_of_groups_are_placed() -> None:
    group = f'<group id="g">{primitives(1000)}</group>'
    assert len(places(decide(cluster(group, "")))) == 1

    members = "".join(f'<primitive id="m{number}" {AGENT}/>' for number in range(400))
    cloned = f'<clone id="c"><group id="g">{members}</group></clone>'
    assert places(decide(cluster(cloned, ""))) == set(NODES)


@pytest.mark.parametrize("links", [colocations, backwards])
def test_a_chain_is_not_walked_again_for_each_of_its_links(
    links: Callable[[int], Iterator[str]],
) -> None:
    walked = 0
    real = merging._merged

    def counting(*arguments: object) -> object:
        nonlocal walked
        walked += 1
        return real(*arguments)  # type: ignore[arg-type]  # handed on as they came

    with mock.patch.object(merging, "_merged", counting):
        decide(cluster(primitives(300), "".join(links(300))))

    assert walked < 3 * 300
