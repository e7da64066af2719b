"""The operation history in Pacemaker's form."""

from dataclasses import replace

from engine.lrm.api import LrmOp, LrmResult, OpStatus
from engine.lrm.journal import LrmMemory, MemoryWriter, memory_from_bytes
from engine.lrm.state import NodeHistory, operation_digest

KEY = "3:7:0:11111111-2222-3333-4444-555555555555"
START = LrmOp("db", "ocf", "heartbeat", "Dummy", "start", transition_key=KEY)
MONITOR = replace(START, operation="monitor", interval_ms=10_000)


def ids(history: NodeHistory) -> list[str]:
    return [entry.id for entry in history.resources["db"].entries]


def test_start_and_stop_share_one_entry_and_recurring_ones_have_their_own() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(START, 1, 0, OpStatus.DONE))
    history.record(LrmResult(MONITOR, 2, 0, OpStatus.DONE))
    history.record(LrmResult(replace(START, operation="stop"), 3, 0, OpStatus.DONE))
    assert ids(history) == ["db_monitor_10000", "db_last_0"]
    assert history.resources["db"].entries[1].attributes["operation"] == "stop"
    assert history.last_call() == 3


def test_a_failed_start_is_kept_beside_the_latest_operation() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(START, 1, 1, OpStatus.DONE, reason="disk\tfull"))
    assert ids(history) == ["db_last_failure_0", "db_last_0"]
    element = history.element("1")
    [failure, _] = element.iter("lrm_rsc_op")
    assert failure.get("transition-magic") == f"0:1;{KEY}"
    assert failure.get("exit-reason") == "disk?full"


def test_a_failed_monitor_leaves_the_last_good_one() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(MONITOR, 2, 0, OpStatus.DONE))
    history.record(LrmResult(MONITOR, 2, 7, OpStatus.DONE))
    assert ids(history) == ["db_monitor_10000", "db_last_failure_0"]
    assert history.forget_failure("db")
    assert ids(history) == ["db_monitor_10000"]


def test_a_pending_operation_is_overwritten_by_its_result() -> None:
    history = NodeHistory("n1")
    [entry] = history.record_pending(START, 1000.0)
    assert (entry.attributes["op-status"], entry.attributes["rc-code"]) == ("-1", "193")
    history.record(LrmResult(START, 1, 0, OpStatus.DONE))
    assert ids(history) == ["db_last_0"]


def test_a_probe_that_finds_nothing_is_a_success() -> None:
    history = NodeHistory("n1")
    probe = replace(START, operation="monitor", expected_rc=7)
    history.record(LrmResult(probe, 1, 7, OpStatus.DONE))
    assert ids(history) == ["db_last_0"]


def test_a_reload_is_recorded_as_a_start() -> None:
    history = NodeHistory("n1")
    [entry] = history.record(
        LrmResult(replace(START, operation="reload-agent"), 4, 0, OpStatus.DONE)
    )
    assert (entry.id, entry.attributes["operation"]) == ("db_last_0", "start")


def test_a_failed_reload_is_recorded_as_a_finding_of_a_monitor() -> None:
    history = NodeHistory("n1")
    entries = history.record(
        LrmResult(replace(START, operation="reload-agent"), 4, 1, OpStatus.DONE)
    )
    assert {entry.attributes["operation_key"] for entry in entries} == {"db_monitor_0"}
    assert [entry.id for entry in entries] == ["db_last_failure_0", "db_last_0"]


def test_a_reload_that_was_begun_leaves_the_start_on_record() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(START, 1, 0, OpStatus.DONE))
    assert history.record_pending(replace(START, operation="reload-agent"), 1000.0) == ()
    [entry] = history.resources["db"].entries
    assert (entry.attributes["operation"], entry.attributes["rc-code"]) == ("start", "0")


def test_what_the_agent_says_of_reloads_is_part_of_the_entry() -> None:
    history = NodeHistory("n1")
    digests = {"op-force-restart": " state ", "op-restart-digest": "0" * 32}
    history.record(LrmResult(START, 1, 0, OpStatus.DONE, digests=digests))
    [element] = history.element("1").iter("lrm_rsc_op")
    assert element.get("op-force-restart") == " state "
    assert element.get("op-restart-digest") == "0" * 32


def test_the_digest_of_no_parameters_is_the_known_one() -> None:
    assert operation_digest(START) == "f2317cad3d54cec5d7d7aa7d0bf35cf8"


def test_the_digest_of_a_recurring_operation_covers_its_timeout() -> None:
    assert operation_digest(MONITOR) != operation_digest(replace(MONITOR, timeout_ms=1))
    assert operation_digest(START) == operation_digest(replace(START, timeout_ms=1))


def test_the_memory_of_the_resource_manager_survives_a_restart_of_the_agent() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(MONITOR, 2, 0, OpStatus.DONE))
    writer = MemoryWriter()
    for call in (3, 4):
        history.record(LrmResult(START, call, 0, OpStatus.DONE))
        memory = LrmMemory(call, tuple(history.resources.values()), (MONITOR,))
        assert memory_from_bytes(writer.pack(memory)) == memory


def test_a_degraded_service_counts_as_running_and_a_notification_never_fails() -> None:
    assert LrmResult(MONITOR, 1, 190, OpStatus.DONE).is_success
    assert LrmResult(replace(MONITOR, expected_rc=8), 1, 191, OpStatus.DONE).is_success
    assert not LrmResult(MONITOR, 1, 191, OpStatus.DONE).is_success
    assert LrmResult(replace(START, operation="notify"), 1, 1, OpStatus.DONE).is_success


def test_a_resource_is_stopped_with_the_parameters_that_it_was_started_with() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(replace(START, parameters={"ip": "10.0.0.1"}), 1, 0, OpStatus.DONE))
    stop = replace(START, operation="stop", parameters={"ip": "10.0.0.2", "nic": "eth1"})
    assert history.as_started(stop).parameters == {"ip": "10.0.0.1"}
    start = replace(stop, operation="start")
    assert history.as_started(start) == start


def test_a_resource_that_ran_without_parameters_is_stopped_without() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(START, 1, 0, OpStatus.DONE))
    stop = replace(START, operation="stop", parameters={"state": "/run/new"})
    assert history.as_started(stop).parameters == {}


def test_what_was_never_seen_here_or_had_another_agent_is_stopped_as_asked() -> None:
    history = NodeHistory("n1")
    stop = replace(START, operation="stop", parameters={"ip": "10.0.0.2"})
    assert history.as_started(stop) == stop
    history.record(LrmResult(START, 1, 0, OpStatus.DONE))
    other = replace(stop, type="IPaddr2")
    assert history.as_started(other) == other


def test_the_parameters_of_a_start_outlive_the_agent() -> None:
    history = NodeHistory("n1")
    history.record(LrmResult(replace(START, parameters={"ip": "10.0.0.1"}), 1, 0, OpStatus.DONE))
    data = MemoryWriter().pack(LrmMemory(1, tuple(history.resources.values()), ()))
    assert memory_from_bytes(data).history[0].runs_with == {"ip": "10.0.0.1"}


def test_a_failure_is_newer_than_the_success_before_it_though_the_clock_was_set_back() -> None:
    history = NodeHistory("n1")
    op = LrmOp("db", "ocf", "heartbeat", "Dummy", "monitor", 10_000)
    history.record(LrmResult(op, 5, 0, OpStatus.DONE, changed_at=1000.0))
    failed = history.in_order(LrmResult(op, 5, 7, OpStatus.DONE, changed_at=400.0))
    assert failed.changed_at == 1001.0
    history.record(failed)
    later = LrmResult(op, 6, 0, OpStatus.DONE, changed_at=1500.0)
    assert history.in_order(later) is later
    history.record(later)
    at_once = LrmResult(op, 6, 7, OpStatus.DONE, changed_at=1500.5)
    assert history.in_order(at_once).changed_at == 1501.0
