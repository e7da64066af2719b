"""Constraints as values, and the status as text."""

from __future__ import annotations

from engine.base.reports import ReportList
from engine.cib.document import Cib
from engine.scheduler.model.model import (
    Colocation,
    Location,
    Model,
    Order,
    OrderSets,
    TicketConstraint,
)
from engine.scheduler.reading.constraints import unpack_constraints
from engine.scheduler.reading.requests import NoActions
from engine.scheduler.reading.unpack import fill_model
from engine.scheduler.views.node_text import node_items
from engine.scheduler.views.status_parts import Look
from engine.scheduler.views.status_text import banner_lines, resource_items
from tests.unit.scheduler.clusters import (
    NOW,
    cib,
    clone,
    group,
    history,
    model_of,
    op,
    primitive,
    state,
)


def constrained(xml: str, *resources: str) -> tuple[Model, ReportList]:
    reports = ReportList()
    model = Model(NOW)
    document = cib(
        *(resources or (primitive("a"), primitive("b"), primitive("c"))), constraints=xml
    )
    unpack_constraints(fill_model(document, model, requests=NoActions(), reporter=reports))
    return model, reports


def pairs(model: Model) -> list[str]:
    return [
        f"{c.dependent.id} with {c.primary.id} {c.score}"
        for c in model.constraints
        if isinstance(c, Colocation)
    ]


def refs(*names: str) -> str:
    return "".join(f'<resource_ref id="{name}"/>' for name in names)


def test_a_location_names_a_node_and_a_score() -> None:
    model, _ = constrained('<rsc_location id="l" rsc="a" node="N2" score="INFINITY"/>')
    (location,) = model.constraints
    assert isinstance(location, Location)
    assert [(node.name, score) for node, score in location.scores] == [("n2", 1_000_000)]


def test_a_location_rule_holds_on_the_nodes_where_it_passes() -> None:
    xml = (
        '<rsc_location id="l" rsc="a"><rule id="r" score="5">'
        '<expression id="e" attribute="#uname" operation="ne" value="n2"/></rule></rsc_location>'
    )
    (location,) = constrained(xml)[0].constraints
    assert isinstance(location, Location)
    assert [(node.name, score) for node, score in location.scores] == [("n3", 5), ("n1", 5)]


def test_a_pattern_names_resources_and_may_be_inverted() -> None:
    xml = '<rsc_location id="l" rsc-pattern="{}" node="n1" score="1"/>'
    straight, _ = constrained(xml.format("^[ab]$"))
    inverted, _ = constrained(xml.format("!^[ab]$"))
    assert [c.resource.id for c in straight.constraints if isinstance(c, Location)] == ["a", "b"]
    assert [c.resource.id for c in inverted.constraints if isinstance(c, Location)] == ["c"]


def test_members_of_a_positive_set_follow_the_previous_one() -> None:
    xml = f'<rsc_colocation id="l" score="9"><resource_set id="s">{refs("a", "b", "c")}</resource_set></rsc_colocation>'
    assert pairs(constrained(xml)[0]) == ["b with a 9", "c with b 9"]


def test_members_of_a_negative_set_avoid_all_earlier_ones() -> None:
    xml = f'<rsc_colocation id="l" score="-9"><resource_set id="s">{refs("a", "b", "c")}</resource_set></rsc_colocation>'
    assert pairs(constrained(xml)[0]) == ["b with a -9", "c with a -9", "c with b -9"]


def test_an_earlier_set_depends_on_a_later_one() -> None:
    xml = (
        f'<rsc_colocation id="l" score="9"><resource_set id="s" sequential="false">{refs("a", "b")}'
        f'</resource_set><resource_set id="t">{refs("c")}</resource_set></rsc_colocation>'
    )
    assert pairs(constrained(xml)[0]) == ["a with c 9", "b with c 9"]


def test_a_tag_on_one_side_stands_for_its_members() -> None:
    tag = '<tags><tag id="t"><obj_ref id="b"/><obj_ref id="c"/></tag></tags>'
    document = cib(
        primitive("a"),
        primitive("b"),
        primitive("c"),
        constraints='<rsc_colocation id="l" score="9" rsc="t" with-rsc="a"/>'
        '<rsc_order id="o" first="a" then="t"/>',
        further=tag,
    )
    model = Model(NOW)
    unpack_constraints(fill_model(document, model))
    assert pairs(model) == ["b with a 9", "c with a 9"]
    order = model.constraints[-1]
    assert isinstance(order, OrderSets)
    assert [[m.id for m in block.members] for block in order.sets] == [["a"], ["b", "c"]]


def test_an_unknown_reference_is_reported_and_the_constraint_ignored() -> None:
    model, reports = constrained('<rsc_order id="o" first="a" then="nobody"/>')
    assert model.constraints == []
    assert "o: there is no resource, template or tag nobody" in reports.items[-1].message


def test_an_order_keeps_what_was_configured() -> None:
    xml = '<rsc_order id="o" first="a" then="b" then-action="stop" kind="Optional" symmetrical="false"/>'
    (order,) = constrained(xml)[0].constraints
    assert isinstance(order, Order)
    assert (order.first_action, order.then_action, order.kind.value) == ("", "stop", "Optional")
    assert order.symmetrical is False


def test_a_ticket_has_a_policy_by_its_role() -> None:
    xml = (
        '<rsc_ticket id="t1" ticket="T" rsc="a"/>'
        '<rsc_ticket id="t2" ticket="T" rsc="a" rsc-role="Promoted"/>'
        '<rsc_ticket id="t3" ticket="T" rsc="a" loss-policy="fence"/>'
    )
    model, _ = constrained(xml)
    policies = [c.loss_policy for c in model.constraints if isinstance(c, TicketConstraint)]
    assert policies == ["stop", "demote", "stop"]
    assert not model.tickets["T"].granted


# -- text --------------------------------------------------------------------------------------


def node_texts(document: Cib) -> list[str]:
    return [item.text for item in node_items(model_of(document))]


def resource_texts(document: Cib, *, pending: bool = True) -> list[str]:
    lines: list[str] = []
    for item in resource_items(model_of(document), Look(pending=pending)):
        lines.append(item.text)
        lines += [f"  {inner.text}" for inner in item.items]
    return lines


def test_ordinary_nodes_share_a_line_and_others_have_their_own() -> None:
    states = state(1, attributes={"standby": "on"}) + state(2) + state(3) + state(4, in_ccm="false")
    assert node_texts(cib(nodes=4, states=states)) == [
        "Node n1: standby",
        "Online: [ n2 n3 ]",
        "OFFLINE: [ n4 ]",
    ]


def test_a_primitive_is_shown_with_agent_role_node_and_flags() -> None:
    states = state(1, history("a", op("a", "start"))) + state(2)
    document = cib(
        primitive("a", is_managed="false"),
        primitive("b", target_role="Stopped"),
        nodes=2,
        states=states,
    )
    assert resource_texts(document) == [
        "a\t(ocf:pacemaker:Dummy):\t Started n1 (unmanaged)",
        "b\t(ocf:pacemaker:Dummy):\t Stopped (disabled)",
    ]
    assert banner_lines(model_of(document)) == [
        "1 of 2 resource instances DISABLED and 0 BLOCKED from further action due to failure"
    ]


def test_an_action_under_way_is_shown_only_when_asked_for() -> None:
    states = state(1, history("a", op("a", "start", 193, status=-1))) + state(2)
    document = cib(primitive("a"), nodes=2, states=states)
    assert resource_texts(document) == ["a\t(ocf:pacemaker:Dummy):\t Starting n1"]
    assert resource_texts(document, pending=False) == ["a\t(ocf:pacemaker:Dummy):\t Started n1"]


def test_instances_of_a_clone_are_listed_by_role() -> None:
    states = (
        state(1, history("a", op("a", "promote")))
        + state(2, history("a", op("a", "start")))
        + state(3, history("a", op("a", "monitor", 5, on__node="n3")))
    )
    document = cib(clone("c", primitive("a"), promotable="true"), states=states)
    assert resource_texts(document) == [
        "Clone Set: c [a] (promotable):",
        "  Promoted: [ n1 ]",
        "  Unpromoted: [ n2 ]",
        "  Stopped (Not installed): [ n3 ]",
    ]


def test_members_of_a_group_follow_its_heading() -> None:
    document = cib(group("g", primitive("a"), primitive("b")))
    assert resource_texts(document) == [
        "Resource Group: g:",
        "  a\t(ocf:pacemaker:Dummy):\t Stopped",
        "  b\t(ocf:pacemaker:Dummy):\t Stopped",
    ]


def test_an_empty_cluster_says_so() -> None:
    assert resource_texts(cib()) == ["No resources"]
