"""Explanations of placements and actions."""

from __future__ import annotations

from engine.scheduler.api import schedule
from engine.scheduler.views.explain import actions_of
from tests.unit.scheduler.clusters import NOW, cib, primitive

IGNORE = {"no-quorum-policy": "ignore"}


def test_an_action_lists_what_it_waits_for() -> None:
    document = cib(
        primitive("a"),
        primitive("b"),
        nodes=1,
        options=IGNORE,
        constraints='<rsc_order id="o" first="a" then="b"/>',
    )
    decided = schedule(document, NOW)
    resource = decided.model.find("b")
    assert resource is not None

    (start,) = actions_of(decided.plan, resource)

    assert (start.action, start.state) == ("b_start_0 on n1", "planned")
    assert "a_start_0 on n1" in start.after


def test_a_loop_of_colocations_is_reported_and_the_rest_is_planned() -> None:
    pairs = (("a", "b"), ("b", "c"), ("c", "a"))
    constraints = "".join(
        f'<rsc_colocation id="{x}{y}" rsc="{x}" with-rsc="{y}" score="INFINITY"/>' for x, y in pairs
    )
    document = cib(*[primitive(n) for n in "abcd"], options=IGNORE, constraints=constraints)

    decided = schedule(document, NOW)

    assert [r.message for r in decided.reports if r.code == "colocation-loop"] == [
        "the mandatory colocations of a, b, c form a loop; the first placed decides"
    ]
    assert "d_start_0" in {s.action.key for s in decided.transition.synapses}


def test_a_loop_of_orderings_is_reported_and_the_rest_is_planned() -> None:
    constraints = '<rsc_order id="ab" first="a" then="b"/><rsc_order id="ba" first="b" then="a"/>'
    document = cib(*[primitive(n) for n in "abc"], options=IGNORE, constraints=constraints)

    decided = schedule(document, NOW)

    loops = [r.message for r in decided.reports if r.code == "ordering-loop"]
    assert len(loops) == 1
    assert "a_start_0" in loops[0]
    assert "b_start_0" in loops[0]
    started = {s.action.key for s in decided.transition.synapses if s.action.operation == "start"}
    assert started == {"c_start_0"}
