"""The composition root of a node: builds the edges and the cores, gives each event to the core that it
concerns, and executes what the cores want (the only place that names concrete classes).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from typing import Any

from engine.base import events as replica
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import NodeConfig
from engine.base.seams import Clock, Watchdog
from engine.base.wire import Codec
from engine.cib.document import Cib
from engine.cib.schema import check_configuration
from engine.cib.soundness import Soundness
from engine.controller import events as controller
from engine.controller.core import Controller
from engine.controller.messages import CONTROLLER_KINDS, Ask, Told
from engine.controller.options import ControllerOptions
from engine.controller.throttle import load_mode
from engine.edges.alerts import AlertRunner
from engine.edges.archive import Archiver
from engine.edges.clock import RealClock, RealRng
from engine.edges.disk import RealDisk
from engine.edges.fences import FenceRunner
from engine.edges.guard import Guard
from engine.edges.load import machine_load
from engine.edges.mesh import build_mesh, lasting_id, new_id, new_uuid
from engine.edges.notify import ServiceManager
from engine.edges.operations import Operations
from engine.edges.processes import Processes
from engine.edges.remotes import RemoteLinks
from engine.edges.scheduling import SchedulerWorker
from engine.edges.tasks import Owner
from engine.edges.timers import Timers
from engine.edges.watchdog import HardwareWatchdog, NoWatchdog
from engine.fencing import core as fencing
from engine.ipc.messages import socket_path
from engine.ipc.server import AdminServer
from engine.membership.embedded import HELLO_MESSAGES
from engine.membership.messages import MESSAGES as MEMBERSHIP_KINDS
from engine.membership.view import timing_of, votes_of
from engine.node.admin import AdminDesk
from engine.node.alerting import Alerting
from engine.node.inputs import TransitionInputs
from engine.node.mail import Mail
from engine.node.paths import Places, make_public
from engine.replica.member import MEMBER_MESSAGES, Member
from engine.replica.messages import MESSAGES as REPLICA_KINDS
from engine.replica.preparation import Preparation
from engine.replica.state import ReplicatedCib
from engine.replica.store import Store
from engine.router import Part, route

SHUTDOWN_ASK_SECONDS = 5.0
REJOIN_SECONDS = 0.5
DISK_RETRY_SECONDS = 10.0
SLOW_EVENT_SECONDS = 0.1
LOAD_SECONDS = 10.0

_log = logging.getLogger("engine.node")


class Node:
    """One node agent. `run()` returns when it was told to stop or cannot go on, with an exit status.

    `longest_stand_ms` tells how long the event loop stood since it was asked the last time. `renew` is
    for a life after one whose disk failed.
    """

    def __init__(
        self,
        config: NodeConfig,
        places: Places,
        longest_stand_ms: Callable[[], float] = lambda: 0.0,
        *,
        renew: bool = False,
    ) -> None:
        self._renew = renew
        self.longest_stand_ms = longest_stand_ms
        self.config, self.places = config, places
        self.name, self.cluster, self.me = config.name, config.cluster, config.id
        self.version = installed_version("crmshell")
        self.names = {node.id: node.name for node in config.everyone()}
        self.timing = timing_of(config)
        self.clock: Clock = RealClock(asyncio.get_running_loop())
        self._rng, self._owner = RealRng(), Owner(self._task_failed)
        self._disk, self._proc = RealDisk(), Processes()
        self._manager = ServiceManager()
        self._watchdog: Watchdog = (
            HardwareWatchdog(config.watchdog) if config.watchdog else NoWatchdog()
        )
        self._queue: deque[tuple[Part, Any]] = deque()
        self._is_draining = False
        self._timers = Timers(self.clock)
        alerts = AlertRunner(self._proc, self.clock)
        self.alerting = Alerting(
            self.name, self.names, lambda: self.machine.cib.root, alerts.start, self.clock.wall
        )
        self._owner.start("user of alerts", alerts.find_user())
        self.mail = Mail(self)
        self._proposals = 0
        self._dc = 0
        self.is_stopping = self._has_failed = False
        self._last_moment = self.clock.now()
        self._done: asyncio.Future[int] | None = None

    # ---- life

    async def run(self) -> int:
        """Start everything, serve until stopped, stop everything."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        loop.set_exception_handler(self._callback_failed)
        self._build()
        await self._server.start()
        try:
            await self._listen()
            await self._worker.start()
            self._tick()
            self._watch_load()
            self._manager.ready(f"node {self.name} of {self.cluster}")
            _log.info("node starts name=%s id=%s version=%s", self.name, self.me, self.version)
            return await self._done
        finally:
            await self._close()
            if self._done.done() and self._done.result() == ExitStatus.OK:
                self._watchdog.disarm()
            else:
                self._watchdog.leave()

    async def _listen(self) -> None:
        try:
            await self.transport.start()
        except OSError as problem:
            where = ", ".join(map(str, self.config.addresses))
            raise EngineError(
                f"cannot listen at {where}: {problem.strerror}", status=ExitStatus.UNAVAILABLE
            ) from None

    def _build(self) -> None:
        run, config = self.places.run, self.config
        for directory in (self.places.paths.var_run, self.places.paths.resource_state, run):
            make_public(directory)
        self.run_id = lasting_id(os.path.join(run, "run-id"))
        store = os.path.join(self.places.state, "cib")
        self._store = Store(self._disk, store, self.cluster, new_id)
        self._archiver = Archiver(self._store, self.clock)
        start = self._store.open(renew=self._renew)
        for problem in start.problems:
            _log.warning("%s", problem)
        self.machine = ReplicatedCib(check_configuration, Soundness(), is_guarded=True)
        self._guard = Guard()
        rng = self._rng.stream("views")
        self.member = Member(self.me, votes_of(config), self.timing, start, self.machine, rng)
        self.inputs = TransitionInputs(os.path.join(self.places.state, "pengine"), self.name)
        self.inputs.load()
        uuid, last = new_uuid(), self.inputs.last
        self.controller = Controller(
            self.me, self.names, self.cluster, uuid, lambda: self.machine.cib, number=last
        )
        self.fencing = fencing.FencingCore(
            lambda: self.machine.cib.root,
            self._fence_members,
            self._rng.stream("fencing"),
            lambda: int(self._options.fencing_timeout * 1000),
        )
        self.remotes = RemoteLinks(self.places.key, self.clock, self._owner, self.mail)
        self.operations = Operations(
            self.name,
            run,
            self.places.paths,
            self._proc,
            self.clock,
            self.mail.report,
            self.has_authority,
            self.remotes,
            self._tell_state_anew,
        )
        self.operations.load()
        self.operations.learn_units()
        self.fences = FenceRunner(self._proc, self.clock, self.places.paths.fence_dir)
        self._worker = SchedulerWorker(self._scheduled)
        self._desk = AdminDesk(self, self.mail)
        self._server = AdminServer(socket_path(self.places.root), self._desk.handle)
        codec = Codec(MEMBERSHIP_KINDS, REPLICA_KINDS, HELLO_MESSAGES, CONTROLLER_KINDS)
        self.transport = build_mesh(
            config,
            self.places.key,
            codec,
            self.clock,
            self._rng,
            self._owner,
            incarnation=start.incarnation,
            store_id=start.store_id,
            dead_time=self.timing.dead_time,
            received=self._received,
            lost=self._link_lost,
            outlived=self._outlived,
            doubled=self._doubled,
        )
        if config.watchdog:
            self._watchdog.arm(2 * self.timing.dead_time)

    async def _close(self) -> None:
        self._manager.stopping()
        self._timers.stop_all()
        await self.remotes.stop()
        self.operations.close()
        self._archiver.flush()
        self._worker.close()
        self._guard.close()
        self.inputs.close()
        await self._server.stop()
        await self.transport.stop()
        await self._owner.stop()
        self._disk.close()
        _log.info("node ends name=%s", self.name)

    def _tick(self) -> None:
        if self._done is None or self._done.done():
            return
        self.clock.call_later(self.timing.tick, self._tick)
        self.member.load_is(0, self.clock.wall())
        self.post(Part.MEMBER, replica.Tick())
        self.mail.send_backlog()
        self._manager.alive()
        if self.may_feed():
            self._watchdog.feed()

    def _watch_load(self) -> None:
        """Where a threshold is set, let the DC know how busy this machine is (live L9.11)."""
        if self._done is None or self._done.done():
            return
        self.clock.call_later(LOAD_SECONDS, self._watch_load)
        load, cores = machine_load()
        mode = load_mode(load, cores, self._options.load_threshold)
        self.mail.tell_load(mode, 2 * cores)

    def may_feed(self) -> bool:
        """Whether the watchdog is fed: a node that nobody follows must not keep what it runs (C6)."""
        return self.has_authority() or not self.operations.history.resources

    def shut_down(self, user: str) -> None:
        """Leave the cluster: resources are stopped or moved first (engine 12.5)."""
        if self.is_stopping:
            return
        self.is_stopping = True
        _log.info("shutdown begins user=%s", user)
        self._ask_for_shutdown()
        limit = self._options.shutdown_escalation
        self.clock.call_later(limit, lambda: self.leave("shutdown took too long"))

    def _ask_for_shutdown(self) -> None:
        if self._done is None or self._done.done():
            return
        if self.member.view is None:
            self.leave("no view to leave")
            return
        self.mail.ask_dc("shutdown", {"node": self.name}, "crm-agent", lambda fields: None)
        self.clock.call_later(SHUTDOWN_ASK_SECONDS, self._ask_for_shutdown)

    def leave(self, reason: str) -> None:
        if self._done is None or self._done.done():
            return
        if not self.operations.core.is_idle and reason == "granted":
            self.clock.call_later(0.1, lambda: self.leave(reason))
            return
        _log.info("node leaves reason=%s", reason)
        self.post(Part.MEMBER, replica.LeaveView())
        # One moment for the farewell to reach the others.
        self.clock.call_later(0.1, lambda: self._end(ExitStatus.OK))

    def _end(self, status: ExitStatus) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(int(status))

    # ---- events and effects

    def post(self, part: Part, event: object) -> None:
        """Give an event to a part; when this returns, everything that follows from it is done."""
        if self._has_failed:
            return
        self._queue.append((part, event))
        if self._is_draining:
            return
        self._is_draining = True
        try:
            self._notice_pause()
            while self._queue:
                target, item = self._queue.popleft()
                self._handle(target, item)
        finally:
            self._is_draining = False

    def _handle(self, part: Part, event: Any) -> None:
        now, wall = self.clock.now(), self.clock.wall()
        try:
            for effect in self._effects(part, event, now, wall):
                routed = route(effect)
                if routed is not None:
                    self._queue.append(routed)
                self._execute(effect)
        except Exception:
            # A core that stopped halfway remembers what it never said or wrote: it must not go on.
            # Nothing was acknowledged that is not on the disk, so this life ends like a power loss,
            # and the next one, which the supervisor starts, reads the log.
            _log.exception("event failed part=%s event=%s", part.value, type(event).__name__)
            self._fail()
            return
        spent = self.clock.now() - now
        if spent > SLOW_EVENT_SECONDS:
            kind = type(event).__name__
            _log.warning("slow event part=%s event=%s ms=%.0f", part.value, kind, spent * 1000)

    def _effects(self, part: Part, event: Any, now: float, wall: float) -> list[Any]:
        match part:
            case Part.MEMBER:
                return self.member.handle(event, now)
            case Part.CONTROLLER:
                return self.controller.handle(event, now, wall)
            case Part.FENCING:
                return self.fencing.handle(event, now, wall)

    def _fail(self) -> None:
        """End this life at once after a bug: no event is taken any more, resources go on running."""
        self._has_failed = True
        self._queue.clear()
        self._end(ExitStatus.SOFTWARE)

    def _callback_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a timer or a reader raised came from this agent's code; the rest is asyncio's affair."""
        loop.default_exception_handler(context)
        if "handle" in context and context.get("exception") is not None:
            self._fail()

    def _notice_pause(self) -> None:
        now = self.clock.now()
        gap, self._last_moment = now - self._last_moment, now
        if gap > self.timing.dead_time / 2:
            _log.warning("this process did not run for a while seconds=%.2f", gap)
            self._queue.appendleft((Part.MEMBER, replica.Paused(gap)))

    def _execute(self, effect: Any) -> None:
        match effect:
            case replica.Beat(to=to, message=message):
                self.transport.beat(to, message)
            case replica.Send(to=to, message=message):
                self.transport.send(to, message)
            case replica.Persist(token=token, writes=writes):
                self._store.persist(writes, lambda error: self._persisted(token, error))
            case replica.Judge(number=number, question=question):
                self._judge(number, question)
            case replica.Prepare(entry=entry):
                self._prepare(entry)
            case replica.Compact(snapshot=snapshot):
                self._store.compact(snapshot)
            case replica.Answer(outcome=outcome):
                self._desk.outcome(outcome)
            case replica.ReadPoint():
                self.mail.read_point(effect)
            case replica.Note(kind=kind, fields=fields):
                _log.info("%s %s", kind, _pairs(fields))
            case replica.ViewInstalled(view=view):
                self._view_installed(view)
            case replica.ViewLost(reason=reason):
                _log.warning("view lost reason=%s", reason)
                self._drop_for_old_view(self._dc)
            case replica.Committed(version=version):
                self._archiver.keep(version, self.machine.configuration_bytes())
                self._desk.applied()
            case replica.StatusApplied():
                self.mail.remember_attributes()
            case _:
                self._execute_order(effect)

    def _execute_order(self, effect: Any) -> None:
        match effect:
            case controller.ChangeStatus(changes=changes):
                self.alerting.status_changed(changes)
            case controller.Tell(to=to, message=message):
                self.mail.tell(to, message)
            case controller.Propose(patch=patch, reason=reason):
                self._propose(patch, reason)
            case controller.Schedule(number=number, cib=cib, wall=wall):
                self.inputs.keep(number, cib, wall)
                self._worker.schedule(number, cib, wall)
            case controller.TransitionEnded(number=number, actions=actions, result=result):
                self.inputs.ended(number, actions, result)
            case controller.Story(text=text, fields=fields, is_warning=is_warning):
                level = logging.WARNING if is_warning else logging.INFO
                _log.log(level, "%s %s", text, _pairs(fields))
            case controller.SetTimer(name=name, delay=delay):
                self._set_timer(Part.CONTROLLER, name, delay)
            case controller.StopTimer(name=name):
                self._timers.stop((Part.CONTROLLER, name))
            case fencing.SetTimer(name=name, delay=delay):
                self._set_timer(Part.FENCING, name, delay)
            case fencing.RunAgent():
                self.mail.order_fence(effect)
            case fencing.Remember(event=event):
                self.mail.tell_fenced(event)
            case controller.ConfirmFenced(target=target):
                self._fenced(target, "off", ok=True)
            case fencing.Finished(target=target, action=action, ok=ok, error=error):
                level = logging.INFO if ok else logging.WARNING
                _log.log(level, "fencing %s target=%s action=%s %s", ok, target, action, error)
                self._fenced(target, action, ok=ok)
            case _:
                pass

    def _set_timer(self, part: Part, name: str, delay: float) -> None:
        kind = controller.TimerFired if part is Part.CONTROLLER else fencing.TimerFired
        self._timers.set((part, name), delay, lambda: self.post(part, kind(name)))

    def _judge(self, number: int, question: replica.Question) -> None:
        def judged(verdict: replica.Verdict) -> None:
            self.post(Part.MEMBER, replica.Judged(number, verdict))

        self._guard.judge(question, judged)

    def _prepare(self, entry: replica.Entry) -> None:
        def prepared(content: Preparation | None) -> None:
            self.post(Part.MEMBER, replica.Prepared(entry.digest, content))

        self._guard.prepare(entry, prepared)

    def _persisted(self, token: int, error: str | None) -> None:
        if error is None:
            self.post(Part.MEMBER, replica.Persisted(token))
        else:
            _log.error("store failed: %s", error)
            self.post(Part.MEMBER, replica.PersistFailed(token, error))
            self._timers.set("disk", DISK_RETRY_SECONDS, self._try_disk)

    def _try_disk(self) -> None:
        """Rule R9 forbids this life to write again; the next one reads what is really on the disk."""

        def tried(error: str | None) -> None:
            if error is None:
                _log.warning("the disk works again: the agent begins anew from what is on it")
                self._end(ExitStatus.IOERR)
            else:
                self._timers.set("disk", DISK_RETRY_SECONDS, self._try_disk)

        self._store.try_again(tried)

    # ---- views

    def _view_installed(self, view: replica.View) -> None:
        members = " ".join(self.node_name(node) for node in view.members)
        _log.info(
            "view installed term=%s members=%s dc=%s quorate=%s durable=%s",
            view.term,
            members,
            self.node_name(view.dc),
            view.quorate,
            len(view.durable),
        )
        self.alerting.view_installed(view.members)
        self._drop_for_old_view(view.dc)
        self.operations.drop_queued()
        self._trust_if_unfenced(view)
        # After the controller has taken the view in.
        asyncio.get_running_loop().call_soon(self.mail.send_join_state, view.term)

    def _fenced(self, target: str, action: str, *, ok: bool) -> None:
        """With `two_node` the survivor may change the configuration from here on (D-19)."""
        number = self.config.node_id(target)
        if ok and action != "on" and number is not None:
            self._queue.append((Part.MEMBER, replica.PeerSafe(number)))

    @property
    def _options(self) -> ControllerOptions:
        return self.controller.options_at(self.clock.wall())

    def _trust_if_unfenced(self, view: replica.View) -> None:
        """Whoever switches fencing off takes the risk of two histories with two nodes."""
        if self._options.fencing_enabled:
            return
        for number in self.names:
            if number not in view.members:
                self._queue.append((Part.MEMBER, replica.PeerSafe(number)))

    def _drop_for_old_view(self, dc: int) -> None:
        """What was said in the old view is void; fencing goes on as long as its DC does."""
        is_new_dc, self._dc = dc != self._dc, dc
        if is_new_dc:
            self.fencing.drop()
        lives = {self.node_name(node): life for node, life in self.member.lives().items()}
        self.post(Part.FENCING, fencing.MembersChanged(lives))
        self.mail.drop_for_old_view(is_new_dc=is_new_dc)

    def _link_lost(self, peer: int) -> None:
        self.post(Part.MEMBER, replica.LinkLost(peer))
        view = self.member.view
        if view is not None and peer == view.dc:
            # Orders and results may be lost on the way: tell everything again (engine 3.2).
            self._timers.set("rejoin", REJOIN_SECONDS, lambda: self.mail.send_join_state(view.term))

    def _tell_state_anew(self) -> None:
        view = self.member.view
        if view is not None:
            self.mail.send_join_state(view.term)

    def _outlived(self, known: int) -> None:
        """Peers saw a later life of this node than its store knows: the store is a copy (R7)."""
        _log.error("the store is older than what other nodes saw of it: it is put aside")
        self._store.raise_incarnation(known)
        self._end(ExitStatus.OLD)

    def _doubled(self, reason: str) -> None:
        """Another agent has this node's id, and was there first."""
        _log.error("this agent ends: %s, and the other one is alive", reason)
        self._end(ExitStatus.EXISTS)

    def _task_failed(self, name: str, error: BaseException) -> None:
        _log.error("task failed name=%s error=%r", name, error)
        self._end(ExitStatus.SOFTWARE)

    def _received(self, frm: int, incarnation: int, message: Any) -> None:
        if isinstance(message, MEMBER_MESSAGES):
            self.post(Part.MEMBER, replica.Received(frm, incarnation, message))
            return
        try:
            self.mail.deliver(frm, message)
        except Exception:
            # The stream would only close itself and be made anew, with half an order carried out.
            _log.exception("message failed from=%s kind=%s", frm, type(message).__name__)
            self._fail()

    # ---- the parts' needs

    @property
    def cib(self) -> Cib:
        """The replica; read only."""
        return self.machine.cib

    def node_name(self, node_id: int) -> str:
        return self.names.get(node_id, str(node_id))

    def ask_for_remote(self, name: str, ask: Ask) -> None:
        """A program on a remote node asks, through this node's connection."""

        def reply(fields: Mapping[str, Any]) -> None:
            self.remotes.send(name, Told(ask.number, {"ok": True, **fields}))

        self._desk.handle_remote(name, ask, reply)

    def submit(self, submission: replica.Submission) -> None:
        """A client's change of the configuration."""
        self.post(Part.MEMBER, replica.Submit(submission))

    def _propose(self, patch: bytes, reason: str) -> None:
        self._proposals += 1
        submission = replica.Submission(
            request_id=f"{self.controller.uuid}-{self._proposals}",
            base=self.machine.version,
            patch=patch,
            user="hacluster",
            client="crm-agent",
            origin=self.name,
            wall=self.clock.wall(),
        )
        _log.info("configuration proposed reason=%s", reason)
        # In a later round: the effects of the event that led here come first.
        asyncio.get_running_loop().call_soon(self.submit, submission)

    def has_authority(self) -> bool:
        return self.member.has_authority(self.clock.now())

    def _scheduled(self, done: controller.Scheduled) -> None:
        self.post(Part.CONTROLLER, done)

    def _fence_members(self) -> tuple[str, ...]:
        view = self.member.view
        if view is None:
            return ()
        others = [node for node in view.members if node != view.dc]
        return tuple(self.node_name(node) for node in (view.dc, *others))


def _pairs(fields: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in fields.items())
