"""Fencing, shutdown, migration, notifications and remote nodes in small clusters (C11 to C14)."""

from __future__ import annotations

from engine.scheduler.graph.dot import dot_text
from tests.unit.scheduler.clusters import cib, clone, history, op, primitive
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

FENCED = {"fencing-enabled": "true", "no-quorum-policy": "ignore"}
DEVICE = primitive("f", agent="stonith:fence_dummy")
REMOTE = "ocf:pacemaker:remote"


def lost(number: int, *histories: str) -> str:
    """A node that left without a word."""
    return node_state(number, *histories, in_ccm="false", crmd="offline", join="down")


def test_a_lost_node_is_fenced_before_its_resources_start_elsewhere() -> None:
    states = lost(1, history("a", running("a"))) + node_state(2, history("a", stopped("a")))
    decided = decide(cib(primitive("a"), DEVICE, nodes=2, options=FENCED, states=states))
    assert "stonith-n1-reboot n1" in actions(decided)
    assert "stonith-n1-reboot n1" in inputs(decided, "a_start_0 n2")
    assert "a_stop_0" in pseudo_actions(decided)
    assert find(decided, "stonith-n1-reboot n1").downed == ("1",)
    assert summary(decided)[0] == "Fence (reboot) n1 'peer is no longer part of the cluster'"


def test_without_a_device_nothing_that_needs_fencing_happens() -> None:
    states = lost(1, history("a", running("a"))) + node_state(2, history("a", stopped("a")))
    decided = decide(cib(primitive("a"), nodes=2, options=FENCED, states=states))
    assert actions(decided) == set()


def test_a_node_shuts_down_after_its_resources_have_stopped() -> None:
    states = node_state(1, history("a", running("a")), attributes={"shutdown": "17"}) + node_state(
        2, history("a", stopped("a"))
    )
    decided = decide(cib(primitive("a"), nodes=2, states=states))
    assert inputs(decided, "do_shutdown-n1 n1") == {"a_stop_0 n1"}
    assert find(decided, "do_shutdown-n1 n1").downed == ("1",)


def test_the_dc_is_fenced_last() -> None:
    states = lost(1) + lost(2) + node_state(3)
    decided = decide(cib(primitive("a"), DEVICE, nodes=3, options=FENCED, states=states))
    assert "stonith-n2-reboot n2" in inputs(decided, "stonith-n1-reboot n1")


def migrating(extra: str = "", **meta: str) -> str:
    return primitive("a", allow_migrate="true", **meta) + extra


ON_FIRST = node_state(1, history("a", running("a"))) + node_state(2, history("a", stopped("a")))


def test_a_migration_takes_the_place_of_a_move() -> None:
    decided = decide(cib(migrating(), nodes=2, states=ON_FIRST, constraints=location("a", "n2")))
    assert actions(decided) == {"a_migrate_to_0 n1", "a_migrate_from_0 n2", "a_stop_0 n1"}
    assert inputs(decided, "a_migrate_from_0 n2") == {"a_migrate_to_0 n1"}
    assert inputs(decided, "a_stop_0 n1") == {"a_migrate_to_0 n1", "a_migrate_from_0 n2"} - {
        "a_migrate_to_0 n1"
    }
    assert inputs(decided, "a_start_0") == {"a_migrate_from_0 n2", "a_stop_0 n1"}
    assert find(decided, "a_migrate_to_0 n1").meta("migrate_target") == "n2"
    assert summary(decided) == ["Migrate a ( n1 -> n2 )"]


def test_a_restarting_neighbour_turns_a_migration_into_a_move() -> None:
    both = node_state(
        1,
        history("b", op("b", "start", op_digest="0" * 32)),
        history("a", running("a")),
    ) + node_state(2, history("a", stopped("a")), history("b", stopped("b")))
    decided = decide(
        cib(
            migrating(primitive("b")),
            nodes=2,
            states=both,
            constraints=location("a", "n2") + location("b", "n1") + order("b", "a"),
        )
    )
    assert "a_start_0 n2" in actions(decided)
    assert "a_migrate_to_0 n1" not in actions(decided)


def test_instances_are_told_what_happens_around_them() -> None:
    states = node_state(1, history("a", running("a"))) + node_state(2, history("a", stopped("a")))
    decided = decide(cib(clone("c", primitive("a"), notify="true"), nodes=2, states=states))
    told = find(decided, "a:0_pre_notify_start_0 n1")
    assert told.meta("notify_start_resource") == "a:1"
    assert told.meta("notify_start_uname") == "n2"
    assert told.meta("notify_active_resource") == "a:0"
    assert told.meta("notify_stop_resource") == " "
    assert "c_confirmed-pre_notify_start_0" in inputs(decided, "c_start_0")
    assert inputs(decided, "c_confirmed-pre_notify_start_0") == {
        "a:0_pre_notify_start_0 n1",
        "c_pre_notify_start_0",
    }
    assert "a:1_post_notify_start_0 n2" in actions(decided)


def test_resources_on_a_remote_node_wait_for_its_connection() -> None:
    decided = decide(
        cib(
            primitive("r", agent=REMOTE),
            primitive("a"),
            nodes=1,
            constraints=location("a", "r"),
        )
    )
    assert "r_start_0 n1" in inputs(decided, "a_start_0 r")
    assert find(decided, "a_start_0 r").router_node == "n1"


def test_a_stopping_connection_takes_its_node_down() -> None:
    states = node_state(1, history("r", running("r"), agent=REMOTE))
    decided = decide(
        cib(primitive("r", agent=REMOTE, target_role="Stopped"), nodes=1, states=states)
    )
    assert find(decided, "r_stop_0 n1").downed == ("r",)


def test_fail_counts_of_what_was_removed_are_cleared() -> None:
    states = node_state(
        1, history("gone", running("gone")), attributes={"fail-count-gone#start_0": "1"}
    )
    decided = decide(cib(primitive("a"), nodes=1, states=states))
    assert {"gone_stop_0 n1", "gone_delete_0 n1", "gone_clear_failcount_0 n1"} <= actions(decided)
    assert "gone_clear_failcount_0 n1" in inputs(decided, "gone_stop_0 n1")


def test_dot_text_shows_in_red_what_cannot_happen() -> None:
    states = node_state(1, history("a", running("a")), history("b", running("b")))
    decided = decide(
        cib(
            primitive("a", target_role="Stopped"),
            primitive("b"),
            nodes=1,
            states=states,
            constraints=order("a", "b"),
        )
    )
    text = dot_text(decided.plan)
    assert text.startswith(' digraph "g" {\n')
    assert '"a_start_0 <none>" [ style=dashed color="red" fontcolor="black"]' in text
    assert '"a_start_0 <none>" -> "b_start_0 n1" [ style = dashed]' in text
    assert '"b_stop_0 n1" -> "a_stop_0 n1" [ style = bold]' in text


def test_dot_text_shows_optional_actions_when_asked_to() -> None:
    decided = decide(cib(primitive("a"), nodes=2, states=ON_FIRST))
    assert dot_text(decided.plan) == ' digraph "g" {\n}\n'
    everything = dot_text(decided.plan, all_actions=True)
    assert '"a_stop_0 n1" [ style=dashed color="blue" fontcolor="black"]' in everything
    assert '"a_stop_0 n1" -> "a_start_0 n1" [ style = dashed]' in everything


def test_nobody_waits_for_the_start_of_an_instance_that_is_left_alone() -> None:
    changed = history("a", op("a", "start", op_digest="0" * 32))
    states = node_state(1, changed) + node_state(2, changed, attributes={"maintenance": "true"})
    decided = decide(cib(clone("c", primitive("a")), nodes=2, states=states))
    assert actions(decided) == {"a:0_stop_0 n1", "a:0_start_0 n1"}
    assert "c_running_0" in pseudo_actions(decided)
    assert decided.transition.problem() == ""


def test_only_an_action_that_somebody_executes_carries_the_shutdown_lock() -> None:
    held = history("f", running("f"), agent="stonith:fence_dummy").replace(
        "<lrm_resource ", '<lrm_resource shutdown-lock="9" '
    )
    down = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"}
    decided = decide(
        cib(
            DEVICE,
            nodes=2,
            options=FENCED | {"shutdown-lock": "true"},
            states=node_state(1, held, **down) + node_state(2),
        )
    )

    assert pseudo_actions(decided) >= {"f_stop_0"}
    assert {find(decided, name).shutdown_lock for name in pseudo_actions(decided)} == {""}


def test_a_cancelled_monitor_in_the_history_does_not_make_a_stopped_resource_active() -> None:
    entries = (stopped("a"), op("a", "cancel", interval=10000, call=9))
    decided = decide(cib(primitive("a"), nodes=1, states=node_state(1, history("a", *entries))))

    assert decided.model.resources[0].running_on == []
