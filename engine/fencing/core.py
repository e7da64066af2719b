"""Fencing requests at the DC: which device from which node, delays, retries, levels, the result.

Pure: `handle(event, now, wall)` returns effects; fence agents run elsewhere and are told by `Ran`.
A request joins one for the same node and action that is already running (engine 11). A result may
get lost with the node that has it: each run ends at its deadline, and when its node leaves (C5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from engine.base.seams import Chance
from engine.fencing.devices import Device, listed_hosts
from engine.fencing.history import FenceEvent, FenceHistory
from engine.fencing.topology import FencingLevel, devices_in, levels_for

RETRY_SHARE = 0.3
ON_IS_OPTIONAL = "reboot"
DELAYED = ("off", "reboot")
BY_HAND = "a human"
MANY_RUNS = 2**40
ANSWER_SECONDS = 10.0
"""How long after the device's own time-out a result may be on its way."""


@dataclass(frozen=True, slots=True)
class Request:
    """Fence a node; `delay` seconds are added, -1 switches all delays off.

    With `devices` these all must do it, whatever the levels of the node: they unfence it.
    """

    target: str
    action: str
    delay: float = 0.0
    origin: str = ""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """A fence agent ended; -1 stands for one that could not be run."""

    run: int
    rc: int
    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A person says that the node is down."""

    target: str
    user: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer is due."""

    name: str


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """A view began under the same DC; `lives` tells of each member which life of its agent it is in."""

    lives: dict[str, int] = field(default_factory=dict)


Event = Request | Ran | Confirmed | TimerFired | MembersChanged


@dataclass(frozen=True, slots=True)
class RunAgent:
    """Run a fence agent on a node of the cluster; answered by `Ran`."""

    run: int
    node: str
    device: Device
    action: str
    target: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send `TimerFired(name)` after `delay` seconds."""

    name: str
    delay: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The request is over."""

    target: str
    action: str
    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Remember:
    """Tell the other members what was done, so that the memory of it outlives this DC."""

    event: FenceEvent


Effect = RunAgent | SetTimer | Finished | Remember


@dataclass(frozen=True, slots=True)
class _Step:
    """One device, one action; `is_needed` False for the `on` after an `off` that succeeded."""

    device: Device
    action: str
    is_needed: bool = True


@dataclass(slots=True)
class _Job:
    request: Request
    levels: list[list[_Step]]
    asking: dict[int, Device] = field(default_factory=dict)
    candidates: list[Device] = field(default_factory=list)
    step: int = 0
    attempt: int = 0
    run: int = 0
    started: float = 0.0
    errors: list[str] = field(default_factory=list)
    used: str = ""
    node: str = ""
    is_delayed: bool = False
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class _Run:
    """What a fence agent was started for, and where."""

    key: tuple[str, str]
    node: str
    device: str


@dataclass(slots=True)
class FencingCore:
    """All requests of the DC.

    `cib()` reads the configuration, `members()` the nodes that may run agents (the DC first);
    `rng` draws the random part of `pcmk_delay_max`.
    """

    cib: Callable[[], etree._Element]
    members: Callable[[], tuple[str, ...]]
    rng: Chance
    timeout_ms: Callable[[], int]
    history: FenceHistory = field(default_factory=FenceHistory)
    _jobs: dict[tuple[str, str], _Job] = field(default_factory=dict)
    _runs: dict[int, _Run] = field(default_factory=dict)  # those without a result
    _lives: dict[str, int] = field(default_factory=dict)
    _last_run: int = (
        0  # begins anywhere: a late result of a former life must not fit a run of this one
    )

    def __post_init__(self) -> None:
        self._last_run = int(self.rng.uniform(0, MANY_RUNS))

    def handle(self, event: Event, now: float, wall: float) -> list[Effect]:
        """Take an event; what must be done because of it, in this order."""
        effects: list[Effect] = []
        match event:
            case Request():
                self._request(event, now, wall, effects)
            case Ran():
                self._ran(event, now, wall, effects)
            case Confirmed(target=target, user=user):
                if not any(key[0] == target for key in self._jobs):
                    done = FenceEvent(
                        target, "off", True, wall, "", user, "", BY_HAND, self._coordinator
                    )
                    self.history.add(done)
                    effects.append(Remember(done))
                for key in [k for k in self._jobs if k[0] == target]:
                    job = self._jobs[key]
                    job.used, job.node = f"{user} (confirmed by human)", BY_HAND
                    self._end(key, job, True, wall, effects)
            case TimerFired(name=name):
                self._timer(name, now, wall, effects)
            case MembersChanged(lives=lives):
                restarted = {n for n, life in lives.items() if self._lives.get(n, life) != life}
                self._lives.update(lives)
                self._lose_runs_of_the_absent(restarted, now, wall, effects)
        return effects

    @property
    def targets(self) -> tuple[str, ...]:
        """The nodes that are being fenced."""
        return tuple(target for target, _ in self._jobs)

    @property
    def pending(self) -> tuple[Request, ...]:
        """The requests that are not over."""
        return tuple(job.request for job in self._jobs.values())

    @property
    def _coordinator(self) -> str:
        """The DC: the first of the nodes that may run agents."""
        return next(iter(self.members()), "")

    def drop(self) -> None:
        """Forget all requests: another node is DC."""
        self._jobs.clear()
        self._runs.clear()

    # ---- finding the devices

    def _request(self, request: Request, now: float, wall: float, effects: list[Effect]) -> None:
        key = (request.target, request.action)
        if key in self._jobs:
            return
        root = self.cib()
        devices = devices_in(root)
        job = _Job(request, [])
        self._jobs[key] = job
        levels = levels_for(root, request.target)
        if request.devices:
            levels = (FencingLevel(1, request.devices),)
        if levels:
            known = {device.id: device for device in devices}
            for level in levels:
                chosen = [known[name] for name in level.devices if name in known]
                if len(chosen) == len(level.devices):
                    job.levels.append(_steps(chosen, request.action))
                else:
                    absent = ", ".join(name for name in level.devices if name not in known)
                    job.errors.append(f"there is no device {absent} for level {level.index}")
            self._begin(key, job, now, wall, effects)
            return
        self._choose(key, job, devices, now, wall, effects)

    def _choose(
        self,
        key: tuple[str, str],
        job: _Job,
        devices: tuple[Device, ...],
        now: float,
        wall: float,
        effects: list[Effect],
    ) -> None:
        target = job.request.target
        for device in devices:
            match device.host_check:
                case "none":
                    job.candidates.append(device)
                case "static-list":
                    if device.lists(target):
                        job.candidates.append(device)
                case check:
                    action = "list" if check == "dynamic-list" else "status"
                    asked = target if action == "status" else ""
                    run = self._run(key, device, action, asked, effects)
                    if run:
                        job.asking[run] = device
        if not job.asking:
            self._use_candidates(key, job, now, wall, effects)

    def _use_candidates(
        self, key: tuple[str, str], job: _Job, now: float, wall: float, effects: list[Effect]
    ) -> None:
        ranked = sorted(job.candidates, key=lambda d: (not d.runs_on, -d.priority))
        job.levels = [_steps([device], job.request.action) for device in ranked]
        self._begin(key, job, now, wall, effects)

    # ---- carrying out

    def _begin(
        self, key: tuple[str, str], job: _Job, now: float, wall: float, effects: list[Effect]
    ) -> None:
        if not job.levels:
            if not job.errors:
                job.errors.append(f"no fence device for {job.request.target}")
            self._end(key, job, False, wall, effects)
            return
        self._next(key, job, now, wall, effects)

    def _next(
        self, key: tuple[str, str], job: _Job, now: float, wall: float, effects: list[Effect]
    ) -> None:
        """Start the present step of the first level that is left, or end the request."""
        while job.levels:
            if job.step >= len(job.levels[0]):
                self._end(key, job, True, wall, effects)
                return
            step = job.levels[0][job.step]
            delay = 0.0 if job.is_delayed else self._delay(job, step)
            job.is_delayed, job.is_first = True, False
            if delay > 0:
                effects.append(SetTimer(f"delay {job.request.target} {job.request.action}", delay))
                return
            if job.attempt == 0:
                job.started = now
            job.attempt += 1
            run = self._run(key, step.device, step.action, job.request.target, effects)
            if run:
                job.run = run
                job.used, job.node = step.device.id, self._executing_node(step.device, *key)
                return
            job.errors.append(f"{step.device.id}: no node to run it on")
            self._next_level(job)
        self._end(key, job, False, wall, effects)

    def _delay(self, job: _Job, step: _Step) -> float:
        """How long to wait before a device: its own time, before the first one also the request's."""
        if step.action not in DELAYED or job.request.delay < 0:
            return 0.0
        base, most = step.device.delay_base_ms(job.request.target), step.device.delay_max_ms()
        if most > 0:
            base = min(base, most)
        chance = self.rng.uniform(0, most - base) if most > base else 0.0
        asked = job.request.delay if job.is_first else 0.0
        return asked + (base + chance) / 1000

    def _run(
        self,
        key: tuple[str, str],
        device: Device,
        action: str,
        target: str,
        effects: list[Effect],
    ) -> int:
        node = self._executing_node(device, key[0], key[1])
        if not node:
            return 0
        self._last_run += 1
        self._runs[self._last_run] = _Run(key, node, device.id)
        timeout = device.timeout_ms(action, self.timeout_ms())
        effects.append(SetTimer(f"run {self._last_run}", timeout / 1000 + ANSWER_SECONDS))
        effects.append(RunAgent(self._last_run, node, device, action, target, timeout))
        return self._last_run

    def _executing_node(self, device: Device, target: str, action: str) -> str:
        """The node that monitors the device if possible, never the target.

        What lets a node in again is done there if it can be: some devices know only their own host.
        """
        usable = [name for name in self.members() if name not in device.never]
        if action == "on":
            preferred = [name for name in usable if name == target]
        else:
            usable = [name for name in usable if name != target]
            preferred = [name for name in usable if name in device.runs_on]
        return (preferred or usable or [""])[0]

    def _ran(self, event: Ran, now: float, wall: float, effects: list[Effect]) -> None:
        run = self._runs.pop(event.run, None)
        job = None if run is None else self._jobs.get(run.key)
        if job is None or run is None:
            return
        key = run.key
        if event.run in job.asking:
            self._answered(key, job, event, now, wall, effects)
            return
        if event.run != job.run:
            return
        step = job.levels[0][job.step]
        if event.rc == 0 or not step.is_needed:
            job.step, job.attempt, job.is_delayed = job.step + 1, 0, False
        else:
            words = event.error or f"exit code {event.rc}"
            job.errors.append(f"{step.device.id}: {words}")
            limit = step.device.timeout_ms(step.action, self.timeout_ms()) / 1000
            has_time = now - job.started <= (1 - RETRY_SHARE) * limit
            if job.attempt >= step.device.attempts(step.action) or not has_time:
                self._next_level(job)
        self._next(key, job, now, wall, effects)

    def _lose_runs_of_the_absent(
        self, restarted: set[str], now: float, wall: float, effects: list[Effect]
    ) -> None:
        """What ran on a node that left, or whose agent began anew, has no result any more."""
        present = self.members()
        if not present:  # between two views; the next one says who is there
            return
        for number, run in list(self._runs.items()):
            if run.node not in present or run.node in restarted:
                how = "left" if run.node not in present else "began anew"
                text = f"{run.node} {how} before it had an answer"
                self._ran(Ran(number, -1, error=text), now, wall, effects)

    def _answered(
        self,
        key: tuple[str, str],
        job: _Job,
        event: Ran,
        now: float,
        wall: float,
        effects: list[Effect],
    ) -> None:
        device = job.asking.pop(event.run)
        target = job.request.target
        if device.host_check == "status":
            can = event.rc in (0, 2)
        elif event.rc == 0:
            can = bool({target, device.plug(target)} & set(listed_hosts(event.text)))
        else:
            can = True  # an agent without `list` says nothing about its hosts
        if can:
            job.candidates.append(device)
        if not job.asking:
            self._use_candidates(key, job, now, wall, effects)

    def _next_level(self, job: _Job) -> None:
        job.levels.pop(0)
        job.step, job.attempt, job.is_delayed = 0, 0, False

    def _end(
        self, key: tuple[str, str], job: _Job, ok: bool, wall: float, effects: list[Effect]
    ) -> None:
        del self._jobs[key]
        error = "" if ok else "; ".join(dict.fromkeys(job.errors))
        request = job.request
        done = FenceEvent(
            request.target,
            request.action,
            ok,
            wall,
            job.used,
            request.origin,
            error,
            job.node,
            self._coordinator,
        )
        self.history.add(done)
        effects.append(Remember(done))
        effects.append(Finished(request.target, request.action, ok, error))

    def _timer(self, name: str, now: float, wall: float, effects: list[Effect]) -> None:
        word, _, rest = name.partition(" ")
        if word == "run":
            run = self._runs.get(int(rest))
            if run is not None:
                text = f"no answer from {run.node} in time"
                self._ran(Ran(int(rest), -1, error=text), now, wall, effects)
            return
        target, _, action = rest.rpartition(" ")
        job = self._jobs.get((target, action))
        if word == "delay" and job is not None:
            self._next((target, action), job, now, wall, effects)


def _steps(devices: list[Device], action: str) -> list[_Step]:
    """What a level does: a reboot with several devices is all off, then all on."""
    if action == ON_IS_OPTIONAL and len(devices) > 1:
        off = [_Step(device, "off") for device in devices]
        return off + [_Step(device, "on", is_needed=False) for device in devices]
    return [_Step(device, action) for device in devices]
