"""What the agents of different nodes say to each other beside membership and log: orders of the DC,
results, states, and questions with their answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from lxml import etree

from engine.base import events as replica
from engine.base.exitcodes import ExitStatus, OcfStatus
from engine.base.seams import Clock
from engine.controller import events as controller
from engine.controller import messages
from engine.controller.core import Controller
from engine.controller.requests import refused
from engine.controller.status import find_state, transient_attributes
from engine.edges.fences import FenceRunner
from engine.edges.operations import Operations
from engine.edges.remotes import RemoteLinks
from engine.fencing import core as fencing
from engine.fencing.history import FenceEvent
from engine.lrm.api import LrmResult, OpStatus
from engine.membership.api import Transport
from engine.node.alerting import Alerting
from engine.node.inputs import StoredTransition, TransitionInputs
from engine.node.questions import Answered, Questions
from engine.replica.member import Member
from engine.replica.state import ReplicatedCib
from engine.router import Part

BACKLOG_LIMIT = 10_000
# Questions that every member answers for itself, not only the DC.
OF_ALL_MEMBERS = ("transitions", "transition", "fence-history")

_log = logging.getLogger("engine.node")


class Home(Protocol):
    """The node, as far as its mail needs it."""

    me: int
    name: str
    names: dict[int, str]
    run_id: str
    clock: Clock
    member: Member
    controller: Controller
    machine: ReplicatedCib
    inputs: TransitionInputs
    operations: Operations
    fences: FenceRunner
    fencing: fencing.FencingCore
    remotes: RemoteLinks
    alerting: Alerting
    transport: Transport

    def post(self, part: Part, event: object) -> None: ...

    def node_name(self, node_id: int) -> str: ...

    def has_authority(self) -> bool: ...

    def leave(self, reason: str) -> None: ...

    def ask_for_remote(self, name: str, ask: messages.Ask) -> None: ...


class Mail:
    """The messages of one node, and the questions that its clients wait for."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._questions = Questions()
        self._backlog: list[tuple[int, int, messages.Message]] = []
        self._attributes: dict[str, str] = {}
        self._readers = 0
        self._reading: dict[int, tuple[int, int]] = {}
        self._told_load: messages.NodeLoad | None = None

    # ---- what this node says of itself

    def send_join_state(self, term: int) -> None:
        """Tell the DC of this view what runs here; nothing if the view is over."""
        home, view = self._home, self._home.member.view
        if view is None or view.term != term:
            return
        lrm = etree.tostring(home.operations.history.element(str(home.me)))
        state = messages.JoinState(
            term,
            home.name,
            home.run_id,
            lrm,
            dict(self._attributes),
            home.operations.in_flight,
            home.clock.wall(),
            home.controller.number,
        )
        self.tell(view.dc, state)
        for name in home.remotes.connected:
            home.remotes.send(name, messages.TellState(term))

    def tell_load(self, mode: int, most: int) -> None:
        """Tell the DC how busy this node is, if that is news to it."""
        view = self._home.member.view
        if view is None:
            return
        said = messages.NodeLoad(view.term, mode, most)
        if said != self._told_load:
            self._told_load = said
            self.tell(view.dc, said)

    def remember_attributes(self) -> None:
        """Keep this node's transient attributes, for the next DC to be told."""
        home = self._home
        state = find_state(home.machine.cib.root.find("status"), str(home.me))
        if state is not None:
            self._attributes = transient_attributes(state)

    def report(self, result: LrmResult) -> None:
        """An operation ended here."""
        self._home.alerting.operation_ended(result)
        view = self._home.member.view
        if view is not None:
            self.tell(view.dc, messages.OpReport(view.term, result))

    # ---- remote nodes

    def connected(self, name: str, hello: messages.RemoteHello) -> None:
        """A remote node told its state."""
        self._home.alerting.remote_seen(name, is_up=True)
        view = self._home.member.view
        if view is not None:
            state = messages.RemoteState(view.term, name, True, hello.life, hello.lrm)
            self.tell(view.dc, state)

    def disconnected(self, name: str) -> None:
        """The connection to a remote node is over."""
        self._home.alerting.remote_seen(name, is_up=False)
        view = self._home.member.view
        if view is not None:
            self.tell(view.dc, messages.RemoteState(view.term, name, False))
        # In a later round: it may be an operation of the connection that found out.
        asyncio.get_running_loop().call_soon(self._home.operations.hurry, name)

    def heard(self, name: str, message: Any) -> None:
        """What a remote node says beside that: results, confirmations, questions of its programs."""
        view = self._home.member.view
        match message:
            case messages.RemoteHello():
                self.connected(name, message)
            case messages.OpReport(result=result) if view is not None:
                self._home.alerting.operation_ended(result, name)
                self.tell(view.dc, messages.OpReport(view.term, result, name))
            case messages.Confirmed(action=action) if view is not None:
                self.tell(view.dc, messages.Confirmed(view.term, action))
            case messages.Ask():
                self._home.ask_for_remote(name, message)
            case _:
                pass

    def _pass_on(
        self, frm: int, order: messages.RunOp | messages.CancelOp | messages.ForgetResource
    ) -> None:
        """An order for a remote node that this node is, or was, connected to."""
        home, name = self._home, order.remote
        if home.remotes.send(name, order):
            return
        match order:
            case messages.RunOp(op=op):
                reason = f"there is no connection to {name}"
                rc, status = OcfStatus.UNKNOWN_ERROR, OpStatus.NOT_CONNECTED
                result = LrmResult(op, -1, rc, status, reason, is_recorded=False)
                self.tell(frm, messages.OpReport(order.term, result, name))
            case _ if order.action:
                self.tell(frm, messages.Confirmed(order.term, order.action))
            case _:
                pass

    # ---- out

    def tell(self, to: int, message: messages.Message) -> None:
        """Send now, or as soon as there is a stream and, for orders, the authority to give them."""
        home, view = self._home, self._home.member.view
        if to == home.me:
            asyncio.get_running_loop().call_soon(self.deliver, to, message)
            return
        may_send = home.has_authority() or not needs_authority(message)
        if may_send and home.transport.send(to, message):
            return
        if view is not None and len(self._backlog) < BACKLOG_LIMIT:
            self._backlog.append((view.term, to, message))

    def send_backlog(self) -> None:
        """Try again what could not be sent."""
        waiting, self._backlog = self._backlog, []
        view = self._home.member.view
        for term, to, message in waiting:
            if view is not None and term == view.term:
                self.tell(to, message)

    def drop_for_old_view(self, *, is_new_dc: bool) -> None:
        """What was said in the old view is void; who waits for lasting answers waits for the same DC."""
        self._backlog = []
        text = "the view of the cluster changed meanwhile, try again"
        self._questions.answer_all(refused(text, ExitStatus.TEMPFAIL), lasting=False)
        if is_new_dc:
            # Not to be tried again blindly: the device may have done it.
            text = "the designated controller was lost meanwhile: 'crm status' tells whether it was done"
            self._questions.answer_all(refused(text, ExitStatus.INDETERMINATE), lasting=True)

    # ---- in

    def deliver(self, frm: int, message: Any) -> None:
        """A message of a controller part, perhaps of this node itself."""
        home = self._home
        match message:
            case messages.Told(number=number, fields=fields):
                self._questions.answer(number, fields)
            case messages.Ask():
                self._asked(frm, message)
            case messages.FenceRan(run=run, rc=rc, text=text, error=error):
                home.post(Part.FENCING, fencing.Ran(run, rc, text, error))
            case (
                messages.JoinState()
                | messages.OpReport()
                | messages.Confirmed()
                | messages.RemoteState()
                | messages.NodeLoad()
            ):
                home.post(Part.CONTROLLER, controller.FromNode(frm, message))
            case _:
                self._order(frm, message)

    def _order(self, frm: int, message: Any) -> None:
        """An order of the DC: obeyed only in the name of the newest view (rule R5)."""
        home, view = self._home, self._home.member.view
        if view is None or frm != view.dc or message.term != view.term:
            _log.warning("order of an old view refused from=%s", home.node_name(frm))
            return
        match message:
            case messages.TransitionBegun():
                home.post(Part.CONTROLLER, controller.FromNode(frm, message))
            case (
                messages.RunOp(remote=remote)
                | messages.CancelOp(remote=remote)
                | messages.ForgetResource(remote=remote)
            ) if remote:
                self._pass_on(frm, message)
            case messages.RunOp(op=op):
                home.post(Part.CONTROLLER, controller.FromNode(frm, message))
                home.operations.request(op)
            case messages.CancelOp():
                home.operations.cancel(message.resource, message.operation, message.interval_ms)
                self.tell(frm, messages.Confirmed(view.term, message.action))
            case messages.ForgetResource(resource=resource, action=action):
                if message.only_failure:
                    home.operations.forget_failure(resource)
                else:
                    home.operations.forget(resource)
                if action:
                    self.tell(frm, messages.Confirmed(view.term, action))
            case messages.TellState(term=term):
                self.send_join_state(term)
            case messages.ShutdownGranted():
                home.leave("granted")
            case messages.FenceDone(event=event):
                home.fencing.history.add(event)
                home.alerting.fenced(event)
            case messages.RunFence():
                self._run_fence(frm, message)
            case _:
                pass

    # ---- fencing

    def order_fence(self, effect: fencing.RunAgent) -> None:
        """Let the chosen member run a fence agent."""
        home, view = self._home, self._home.member.view
        node = next((n for n, name in home.names.items() if name == effect.node), home.me)
        order = messages.RunFence(
            view.term if view else 0,
            effect.run,
            effect.device.agent,
            effect.action,
            dict(effect.device.parameters),
            effect.timeout_ms,
            effect.target,
        )
        self.tell(node, order)

    def tell_fenced(self, event: FenceEvent) -> None:
        """Let the other members remember a fencing request that is over; this one does already."""
        self._home.alerting.fenced(event)
        view = self._home.member.view
        for member in view.members if view is not None else ():
            if member != self._home.me and view is not None:
                self.tell(member, messages.FenceDone(view.term, event))

    def _run_fence(self, frm: int, order: messages.RunFence) -> None:
        def done(rc: int, text: str, error: str) -> None:
            view = self._home.member.view
            term = view.term if view else 0
            self.tell(frm, messages.FenceRan(term, order.run, rc, text, error))

        self._home.fences.run(
            order.agent, order.action, order.target, order.parameters, order.timeout_ms, done
        )

    # ---- questions

    def ask_dc(self, kind: str, fields: Mapping[str, Any], user: str, done: Answered) -> int:
        """Ask the DC; `done` gets its answer, or a refusal when the view changes meanwhile."""
        view = self._home.member.view
        return self._ask(view.dc if view else 0, kind, fields, user, done)

    def ask_members(
        self,
        kind: str,
        fields: Mapping[str, Any],
        user: str,
        done: Callable[[list[Mapping[str, Any]]], None],
        limit: float,
    ) -> None:
        """Ask every member of the view; `done` gets the answers that came within `limit` seconds."""
        view = self._home.member.view
        members = view.members if view else (0,)
        answers: list[Mapping[str, Any]] = []

        def finish() -> None:
            timer.cancel()
            for number in numbers:
                self._questions.drop(number)
            done(answers)

        def answered(told: Mapping[str, Any]) -> None:
            answers.append(told)
            if len(answers) == len(members):
                finish()

        timer = self._home.clock.call_later(limit, finish)
        numbers: list[int] = []
        for member in members:
            numbers.append(self._ask(member, kind, fields, user, answered))

    def _ask(self, to: int, kind: str, fields: Mapping[str, Any], user: str, done: Answered) -> int:
        number = self._questions.add(done, is_lasting=kind == "fence")
        if self._home.member.view is None:
            text = "this node is in no active view"
            self._questions.answer(number, refused(text, ExitStatus.TEMPFAIL))
        else:
            self.tell(to, messages.Ask(number, kind, dict(fields), user))
        return number

    def drop_question(self, number: int) -> bool:
        """Nobody waits for the answer any more; whether it was still open."""
        return self._questions.drop(number)

    def _asked(self, frm: int, ask: messages.Ask) -> None:
        home, view = self._home, self._home.member.view
        if ask.kind in OF_ALL_MEMBERS:
            self.tell(frm, messages.Told(ask.number, self._stored(ask)))
        elif ask.kind == "sync" and view is not None and view.dc == home.me:
            self._readers += 1
            self._reading[self._readers] = (frm, ask.number)
            home.post(Part.MEMBER, replica.AskReadPoint(self._readers))
        else:
            home.post(Part.CONTROLLER, controller.FromNode(frm, ask))

    def read_point(self, point: replica.ReadPoint) -> None:
        """What a reader may count on is known, or that nothing is."""
        frm, number = self._reading.pop(point.number)
        fields: dict[str, Any] = {"ok": True, "index": point.index}
        if point.error:
            fields = refused(point.error, ExitStatus(point.status))
        self.tell(frm, messages.Told(number, fields))

    def _stored(self, ask: messages.Ask) -> dict[str, Any]:
        """The transitions of this node's times as DC, or the input of one of them."""
        inputs = self._home.inputs
        if ask.kind == "fence-history":
            return self._fenced(ask)
        if ask.kind == "transitions":
            stored = [inputs.stored[number] for number in sorted(inputs.stored)]
            return {"ok": True, "transitions": [_item(item) for item in stored]}
        number, node = ask.fields.get("number", 0), ask.fields.get("node") or self._home.name
        known = inputs.stored.get(number) if isinstance(number, int) else None
        found = inputs.read(known.number) if known and node == self._home.name else None
        if found is None or known is None:
            return refused(f"there is no transition {number}", ExitStatus.NOSUCH)
        return {"ok": True, "input": found, "time": known.time, "node": known.node}

    def _fenced(self, ask: messages.Ask) -> dict[str, Any]:
        """What this node remembers of fencing, and as DC what is under way; or forget it all."""
        fencing_core, target = self._home.fencing, str(ask.fields.get("node", ""))
        if ask.fields.get("forget"):
            fencing_core.history.forget(target)
        found = [asdict(event) for event in fencing_core.history.about(target)]
        pending = [
            {"target": item.target, "action": item.action, "origin": item.origin}
            for item in fencing_core.pending
            if target in ("", item.target)
        ]
        return {"ok": True, "events": found, "pending": pending, "node": self._home.name}


def needs_authority(message: messages.Message) -> bool:
    """Whether a DC may say this only while a quorum follows it (rule R13)."""
    return isinstance(message, messages.RunOp)


def _item(stored: StoredTransition) -> dict[str, Any]:
    return {
        "number": stored.number,
        "time": stored.time,
        "actions": stored.actions,
        "result": stored.result,
        "node": stored.node,
    }
