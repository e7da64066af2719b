"""Queues, recurring operations and time limits of the local resource manager."""

from dataclasses import replace

from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.ops import (
    Adopt,
    Cancel,
    DropQueued,
    Effect,
    Event,
    Finished,
    Forget,
    LrmCore,
    Report,
    Request,
    SetTimer,
    Signal,
    Spawn,
    TimerFired,
)

START = LrmOp("db", "ocf", "heartbeat", "Dummy", "start", timeout_ms=20_000)
STOP = replace(START, operation="stop")
MONITOR = replace(START, operation="monitor", interval_ms=10_000)


class Bench:
    """Drives a core and keeps what it wanted."""

    def __init__(self, core: LrmCore | None = None) -> None:
        self.core = core or LrmCore()
        self.now = 100.0

    def do(self, event: Event) -> list[Effect]:
        return self.core.handle(event, self.now, 1_000_000.0 + self.now)

    def spawned(self, event: Event) -> list[Spawn]:
        return [e for e in self.do(event) if isinstance(e, Spawn)]

    def reports(self, event: Event) -> list[Report]:
        return [e for e in self.do(event) if isinstance(e, Report)]


def test_one_operation_of_a_resource_runs_at_a_time_in_order_of_arrival() -> None:
    bench = Bench()
    [first] = bench.spawned(Request(START))
    assert bench.spawned(Request(STOP)) == []
    [second] = bench.spawned(Finished(first.run, 0))
    assert second.op.operation == "stop"


def test_different_resources_run_beside_each_other_up_to_the_limit_and_stops_always() -> None:
    bench = Bench(LrmCore(max_running=1))
    assert bench.spawned(Request(START))
    assert bench.spawned(Request(replace(START, resource="ip"))) == []
    assert bench.spawned(Request(replace(STOP, resource="fs")))


def test_a_result_tells_queue_and_run_time() -> None:
    bench = Bench()
    [first] = bench.spawned(Request(START))
    bench.do(Request(STOP))
    bench.now += 2
    [report] = bench.reports(Finished(first.run, 0))
    assert (report.result.exec_ms, report.result.queue_ms, report.result.call) == (2000, 0, 1)
    bench.now += 1
    [report] = bench.reports(Finished(2, 0))
    assert (report.result.exec_ms, report.result.queue_ms, report.result.call) == (1000, 2000, 2)


def test_a_recurring_operation_runs_again_and_reports_only_changes() -> None:
    bench = Bench()
    [first] = bench.spawned(Request(MONITOR))
    effects = bench.do(Finished(first.run, 0))
    assert [e.result.rc for e in effects if isinstance(e, Report)] == [0]
    [timer] = [e for e in effects if isinstance(e, SetTimer)]
    assert 10 <= timer.delay <= 11
    [again] = bench.spawned(TimerFired(timer.name))
    effects = bench.do(Finished(again.run, 0))
    assert not [e for e in effects if isinstance(e, Report)]
    [again] = bench.spawned(TimerFired(timer.name))
    [report] = bench.reports(Finished(again.run, 7))
    assert (report.result.rc, report.result.call) == (7, 1)


def test_a_stop_ends_the_recurring_operations_of_its_resource() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    bench.do(Finished(run.run, 0))
    assert bench.spawned(Request(STOP))
    assert bench.core.recurring == ()
    assert bench.spawned(TimerFired("again 1")) == []


def test_a_probe_leaves_recurring_operations_alone() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    bench.do(Finished(run.run, 0))
    bench.do(Request(replace(MONITOR, interval_ms=0)))
    assert len(bench.core.recurring) == 1


def test_a_monitor_cancelled_in_its_first_run_is_killed_and_reported_as_cancelled() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    effects = bench.do(Cancel("db", "monitor", 10_000))
    assert Signal(run.run, 9) in effects
    [report] = [e for e in effects if isinstance(e, Report)]
    assert (report.result.status, report.result.rc) == (OpStatus.CANCELLED, 0)
    assert bench.reports(Finished(run.run, 1, OpStatus.ERROR)) == []
    assert bench.core.is_idle
    assert bench.core.recurring == ()


def test_a_monitor_cancelled_in_the_queue_is_reported_as_cancelled() -> None:
    bench = Bench()
    bench.do(Request(START))
    bench.do(Request(MONITOR))
    [report] = bench.reports(Cancel("db", "monitor", 10_000))
    assert report.result.is_cancelled


def test_a_monitor_cancelled_after_its_first_result_is_not_reported() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    bench.do(Finished(run.run, 0))
    assert bench.reports(Cancel("db", "monitor", 10_000)) == []


def test_a_stop_does_not_wait_for_a_monitor_that_hangs() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    assert Signal(run.run, 9) in bench.do(Request(STOP))
    effects = bench.do(Finished(run.run, 1, OpStatus.ERROR))
    told = [e.result for e in effects if isinstance(e, Report)]
    assert [(r.op.operation, r.is_cancelled) for r in told] == [("monitor", True)]
    assert [e.op.operation for e in effects if isinstance(e, Spawn)] == ["stop"]


def test_the_same_monitor_asked_for_again_takes_the_place_of_the_one_that_runs() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    effects = bench.do(Request(replace(MONITOR, transition_key="2:2:0:x")))
    assert [e.result.is_cancelled for e in effects if isinstance(e, Report)] == [True]
    [again] = bench.spawned(Finished(run.run, 1, OpStatus.ERROR))
    [report] = bench.reports(Finished(again.run, 0))
    assert report.result.op.transition_key == "2:2:0:x"


def test_too_long_a_run_is_killed_and_reported_as_timed_out() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(START))
    effects = bench.do(TimerFired(f"timeout {run.run}"))
    assert Signal(run.run, 9) in effects
    [report] = bench.reports(Finished(run.run, -9))
    assert report.result.status == OpStatus.TIMED_OUT
    assert "20000 ms" in report.result.reason


def test_what_cannot_be_killed_is_reported_and_blocks_its_resource() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(START))
    bench.do(TimerFired(f"timeout {run.run}"))
    [report] = bench.reports(TimerFired(f"stuck {run.run}"))
    assert report.result.status == OpStatus.TIMED_OUT
    assert bench.spawned(Request(STOP)) == []
    effects = bench.do(Finished(run.run, -9))
    assert not [e for e in effects if isinstance(e, Report)]
    assert [e.op.operation for e in effects if isinstance(e, Spawn)] == ["stop"]


def test_a_grace_time_tries_sigterm_first() -> None:
    bench = Bench(LrmCore(grace=2.0))
    [run] = bench.spawned(Request(START))
    assert Signal(run.run, 15) in bench.do(TimerFired(f"timeout {run.run}"))
    assert Signal(run.run, 9) in bench.do(TimerFired(f"kill {run.run}"))


def test_a_start_delay_holds_the_first_run_back() -> None:
    bench = Bench()
    effects = bench.do(Request(replace(MONITOR, start_delay_ms=3000)))
    assert SetTimer("delay 1", 3.0) in effects
    assert not [e for e in effects if isinstance(e, Spawn)]
    assert bench.spawned(TimerFired("delay 1"))


def test_forgetting_a_resource_drops_what_waits_for_it() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(START))
    bench.do(Request(MONITOR))
    bench.do(Request(STOP))
    reports = bench.reports(Forget("db"))
    assert [(r.result.op.operation, r.result.is_cancelled) for r in reports] == [
        ("monitor", True),
        ("stop", True),
    ]
    effects = bench.do(Finished(run.run, 0))
    assert not [e for e in effects if isinstance(e, Spawn)]
    [report] = [e for e in effects if isinstance(e, Report)]
    assert (report.result.rc, report.result.is_recorded) == (0, False)
    assert bench.core.recurring == ()


def test_orders_of_another_dc_are_not_begun_and_repeated_ones_go_on() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(START))
    bench.do(Request(STOP))
    bench.do(Request(replace(MONITOR, resource="ip")))
    assert bench.core.outstanding == ("db_start_0", "db_stop_0")
    bench.do(DropQueued())
    assert bench.core.outstanding == ("db_start_0",)
    assert bench.spawned(Finished(run.run, 0)) == []
    assert len(bench.core.recurring) == 1


def test_a_stop_that_is_dropped_in_the_queue_leaves_the_monitor_in_force() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(MONITOR))
    bench.do(Request(STOP))
    bench.do(DropQueued())
    bench.do(Finished(run.run, 0))
    assert len(bench.core.recurring) == 1
    assert bench.spawned(TimerFired("again 1"))


def test_nothing_of_a_resource_begins_while_a_program_of_an_earlier_life_has_it() -> None:
    bench = Bench()
    bench.do(Adopt(3, START))
    assert bench.core.outstanding == ("db_start_0",)
    assert bench.spawned(Request(replace(MONITOR, interval_ms=0))) == []
    assert bench.spawned(Request(STOP)) == []
    assert bench.spawned(Request(replace(START, resource="ip")))
    effects = bench.do(Finished(3, 0))
    assert [e for e in effects if isinstance(e, Report)] == []
    assert [e.op.operation for e in effects if isinstance(e, Spawn)] == ["monitor"]


def test_starts_that_take_their_time_keep_no_monitor_waiting() -> None:
    bench = Bench(LrmCore(max_running=2))
    for number in range(4):
        bench.do(Request(replace(START, resource=f"slow{number}")))
    first = bench.spawned(Request(MONITOR))
    assert len(first) == 1
    bench.do(Finished(first[0].run, 0))
    assert bench.spawned(TimerFired(f"again {first[0].call}"))


def test_monitors_that_hang_keep_no_start_waiting_and_have_a_limit_of_their_own() -> None:
    bench = Bench(LrmCore(max_running=1, max_repeated=2))
    spawned = [bench.spawned(Request(replace(MONITOR, resource=f"m{n}"))) for n in range(3)]
    assert [len(each) for each in spawned] == [1, 1, 0]
    assert bench.spawned(Request(START))


def test_an_operation_that_was_reported_as_stuck_is_not_said_to_be_outstanding() -> None:
    bench = Bench()
    [run] = bench.spawned(Request(START))
    bench.do(TimerFired(f"timeout {run.run}"))
    assert bench.reports(TimerFired(f"stuck {run.run}"))
    assert bench.core.outstanding == ()
