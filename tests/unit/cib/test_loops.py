"""Loops of constraints that can be seen in the configuration alone."""

from __future__ import annotations

from engine.cib.document import Cib
from engine.cib.loops import loop_findings


def found(constraints: str) -> list[str]:
    text = (
        '<cib validate-with="pacemaker-3.9"><configuration><crm_config/><nodes/><resources/>'
        f"<constraints>{constraints}</constraints></configuration><status/></cib>"
    )
    return [report.message for report in loop_findings(Cib.from_bytes(text.encode(), "x").root)]


def order(name: str, first: str, then: str, further: str = "") -> str:
    return f'<rsc_order id="{name}" first="{first}" then="{then}" {further}/>'


def colocation(name: str, dependent: str, primary: str, score: str = "INFINITY") -> str:
    return f'<rsc_colocation id="{name}" rsc="{dependent}" with-rsc="{primary}" score="{score}"/>'


def test_a_loop_of_orders_is_told_once_with_all_its_constraints() -> None:
    loop = order("o1", "a", "b") + order("o2", "b", "c") + order("o3", "c", "a")

    assert found(loop + order("o4", "c", "d")) == [
        "the orders o1, o2, o3 make a, b, c wait for each other"
    ]


def test_orders_of_different_actions_or_kinds_are_no_loop() -> None:
    there = order("o1", "a", "b")

    assert found(there + order("o2", "b", "a", 'first-action="promote"')) == []
    assert found(there + order("o2", "b", "a", 'kind="Optional"')) == []


def test_a_set_is_a_chain_of_its_members() -> None:
    members = "".join(f'<resource_ref id="{name}"/>' for name in "abc")
    chain = f'<rsc_order id="o1"><resource_set id="s">{members}</resource_set></rsc_order>'

    assert found(chain + order("o2", "c", "a")) == [
        "the orders o1, o2 make a, b, c wait for each other"
    ]
    assert found(chain.replace("<resource_set ", '<resource_set sequential="false" ')) == []


def test_a_resource_on_both_sides_is_a_loop_of_its_own() -> None:
    assert found(order("o1", "a", "a") + colocation("c1", "a", "a")) == [
        "o1: 'a' is named on both sides, expected two resources",
        "c1: 'a' is named on both sides, expected two resources",
    ]


def test_only_mandatory_colocations_make_a_loop() -> None:
    there = colocation("c1", "a", "b")

    assert found(there + colocation("c2", "b", "a")) == [
        "the colocations c1, c2 make a, b follow each other"
    ]
    assert found(there + colocation("c2", "b", "a", "100")) == []
    assert found(there + colocation("c2", "b", "a", "lots")) == []


def test_long_chains_are_no_matter() -> None:
    chain = "".join(order(f"o{n}", f"r{n}", f"r{n + 1}") for n in range(3000))

    assert found(chain) == []
    (loop,) = found(chain + order("back", "r3000", "r0"))
    assert loop.startswith("the orders back, o0, o1, o10, ")
    assert loop.endswith(" and 2989 more wait for each other")
