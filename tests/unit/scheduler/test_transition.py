"""The transition as data, and its way to text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import BadInput
from engine.scheduler.graph.xml import transition_to_xml
from engine.scheduler.model.transition import (
    GraphAction,
    GraphPrimitive,
    Synapse,
    Transition,
    transition_from_xml,
)

ROOT = {"cluster-delay": "60s", "transition_id": "1"}


def op(number: int, **fields: object) -> GraphAction:
    primitive = GraphPrimitive("db", "ocf", "heartbeat", "pgsql")
    given = {"node": "n1", "node_uuid": "1", "primitive": primitive, **fields}
    return GraphAction(number, "rsc_op", "start", "db_start_0", **given)


def transition(*inputs: tuple[int, ...]) -> Transition:
    return Transition(
        ROOT, tuple(Synapse(i, 0, op(i + 1), waits) for i, waits in enumerate(inputs))
    )


def test_text_and_data_are_the_same_transition() -> None:
    action = op(
        3,
        internal_key="db:0_start_0",
        router_node="n2",
        shutdown_lock="17",
        attributes={"CRM_meta_interval": "10000", "0": "zero", "a": 'x<"&>\ny'},
        downed=("1", "2"),
        maintenance=(("1", "0"),),
    )
    cleanup = GraphAction(4, "crm_event", "lrm_delete", "db_lrm_delete_0", mode="cib")
    there = Transition(ROOT, (Synapse(0, 7, action, (4,)), Synapse(1, 0, cleanup, ())))
    back = transition_from_xml(transition_to_xml(there))
    assert back.attributes == there.attributes
    assert [s.priority for s in back.synapses] == [7, 0]
    assert [s.inputs for s in back.synapses] == [(4,), ()]
    assert back.synapses[0].action == action
    assert back.synapses[1].action == cleanup
    assert action.interval_ms == 10000
    assert action.parameters == {"0": "zero", "a": 'x<"&>\ny'}


@given(st.text(st.characters(min_codepoint=9, exclude_categories=["Cs", "Cc"])))
def test_any_parameter_value_survives_the_text(value: str) -> None:
    there = Transition(ROOT, (Synapse(0, 0, op(1, attributes={"value": value}), ()),))
    data = transition_to_xml(there).decode().encode()
    action = transition_from_xml(data).synapses[0].action
    assert action.attributes["value"] == value


def test_attributes_are_written_in_order_of_their_names() -> None:
    there = Transition(ROOT, (Synapse(0, 0, op(1, attributes={"b": "2", "CRM_meta_x": "1"}), ()),))
    assert b'<attributes CRM_meta_x="1" b="2"/>' in transition_to_xml(there)


def test_a_loop_is_named_with_its_members() -> None:
    assert transition((), (1,)).problem() == ""
    assert "wait for each other" in transition((2,), (1,)).problem()


def test_an_input_that_nobody_has_is_found() -> None:
    assert "action 9" in transition((9,)).problem()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<graph/>", "expected <transition_graph>"),
        ('<transition_graph><synapse id="0"/></transition_graph>', "holds 0 actions"),
        (
            '<transition_graph><synapse id="x"><action_set><rsc_op id="1"/></action_set>'
            "</synapse></transition_graph>",
            "id='x', expected a number",
        ),
        (
            '<transition_graph><synapse id="0"><action_set><rsc_op id="1"/></action_set><inputs>'
            '<trigger><rsc_op id="2"/></trigger></inputs></synapse></transition_graph>',
            "unknown action 2",
        ),
    ],
)
def test_a_broken_graph_is_refused_with_one_line(text: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected) as caught:
        transition_from_xml(text.encode(), "graph")
    assert "\n" not in str(caught.value)
