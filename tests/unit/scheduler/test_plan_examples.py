"""Plans of small clusters whose actions and orderings are known from the rules (C3 to C10)."""

from __future__ import annotations

from itertools import pairwise

from tests.unit.scheduler.clusters import cib, clone, group, history, op, primitive
from tests.unit.scheduler.clusters import state as node_state
from tests.unit.scheduler.plans import (
    actions,
    decide,
    find,
    inputs,
    location,
    order,
    pseudo_actions,
    running,
    stopped,
    summary,
)

MONITOR = '<op id="{0}-m" name="monitor" interval="10s" timeout="30s"/>'


def monitored(name: str, **meta: str) -> str:
    return primitive(name, ops=MONITOR.format(name), **meta)


def on_first(*names: str) -> str:
    """Two nodes; the resources run on the first one and were probed on the second."""
    first = "".join(history(name, running(name)) for name in names)
    second = "".join(history(name, stopped(name)) for name in names)
    return node_state(1, first) + node_state(2, second)


def test_a_new_resource_is_probed_everywhere_started_and_then_monitored() -> None:
    decided = decide(cib(monitored("a"), nodes=2))
    assert actions(decided) == {
        "a_monitor_0 n1",
        "a_monitor_0 n2",
        "a_start_0 n1",
        "a_monitor_10000 n1",
    }
    assert inputs(decided, "a_start_0 n1") == {"a_monitor_0 n1", "a_monitor_0 n2"}
    assert inputs(decided, "a_monitor_10000 n1") == {"a_start_0 n1"}
    assert find(decided, "a_monitor_0 n2").meta("op_target_rc") == "7"
    assert find(decided, "a_monitor_10000 n1").timeout_ms == 30000


def test_what_runs_where_it_shall_needs_nothing() -> None:
    decided = decide(cib(primitive("a"), nodes=2, states=on_first("a")))
    assert actions(decided) == set()
    assert summary(decided) == []


def test_a_move_stops_before_it_starts() -> None:
    decided = decide(
        cib(primitive("a"), nodes=2, states=on_first("a"), constraints=location("a", "n2"))
    )
    assert actions(decided) == {"a_stop_0 n1", "a_start_0 n2"}
    assert inputs(decided, "a_start_0 n2") == {"a_stop_0 n1"}
    assert summary(decided) == ["Move a ( n1 -> n2 )"]


def test_a_mandatory_order_restarts_what_depends_on_a_moving_resource() -> None:
    decided = decide(
        cib(
            primitive("a"),
            primitive("b"),
            nodes=2,
            states=on_first("a", "b"),
            constraints=location("a", "n2") + location("b", "n1") + order("a", "b"),
        )
    )
    assert inputs(decided, "b_start_0 n1") == {"b_stop_0 n1", "a_start_0 n2"}
    assert inputs(decided, "a_stop_0 n1") == {"b_stop_0 n1"}
    assert summary(decided) == ["Move a ( n1 -> n2 )", "Restart b ( n1 ) due to required a start"]


def test_an_optional_order_leaves_the_other_resource_alone() -> None:
    for kind in ("Optional", "Serialize"):
        decided = decide(
            cib(
                primitive("a"),
                primitive("b"),
                nodes=2,
                states=on_first("a", "b"),
                constraints=location("a", "n2") + location("b", "n1") + order("a", "b", kind=kind),
            )
        )
        assert actions(decided) == {"a_stop_0 n1", "a_start_0 n2"}


def test_a_resource_that_cannot_start_takes_its_dependents_down() -> None:
    decided = decide(
        cib(
            primitive("a", target_role="Stopped"),
            primitive("b"),
            nodes=1,
            states=node_state(1, history("a", running("a")), history("b", running("b"))),
            constraints=order("a", "b"),
        )
    )
    assert actions(decided) == {"a_stop_0 n1", "b_stop_0 n1"}
    assert inputs(decided, "a_stop_0 n1") == {"b_stop_0 n1"}
    assert summary(decided) == [
        "Stop a ( n1 ) due to node availability",
        "Stop b ( n1 ) due to required a start",
    ]


def test_group_members_start_in_order_and_stop_in_reverse() -> None:
    up = decide(cib(group("g", primitive("a"), primitive("b")), nodes=1))
    assert "a_start_0 n1" in inputs(up, "b_start_0 n1")
    assert {"g_start_0", "g_running_0"} <= pseudo_actions(up)
    both = node_state(1, history("a", running("a")), history("b", running("b")))
    down = decide(
        cib(
            group("g", primitive("a"), primitive("b")),
            nodes=1,
            states=both,
            constraints=location("g", "n1", "-INFINITY"),
        )
    )
    assert "b_stop_0 n1" in inputs(down, "a_stop_0 n1")


def test_clone_pseudo_actions_frame_their_instances() -> None:
    decided = decide(cib(clone("c", primitive("a")), nodes=2))
    assert inputs(decided, "c_running_0") == {"c_start_0", "a:0_start_0 n1", "a:1_start_0 n2"}
    assert find(decided, "a:0_start_0 n1").primitive is not None


def test_interleaved_clones_wait_for_their_own_node_only() -> None:
    decided = decide(
        cib(
            clone("ca", primitive("a"), interleave="true"),
            clone("cb", primitive("b"), interleave="true"),
            nodes=2,
            constraints=order("ca", "cb"),
        )
    )
    starts = {s for s in actions(decided) if s.startswith("b:") and "start" in s}
    for start in starts:
        node = start.split()[1]
        waits = {i for i in inputs(decided, start) if i.startswith("a:")}
        assert len(waits) == 1
        assert waits.pop().endswith(node)


def test_enough_instances_are_enough_for_a_dependent() -> None:
    decided = decide(
        cib(
            clone("c", primitive("a"), clone_min="2"),
            primitive("b"),
            nodes=3,
            constraints=order("c", "b"),
        )
    )
    assert inputs(decided, "b_start_0 n1") >= {"clone-one-or-more:c-b"}
    waits = inputs(decided, "clone-one-or-more:c-b")
    assert len({w for w in waits if "start" in w}) == 3


def test_a_changed_parameter_restarts_and_says_why() -> None:
    changed = history("a", op("a", "start", op_digest="0" * 32))
    decided = decide(cib(primitive("a"), nodes=1, states=node_state(1, changed)))
    assert summary(decided) == ["Restart a ( n1 ) due to resource definition change"]


def test_a_changed_parameter_is_reloaded_where_the_agent_can() -> None:
    changed = history(
        "a",
        op(
            "a",
            "start",
            op_digest="0" * 32,
            op_force_restart=" x ",
            op_restart_digest="f2317cad3d54cec5d7d7aa7d0bf35cf8",
        ),
    )
    decided = decide(cib(primitive("a"), nodes=1, states=node_state(1, changed)))
    assert actions(decided) == {"a_reload-agent_0 n1"}
    assert summary(decided) == ["Reload a ( n1 )"]


def test_an_operation_that_is_not_configured_any_more_is_cancelled() -> None:
    old = history("a", running("a"), op("a", "monitor", interval=10000, call=2))
    decided = decide(cib(primitive("a"), nodes=1, states=node_state(1, old)))
    cancel = find(decided, "a_monitor_10000 n1")
    assert (cancel.operation, cancel.meta("operation")) == ("cancel", "monitor")
    assert cancel.meta("call_id") == "2"


def test_of_operations_with_one_name_and_interval_none_runs() -> None:
    twice = MONITOR.format("a") + MONITOR.format("b")
    decided = decide(cib(primitive("a", ops=twice), nodes=1))
    assert "a_monitor_10000 n1" not in actions(decided)


def test_an_operation_for_the_role_stopped_runs_where_the_resource_does_not() -> None:
    ops = '<op id="m" name="monitor" interval="20s" role="Stopped"/>'
    decided = decide(cib(primitive("a", ops=ops), nodes=2))
    assert "a_monitor_20000 n2" in actions(decided)
    assert "a_monitor_20000 n1" not in actions(decided)
    assert find(decided, "a_monitor_20000 n2").meta("op_target_rc") == "7"


def test_an_unmanaged_resource_is_neither_stopped_nor_started() -> None:
    decided = decide(
        cib(
            primitive("a", is_managed="false"),
            nodes=2,
            states=on_first("a"),
            constraints=location("a", "n2"),
        )
    )
    assert actions(decided) == set()


def test_without_quorum_nothing_starts() -> None:
    decided = decide(cib(primitive("a"), nodes=2, quorate=False))
    assert actions(decided) == {"a_monitor_0 n1", "a_monitor_0 n2"}
    assert summary(decided) == ["Start a ( n1 ) due to no quorum (blocked)"]


def test_a_loop_of_orders_leaves_the_rest_of_the_cluster_its_plan() -> None:
    decided = decide(
        cib(
            primitive("a"),
            primitive("b"),
            primitive("c"),
            nodes=1,
            constraints=order("a", "b") + order("b", "a"),
        )
    )
    assert "c_start_0 n1" in actions(decided)
    assert not {"a_start_0 n1", "b_start_0 n1"} & actions(decided)
    assert decided.transition.problem() == ""
    assert any(report.code == "ordering-loop" for report in decided.reports)


def test_sets_without_require_all_wait_for_one_member() -> None:
    sets = (
        '<rsc_order id="o"><resource_set id="s1" sequential="false" require-all="false">'
        '<resource_ref id="a"/><resource_ref id="b"/></resource_set>'
        '<resource_set id="s2"><resource_ref id="c"/></resource_set></rsc_order>'
    )
    decided = decide(cib(primitive("a"), primitive("b"), primitive("c"), nodes=1, constraints=sets))
    assert "one-or-more:s1" in inputs(decided, "c_start_0 n1")
    assert inputs(decided, "one-or-more:s1") == {"a_start_0 n1", "b_start_0 n1"}


def test_a_chain_longer_than_the_stack_of_calls_stops_in_reverse() -> None:
    names = [f"r{number}" for number in range(1200)]
    decided = decide(
        cib(
            primitive("r0", target_role="Stopped"),
            *[primitive(name) for name in names[1:]],
            nodes=1,
            states=node_state(1, *[history(name, running(name)) for name in names]),
            constraints="".join(order(a, b) for a, b in pairwise(names)),
        )
    )
    assert len(actions(decided)) == len(names)
    assert inputs(decided, "r0_stop_0 n1") == {"r1_stop_0 n1"}


def test_a_group_behind_a_group_restarts_with_it_member_by_member() -> None:
    changed = history("a1", op("a1", "start", op_digest="0" * 32))
    others = [history(name, running(name)) for name in ("a2", "b1", "b2")]
    decided = decide(
        cib(
            group("ga", primitive("a1"), primitive("a2")),
            group("gb", primitive("b1"), primitive("b2")),
            nodes=1,
            states=node_state(1, changed, *others),
            constraints=order("ga", "gb"),
        )
    )
    assert summary(decided) == [
        "Restart a1 ( n1 ) due to resource definition change",
        "Restart a2 ( n1 ) due to required a1 start",
        "Restart b1 ( n1 ) due to required ga running",
        "Restart b2 ( n1 ) due to required b1 start",
    ]


def test_a_serialized_resource_does_not_wait_for_one_that_cannot_start() -> None:
    decided = decide(
        cib(
            primitive("a"),
            primitive("b"),
            nodes=1,
            states=node_state(1, history("a", running("a")), history("b", stopped("b"))),
            constraints=order("a", "b", kind="Serialize") + location("a", "n1", "-INFINITY"),
        )
    )
    assert actions(decided) == {"a_stop_0 n1", "b_start_0 n1"}
    assert inputs(decided, "b_start_0 n1") == set()


def test_serialized_starts_follow_each_other_and_stops_do_not() -> None:
    pair = order("a", "b", kind="Serialize")
    starting = decide(cib(primitive("a"), primitive("b"), nodes=1, constraints=pair))
    assert "a_start_0 n1" in inputs(starting, "b_start_0 n1")

    states = node_state(1, history("a", running("a")), history("b", running("b")))
    off = {"stop-all-resources": "true"}
    stopping = decide(
        cib(primitive("a"), primitive("b"), nodes=1, options=off, constraints=pair, states=states)
    )
    assert actions(stopping) == {"a_stop_0 n1", "b_stop_0 n1"}
    assert inputs(stopping, "a_stop_0 n1") | inputs(stopping, "b_stop_0 n1") == set()


def test_resources_that_are_serialized_in_a_circle_leave_the_others_their_plan() -> None:
    circle = "".join(order(x, y, kind="Serialize") for x, y in (("a", "b"), ("b", "c"), ("c", "a")))
    decided = decide(cib(*(primitive(name) for name in "abcd"), nodes=1, constraints=circle))

    assert [r.code for r in decided.reports if r.code == "ordering-loop"] == ["ordering-loop"]
    assert {name for name in actions(decided) if "start" in name} == {"d_start_0 n1"}


def test_with_policy_freeze_a_changed_definition_stops_the_resource() -> None:
    changed = history("a", op("a", "start", op_digest="0" * 32))
    decided = decide(
        cib(
            primitive("a", requires="quorum"),
            nodes=1,
            states=node_state(1, changed),
            options={"no-quorum-policy": "freeze"},
            quorate=False,
        )
    )
    assert summary(decided) == ["Stop a ( n1 ) due to resource definition change"]
