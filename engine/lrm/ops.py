"""The queues of the local resource manager: what runs now, what next, what again, what took too long.

Pure: `handle(event, now, wall)` returns effects; `now` is monotonic, `wall` epoch seconds. One
operation of a resource at a time, in the order of arrival; recurring operations run again a fixed
time after their end and are reported when their result changes (engine 9).
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field

from engine.base.exitcodes import OcfStatus
from engine.lrm.api import LrmOp, LrmResult, OpStatus

STUCK_SECONDS = 5.0
JITTER = 0.1
# These do not change what runs, so the recurring operations of the resource go on beside them.
HARMLESS = frozenset({"monitor", "notify", "meta-data", "validate-all", "reload-agent"})
SIGTERM, SIGKILL = 15, 9


@dataclass(frozen=True, slots=True)
class Request:
    """Do this; the answer is a `Report`, for a recurring operation every time its result changes."""

    op: LrmOp


@dataclass(frozen=True, slots=True)
class Cancel:
    """Do not repeat this operation any more; a run of it is killed.

    Whoever still waits for the first result is told that it was cancelled.
    """

    resource: str
    operation: str
    interval_ms: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a resource: queued and recurring operations are cancelled, a run of any other kind ends unrecorded."""

    resource: str


@dataclass(frozen=True, slots=True)
class Hurry:
    """Run the recurring operations of a resource now: something happened to it."""

    resource: str


@dataclass(frozen=True, slots=True)
class DropQueued:
    """Somebody else gives the orders now: begin nothing of what was asked for before.

    What runs goes on, and what is being repeated is repeated further.
    """


@dataclass(frozen=True, slots=True)
class Adopt:
    """A program of an earlier life still carries out this operation: its resource has to wait for it.

    Its end is told by `Finished` with the run's number and is not reported: what came of it is not known.
    """

    run: int
    op: LrmOp


@dataclass(frozen=True, slots=True)
class Finished:
    """A run ended with an OCF code (`status` DONE) or could not be made (any other status)."""

    run: int
    rc: int
    status: OpStatus = OpStatus.DONE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that `SetTimer` asked for is due."""

    name: str


Event = Request | Cancel | Forget | Hurry | DropQueued | Adopt | Finished | TimerFired


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the agent; end with `Finished(run, …)`."""

    run: int
    call: int
    op: LrmOp


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the process group of a run."""

    run: int
    number: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send `TimerFired(name)` after `delay` seconds."""

    name: str
    delay: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """The timer is not wanted any more."""

    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the controller."""

    result: LrmResult


Effect = Spawn | Signal | SetTimer | StopTimer | Report


@dataclass(frozen=True, slots=True)
class _Job:
    op: LrmOp
    call: int
    queued_at: float
    again: bool = False


@dataclass(slots=True)
class _Run:
    job: _Job
    started_at: float
    started_wall: float
    timed_out: bool = False
    reported: bool = False
    interrupted: bool = False  # killed to make room for another operation of its resource
    forgotten: bool = False  # its resource was dropped while it ran
    adopted: bool = False  # a program of an earlier life

    @property
    def takes_a_place(self) -> bool:
        """Whether the operations that are not repeated have one place less because of it."""
        return self.job.op.interval_ms == 0 and not self.adopted


@dataclass(slots=True)
class _Recurring:
    op: LrmOp
    call: int
    last: tuple[int, OpStatus] | None = None
    runs: int = 0


@dataclass(slots=True)
class LrmCore:
    """The state of the local resource manager.

    `max_running` bounds the operations that run at once on the node; a stop is never kept waiting
    by it. Repeated operations have places of their own, `max_repeated`: a start that takes its time
    does not make the node blind. `last_call` goes on from what an earlier life of the agent used.
    """

    max_running: int = 4
    max_repeated: int = 64
    last_call: int = 0
    grace: float = 0.0
    _last_run: int = 0
    _queues: dict[str, deque[_Job]] = field(default_factory=dict)
    _runs: dict[int, _Run] = field(default_factory=dict)
    _running: dict[str, int] = field(default_factory=dict)
    _recurring: dict[tuple[str, str, int], _Recurring] = field(default_factory=dict)
    _delayed: dict[int, _Job] = field(default_factory=dict)

    def handle(self, event: Event, now: float, wall: float) -> list[Effect]:
        """Take an event; what must be done because of it, in this order."""
        effects: list[Effect] = []
        match event:
            case Request(op=op):
                self._request(op, now, effects)
            case Cancel():
                self._cancel((event.resource, event.operation, event.interval_ms), effects)
            case Forget(resource=resource):
                self._forget(resource, effects)
            case Hurry(resource=resource):
                self._hurry(resource, now, effects)
            case DropQueued():
                self._drop_orders(effects)
            case Adopt(run=run, op=op):
                self._adopt(run, op, now, wall)
            case Finished():
                self._finished(event, now, effects)
            case TimerFired(name=name):
                self._timer(name, now, effects)
        self._dispatch(now, wall, effects)
        return effects

    @property
    def recurring(self) -> tuple[LrmOp, ...]:
        """The operations that are being repeated, in the order in which they were asked for."""
        return tuple(item.op for item in self._recurring.values())

    @property
    def is_idle(self) -> bool:
        """Nothing runs and nothing waits to run now."""
        return not self._runs and not self._queues and not self._delayed

    @property
    def outstanding(self) -> tuple[str, ...]:
        """Keys of the operations that run or wait; each will be reported, or its end told with the state."""
        waiting = [job for queue in self._queues.values() for job in queue]
        runs = [run for run in self._runs.values() if run.adopted or not run.reported]
        jobs = [*(run.job for run in runs), *waiting, *self._delayed.values()]
        return tuple(job.op.key for job in jobs if job.op.interval_ms == 0)

    def is_adopted(self, number: int) -> bool:
        """Whether this run is a program of an earlier life."""
        run = self._runs.get(number)
        return run is not None and run.adopted

    def snapshot(self) -> dict[str, object]:
        """The state in plain values, for status output and the oracle of the simulation."""
        return {
            "running": {run.job.op.key: number for number, run in self._runs.items()},
            "queued": [job.op.key for queue in self._queues.values() for job in queue],
            "recurring": [item.op.key for item in self._recurring.values()],
        }

    def _request(self, op: LrmOp, now: float, effects: list[Effect]) -> None:
        self.last_call += 1
        job = _Job(op, self.last_call, now)
        if op.interval_ms > 0:
            self._cancel(op.recurring_key, effects)
            self._recurring[op.recurring_key] = _Recurring(op, job.call)
        if op.start_delay_ms > 0:
            self._delayed[job.call] = job
            effects.append(SetTimer(f"delay {job.call}", op.start_delay_ms / 1000))
        else:
            self._enqueue(job, effects)

    def _enqueue(self, job: _Job, effects: list[Effect]) -> None:
        """Put a job in the queue of its resource; a recurring operation does not keep it waiting."""
        self._queues.setdefault(job.op.resource, deque()).append(job)
        number = self._running.get(job.op.resource)
        if number is None or not _ends_repeating(job.op):
            return
        run = self._runs[number]
        if run.job.op.interval_ms > 0 and not run.interrupted:
            run.interrupted = True
            effects.append(Signal(number, SIGKILL))

    def _cancel(self, key: tuple[str, str, int], effects: list[Effect]) -> None:
        item = self._recurring.pop(key, None)
        if item is None:
            return
        effects.append(StopTimer(_again(item)))
        self._drop_queued(item.op.resource, item.call)
        if self._delayed.pop(item.call, None) is not None:
            effects.append(StopTimer(f"delay {item.call}"))
        number = self._running.get(item.op.resource)
        if number is not None and self._runs[number].job.call == item.call:
            effects.append(Signal(number, SIGKILL))
        if item.last is None:
            effects.append(Report(_cancelled(item.op, item.call)))

    def _forget(self, resource: str, effects: list[Effect]) -> None:
        for key in [k for k in self._recurring if k[0] == resource]:
            self._cancel(key, effects)
        for call in [c for c, job in self._delayed.items() if job.op.resource == resource]:
            job = self._delayed.pop(call)
            effects.append(StopTimer(f"delay {call}"))
            effects.append(Report(_cancelled(job.op, call)))
        for job in self._queues.pop(resource, ()):
            effects.append(Report(_cancelled(job.op, job.call)))
        number = self._running.get(resource)
        if number is not None:
            self._runs[number].forgotten = True

    def _hurry(self, resource: str, now: float, effects: list[Effect]) -> None:
        waiting = {job.call for job in self._queues.get(resource, ())} | set(self._delayed)
        waiting |= {run.job.call for run in self._runs.values()}
        for key, item in self._recurring.items():
            if key[0] == resource and item.call not in waiting:
                effects.append(StopTimer(_again(item)))
                self._again(item.call, now)

    def _adopt(self, number: int, op: LrmOp, now: float, wall: float) -> None:
        run = _Run(_Job(op, 0, now), now, wall, reported=True, adopted=True)
        self._runs[number], self._running[op.resource] = run, number
        self._last_run = max(self._last_run, number)

    def _drop_orders(self, effects: list[Effect]) -> None:
        for call, job in list(self._delayed.items()):
            if job.op.interval_ms == 0:
                del self._delayed[call]
                effects.append(StopTimer(f"delay {call}"))
        for resource, queue in list(self._queues.items()):
            kept = deque(job for job in queue if job.op.interval_ms > 0)
            if kept:
                self._queues[resource] = kept
            else:
                del self._queues[resource]

    def _drop_queued(self, resource: str, call: int) -> None:
        queue = self._queues.get(resource)
        if queue is None:
            return
        left = deque(job for job in queue if job.call != call)
        if left:
            self._queues[resource] = left
        else:
            del self._queues[resource]

    def _dispatch(self, now: float, wall: float, effects: list[Effect]) -> None:
        for resource in list(self._queues):
            if resource in self._running:
                continue
            queue = self._queues[resource]
            job = queue[0]
            if not self._has_place(job.op):
                continue
            queue.popleft()
            if not queue:
                del self._queues[resource]
            self._start(job, now, wall, effects)

    def _has_place(self, op: LrmOp) -> bool:
        if op.interval_ms > 0:
            repeated = sum(run.job.op.interval_ms > 0 for run in self._runs.values())
            return repeated < self.max_repeated
        running = sum(run.takes_a_place for run in self._runs.values())
        return running < self.max_running or op.operation == "stop"

    def _start(self, job: _Job, now: float, wall: float, effects: list[Effect]) -> None:
        if _ends_repeating(job.op):
            # Not before it starts: an order that is dropped in the queue must leave all as it was.
            for key, item in list(self._recurring.items()):
                if key[0] == job.op.resource and item.call < job.call:
                    self._cancel(key, effects)
        self._last_run += 1
        run = self._last_run
        self._runs[run] = _Run(job, now, wall)
        self._running[job.op.resource] = run
        effects.append(Spawn(run, job.call, job.op))
        if job.op.timeout_ms > 0:
            effects.append(SetTimer(f"timeout {run}", job.op.timeout_ms / 1000))

    def _finished(self, event: Finished, now: float, effects: list[Effect]) -> None:
        run = self._runs.pop(event.run, None)
        if run is None:
            return
        self._running.pop(run.job.op.resource, None)
        effects.append(StopTimer(f"timeout {event.run}"))
        effects.append(StopTimer(f"stuck {event.run}"))
        effects.append(StopTimer(f"kill {event.run}"))
        if run.timed_out:
            event = _timed_out(event.run, run.job.op)
        was_interrupted = run.interrupted and not run.timed_out
        if not run.reported and not was_interrupted:
            self._report(run, event, now, effects)
        self._repeat(run.job, effects)

    def _report(self, run: _Run, event: Finished, now: float, effects: list[Effect]) -> None:
        job = run.job
        item = self._recurring.get(job.op.recurring_key)
        if job.op.interval_ms > 0:
            if item is None or item.call != job.call:
                return  # cancelled while it ran
            if item.last == (event.rc, event.status):
                return
            item.last = (event.rc, event.status)
        effects.append(
            Report(
                LrmResult(
                    op=job.op,
                    call=job.call,
                    rc=event.rc,
                    status=event.status,
                    reason=event.reason,
                    queue_ms=0 if job.again else round((run.started_at - job.queued_at) * 1000),
                    exec_ms=round((now - run.started_at) * 1000),
                    changed_at=run.started_wall,
                    is_recorded=not run.forgotten,
                )
            )
        )

    def _repeat(self, job: _Job, effects: list[Effect]) -> None:
        item = self._recurring.get(job.op.recurring_key)
        if job.op.interval_ms == 0 or item is None or item.call != job.call:
            return
        delay = job.op.interval_ms / 1000
        if item.runs == 0:
            delay *= 1 + JITTER * (zlib.crc32(job.op.key.encode()) % 1000) / 1000
        item.runs += 1
        effects.append(SetTimer(_again(item), delay))

    def _timer(self, name: str, now: float, effects: list[Effect]) -> None:
        word, _, number = name.partition(" ")
        match word:
            case "again":
                self._again(int(number), now)
            case "delay":
                job = self._delayed.pop(int(number), None)
                if job is not None:
                    self._enqueue(job, effects)
            case "timeout":
                self._time_out(int(number), effects)
            case "kill":
                effects.append(Signal(int(number), SIGKILL))
                effects.append(SetTimer(f"stuck {number}", STUCK_SECONDS))
            case "stuck":
                self._stuck(int(number), now, effects)

    def _again(self, call: int, now: float) -> None:
        for item in self._recurring.values():
            if item.call == call:
                queue = self._queues.setdefault(item.op.resource, deque())
                queue.append(_Job(item.op, call, now, again=True))
                return

    def _time_out(self, number: int, effects: list[Effect]) -> None:
        run = self._runs.get(number)
        if run is None:
            return
        run.timed_out = True
        if self.grace > 0:
            effects.append(Signal(number, SIGTERM))
            effects.append(SetTimer(f"kill {number}", self.grace))
        else:
            effects.append(Signal(number, SIGKILL))
            effects.append(SetTimer(f"stuck {number}", STUCK_SECONDS))

    def _stuck(self, number: int, now: float, effects: list[Effect]) -> None:
        """Killed and still there: tell the controller, and keep the resource's slot blocked."""
        run = self._runs.get(number)
        if run is None or run.reported:
            return
        self._report(run, _timed_out(number, run.job.op), now, effects)
        run.reported = True


def _timed_out(run: int, op: LrmOp) -> Finished:
    reason = f"{op.operation} of {op.name} did not complete within {op.timeout_ms} ms"
    return Finished(run, OcfStatus.UNKNOWN_ERROR, OpStatus.TIMED_OUT, reason)


def _cancelled(op: LrmOp, call: int) -> LrmResult:
    return LrmResult(op, call, OcfStatus.OK, OpStatus.CANCELLED, is_recorded=False)


def _ends_repeating(op: LrmOp) -> bool:
    """Whether the recurring operations of the resource are over once this one begins."""
    return op.interval_ms == 0 and op.operation not in HARMLESS


def _again(item: _Recurring) -> str:
    return f"again {item.call}"
