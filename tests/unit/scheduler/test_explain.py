"""Explanations of placements and actions."""

from __future__ import annotations

from engine.scheduler.api import Schedule, schedule
from engine.scheduler.explain import explain_action, explain_placement
from engine.scheduler.scores import ScoreRecord
from tests.unit.scheduler.clusters import NOW, cib, group, primitive, state

IGNORE = {"no-quorum-policy": "ignore"}


def explained(document: object, name: str) -> tuple[Schedule, list[str]]:
    record = ScoreRecord(contributions=[])
    decided = schedule(document, NOW, scores=record)
    resource = decided.model.find(name)
    assert resource is not None
    assert record.contributions is not None
    placed = explain_placement(decided.model, record.contributions, resource)
    return decided, [line for one in placed for line in one.lines]


def test_the_best_node_is_named_first_with_its_reasons() -> None:
    document = cib(
        primitive("a"),
        options=IGNORE,
        constraints='<rsc_location id="here" rsc="a" node="n2" score="70"/>',
    )

    _, lines = explained(document, "a")

    assert lines[:2] == ["a runs on n2", "  n2: 70 (location here: 70)"]


def test_an_unusable_node_says_what_is_wrong_with_it() -> None:
    states = state(1, attributes={"standby": "on"}) + state(2)
    document = cib(primitive("a"), nodes=2, options=IGNORE, states=states)

    _, lines = explained(document, "a")

    assert lines == ["a runs on n2", "  n2: 0", "  n1: 0 (the node is in standby)"]


def test_a_resource_without_a_node_says_so_for_each_member_of_a_group() -> None:
    document = cib(
        group("g", primitive("a"), primitive("b")),
        nodes=1,
        options=IGNORE,
        constraints='<rsc_location id="never" rsc="g" node="n1" score="-INFINITY"/>',
    )

    _, lines = explained(document, "g")

    assert lines[0] == "a runs nowhere"
    assert "b runs nowhere" in lines
    assert lines[1].startswith("  n1: -INFINITY (location never: -INFINITY")


def test_an_action_lists_what_it_waits_for() -> None:
    document = cib(
        primitive("a"),
        primitive("b"),
        nodes=1,
        options=IGNORE,
        constraints='<rsc_order id="o" first="a" then="b"/>',
    )
    decided, _ = explained(document, "a")
    start = next(x for x in decided.plan.actions.all if x.key == "b_start_0")

    lines = explain_action(decided.plan, start)

    assert lines[0] == "b_start_0 on n1: planned"
    assert "  after a_start_0 on n1: planned" in lines


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
