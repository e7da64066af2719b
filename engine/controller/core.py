"""The controller of one node: idle unless the node is DC; then it keeps the status section, decides
when to schedule, and sees each transition through (engine 7 and 8).

Pure: `handle(event, now, wall)` returns effects. The CIB is read through `cib()`, a view of the
replica that it changes only by `ChangeStatus` and `Propose`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.digits import is_digits, is_whole
from engine.base.errors import BadInput
from engine.base.events import StatusChange, View
from engine.cib.document import Cib
from engine.cib.patch import patch_to_bytes
from engine.controller import dispatch, requests
from engine.controller.attributes import (
    AttributeUpdate,
    Dampener,
    is_change,
)
from engine.controller.cluster_actions import effects_of_cluster_action, unfenced_changes
from engine.controller.events import (
    ChangeStatus,
    ConfigurationChanged,
    Effect,
    Event,
    FenceFinished,
    FromNode,
    NewView,
    NoView,
    Propose,
    Schedule,
    Scheduled,
    SetTimer,
    StopTimer,
    Story,
    Tell,
    TimerFired,
    TransitionEnded,
)
from engine.controller.executor import (
    ABORT_ALL,
    Completion,
    Executor,
    allowance_ms,
    waits_for_nothing,
)
from engine.controller.fence_watch import FenceWatch
from engine.controller.fsm import DcInput, DcState, step
from engine.controller.join import build_status, joined_state, missing_nodes, unseen_operations
from engine.controller.messages import (
    Ask,
    CancelOp,
    Confirmed,
    ForgetResource,
    JoinState,
    OpReport,
    RemoteState,
    RunOp,
    TellState,
    Told,
    TransitionBegun,
)
from engine.controller.options import ControllerOptions, controller_options
from engine.controller.outcomes import effects_of_result, effects_of_silence
from engine.controller.remotes import (
    RemoteHosts,
    connected_state,
    fenced_remote_state,
    parted_state,
    remote_names,
)
from engine.controller.status import (
    attribute_change,
    cib_bytes,
    entry_changes,
    fenced_state,
    find_state,
    find_state_by_name,
    forget_entry,
    forget_resource,
    put_node_state,
    transient_attributes,
)
from engine.lrm.api import LrmResult
from engine.lrm.state import ResourceRecords, pending_entries
from engine.scheduler.model.transition import RSC_OP, GraphAction, checked_transition

JOIN_SECONDS = 60.0
JOIN_ASK_SECONDS = 2.0
# A node that was switched off has left the view long before that.
LIAR_SECONDS = 10.0
TRIGGER_SECONDS = 0.05
AUTOMATIC_BATCH = 16


@dataclass(slots=True)
class Controller:
    """The controller part of node `me`; `names` are all configured nodes, `uuid` names this life."""

    me: int
    names: Mapping[int, str]
    cluster: str
    uuid: str
    cib: Callable[[], Cib]
    state: DcState = DcState.NOT_DC
    view: View | None = None
    number: int = 0
    last_transition: str = ""
    _is_cold: bool = True
    _is_held: bool = False
    _wanted: list[str] = field(default_factory=list)
    _timer_set: bool = False
    _is_stale: bool = False
    _executor: Executor | None = None
    _joined: set[int] = field(default_factory=set)
    _asked: int = 0
    _in_flight: dict[int, set[str]] = field(default_factory=dict)
    _dampener: Dampener = field(default_factory=Dampener)
    _told_warnings: tuple[str, ...] = ()
    _waiters: list[tuple[int, int]] = field(default_factory=list)
    _fences: FenceWatch = field(default_factory=FenceWatch)
    _remotes: RemoteHosts = field(default_factory=RemoteHosts)
    _private: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _wall: float = 0.0  # the wall clock of the event being handled

    def handle(self, event: Event, now: float, wall: float) -> list[Effect]:
        """Take an event; what must be done because of it, in this order."""
        effects: list[Effect] = []
        self._wall = wall
        match event:
            case NewView(view=view):
                self._new_view(view, effects)
            case NoView(reason=reason):
                self._dismiss(reason, effects)
            case FromNode(frm=frm, message=message):
                self._message(frm, message, now, wall, effects)
            case ConfigurationChanged(version=version):
                if self.is_dc:
                    self._trigger(f"configuration {'.'.join(map(str, version))}", effects)
            case Scheduled():
                self._scheduled(event, wall, effects)
            case FenceFinished():
                self._fence_finished(event, wall, effects)
            case TimerFired(name=name):
                self._timer(name, now, wall, effects)
        return effects

    @property
    def is_dc(self) -> bool:
        return self.state is not DcState.NOT_DC

    @property
    def is_idle(self) -> bool:
        """The cluster is where the scheduler wants it, as far as the DC knows."""
        waits = self._wanted or self._timer_set or self._is_held or any(self._in_flight.values())
        return self.state is DcState.IDLE and not waits and self._dampener.next_due() is None

    @property
    def options(self) -> ControllerOptions:
        """The options in force when the last event came."""
        return self.options_at(self._wall)

    def options_at(self, wall: float) -> ControllerOptions:
        """The options in force at a moment (epoch seconds)."""
        return controller_options(self.cib().root, wall)

    def snapshot(self) -> dict[str, object]:
        """The state in plain values, for status output and the oracle of the simulation."""
        executor = self._executor
        return {
            "state": self.state.value,
            "transition": self.number,
            "actions": executor.counts() if executor else {},
            "wanted": list(self._wanted),
            "in_flight": {self.names.get(n, str(n)): sorted(k) for n, k in self._in_flight.items()},
            "last": self.last_transition,
        }

    # ---- views and joining

    def _new_view(self, view: View, effects: list[Effect]) -> None:
        self._drop_transition(effects)
        self.view = view
        if len(view.members) == len(self.names):
            self._is_cold = False
        if view.dc != self.me:
            self.state = step(self.state, DcInput.DISMISSED)
            self._fences.forget_waiters()
            return
        # Status lives as long as somebody of this cluster does: if it knows this node, it is not cold.
        status = self.cib().root.find("status")
        self._is_cold = self._is_cold and find_state(status, str(self.me)) is None
        self.state = step(self.state, DcInput.APPOINTED)
        self._joined, self._in_flight, self._asked = set(), {}, 0
        effects.append(SetTimer("join", JOIN_ASK_SECONDS))

    def _dismiss(self, reason: str, effects: list[Effect]) -> None:
        self._drop_transition(effects)
        self.view = None
        self.state = step(self.state, DcInput.DISMISSED)

    def _drop_transition(self, effects: list[Effect]) -> None:
        if self._executor is not None:
            for action in self._executor.pending:
                effects.append(StopTimer(f"action {action.id}"))
        for name in ("join", "schedule", "recheck", "in-flight", "dc-deadtime", "dampening"):
            effects.append(StopTimer(name))
        self._executor = None
        self._wanted, self._timer_set, self._is_stale, self._is_held = [], False, False, False
        self._dampener = Dampener()
        self._waiters = []

    def _join(self, frm: int, message: JoinState, wall: float, effects: list[Effect]) -> None:
        view = self.view
        if view is None or message.term != view.term or frm not in view.members:
            return
        self._in_flight[frm] = unseen_operations(message)
        name = self.names.get(frm, message.name)
        effects.extend(self._fences.met(name, message.run_id))
        if self.state is DcState.INTEGRATION:
            self.number = max(self.number, message.last_transition)
            self._joined.add(frm)
            if all(member in self._joined for member in view.members):
                self._integrate({frm: message}, effects)
                return
        effects.append(ChangeStatus((put_node_state(joined_state(frm, name, message)),)))
        if self.state is DcState.INTEGRATION:
            return
        if self._in_flight[frm]:
            effects.append(SetTimer("in-flight", self.options.cluster_delay))
        self._lose_orders(frm, message.in_flight, effects)
        self._trigger(f"{name} told its state anew", effects)
        self._finish_if_over(wall, effects)

    def _integrate(self, fresh: Mapping[int, JoinState], effects: list[Effect]) -> None:
        view = self.view
        if view is None:
            return
        effects.append(StopTimer("join"))
        old = self.cib().root.find("status")
        status = build_status(old, self.names, view.members, self._joined, fresh)
        effects.append(ChangeStatus((StatusChange((), etree.tostring(status)),)))
        self.state = step(self.state, DcInput.JOINED)
        members = " ".join(self.names.get(m, str(m)) for m in view.members)
        effects.append(Story("joined", {"term": view.term, "members": members}))
        if view.quorate:
            missing = missing_nodes(self.cib(), self.names, self.cluster)
            if missing:
                effects.append(Propose(patch_to_bytes(missing), "nodes of the cluster"))
        if self._is_cold and len(view.members) < len(self.names):
            self._is_held = True
            wait = self.options.dc_deadtime
            effects.append(SetTimer("dc-deadtime", wait))
            effects.append(Story("waiting for more nodes", {"seconds": wait}))
        if any(self._in_flight.values()):
            effects.append(SetTimer("in-flight", self.options.cluster_delay))
        self._trigger("all members joined", effects)

    def _ask_the_silent(self, effects: list[Effect]) -> None:
        """Nothing is decided before every member has told what it runs, or can be fenced."""
        view = self.view
        if view is None or self.state is not DcState.INTEGRATION:
            return
        silent = [m for m in view.members if m not in self._joined]
        self._asked += 1
        if self._asked * JOIN_ASK_SECONDS >= JOIN_SECONDS:
            names = " ".join(self.names.get(m, str(m)) for m in silent)
            effects.append(Story("members do not tell their state", {"nodes": names}, True))
            self._asked = 0
            if self.options.fencing_enabled:
                self._integrate({}, effects)
                return
        effects.extend(Tell(member, TellState(view.term)) for member in silent)
        effects.append(SetTimer("join", JOIN_ASK_SECONDS))

    def _ask_the_busy(self, effects: list[Effect]) -> None:
        """A result may be lost, but what runs must not be taken as over: its node knows (C2)."""
        view = self.view
        if view is None or not any(self._in_flight.values()):
            return
        busy = [member for member in view.members if self._in_flight.get(member)]
        effects.extend(Tell(member, TellState(view.term)) for member in busy)
        effects.append(SetTimer("in-flight", self.options.cluster_delay))

    def _lose_orders(self, node: int, known: tuple[str, ...], effects: list[Effect]) -> None:
        """Orders to a node that knows nothing of them were lost on the way."""
        executor = self._executor
        if executor is None:
            return
        for action in executor.pending:
            if self._node_of(action) == node and action.key not in known:
                effects.append(StopTimer(f"action {action.id}"))
                executor.fail(action.id)
        self._abort("an order to a node was lost", effects)

    # ---- messages of nodes

    def _message(
        self, frm: int, message: object, now: float, wall: float, effects: list[Effect]
    ) -> None:
        if not self.is_dc:
            if isinstance(message, Ask):
                effects.append(Tell(frm, Told(message.number, requests.not_dc())))
            elif isinstance(message, RunOp):
                self._is_cold = False
            elif isinstance(message, TransitionBegun):
                self.number = max(self.number, message.number)
            return
        match message:
            case JoinState():
                self._join(frm, message, wall, effects)
            case OpReport():
                self._op_report(frm, message, wall, effects)
            case RemoteState():
                self._remote_state(frm, message, wall, effects)
            case Confirmed(term=term, action=action):
                if self.view is not None and term == self.view.term:
                    self._confirm(action, wall, effects)
            case Ask():
                self._ask(frm, message, now, wall, effects)
            case _:
                pass

    def _op_report(self, frm: int, report: OpReport, wall: float, effects: list[Effect]) -> None:
        result = report.result
        state = find_state(self.cib().root.find("status"), report.remote or str(frm))
        if state is None or self.view is None or frm not in self.view.members:
            return
        fatal = self.options.start_is_fatal
        effects.extend(effects_of_result(result, state, start_is_fatal=fatal, wall=wall))
        if not report.remote:
            self._in_flight.get(frm, set()).discard(result.op.key)
        self._advance(result, wall, effects)

    def _remote_state(
        self, frm: int, message: RemoteState, wall: float, effects: list[Effect]
    ) -> None:
        if self.view is None or frm not in self.view.members or message.term != self.view.term:
            return
        if not self._remotes.take(frm, message):
            return
        status = self.cib().root.find("status")
        story = "remote node connected" if message.is_up else "remote node disconnected"
        effects.append(Story(story, {"node": message.name, "by": self.names.get(frm, str(frm))}))
        if message.is_up:
            effects.append(ChangeStatus((connected_state(status, message, wall),)))
            return
        state = find_state(status, message.name)
        if state is not None:
            effects.append(ChangeStatus((parted_state(state),)))
        executor = self._executor
        lost = (
            [a for a in executor.pending if a.router_node and a.node == message.name]
            if executor
            else []
        )
        for action in lost:
            # Its result comes with the history at the next connection, if it comes at all.
            if executor is not None:
                effects.append(StopTimer(f"action {action.id}"))
                executor.fail(action.id)
        if lost:
            self._abort(f"the connection to {message.name} was lost", effects)
            self._finish_if_over(wall, effects)

    def _advance(self, result: LrmResult, wall: float, effects: list[Effect]) -> None:
        action, transition, uuid = dispatch.transition_of_key(result.op.transition_key)
        executor = self._executor
        is_ours = uuid == self.uuid and transition == self.number
        is_awaited = executor is not None and is_ours and executor.is_pending(action)
        if result.is_cancelled and not is_awaited:
            return
        if executor is not None and is_awaited:
            # A repeated operation that is not wanted any more before its first result did no harm.
            if result.is_success or (result.is_cancelled and result.op.interval_ms > 0):
                self._confirm(action, wall, effects)
            else:
                effects.append(StopTimer(f"action {action}"))
                executor.fail(action)
                self._abort(f"{result.op.key} had result {result.rc}", effects)
                self._finish_if_over(wall, effects)
            return
        what = "is well" if result.is_success else f"had result {result.rc}"
        self._trigger(f"{result.op.key} {what}", effects)

    def _ask(self, frm: int, ask: Ask, now: float, wall: float, effects: list[Effect]) -> None:
        if ask.kind == "wait":
            if self.is_idle:
                effects.append(Tell(frm, Told(ask.number, {"idle": True})))
            else:
                self._waiters.append((frm, ask.number))
            return
        situation = requests.Situation(
            self.cib().root,
            dict(self.names),
            self.view,
            self.options,
            now,
            wall,
            self._remotes,
            self._private,
        )
        try:
            decision = requests.decide(ask, situation)
        except Exception as bug:
            # Deciding changes nothing: a request that meets a bug is refused, the DC goes on.
            decision = requests.not_understood(ask, bug)
        if decision.reply is not None:
            effects.append(Tell(frm, Told(ask.number, decision.reply)))
        else:
            self._fences.wait(decision.fences, frm, ask.number)
        effects.extend(decision.effects)
        for update in decision.private:
            self._private[update.node_id, update.name] = update.value
        for update, delay in decision.attributes:
            state = find_state(self.cib().root.find("status"), update.node_id)
            present = transient_attributes(state).get(update.name)
            ready = self._dampener.take(update, delay, now, present)
            self._write_attributes(ready, effects)
        due = self._dampener.next_due()
        if due is not None:
            effects.append(SetTimer("dampening", max(0.0, due - now)))
        if decision.changes:
            effects.append(ChangeStatus(decision.changes))
        if decision.trigger:
            self._trigger(decision.trigger, effects)

    def _write_attributes(
        self, updates: tuple[AttributeUpdate, ...], effects: list[Effect]
    ) -> None:
        if not updates:
            return
        status = self.cib().root.find("status")
        states = {u.node_id: find_state(status, u.node_id) for u in updates}
        known = [
            update
            for update in updates
            if states[update.node_id] is not None
            and is_change(update, transient_attributes(states[update.node_id]))
        ]
        changes = tuple(attribute_change(u.node_id, u.name, u.value) for u in known)
        if changes:
            effects.append(ChangeStatus(changes))
            self._trigger(f"attribute {known[0].name}", effects)

    # ---- scheduling

    def _trigger(self, reason: str, effects: list[Effect], delay: float = 0.0) -> None:
        self._wanted.append(reason)
        if self.state is DcState.SCHEDULING:
            self._is_stale = True
        elif self.state is DcState.TRANSITION:
            self._abort(reason, effects)
        elif self.state is DcState.IDLE and not self._timer_set:
            self._timer_set = True
            wait = max(delay, TRIGGER_SECONDS, self.options.transition_delay)
            effects.append(SetTimer("schedule", wait))

    def _abort(self, reason: str, effects: list[Effect]) -> None:
        executor = self._executor
        if executor is None:
            return
        if executor.abort(ABORT_ALL, Completion.RESTART, reason):
            fields = {"transition": self.number, "pending": len(executor.pending)}
            effects.append(Story(f"transition aborted: {reason}", fields))

    def _schedule(self, wall: float, effects: list[Effect]) -> None:
        self._timer_set = False
        if self.state is not DcState.IDLE or self._is_held or any(self._in_flight.values()):
            return
        reason = "; ".join(dict.fromkeys(self._wanted))
        self._wanted, self._is_stale = [], False
        self.number += 1
        self.state = step(self.state, DcInput.SCHEDULE)
        effects.append(Story("scheduling", {"transition": self.number, "because": reason}))
        if self.view is not None:
            begun = TransitionBegun(self.view.term, self.number)
            others = [member for member in self.view.members if member != self.me]
            effects.extend(Tell(member, begun) for member in others)
        effects.append(Schedule(self.number, cib_bytes(self.cib(), self.view), wall))

    def _scheduled(self, event: Scheduled, wall: float, effects: list[Effect]) -> None:
        if event.number != self.number or self.state is not DcState.SCHEDULING:
            return
        for text in event.warnings:
            if text not in self._told_warnings:
                effects.append(Story(f"scheduler: {text}", {"transition": event.number}, True))
        self._told_warnings = event.warnings
        if self._is_stale:
            self.state = step(self.state, DcInput.STALE)
            self._trigger("changes while scheduling", effects)
            return
        try:
            if event.error:
                raise BadInput(event.error)
            executor = event.executor or Executor(checked_transition(event.graph))
        except BadInput as refused:
            self.state = step(self.state, DcInput.STALE)
            self.last_transition = f"transition {event.number} could not be made: {refused}"
            effects.append(Story(self.last_transition, {}, True))
            self._set_recheck("", wall, effects)
            self._answer_waiters(effects)
            return
        members = len(self.view.members) if self.view else 1
        executor.limit(*_limits(executor.transition.attributes, members))
        self._execute(executor, wall, effects)

    def _execute(self, executor: Executor, wall: float, effects: list[Effect]) -> None:
        self.state = step(self.state, DcInput.SCHEDULED)
        self._executor = executor
        count = len(executor.transition.synapses)
        if count:
            effects.append(
                Story("transition begins", {"transition": self.number, "actions": count})
            )
        self._dispatch(executor.start(), wall, effects)
        self._finish_if_over(wall, effects)

    # ---- carrying out a transition

    def _dispatch(self, actions: list[GraphAction], wall: float, effects: list[Effect]) -> None:
        todo = list(actions)
        self._take_downed(wall, effects)
        while todo:
            action = todo.pop(0)
            if action.tag == RSC_OP:
                done = self._dispatch_operation(action, wall, effects)
            else:
                done = self._dispatch_cluster_action(action, effects)
            executor = self._executor
            if executor is not None and done:
                effects.append(StopTimer(f"action {action.id}"))
                todo.extend(executor.confirm(action.id))
                self._take_downed(wall, effects)

    def _take_downed(self, wall: float, effects: list[Effect]) -> None:
        """Guest nodes whose container is stopped or failed are down without anybody fencing them."""
        executor = self._executor
        if executor is None or not executor.downed:
            return
        names = remote_names(self.cib().root)
        for name in executor.downed:
            if name in names:
                effects.append(ChangeStatus((fenced_remote_state(name, wall),)))
        executor.downed.clear()

    def _dispatch_operation(self, action: GraphAction, wall: float, effects: list[Effect]) -> bool:
        """Send an order to a node; whether the action is thereby confirmed."""
        node = self._node_of(action)
        view, executor = self.view, self._executor
        if view is None or executor is None:
            return False
        order = dispatch.order_from_action(action, view.term, self.number, self.uuid)
        if node is None or node not in view.members or order is None:
            why = f"{action.router_node or action.node} is no member"
            effects.append(Story(f"cannot do {action.key}: {why}", {}, True))
            executor.fail(action.id)
            self._abort(f"{action.key} cannot be done", effects)
            return False
        state = self._state_of(action)
        if isinstance(order, RunOp) and state is not None:
            op = order.op
            records = ResourceRecords(op.resource, op.standard, op.provider, op.type)
            entries = pending_entries(op, action.node, wall)
            if entries:
                effects.append(ChangeStatus(entry_changes(state, records, entries)))
        if isinstance(order, ForgetResource) and state is not None:
            effects.append(ChangeStatus(forget_resource(state, order.resource)))
        if isinstance(order, CancelOp) and state is not None:
            # A record that stays would say that the operation is still repeated.
            entry = f"{order.resource}_{order.operation}_{order.interval_ms}"
            effects.append(ChangeStatus(forget_entry(state, order.resource, entry)))
        effects.append(Tell(node, order))
        cluster_delay_ms = int(self.options.cluster_delay * 1000)
        wait = allowance_ms(action, cluster_delay_ms) / 1000
        effects.append(SetTimer(f"action {action.id}", wait))
        return waits_for_nothing(action)

    def _dispatch_cluster_action(self, action: GraphAction, effects: list[Effect]) -> bool:
        node = self._node_of(action)
        state = self._state_of(action)
        term = self.view.term if self.view else 0
        wanted, is_done = effects_of_cluster_action(action, node, state, term)
        effects.extend(wanted)
        return is_done

    def _confirm(self, number: int, wall: float, effects: list[Effect]) -> None:
        executor = self._executor
        if executor is None or not executor.is_pending(number):
            return
        effects.append(StopTimer(f"action {number}"))
        self._dispatch(executor.confirm(number), wall, effects)
        self._finish_if_over(wall, effects)

    def _finish_if_over(self, wall: float, effects: list[Effect]) -> None:
        executor = self._executor
        if executor is None or not executor.is_over:
            return
        self._executor = None
        self.state = step(self.state, DcInput.FINISHED)
        fields: dict[str, object] = {"transition": self.number, **executor.counts()}
        ended = "complete" if executor.is_complete else "stopped"
        self.last_transition = f"transition {self.number} {ended}"
        count = len(executor.transition.synapses)
        result = "aborted" if executor.abort_priority else ended
        effects.append(TransitionEnded(self.number, count, result))
        if count:
            effects.append(Story(f"transition {ended}", fields, not executor.is_complete))
        if executor.completion is Completion.RESTART or self._wanted:
            self._trigger(
                executor.abort_reason or "changes meanwhile", effects, self._fences.pause()
            )
            return
        effects.append(Story("idle", {"transition": self.number}))
        self._set_recheck(executor.transition.attributes.get("recheck-by", ""), wall, effects)
        self._answer_waiters(effects)

    def _set_recheck(self, recheck_by: str, wall: float, effects: list[Effect]) -> None:
        delays = []
        if self.options.recheck_interval > 0:
            delays.append(self.options.recheck_interval)
        if is_digits(recheck_by):
            delays.append(max(1.0, int(recheck_by) - wall))
        if delays:
            effects.append(SetTimer("recheck", min(delays)))

    def _answer_waiters(self, effects: list[Effect]) -> None:
        if not self.is_idle:
            return
        for node, number in self._waiters:
            effects.append(Tell(node, Told(number, {"idle": True})))
        self._waiters = []

    # ---- fencing

    def _fence_finished(self, event: FenceFinished, wall: float, effects: list[Effect]) -> None:
        effects.extend(self._fences.finished(event))
        executor = self._executor
        state = find_state_by_name(self.cib().root.find("status"), event.target)
        if event.ok:
            change = self._fenced(state, event, wall)
            if change is not None:
                effects.append(ChangeStatus((change,)))
            self._doubt(event, state, effects)
        pending = [
            action
            for action in (executor.pending if executor is not None else ())
            if action.operation == dispatch.FENCE and action.node == event.target
        ]
        for action in pending:
            if event.ok:
                if event.action == "on" and state is not None:
                    effects.append(ChangeStatus(unfenced_changes(action, state, wall)))
                self._confirm(action.id, wall, effects)
            elif executor is not None:
                executor.fail(action.id)
        if pending and not event.ok:
            tries = self._fences.failures(event.target)
            if tries >= self.options.fencing_max_attempts:
                self._give_up_fencing(event, effects)
            else:
                self._abort(f"fencing of {event.target} failed: {event.error}", effects)
            self._finish_if_over(wall, effects)
        if not pending and self.is_dc:
            self._trigger(f"{event.target} was fenced" if event.ok else "fencing failed", effects)

    def _fenced(
        self, state: etree._Element | None, event: FenceFinished, wall: float
    ) -> StatusChange | None:
        """The state of a node that was fenced; a remote one may never have been seen."""
        if event.action != "on" and event.target in remote_names(self.cib().root):
            return fenced_remote_state(event.target, wall)
        return fenced_state(state, event.action) if state is not None else None

    def _doubt(
        self, event: FenceFinished, state: etree._Element | None, effects: list[Effect]
    ) -> None:
        """A member that was fenced leaves the view, or its device lied: then it is asked what it runs."""
        number = state.get("id", "") if state is not None else ""
        members = self.view.members if self.view is not None else ()
        if event.action != "on" and is_digits(number) and int(number) in members:
            effects.append(SetTimer(f"fenced {number}", LIAR_SECONDS))

    def _ask_the_fenced(self, node: int, effects: list[Effect]) -> None:
        view = self.view
        if self.is_dc and view is not None and node in view.members:
            effects.append(Tell(node, TellState(view.term)))

    def _give_up_fencing(self, event: FenceFinished, effects: list[Effect]) -> None:
        """Let the transition end; the next attempt comes with the next change or recheck."""
        text = f"fencing of {event.target} failed too often: {event.error}"
        effects.append(Story(text, {"attempts": self._fences.failures(event.target)}, True))
        if self._executor is not None:
            self._executor.abort(ABORT_ALL, Completion.DONE, text)

    # ---- timers

    def _timer(self, name: str, now: float, wall: float, effects: list[Effect]) -> None:
        word, _, number = name.partition(" ")
        match word:
            case "schedule":
                self._schedule(wall, effects)
            case "recheck":
                self._trigger("recheck time", effects)
            case "join":
                self._ask_the_silent(effects)
            case "dc-deadtime":
                self._is_held = self._is_cold = False
                self._trigger("no more nodes came", effects)
            case "in-flight":
                self._ask_the_busy(effects)
            case "dampening":
                self._write_attributes(self._dampener.due(now), effects)
            case "fenced":
                self._ask_the_fenced(int(number), effects)
            case "action":
                self._overdue(int(number), wall, effects)

    def _overdue(self, number: int, wall: float, effects: list[Effect]) -> None:
        executor = self._executor
        if executor is None or not executor.is_pending(number):
            return
        action = executor.action(number)
        key = action.key if action else str(number)
        effects.append(Story(f"no result of {key}", {"transition": self.number}, True))
        if action is not None:
            self._record_silence(action, wall, effects)
        executor.fail(number)
        self._abort(f"no result of {key}", effects)
        self._finish_if_over(wall, effects)

    def _record_silence(self, action: GraphAction, wall: float, effects: list[Effect]) -> None:
        state = self._state_of(action)
        order = dispatch.order_from_action(action, 0, self.number, self.uuid)
        if isinstance(order, RunOp) and state is not None:
            allowance = allowance_ms(action, int(self.options.cluster_delay * 1000)) / 1000
            effects.extend(effects_of_silence(order.op, state, allowance=allowance, wall=wall))

    def _node_of(self, action: GraphAction) -> int | None:
        """The member that an action is for, or through which it goes to a remote node."""
        if action.router_node:
            return next((n for n, name in self.names.items() if name == action.router_node), None)
        if is_digits(action.node_uuid) and int(action.node_uuid) in self.names:
            return int(action.node_uuid)
        if action.node not in self.names.values():
            return self._remotes.of(action.node)
        return next((n for n, name in self.names.items() if name == action.node), None)

    def _state_of(self, action: GraphAction) -> etree._Element | None:
        """The state of the node that an action concerns."""
        status = self.cib().root.find("status")
        is_member = not action.router_node and self._node_of(action) is not None
        if is_member and action.node in self.names.values():
            return find_state(status, str(self._node_of(action)))
        return find_state_by_name(status, action.node)


def _limits(attributes: Mapping[str, str], members: int) -> tuple[int, int]:
    """How many actions may be pending at once, and how many migrations per node (-1: any number).

    Without a batch limit of the user's, enough to keep all nodes busy and no more: one huge batch
    would hold up everything else that the DC has to do.
    """
    batch, migrations = attributes.get("batch-limit", "0"), attributes.get("migration-limit", "-1")
    given = int(batch) if is_digits(batch) else 0
    return (
        given or AUTOMATIC_BATCH * members,
        int(migrations) if is_whole(migrations) else -1,
    )
