"""The designated controller: joining, scheduling, transitions, failures, losses, requests."""

from dataclasses import replace

import pytest
from lxml import etree

from engine.controller.core import LIAR_SECONDS
from engine.controller.events import (
    ConfigurationChanged,
    Fence,
    FenceFinished,
    FromNode,
    Propose,
    Schedule,
    Scheduled,
    TimerFired,
)
from engine.controller.fsm import DcState
from engine.controller.messages import (
    Ask,
    CancelOp,
    Confirmed,
    ForgetResource,
    OpReport,
    ShutdownGranted,
    TellState,
    Told,
    TransitionBegun,
)
from engine.lrm.api import LrmResult, OpStatus

from .bench import Bench, crm_event, rsc_op

NO_FENCING = (
    '<cluster_property_set id="o"><nvpair id="o-f" name="stonith-enabled" value="false"/>'
    "</cluster_property_set>"
)
SHORT_DELAY = NO_FENCING.replace("stonith-enabled", "cluster-delay").replace("false", "5s")


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.settle(1, 2, 3)
    return bench


def test_the_dc_schedules_when_all_members_have_joined() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2)
    assert bench.core.state is DcState.INTEGRATION
    bench.join(3)
    assert bench.core.state is DcState.IDLE
    assert [s.get("join") for s in bench.find("node_state")] == ["member"] * 3
    assert bench.timers["schedule"] == 0.05
    bench.schedule()
    assert bench.core.state is DcState.IDLE
    assert bench.core.is_idle


def test_nodes_of_the_cluster_get_into_the_configuration(bench: Bench) -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2)
    bench.join(3)
    [proposed] = [e for e in bench.effects if isinstance(e, Propose)]
    assert proposed.patch.count(b"<node ") == 3


def test_another_node_is_dc_and_this_one_stays_quiet() -> None:
    bench = Bench()
    bench.view(1, 2, 3, dc=2)
    assert bench.core.state is DcState.NOT_DC
    bench.do(FromNode(3, Ask(7, "attribute", {})))
    [(to, answer)] = bench.told
    assert to == 3
    assert isinstance(answer, Told)
    assert not answer.fields["ok"]


def test_an_incomplete_cold_start_waits_for_more_nodes() -> None:
    bench = Bench()
    bench.settle(1, 2)
    assert bench.timers["dc-deadtime"] == 20.0
    bench.do(TimerFired("schedule"))
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle
    bench.do(TimerFired("dc-deadtime"))
    bench.schedule()
    assert bench.core.is_idle


def test_a_start_runs_and_its_result_becomes_history(bench: Bench) -> None:
    bench.schedule(
        rsc_op(1, "db", "start", 2), rsc_op(2, "db", "monitor", 2, (1,), interval="10000")
    )
    [(node, op)] = bench.ops()
    assert (node, op.operation) == (2, "start")
    [pending] = bench.find("node_state[@id='2']//lrm_rsc_op")
    assert pending.get("op-status") == "-1"
    bench.result(2, op, 0)
    [done] = bench.find("node_state[@id='2']//lrm_rsc_op")
    assert done.get("transition-magic", "").startswith("0:0;1:")
    [(_, op)] = bench.ops()
    assert (op.operation, op.interval_ms) == ("monitor", 10_000)
    bench.result(2, op, 0)
    assert bench.core.is_idle


def test_a_failed_start_counts_as_infinity_and_leads_to_another_schedule(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = bench.ops()
    bench.result(2, op, 1)
    [count] = bench.find(".//nvpair[@name='fail-count-db#start_0']")
    assert count.get("value") == "INFINITY"
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle
    assert bench.timers["schedule"] == 0.05


def test_a_failure_under_a_batch_limit_leaves_no_action_that_nobody_was_told_of(
    bench: Bench,
) -> None:
    """The place that a failed action leaves is given to none: the transition ends."""
    starts = [rsc_op(number, f"r{number}", "start", 2) for number in (1, 2, 3)]
    bench.schedule(*starts, batch_limit=1)
    [(_, op)] = bench.ops()
    bench.result(2, op, 1)
    assert bench.ops() == []
    assert bench.core.state is DcState.IDLE


def test_a_monitor_that_fails_later_counts_up_and_triggers(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "monitor", 1, interval="10000"))
    [(_, op)] = bench.ops()
    bench.result(1, op, 0)
    for expected in ("1", "2"):
        bench.result(1, op, 7)
        [count] = bench.find(".//nvpair[@name='fail-count-db#monitor_10000']")
        assert count.get("value") == expected
    assert not bench.core.is_idle
    assert bench.find(".//lrm_rsc_op[@id='db_last_failure_0']")


def test_a_failed_probe_does_not_count(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "monitor", 1, op_target_rc="7"))
    [(_, op)] = bench.ops()
    bench.result(1, op, 0)
    assert not bench.find(".//nvpair")


def test_a_change_during_a_transition_stops_it_after_what_is_running(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2), rsc_op(2, "ip", "start", 2, (1,)))
    [(_, op)] = bench.ops()
    bench.do(ConfigurationChanged((0, 5, 0)))
    assert bench.core.state is DcState.TRANSITION
    bench.result(2, op, 0)
    assert bench.ops() == []
    assert bench.core.state is DcState.IDLE
    bench.do(TimerFired("schedule"))
    assert [e for e in bench.effects if isinstance(e, Schedule)]


def test_a_change_while_scheduling_throws_the_result_away(bench: Bench) -> None:
    bench.do(TimerFired("schedule"))
    [asked] = [e for e in bench.effects if isinstance(e, Schedule)]
    bench.do(ConfigurationChanged((0, 5, 0)))
    bench.do(Scheduled(asked.number, b"<transition_graph/>"))
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle


def test_a_scheduler_that_fails_leaves_the_cluster_as_it_is(bench: Bench) -> None:
    bench.do(TimerFired("schedule"))
    [asked] = [e for e in bench.effects if isinstance(e, Schedule)]
    bench.do(Scheduled(asked.number, error="no such schema"))
    assert bench.core.is_idle
    assert "no such schema" in bench.core.last_transition
    assert bench.timers["recheck"] == 900


def test_a_late_result_updates_the_history_and_does_not_advance_the_new_graph(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, old)] = bench.ops()
    bench.settle(1, 2, 3)
    bench.schedule(rsc_op(1, "db", "start", 2))
    bench.ops()
    bench.result(2, replace(old, transition_key=old.transition_key), 0)
    assert bench.core.state is DcState.TRANSITION


def test_a_lost_node_is_unclean_and_loses_its_attributes() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    for node in (1, 2):
        bench.join(node)
    bench.join(
        3,
        attributes={"standby": "on"},
        lrm=b'<lrm><lrm_resources><lrm_resource id="db"/></lrm_resources></lrm>',
    )
    bench.settle(1, 2)
    [state] = bench.find("node_state[@id='3']")
    assert (state.get("in_ccm"), state.get("crmd"), state.get("expected")) == (
        "false",
        "offline",
        "member",
    )
    assert not state.findall(".//nvpair")
    assert state.findall(".//lrm_resource")
    assert bench.timers.get("dc-deadtime") is None


def test_operations_in_flight_at_a_view_change_are_awaited() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2, in_flight=("db_start_0",))
    bench.join(3)
    bench.do(TimerFired("schedule"))
    assert not [e for e in bench.effects if isinstance(e, Schedule)]
    other = Bench()
    other.settle(1, 2, 3)
    other.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = other.ops()
    bench.result(2, op, 0)
    bench.do(TimerFired("schedule"))
    assert [e for e in bench.effects if isinstance(e, Schedule)]


def test_an_operation_in_flight_that_the_history_shows_holds_up_nobody_else() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    lrm = (
        b'<lrm><lrm_resources><lrm_resource id="db" class="ocf" provider="heartbeat" type="Dummy">'
        b'<lrm_rsc_op id="db_last_0" operation_key="db_start_0" operation="start" op-status="-1"/>'
        b"</lrm_resource></lrm_resources></lrm>"
    )
    bench.join(2, in_flight=("db_start_0",), lrm=lrm)
    bench.join(3)
    bench.do(TimerFired("schedule"))
    assert [e for e in bench.effects if isinstance(e, Schedule)]


def test_a_repeated_operation_cancelled_before_its_first_result_lets_the_transition_go_on(
    bench: Bench,
) -> None:
    bench.schedule(
        rsc_op(1, "db", "monitor", 2, interval="10000"), rsc_op(2, "ip", "start", 3, (1,))
    )
    [(_, op)] = bench.ops()
    bench.cancelled(2, op)
    assert [op.key for _, op in bench.ops()] == ["ip_start_0"]
    assert not bench.find(".//lrm_rsc_op[@id='db_monitor_10000']")


def test_a_start_cancelled_in_the_queue_starts_nothing_that_waits_for_it(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2), rsc_op(2, "ip", "start", 3, (1,)))
    [(_, op)] = bench.ops()
    bench.cancelled(2, op)
    assert bench.ops() == []
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle
    assert not bench.find(".//nvpair[@name='fail-count-db#start_0']")


def test_a_cancelled_operation_of_an_earlier_transition_starts_nothing(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "monitor", 2, interval="10000"))
    [(_, op)] = bench.ops()
    bench.result(2, op, 0)
    assert bench.core.is_idle
    bench.cancelled(2, op)
    assert bench.core.is_idle


def test_a_result_of_a_dropped_resource_is_counted_for_the_graph_and_not_recorded(
    bench: Bench,
) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = bench.ops()
    bench.do(FromNode(2, Ask(7, "cleanup", {"resource": "db", "failures_only": False})))
    bench.do(FromNode(2, OpReport(bench.term, LrmResult(op, 5, 0, 0, is_recorded=False))))
    assert not bench.find(".//lrm_resource[@id='db']")
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle


def test_fencing_that_succeeds_clears_the_node_before_what_waits_for_it(bench: Bench) -> None:
    bench.settle(1, 2)
    bench.schedule(
        crm_event(1, "stonith", "stonith-n3-reboot", 3, stonith_action="reboot"),
        rsc_op(2, "db", "start", 1, (1,)),
    )
    assert [e for e in bench.effects if isinstance(e, Fence)] == [
        Fence("n3", "reboot", 0.0, "transition")
    ]
    bench.do(FenceFinished("n3", "reboot", True))
    [state] = bench.find("node_state[@id='3']")
    assert (state.get("expected"), len(state.findall(".//lrm_resource"))) == ("down", 0)
    assert [op.resource for _, op in bench.ops()] == ["db"]


@pytest.mark.parametrize(
    ("tag", "origin"),
    [("", "root"), ("backup job", "backup job"), ("x" * 65, "root"), ("a\nb", "root")],
)
def test_who_asks_for_fencing_may_say_by_which_name(bench: Bench, tag: str, origin: str) -> None:
    fields = {"node": "n2", "action": "off", "tag": tag}
    bench.do(FromNode(1, Ask(1, "fence", fields, "root")))
    assert [e.origin for e in bench.effects if isinstance(e, Fence)] == [origin]


def test_fencing_that_fails_is_tried_again_later_and_later(bench: Bench) -> None:
    bench.settle(1, 2)
    for delay in (2.0, 4.0, 8.0):
        bench.schedule(crm_event(1, "stonith", "stonith-n3-off", 3, stonith_action="off"))
        bench.do(FenceFinished("n3", "off", False, "no power"))
        assert bench.timers["schedule"] == delay


def test_a_node_that_was_let_go_is_down_when_it_has_left(bench: Bench) -> None:
    bench.schedule(crm_event(1, "do_shutdown", "do_shutdown-n3", 3, op_no_wait="true"))
    assert [type(m) for to, m in bench.told if to == 3] == [TransitionBegun, ShutdownGranted]
    bench.settle(1, 2)
    [state] = bench.find("node_state[@id='3']")
    assert (state.get("expected"), state.get("in_ccm")) == ("down", "false")


def test_a_clean_up_forgets_the_failure_on_the_node_and_in_the_status(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = bench.ops()
    bench.result(2, op, 1)
    bench.do(FromNode(3, Ask(9, "cleanup", {"resource": "db"})))
    assert not bench.find(".//nvpair")
    assert not bench.find(".//lrm_resource")
    assert [(to, m.resource) for to, m in bench.told if isinstance(m, ForgetResource)] == [
        (2, "db")
    ]
    [reply] = [m for to, m in bench.told if isinstance(m, Told)]
    assert reply.fields == {"ok": True, "cleaned": ["db on n2"]}


def test_clearing_fail_counts_is_done_by_the_controller_itself(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "monitor", 2, interval="5000"))
    [(_, op)] = bench.ops()
    bench.result(2, op, 7)
    bench.schedule(crm_event(1, "clear_failcount", "db_clear_failcount_0", 2, op_no_wait="true"))
    assert not bench.find(".//nvpair")
    assert not bench.find(".//lrm_rsc_op[@id='db_last_failure_0']")


def test_who_waits_is_told_when_the_cluster_is_idle(bench: Bench) -> None:
    bench.do(FromNode(2, Ask(4, "wait", {})))
    assert not [m for _, m in bench.told if isinstance(m, Told)]
    bench.schedule()
    assert (2, Told(4, {"idle": True})) in bench.told


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("attribute", {"node": "n4", "name": "a", "value": "1"}, "(nodes: n1, n2, n3)"),
        ("attribute", {"node": "n1"}, "needs a name"),
        ("cleanup", {"resource": "nothing"}, "no resource 'nothing'"),
        ("fence", {"node": "n1", "action": "burn"}, "no fencing action"),
        ("confirm-fenced", {"node": "n2"}, "active member"),
        ("frobnicate", {}, "unknown request"),
    ],
)
def test_a_bad_request_is_refused_in_one_line(
    bench: Bench, kind: str, fields: dict[str, object], words: str
) -> None:
    bench.do(FromNode(2, Ask(1, kind, fields)))
    [reply] = [m for _, m in bench.told if isinstance(m, Told)]
    assert not reply.fields["ok"]
    assert words in reply.fields["error"]


def test_a_dampened_attribute_is_written_when_its_time_has_come(bench: Bench) -> None:
    bench.schedule()
    bench.do(
        FromNode(2, Ask(1, "attribute", {"node": "n2", "name": "ping", "value": "3", "delay": 5}))
    )
    assert not bench.find(".//nvpair")
    assert bench.timers["dampening"] == 5
    bench.now += 5
    bench.do(TimerFired("dampening"))
    assert bench.find(".//nvpair[@name='ping'][@value='3']")


def test_each_changed_value_starts_the_dampening_anew_and_an_equal_one_does_not(
    bench: Bench,
) -> None:
    bench.schedule()
    start = bench.now
    for second, value in ((0, "3"), (2, "4"), (4, "5"), (5, "5")):
        bench.now = start + second
        fields = {"node": "n2", "name": "ping", "value": value, "delay": 3}
        bench.do(FromNode(2, Ask(1, "attribute", fields)))
    assert bench.timers["dampening"] == 2
    bench.now = start + 6.9
    bench.do(TimerFired("dampening"))
    assert not bench.find(".//nvpair")
    bench.now = start + 7
    bench.do(TimerFired("dampening"))
    assert [pair.get("value") for pair in bench.find(".//nvpair[@name='ping']")] == ["5"]


def test_a_value_that_goes_and_comes_back_is_held_as_every_change(bench: Bench) -> None:
    bench.schedule()
    for value, delay in (("true", 0), ("no", 3), ("TRUE", 3)):
        fields = {"node": "n2", "name": "ping", "value": value, "delay": delay}
        bench.do(FromNode(2, Ask(1, "attribute", fields)))
    bench.now += 3
    bench.do(TimerFired("dampening"))
    assert [pair.get("value") for pair in bench.find(".//nvpair[@name='ping']")] == ["true"]


def test_a_result_that_never_comes_ends_the_transition(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    assert bench.timers["action 1"] == 80.0
    bench.do(TimerFired("action 1"))
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle
    [entry] = bench.find(".//lrm_rsc_op[@id='db_last_0']")
    assert (entry.get("op-status"), entry.get("rc-code"), entry.get("call-id")) == ("2", "1", "-1")
    assert not bench.find(".//nvpair[@name='fail-count-db#start_0']")


def test_the_time_for_a_result_follows_the_cluster_delay(bench: Bench) -> None:
    bench.cib.section("crm_config").append(etree.fromstring(SHORT_DELAY))
    bench.schedule(rsc_op(1, "db", "start", 2))
    assert bench.timers["action 1"] == 25.0


def test_a_node_that_tells_its_state_anew_gets_lost_orders_again(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    bench.join(2)
    assert bench.core.state is DcState.IDLE
    assert not bench.core.is_idle


def test_a_timed_out_operation_is_recorded_as_such(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = bench.ops()
    bench.result(2, op, 1, OpStatus.TIMED_OUT)
    [entry] = bench.find(".//lrm_rsc_op[@id='db_last_0']")
    assert entry.get("op-status") == "2"


def test_a_silent_member_is_asked_again_and_nothing_is_decided_without_it() -> None:
    bench = Bench()
    bench.cib.section("crm_config").append(etree.fromstring(NO_FENCING))
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2)
    bench.told = []
    for _ in range(40):
        bench.do(TimerFired("join"))
    assert {(to, type(m)) for to, m in bench.told} == {(3, TellState)}
    assert bench.core.state is DcState.INTEGRATION
    bench.join(3)
    assert bench.core.state is DcState.IDLE


def test_a_member_that_stays_silent_is_left_to_fencing() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2)
    for _ in range(30):
        bench.do(TimerFired("join"))
    assert bench.core.state is DcState.IDLE
    [state] = bench.find("node_state[@id='3']")
    assert (state.get("in_ccm"), state.get("crmd"), state.get("expected")) == (
        "true",
        "offline",
        "member",
    )


def test_a_cancelled_monitor_leaves_the_status_so_that_it_can_come_back(bench: Bench) -> None:
    bench.schedule(rsc_op(1, "db", "monitor", 2, interval="10000"))
    [(_, op)] = bench.ops()
    bench.result(2, op, 0)
    assert bench.find(".//lrm_rsc_op[@id='db_monitor_10000']")
    bench.do(ConfigurationChanged((0, 5, 0)))
    bench.schedule(
        rsc_op(2, "db", "cancel", 2, interval="10000").replace(
            "<attributes", '<attributes CRM_meta_operation="monitor"'
        )
    )
    [(to, order)] = [(to, m) for to, m in bench.told if isinstance(m, CancelOp)]
    assert (to, order.operation, order.interval_ms) == (2, "monitor", 10_000)
    assert not bench.find(".//lrm_rsc_op[@id='db_monitor_10000']")
    bench.do(FromNode(2, Confirmed(bench.term, order.action)))
    assert bench.core.is_idle


def test_results_that_come_while_others_join_are_not_forgotten() -> None:
    bench = Bench()
    bench.settle(1, 2, 3)
    bench.schedule(rsc_op(1, "db", "start", 2))
    [(_, op)] = bench.ops()
    bench.view(1, 2, 3)
    pending = (
        b'<lrm><lrm_resources><lrm_resource id="db" class="ocf" provider="heartbeat" type="Dummy">'
    )
    pending += b'<lrm_rsc_op id="db_last_0" operation="start" op-status="-1" rc-code="193"/>'
    bench.join(2, lrm=pending + b"</lrm_resource></lrm_resources></lrm>", in_flight=("db_start_0",))
    bench.result(2, op, 0)
    bench.join(1)
    bench.join(3)
    [entry] = bench.find("node_state[@id='2']//lrm_rsc_op[@id='db_last_0']")
    assert (entry.get("op-status"), entry.get("rc-code")) == ("0", "0")


def test_a_new_dc_counts_on_where_others_left_off() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2, last_transition=41)
    bench.join(3, last_transition=7)
    assert bench.schedule().number == 42
    bench.join(2, last_transition=90)
    assert bench.core.number == 42, "a transition that is under way keeps its number"


def test_a_node_that_was_told_the_number_counts_on_from_it_as_dc() -> None:
    bench = Bench()
    bench.view(1, 2, 3, dc=2)
    bench.do(FromNode(2, TransitionBegun(bench.term, 9)))
    bench.settle(1, 3)
    assert bench.schedule().number == 10
    assert [m for to, m in bench.told if to == 3 and isinstance(m, TransitionBegun)]


def test_an_unfenced_node_is_remembered_with_the_devices_that_did_it(bench: Bench) -> None:
    meta = {
        "stonith_action": "on",
        "digests_all": "f:fence_x:abc,",
        "digests_secure": "f:fence_x:d,",
    }
    bench.schedule(
        crm_event(1, "stonith", "stonith-n2-on", 2, **meta), rsc_op(2, "db", "start", 2, (1,))
    )
    [fence] = [e for e in bench.effects if isinstance(e, Fence)]
    assert (fence.action, fence.devices) == ("on", ("f",))
    bench.do(FenceFinished("n2", "on", True))
    names = ("#node-unfenced", "#digests-all", "#digests-secure")
    found = {
        name: bench.find(f"node_state[@id='2']/transient_attributes//nvpair[@name='{name}']")
        for name in names
    }
    assert [found[name][0].get("value") for name in names] == [
        "1000000",
        "f:fence_x:abc,",
        "f:fence_x:d,",
    ]
    assert [op.key for _, op in bench.ops()] == ["db_start_0"]


def test_a_fence_agent_that_lied_is_named_when_the_node_comes_back_as_it_was(bench: Bench) -> None:
    bench.settle(1, 2, 3)
    bench.view(1, 2)
    bench.join(1)
    bench.join(2)
    bench.do(FenceFinished("n3", "reboot", True))
    bench.view(1, 2, 3)
    bench.join(3)
    assert any("its machine was never off" in text for text in bench.stories())
    bench.join(3)
    assert not any("its machine was never off" in text for text in bench.stories())


def test_an_operation_of_an_earlier_transition_is_awaited_as_long_as_its_node_says_so() -> None:
    bench = Bench()
    bench.view(1, 2, 3)
    bench.join(1)
    bench.join(2, in_flight=("db_start_0",))
    bench.join(3)
    bench.told.clear()
    bench.do(TimerFired("in-flight"))
    asked = [to for to, message in bench.told if isinstance(message, TellState)]
    assert asked == [2]
    bench.join(2, in_flight=("db_start_0",))
    bench.do(TimerFired("schedule"))
    assert not [e for e in bench.effects if isinstance(e, Schedule)]
    bench.join(2)
    bench.do(TimerFired("schedule"))
    assert [e for e in bench.effects if isinstance(e, Schedule)]


def test_a_member_that_was_fenced_and_stays_is_asked_what_it_runs(bench: Bench) -> None:
    bench.settle(1, 2, 3)
    bench.told.clear()
    bench.do(FenceFinished("n3", "reboot", True))
    assert bench.timers["fenced 3"] == LIAR_SECONDS
    bench.do(TimerFired("fenced 3"))
    assert [(to, type(message)) for to, message in bench.told] == [(3, TellState)]
    bench.join(3)
    assert any("its machine was never off" in text for text in bench.stories())


def test_a_member_that_was_fenced_and_left_is_asked_nothing(bench: Bench) -> None:
    bench.settle(1, 2, 3)
    bench.do(FenceFinished("n3", "reboot", True))
    bench.view(1, 2)
    bench.told.clear()
    bench.do(TimerFired("fenced 3"))
    assert [to for to, message in bench.told if isinstance(message, TellState)] == []
