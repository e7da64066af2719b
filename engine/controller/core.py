"""The controller of one node: idle unless the node is DC; then it keeps the status section, decides
when to schedule, and sees each transition through (engine 7 and 8).

Pure: `handle(event, now, wall)` returns effects. The CIB is read through `cib()`, a view of the
replica that it changes only by `ChangeStatus` and `Propose`. Joining and the transition under way
have parts of their own; this one says what follows from what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lxml import etree

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.events import StatusChange, View
from engine.cib.document import Cib
from engine.controller import dispatch, requests
from engine.controller.attributes import AttributeUpdate, Dampener, is_change
from engine.controller.cluster_actions import unfenced_changes
from engine.controller.desk import Desk
from engine.controller.events import (
    ConfigurationChanged,
    Effect,
    Event,
    FenceFinished,
    FromNode,
    NewView,
    NoView,
    Schedule,
    Scheduled,
    TimerFired,
    TransitionEnded,
)
from engine.controller.executor import Completion, Executor
from engine.controller.fence_watch import FenceWatch
from engine.controller.fsm import DcInput, DcState, step
from engine.controller.joining import Joining
from engine.controller.messages import (
    Ask,
    Confirmed,
    JoinState,
    NodeLoad,
    OpReport,
    RemoteState,
    RunOp,
    TellState,
    Told,
    TransitionBegun,
)
from engine.controller.options import ControllerOptions, controller_options
from engine.controller.outcomes import effects_of_result
from engine.controller.player import Player
from engine.controller.remotes import (
    connected_state,
    fenced_remote_state,
    parted_state,
    remote_names,
)
from engine.controller.status import (
    attribute_change,
    cib_bytes,
    fenced_state,
    find_state,
    find_state_by_name,
    transient_attributes,
)
from engine.scheduler.model.transition import checked_transition

# A node that was switched off has left the view long before that.
LIAR_SECONDS = 10.0
TRIGGER_SECONDS = 0.05
TIMERS = ("join", "schedule", "recheck", "in-flight", "dc-deadtime", "dampening")


class Controller:
    """The controller part of node `me`; `names` are all configured nodes, `uuid` names this life.

    `number` is that of the last transition that this node remembers.
    """

    def __init__(
        self,
        me: int,
        names: Mapping[int, str],
        cluster: str,
        uuid: str,
        cib: Callable[[], Cib],
        number: int = 0,
    ) -> None:
        self._desk = Desk(me, names, cluster, uuid, cib)
        self._state = DcState.NOT_DC
        self._player = Player(self._desk, number)
        self._joining = Joining(self._desk)
        self._fences = FenceWatch()
        self._dampener = Dampener()
        # Reasons to schedule that no scheduling has taken up yet.
        self._wanted: list[str] = []
        # The "schedule" timer runs, and will find the state idle.
        self._timer_set = False
        # Something changed after the input of the scheduling under way was taken.
        self._is_stale = False
        # Warnings of the last scheduling: the same ones are not logged again.
        self._told_warnings: tuple[str, ...] = ()
        # Node and question of everybody who waits until the cluster is idle.
        self._waiters: list[tuple[int, int]] = []
        # Private attributes (id of the node, name), never in the CIB.
        self._private: dict[tuple[str, str], str | None] = {}

    def handle(self, event: Event, now: float, wall: float) -> list[Effect]:
        """Take an event; what must be done because of it, in this order."""
        self._desk.begin(now, wall)
        match event:
            case NewView(view=view):
                self._new_view(view)
            case NoView():
                self._dismiss()
            case FromNode(frm=frm, message=message):
                self._message(frm, message)
            case ConfigurationChanged(version=version):
                if self.is_dc:
                    self._trigger(f"configuration {'.'.join(map(str, version))}")
            case Scheduled():
                self._scheduled(event)
            case FenceFinished():
                self._fence_finished(event)
            case TimerFired(name=name):
                self._timer(name)
        return self._desk.effects

    @property
    def state(self) -> DcState:
        return self._state

    @property
    def view(self) -> View | None:
        """The view that the controller acts in."""
        return self._desk.view

    @property
    def number(self) -> int:
        """The highest number of a transition that this node knows of."""
        return self._player.number

    @property
    def uuid(self) -> str:
        """The name of this life of the agent, in the keys of its transitions."""
        return self._desk.uuid

    @property
    def last_transition(self) -> str:
        """How the last transition ended, in words."""
        return self._player.last

    @property
    def is_dc(self) -> bool:
        return self._state is not DcState.NOT_DC

    @property
    def is_idle(self) -> bool:
        """The cluster is where the scheduler wants it, as far as the DC knows."""
        joining = self._joining
        waits = self._wanted or self._timer_set or joining.is_held or joining.is_anything_unseen
        return self._state is DcState.IDLE and not waits and self._dampener.next_due() is None

    def options_at(self, wall: float) -> ControllerOptions:
        """The options in force at a moment (epoch seconds)."""
        return controller_options(self._desk.cib().root, wall)

    def snapshot(self) -> dict[str, object]:
        """The state in plain values, for status output and the oracle of the simulation."""
        return {
            "state": self._state.value,
            "transition": self._player.number,
            "actions": self._player.counts(),
            "wanted": list(self._wanted),
            "in_flight": self._joining.in_flight(),
            "last": self._player.last,
        }

    # ---- views and joining

    def _new_view(self, view: View) -> None:
        self._drop_transition()
        self._desk.view = view
        if len(view.members) == len(self._desk.names):
            self._joining.warm()
        if view.dc != self._desk.me:
            self._state = step(self._state, DcInput.DISMISSED)
            self._fences.forget_waiters()
            return
        self._state = step(self._state, DcInput.APPOINTED)
        self._joining.begin()

    def _dismiss(self) -> None:
        self._drop_transition()
        self._desk.view = None
        self._state = step(self._state, DcInput.DISMISSED)

    def _drop_transition(self) -> None:
        self._player.drop()
        self._player.forget_loads()
        self._joining.drop()
        for name in TIMERS:
            self._desk.stop_timer(name)
        self._wanted, self._timer_set, self._is_stale = [], False, False
        self._dampener = Dampener()
        self._waiters = []

    def _join(self, frm: int, message: JoinState) -> None:
        if message.term != self._desk.term or frm not in self._desk.members:
            return
        name = self._desk.names.get(frm, message.name)
        self._desk.add(*self._fences.met(name, message.run_id))
        is_integrating = self._state is DcState.INTEGRATION
        if is_integrating:
            self._player.number = max(self._player.number, message.last_transition)
        if self._joining.take(frm, message, is_integrating=is_integrating):
            self._all_joined()
        if is_integrating:
            return
        self._player.lose_orders(frm, message.in_flight)
        self._trigger(f"{name} told its state anew")
        self._finish_if_over()

    def _all_joined(self) -> None:
        self._state = step(self._state, DcInput.JOINED)
        self._trigger("all members joined")

    # ---- messages of nodes

    def _message(self, frm: int, message: object) -> None:
        if not self.is_dc:
            self._message_to_another_dc(frm, message)
            return
        match message:
            case JoinState():
                self._join(frm, message)
            case OpReport():
                self._op_report(frm, message)
            case RemoteState():
                self._remote_state(frm, message)
            case Confirmed(term=term, action=action):
                if self._desk.view is not None and term == self._desk.term:
                    self._player.confirm(action)
                    self._finish_if_over()
            case Ask():
                self._ask(frm, message)
            case NodeLoad(term=term):
                if term == self._desk.term and frm in self._desk.members:
                    self._player.take_load(frm, message)
                    self._finish_if_over()
            case _:
                pass

    def _message_to_another_dc(self, frm: int, message: object) -> None:
        if isinstance(message, Ask):
            self._desk.tell(frm, Told(message.number, requests.not_dc()))
        elif isinstance(message, RunOp):
            self._joining.warm()
        elif isinstance(message, TransitionBegun):
            self._player.number = max(self._player.number, message.number)

    def _op_report(self, frm: int, report: OpReport) -> None:
        result, wall = report.result, self._desk.wall
        state = find_state(self._desk.status, report.remote or str(frm))
        if state is None or frm not in self._desk.members:
            return
        fatal, lock = self._desk.options.start_is_fatal, self._player.lock_of(result)
        self._desk.add(
            *effects_of_result(result, state, start_is_fatal=fatal, wall=wall, lock=lock)
        )
        if not report.remote:
            self._joining.see(frm, result.op.key)
        if self._player.take_result(result):
            self._finish_if_over()
        elif not result.is_cancelled:
            what = "is well" if result.is_success else f"had result {result.rc}"
            self._trigger(f"{result.op.key} {what}")

    def _remote_state(self, frm: int, message: RemoteState) -> None:
        desk = self._desk
        if frm not in desk.members or message.term != desk.term:
            return
        if not desk.remotes.take(frm, message):
            return
        text = "remote node connected" if message.is_up else "remote node disconnected"
        desk.story(text, {"node": message.name, "by": desk.name_of(frm)})
        if message.is_up:
            desk.change(connected_state(desk.status, message, desk.wall))
            return
        state = find_state(desk.status, message.name)
        if state is not None:
            desk.change(parted_state(state))
        self._player.lose_remote(message.name)
        self._finish_if_over()

    # ---- requests of clients

    def _ask(self, frm: int, ask: Ask) -> None:
        if ask.kind == "wait":
            if self.is_idle:
                self._desk.tell(frm, Told(ask.number, {"idle": True}))
            else:
                self._waiters.append((frm, ask.number))
            return
        decision = self._decide(ask)
        if decision.reply is not None:
            self._desk.tell(frm, Told(ask.number, decision.reply))
        else:
            self._fences.wait(decision.fences, frm, ask.number)
        self._desk.add(*decision.effects)
        for update in decision.private:
            self._private[update.node_id, update.name] = update.value
        self._dampen(decision.attributes)
        self._desk.change(*decision.changes)
        if decision.trigger:
            self._trigger(decision.trigger)

    def _decide(self, ask: Ask) -> requests.Decision:
        desk = self._desk
        situation = requests.Situation(
            desk.cib().root,
            dict(desk.names),
            desk.view,
            desk.options,
            desk.now,
            desk.wall,
            desk.remotes,
            self._private,
        )
        try:
            return requests.decide(ask, situation)
        except Exception as bug:
            # Deciding changes nothing: a request that meets a bug is refused, the DC goes on.
            return requests.not_understood(ask, bug)

    # ---- attributes

    def _dampen(self, updates: tuple[tuple[AttributeUpdate, float], ...]) -> None:
        now = self._desk.now
        for update, delay in updates:
            state = find_state(self._desk.status, update.node_id)
            present = transient_attributes(state).get(update.name)
            self._write_attributes(self._dampener.take(update, delay, now, present))
        due = self._dampener.next_due()
        if due is not None:
            self._desk.set_timer("dampening", max(0.0, due - now))

    def _write_attributes(self, updates: tuple[AttributeUpdate, ...]) -> None:
        if not updates:
            return
        status = self._desk.status
        states = {u.node_id: find_state(status, u.node_id) for u in updates}
        known = [
            update
            for update in updates
            if states[update.node_id] is not None
            and is_change(update, transient_attributes(states[update.node_id]))
        ]
        if known:
            self._desk.change(*(attribute_change(u.node_id, u.name, u.value) for u in known))
            self._trigger(f"attribute {known[0].name}")

    # ---- scheduling

    def _trigger(self, reason: str, delay: float = 0.0) -> None:
        self._wanted.append(reason)
        if self._state is DcState.SCHEDULING:
            self._is_stale = True
        elif self._state is DcState.TRANSITION:
            self._player.abort(reason)
        elif self._state is DcState.IDLE and not self._timer_set:
            self._timer_set = True
            wait = max(delay, TRIGGER_SECONDS, self._desk.options.transition_delay)
            self._desk.set_timer("schedule", wait)

    def _schedule(self) -> None:
        self._timer_set = False
        desk, joining = self._desk, self._joining
        if self._state is not DcState.IDLE or joining.is_held or joining.is_anything_unseen:
            return
        reason = "; ".join(dict.fromkeys(self._wanted))
        self._wanted, self._is_stale = [], False
        self._player.number += 1
        self._state = step(self._state, DcInput.SCHEDULE)
        desk.story("scheduling", {"transition": self.number, "because": reason})
        for member in desk.members:
            if member != desk.me:
                desk.tell(member, TransitionBegun(desk.term, self.number))
        desk.add(Schedule(self.number, cib_bytes(desk.cib(), desk.view), desk.wall))

    def _scheduled(self, event: Scheduled) -> None:
        if event.number != self.number or self._state is not DcState.SCHEDULING:
            return
        for text in event.warnings:
            if text not in self._told_warnings:
                fields = {"transition": event.number}
                self._desk.story(f"scheduler: {text}", fields, is_warning=True)
        self._told_warnings = event.warnings
        if self._is_stale:
            self._state = step(self._state, DcInput.STALE)
            self._trigger("changes while scheduling")
            return
        try:
            if event.error:
                raise BadInput(event.error)
            executor = event.executor or Executor(checked_transition(event.graph))
        except BadInput as refused:
            self._give_up_scheduling(f"transition {event.number} could not be made: {refused}")
            return
        self._state = step(self._state, DcInput.SCHEDULED)
        self._player.begin(executor)
        self._finish_if_over()

    def _give_up_scheduling(self, why: str) -> None:
        """Until something changes, or the recheck."""
        self._state = step(self._state, DcInput.STALE)
        self._player.last = why
        self._desk.story(why, {}, is_warning=True)
        self._set_recheck("")
        self._answer_waiters()

    def _finish_if_over(self) -> None:
        executor = self._player.take_ended()
        if executor is None:
            return
        self._state = step(self._state, DcInput.FINISHED)
        ended = "complete" if executor.is_complete else "stopped"
        self._player.last = f"transition {self.number} {ended}"
        count = len(executor.transition.synapses)
        result = "aborted" if executor.abort_priority else ended
        self._desk.add(TransitionEnded(self.number, count, result))
        if count:
            fields: dict[str, object] = {"transition": self.number, **executor.counts()}
            text = f"transition {ended}"
            self._desk.story(text, fields, is_warning=not executor.is_complete)
        if executor.completion is Completion.RESTART or self._wanted:
            self._trigger(executor.abort_reason or "changes meanwhile", self._fences.pause())
            return
        self._desk.story("idle", {"transition": self.number})
        self._set_recheck(executor.transition.attributes.get("recheck-by", ""))
        self._answer_waiters()

    def _set_recheck(self, recheck_by: str) -> None:
        delays = []
        interval = self._desk.options.recheck_interval
        if interval > 0:
            delays.append(interval)
        if is_digits(recheck_by):
            delays.append(max(1.0, int(recheck_by) - self._desk.wall))
        if delays:
            self._desk.set_timer("recheck", min(delays))

    def _answer_waiters(self) -> None:
        if not self.is_idle:
            return
        for node, number in self._waiters:
            self._desk.tell(node, Told(number, {"idle": True}))
        self._waiters = []

    # ---- fencing

    def _fence_finished(self, event: FenceFinished) -> None:
        desk = self._desk
        desk.add(*self._fences.finished(event))
        state = find_state_by_name(desk.status, event.target)
        if event.ok:
            change = self._fenced(state, event)
            if change is not None:
                desk.change(change)
            self._doubt(event, state)
        pending = [
            action
            for action in self._player.pending
            if action.operation == dispatch.FENCE and action.node == event.target
        ]
        if pending and not event.ok:
            self._fencing_failed(event)
        for action in pending:
            if not event.ok:
                self._player.fail(action.id)
                continue
            if event.action == "on" and state is not None:
                desk.change(*unfenced_changes(action, state, desk.wall))
            self._player.confirm(action.id)
        if pending:
            self._finish_if_over()
        elif self.is_dc:
            self._trigger(f"{event.target} was fenced" if event.ok else "fencing failed")

    def _fenced(self, state: etree._Element | None, event: FenceFinished) -> StatusChange | None:
        """The state of a node that was fenced; a remote one may never have been seen."""
        if event.action != "on" and event.target in remote_names(self._desk.cib().root):
            return fenced_remote_state(event.target, self._desk.wall)
        return fenced_state(state, event.action) if state is not None else None

    def _doubt(self, event: FenceFinished, state: etree._Element | None) -> None:
        """A member that was fenced leaves the view, or its device lied: then it is asked what it runs."""
        number = state.get("id", "") if state is not None else ""
        if event.action != "on" and is_digits(number) and int(number) in self._desk.members:
            self._desk.set_timer(f"fenced {number}", LIAR_SECONDS)

    def _ask_the_fenced(self, node: int) -> None:
        if self.is_dc and node in self._desk.members:
            self._desk.tell(node, TellState(self._desk.term))

    def _fencing_failed(self, event: FenceFinished) -> None:
        """Try again, or let the transition end: the next attempt comes with the next change or recheck."""
        tries = self._fences.failures(event.target)
        if tries < self._desk.options.fencing_max_attempts:
            self._player.abort(f"fencing of {event.target} failed: {event.error}")
            return
        text = f"fencing of {event.target} failed too often: {event.error}"
        self._desk.story(text, {"attempts": tries}, is_warning=True)
        self._player.give_up(text)

    # ---- timers

    def _timer(self, name: str) -> None:
        word, _, number = name.partition(" ")
        match word:
            case "schedule":
                self._schedule()
            case "recheck":
                self._trigger("recheck time")
            case "join":
                if self._state is DcState.INTEGRATION and self._joining.ask_the_silent():
                    self._all_joined()
            case "dc-deadtime":
                self._joining.stop_waiting()
                self._trigger("no more nodes came")
            case "in-flight":
                self._joining.ask_the_busy()
            case "dampening":
                self._write_attributes(self._dampener.due(self._desk.now))
            case "fenced":
                self._ask_the_fenced(int(number))
            case "action":
                self._player.overdue(int(number))
                self._finish_if_over()
