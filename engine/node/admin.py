"""What the node agent answers on its admin socket: reads from the replica, changes by the log, and the
rest by asking the DC. Every refusal is one line with an exit status.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lxml import etree

from engine.base.errors import EngineError
from engine.base.events import Outcome, Submission
from engine.base.exitcodes import ExitStatus
from engine.base.exposition import metrics_text
from engine.base.nodeconf import NodeConfig
from engine.base.seams import Clock, Handle
from engine.base.timespec import seconds_from
from engine.cib.access import is_restricted, seen_by
from engine.cib.document import Cib
from engine.controller.core import Controller
from engine.controller.messages import Ask
from engine.controller.rights import RIGHTS, Asking
from engine.controller.status import cib_bytes
from engine.edges.operations import Operations
from engine.ipc.messages import Message
from engine.ipc.peers import Peer
from engine.ipc.server import Reply, refusal
from engine.membership.api import Transport
from engine.metrics import node_metrics, quorum_metrics, ring_metrics
from engine.node.inputs import TransitionInputs
from engine.node.questions import Answered
from engine.replica.member import Member

ASK_SECONDS = 30.0
SYNC_SECONDS = 5.0
RETRY_SECONDS = 0.2
GATHER_SECONDS = 10.0
FENCE_SECONDS = 600.0
MAX_REQUEST_ID = 128
NO_UID = -1
# These run programs as root or declare a machine dead on somebody's word.
ROOT_ONLY = ("fence", "confirm-fenced", "shutdown")
# Transient attributes that stop a node or have it fenced.
ROOT_ATTRIBUTES = ("shutdown", "terminate")
FORWARDED = ("attribute", "attribute-value", "ticket", "cleanup", "fence", "confirm-fenced")

_log = logging.getLogger(__name__)


class Agent(Protocol):
    """The node, as far as its admin desk needs it."""

    me: int
    name: str
    cluster: str
    version: str
    is_stopping: bool
    config: NodeConfig
    member: Member
    controller: Controller
    inputs: TransitionInputs
    operations: Operations
    names: dict[int, str]
    longest_stand_ms: Callable[[], float]
    transport: Transport

    @property
    def clock(self) -> Clock: ...

    @property
    def cib(self) -> Cib: ...

    def submit(self, submission: Submission) -> None: ...

    def shut_down(self, user: str) -> None: ...

    def node_name(self, node_id: int) -> str: ...


class Asker(Protocol):
    """Puts questions to other nodes."""

    def ask_dc(self, kind: str, fields: Mapping[str, Any], user: str, done: Answered) -> int: ...

    def ask_members(
        self,
        kind: str,
        fields: Mapping[str, Any],
        user: str,
        done: Callable[[list[Mapping[str, Any]]], None],
        limit: float,
    ) -> None: ...

    def drop_question(self, number: int) -> bool: ...


class AdminDesk:
    """Handles requests; `outcome` and `applied` are told what the replica did."""

    def __init__(self, agent: Agent, asker: Asker) -> None:
        self._agent = agent
        self._asker = asker
        self._submitted: dict[str, list[Reply]] = {}
        self._until_applied: list[tuple[int, Callable[[], None], Handle]] = []
        self._kinds: dict[str, Callable[[Peer, Message, Reply], None]] = {
            "hello": self._hello,
            "cib": self._cib,
            "submit": self._submit,
            "outcome": self._outcome_of,
            "status": self._status,
            "wait": self._wait,
            "shutdown": self._shutdown,
            "transitions": self._transitions,
            "transition": self._transition,
            "metrics": self._metrics,
            "fence-history": self._fence_history,
        }

    def handle(self, peer: Peer, request: Message, reply: Reply) -> None:
        """Answer one request by calling `reply` once, now or later."""
        kind = request["kind"]
        handler = self._kinds.get(kind)
        if kind in ROOT_ONLY and not _is_trusted(peer):
            reply(refusal(f"'{kind}' needs root", ExitStatus.INSUFFICIENT_PRIV))
        elif (
            kind == "attribute" and request.get("name") in ROOT_ATTRIBUTES and not _is_trusted(peer)
        ):
            text = f"the attribute '{request['name']}' needs root"
            reply(refusal(text, ExitStatus.INSUFFICIENT_PRIV))
        elif handler is not None:
            handler(peer, request, reply)
        elif kind in FORWARDED:
            limit = FENCE_SECONDS if kind == "fence" else ASK_SECONDS
            self._forward(kind, request, peer, reply, limit)
        else:
            known = ", ".join(sorted([*self._kinds, *FORWARDED]))
            reply(refusal(f"unknown request '{kind}' (known: {known})", ExitStatus.PROTOCOL))

    def handle_remote(self, name: str, ask: Ask, reply: Reply) -> None:
        """Answer a program on a remote node, as its user there; never about this node's own life."""
        if ask.kind == "shutdown":
            self._ask("shutdown", {"node": name}, ask.user, reply, ASK_SECONDS)
            return
        peer = Peer(0 if ask.user == "root" else NO_UID, ask.user, ())
        self.handle(peer, {**ask.fields, "kind": ask.kind}, reply)

    def outcome(self, outcome: Outcome) -> None:
        """A submission of a client of this node has its result."""
        for reply in self._submitted.pop(outcome.request_id, ()):
            reply(self._outcome_fields(outcome))

    def applied(self) -> None:
        """The replica went on: answer the reads that waited for it."""
        index = self._agent.member.machine.index
        ready = [item for item in self._until_applied if item[0] <= index]
        self._until_applied = [item for item in self._until_applied if item[0] > index]
        for _, answer, timer in ready:
            timer.cancel()
            answer()

    # ---- reads

    def _hello(self, peer: Peer, request: Message, reply: Reply) -> None:
        agent, view = self._agent, self._agent.member.view
        reply(
            {
                "version": agent.version,
                "node": agent.name,
                "cluster": agent.cluster,
                "dc": agent.node_name(view.dc) if view else "",
                "quorate": bool(view and view.quorate),
                "stopping": agent.is_stopping,
            }
        )

    def _cib(self, peer: Peer, request: Message, reply: Reply) -> None:
        whole = request.get("scope", "all") != "configuration"

        def answer() -> None:
            machine = self._agent.member.machine
            try:
                cib = self._cib_for(peer, with_status=whole)
            except EngineError as problem:
                reply(refusal(str(problem), problem.status))
                return
            reply({"cib": cib, "epoch": list(machine.version), "index": machine.index})

        if not request.get("sync"):
            answer()
            return

        def synced(fields: Mapping[str, Any]) -> None:
            if not fields.get("ok"):
                reply(fields)
                return
            index = int(fields.get("index", 0))
            if self._agent.member.machine.index >= index:
                answer()
                return
            late = lambda: self._give_up(index, answer, reply)  # noqa: E731 - one line
            timer = self._agent.clock.call_later(SYNC_SECONDS, late)
            self._until_applied.append((index, answer, timer))

        self._ask_patiently("sync", peer.user, synced, SYNC_SECONDS)

    def _cib_for(self, peer: Peer, *, with_status: bool = True) -> bytes:
        """What of the CIB a client may see; raises `EngineError` where that is nothing."""
        agent, asking = self._agent, _asking(peer)
        cib = agent.cib
        if is_restricted(cib.root, asking.user):
            seen = seen_by(cib.root, asking.user, asking.groups)
            for name, value in cib.root.attrib.items():
                seen.set(str(name), str(value))  # versions: every change is made from one
            for place, section in enumerate(("configuration", "status")):
                if seen.find(section) is None:
                    seen.insert(place, etree.Element(section))
            cib = Cib(seen)
        return cib_bytes(cib, agent.member.view, with_status=with_status)

    def _give_up(self, index: int, answer: Callable[[], None], reply: Reply) -> None:
        """What is here is not what was asked for, and must not pass for it."""
        waiting = [item for item in self._until_applied if item[1] is answer]
        if waiting:
            self._until_applied.remove(waiting[0])
            have = self._agent.member.machine.index
            text = f"this node has not caught up: it is at change {have}, the cluster at {index}"
            reply(refusal(text, ExitStatus.TIMEOUT))

    def _status(self, peer: Peer, request: Message, reply: Reply) -> None:
        agent = self._agent
        view = agent.member.view
        details = agent.member.describe(agent.clock.now())
        reply(
            {
                "cib": self._cib_for(peer),
                "node": agent.name,
                "version": agent.version,
                "cluster": agent.cluster,
                "dc": agent.node_name(view.dc) if view else "",
                "quorate": bool(view and view.quorate),
                "reason": str(details.get("reason", "")),
                "members": [agent.node_name(n) for n in (view.members if view else ())],
                "durable": [agent.node_name(n) for n in (view.durable if view else ())],
                "dc_state": agent.controller.state.value,
                "refused": _plain(agent.transport.describe().get("refused", [])),
                "details": {key: _plain(value) for key, value in details.items()},
                "controller": _plain(agent.controller.snapshot()),
            }
        )

    def _transitions(self, peer: Peer, request: Message, reply: Reply) -> None:
        """Each member has those of its times as DC."""

        def answered(answers: list[Mapping[str, Any]]) -> None:
            told = [answer for answer in answers if answer.get("ok")]
            items = [item for answer in told for item in answer.get("transitions", ())]
            items.sort(key=lambda item: (item["time"], item["number"]))
            reply({"transitions": items} if told else _first_refusal(answers))

        self._asker.ask_members("transitions", {}, peer.user, answered, GATHER_SECONDS)

    def _transition(self, peer: Peer, request: Message, reply: Reply) -> None:
        """The input of a number, of the named node or the newest one: a CIB of its time, unfiltered."""
        if is_restricted(self._agent.cib.root, _asking(peer).user):
            text = "Permission denied: the scheduler's inputs hold the whole configuration"
            reply(refusal(text, ExitStatus.INSUFFICIENT_PRIV))
            return
        fields = {"number": request.get("number", 0), "node": request.get("node", "")}

        def answered(answers: list[Mapping[str, Any]]) -> None:
            told = [answer for answer in answers if answer.get("ok")]
            newest = max(told, key=lambda answer: float(answer["time"]), default=None)
            reply(newest if newest is not None else _first_refusal(answers))

        self._asker.ask_members("transition", fields, peer.user, answered, GATHER_SECONDS)

    def _fence_history(self, peer: Peer, request: Message, reply: Reply) -> None:
        """Every member remembers what was fenced in its time; `forget` is for root alone."""
        fields = {"node": request.get("node", ""), "forget": bool(request.get("forget"))}
        if fields["forget"] and not _is_trusted(peer):
            text = "forgetting the fencing history needs root"
            reply(refusal(text, ExitStatus.INSUFFICIENT_PRIV))
            return

        def answered(answers: list[Mapping[str, Any]]) -> None:
            told = [answer for answer in answers if answer.get("ok")]
            events = {tuple(item.values()): item for told_ in told for item in told_["events"]}
            pending = [
                {**item, "node": answer["node"]} for answer in told for item in answer["pending"]
            ]
            items = sorted(events.values(), key=lambda item: float(item["when"]))
            found = {"events": items, "pending": pending}
            reply(found if told else _first_refusal(answers))

        self._asker.ask_members("fence-history", fields, peer.user, answered, GATHER_SECONDS)

    def _metrics(self, peer: Peer, request: Message, reply: Reply) -> None:
        agent = self._agent
        member, links = (
            agent.member.describe(agent.clock.now()),
            agent.transport.describe()["links"],
        )
        addresses = tuple(address.host for address in agent.config.addresses)
        votes = {node.id: node.votes for node in agent.config.everyone()}
        found = (
            *quorum_metrics(member, agent.names, votes, agent.me),
            *ring_metrics(agent.me, addresses, links),
            *node_metrics(
                member,
                agent.controller.snapshot(),
                agent.operations.core.snapshot(),
                agent.names,
                agent.longest_stand_ms(),
            ),
        )
        reply({"text": metrics_text(found)})

    # ---- changes

    def _submit(self, peer: Peer, request: Message, reply: Reply) -> None:
        problem = _submission_problem(request)
        if problem:
            reply(refusal(problem, ExitStatus.PROTOCOL))
            return
        base, asking = request["base"], _asking(peer)
        submission = Submission(
            request_id=request["request_id"],
            base=(base[0], base[1], base[2]),
            patch=request.get("patch", b"") or b"",
            replace=request.get("replace", b"") or b"",
            force=bool(request.get("force")),
            user=str(request.get("user") or peer.user) if peer.is_root else peer.user,
            client=str(request.get("client", "crm")),
            origin=self._agent.name,
            wall=self._agent.clock.wall(),
            expected=tuple(request.get("expected") or ())[:2],
            acl_user=asking.user,
            acl_groups=asking.groups,
        )
        self._submitted.setdefault(submission.request_id, []).append(reply)
        self._agent.submit(submission)

    def _outcome_of(self, peer: Peer, request: Message, reply: Reply) -> None:
        outcome = self._agent.member.outcome(str(request.get("request_id", "")))
        if outcome is None:
            text = "nothing is known of this request"
            reply(refusal(text, ExitStatus.NOSUCH))
        else:
            reply(self._outcome_fields(outcome))

    def _outcome_fields(self, outcome: Outcome) -> dict[str, Any]:
        names = [self._agent.node_name(node) for node in outcome.durable]
        return {
            "ok": outcome.ok,
            "error": outcome.error,
            "status": outcome.status,
            "epoch": list(outcome.version),
            "index": outcome.index,
            "durable": names,
            "of": outcome.of,
            "conflicts": [dict(item) for item in outcome.conflicts],
            "warnings": list(outcome.warnings),
        }

    # ---- the DC

    def _wait(self, peer: Peer, request: Message, reply: Reply) -> None:
        limit = seconds_from(request.get("timeout"), ASK_SECONDS)

        def answered(fields: Mapping[str, Any]) -> None:
            late = fields.get("status") == ExitStatus.TIMEOUT
            reply({"idle": False} if late else fields)

        self._ask_patiently("wait", peer.user, answered, limit)

    def _shutdown(self, peer: Peer, request: Message, reply: Reply) -> None:
        self._agent.shut_down(peer.user)
        reply({})

    def _forward(self, kind: str, request: Message, peer: Peer, reply: Reply, limit: float) -> None:
        fields = {key: value for key, value in request.items() if key not in ("id", "kind", RIGHTS)}
        fields |= _asking(peer).fields()
        self._ask(kind, fields, peer.user, reply, limit)

    def _ask_patiently(self, kind: str, user: str, done: Answered, limit: float) -> None:
        """Ask again while the cluster is between two views, until the limit is over."""
        clock = self._agent.clock
        end = clock.now() + limit

        def answered(fields: Mapping[str, Any]) -> None:
            is_passing = fields.get("status") == ExitStatus.TEMPFAIL
            if is_passing and clock.now() + RETRY_SECONDS < end:
                clock.call_later(RETRY_SECONDS, again)
            else:
                done(fields)

        def again() -> None:
            self._ask(kind, {}, user, answered, end - clock.now())

        again()

    def _ask(
        self,
        kind: str,
        fields: Mapping[str, Any],
        user: str,
        done: Answered,
        limit: float,
    ) -> None:
        agent = self._agent
        if agent.member.view is None:
            text = "this node is in no active view of the cluster at present, try again"
            done(refusal(text, ExitStatus.TEMPFAIL))
            return

        def answered(told: Mapping[str, Any]) -> None:
            timer.cancel()
            done({"ok": True, **told})

        def too_late() -> None:
            if self._asker.drop_question(number):
                text = f"no answer of the designated controller within {limit:g} s"
                done(refusal(text, ExitStatus.TIMEOUT))

        timer = agent.clock.call_later(limit, too_late)
        number = self._asker.ask_dc(kind, fields, user, answered)


def _submission_problem(request: Message) -> str:
    identity, base = request.get("request_id"), request.get("base")
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_REQUEST_ID:
        return f"submit: 'request_id' is a text of 1 to {MAX_REQUEST_ID} characters"
    if not _is_version(base, 3):
        return "submit: 'base' is [admin_epoch, epoch, num_updates]"
    expected = request.get("expected")
    if expected is not None and not (_is_version(expected, 2) or _is_version(expected, 3)):
        return "submit: 'expected' is [admin_epoch, epoch]"
    bodies = [request.get(name) for name in ("patch", "replace")]
    if any(body is not None and not isinstance(body, bytes) for body in bodies):
        return "submit: 'patch' and 'replace' are bytes"
    if sum(bool(body) for body in bodies) != 1:
        return "submit: exactly one of 'patch' and 'replace'"
    return ""


def _is_version(value: object, length: int) -> bool:
    is_list = isinstance(value, list) and len(value) == length
    return is_list and all(type(number) is int for number in value)  # type: ignore[attr-defined]


def _first_refusal(answers: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What to say when no member had an answer."""
    text = f"no member of the cluster answered within {GATHER_SECONDS:g} s"
    return answers[0] if answers else refusal(text, ExitStatus.TIMEOUT)


def _is_trusted(peer: Peer) -> bool:
    return peer.uid in (0, os.getuid())


def _asking(peer: Peer) -> Asking:
    """Whose rights count: root and the agent's own user may do everything."""
    return Asking() if _is_trusted(peer) else Asking(peer.user, peer.groups)


def _plain(value: Any) -> Any:
    """A value that msgpack can carry."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, str | int | float | bool | bytes | None):
        return value
    return str(value)
