"""A remote node: an agent that carries out operations for the cluster and is no member of it.

It waits for the connection of the node that the cluster chose, tells its history, does what it is ordered, and
lets its own programs (`crm_attribute`, `crm_node`, …) ask the cluster through that connection. Without a connection
it goes on with what it repeats; the results are told at the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from typing import Any

from lxml import etree

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import Address
from engine.base.seams import Clock
from engine.controller import messages
from engine.edges.clock import RealClock
from engine.edges.droplist import DropList
from engine.edges.keys import load_key_file
from engine.edges.mesh import lasting_id
from engine.edges.notify import ServiceManager
from engine.edges.operations import Operations
from engine.edges.processes import Processes
from engine.edges.remotes import RemoteCodec
from engine.edges.streams import Connection, Streams
from engine.edges.tasks import Owner
from engine.ipc.messages import Message, socket_path
from engine.ipc.peers import Peer
from engine.ipc.server import AdminServer, Reply, refusal
from engine.lrm.api import LrmResult
from engine.node.paths import Places, make_public
from engine.node.questions import Questions

ASK_SECONDS = 30.0
LEAVE_SECONDS = 1200.0

_log = logging.getLogger("engine.node")


class RemoteNode:
    """The agent of a remote node; `run()` returns when it was told to stop, with an exit status."""

    def __init__(self, name: str, address: Address, places: Places) -> None:
        self.name, self.address, self.places = name, address, places
        self.clock: Clock = RealClock(asyncio.get_running_loop())
        self.version = installed_version("crmshell")
        self._owner = Owner(self._failed)
        self._codec = RemoteCodec()
        self._manager = ServiceManager()
        self._host: Connection | None = None
        self._questions = Questions()
        self._is_stopping = False
        self._done: asyncio.Future[int] | None = None

    async def run(self) -> int:
        """Start everything, serve until stopped, stop everything."""
        self._done = asyncio.get_running_loop().create_future()
        places = self.places
        for directory in (places.paths.var_run, places.paths.resource_state, places.run):
            make_public(directory)
        self._life = lasting_id(os.path.join(places.run, "run-id"))
        self._operations = Operations(
            self.name,
            places.run,
            places.paths,
            Processes(),
            self.clock,
            self._report,
            lambda: self._host is not None,
            renewed=self._tell_state_anew,
        )
        self._operations.load()
        self._operations.learn_units()
        key = load_key_file(places.key)
        drops = DropList(os.environ.get("TESTHOST_DROP"))
        self._streams = Streams(key, (self.address,), drops, self._owner, self._opened)
        self._server = AdminServer(socket_path(places.root), self._asked)
        await self._server.start()
        try:
            await self._listen()
            self._manager.ready(f"remote node {self.name}")
            _log.info("remote node starts name=%s address=%s", self.name, self.address)
            self._alive()
            return await self._done
        finally:
            self._manager.stopping()
            self._operations.close()
            await self._server.stop()
            await self._streams.stop()
            await self._owner.stop()
            _log.info("remote node ends name=%s", self.name)

    def shut_down(self, user: str) -> None:
        """Let the cluster take everything away from here first; at once if it is not connected."""
        if self._is_stopping:
            return
        self._is_stopping = True
        if self._host is None:
            self._end(ExitStatus.OK)
            return
        _log.info("shutdown begins user=%s", user)
        self._ask("shutdown", {}, "root", _ignore)
        self.clock.call_later(LEAVE_SECONDS, lambda: self._end(ExitStatus.OK))

    async def _listen(self) -> None:
        try:
            await self._streams.start()
        except OSError as problem:
            raise EngineError(
                f"cannot listen at {self.address}: {problem.strerror}",
                status=ExitStatus.UNAVAILABLE,
            ) from None

    def _alive(self) -> None:
        if self._done is not None and not self._done.done():
            self._manager.alive()
            self.clock.call_later(1.0, self._alive)

    def _end(self, status: ExitStatus) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(int(status))

    def _failed(self, name: str, error: BaseException) -> None:
        _log.error("task failed name=%s error=%r", name, error)
        self._end(ExitStatus.SOFTWARE)

    # ---- the connection

    def _opened(self, connection: Connection) -> None:
        connection.on_frame, connection.on_close = self._frame, self._closed
        # The newest one counts: another node takes over from one that is still there.
        self._host = connection
        _log.info("connected host=%s", connection.host)
        self._send(self._hello())

    def _hello(self) -> messages.RemoteHello:
        lrm = etree.tostring(self._operations.history.element(self.name))
        return messages.RemoteHello(self.name, self._life, lrm, self.version)

    def _closed(self, connection: Connection) -> None:
        self._streams.forget(connection)
        if connection is not self._host:
            return
        self._host = None
        _log.warning("connection lost host=%s", connection.host)
        self._questions.answer_all(_no_host(), lasting=True)
        if self._is_stopping:
            self._end(ExitStatus.OK)

    def _send(self, message: Any, connection: Connection | None = None) -> bool:
        to = connection or self._host
        if to is None or not to.is_open:
            return False
        to.send(self._codec.frame(message))
        return True

    def _frame(self, connection: Connection, frame: bytes) -> None:
        try:
            message = self._codec.message(frame)
        except BadInput as problem:
            _log.warning("host %s: %s", connection.host, problem)
            connection.close()
            return
        match message:
            case messages.Poke(number=number):
                self._send(messages.Poked(number), connection)
            case messages.TellState():
                self._send(self._hello(), connection)
            case messages.RunOp() | messages.CancelOp() | messages.ForgetResource():
                self._order(connection, message)
            case messages.Told(number=number, fields=fields):
                self._questions.answer(number, fields)
            case _:
                pass

    def _order(
        self,
        connection: Connection,
        message: messages.RunOp | messages.CancelOp | messages.ForgetResource,
    ) -> None:
        """Obey the node that connected last: the one before it may be cut off from the cluster by now."""
        if connection is not self._host:
            _log.warning("order of a former host ignored host=%s", connection.host)
            return
        match message:
            case messages.RunOp(op=op):
                self._operations.request(op)
            case messages.CancelOp():
                self._operations.cancel(message.resource, message.operation, message.interval_ms)
                self._send(messages.Confirmed(message.term, message.action), connection)
            case messages.ForgetResource(resource=resource):
                if message.only_failure:
                    self._operations.forget_failure(resource)
                else:
                    self._operations.forget(resource)
                if message.action:
                    self._send(messages.Confirmed(message.term, message.action), connection)

    def _tell_state_anew(self) -> None:
        self._send(self._hello())

    def _report(self, result: LrmResult) -> None:
        self._send(messages.OpReport(0, result))

    # ---- programs of this node that ask

    def _asked(self, peer: Peer, request: Message, reply: Reply) -> None:
        fields = {name: value for name, value in request.items() if name not in ("id", "kind")}
        kind = str(request["kind"])

        def answered(told: Mapping[str, Any]) -> None:
            if kind == "hello" and told.get("ok"):
                told = {**told, "node": self.name, "version": self.version}
            reply(told)

        self._ask(kind, fields, peer.user, answered)

    def _ask(self, kind: str, fields: Mapping[str, Any], user: str, done: Any) -> None:
        number = self._questions.add(done)
        if not self._send(messages.Ask(number, kind, dict(fields), user)):
            self._questions.answer(number, _no_host())
            return
        self.clock.call_later(ASK_SECONDS, lambda: self._too_late(number))

    def _too_late(self, number: int) -> None:
        text = f"no answer of the cluster within {ASK_SECONDS:g} s"
        self._questions.answer(number, refusal(text, ExitStatus.TIMEOUT))


def _no_host() -> dict[str, Any]:
    text = "no node of the cluster is connected to this remote node at present"
    return dict(refusal(text, ExitStatus.TEMPFAIL))


def _ignore(fields: Mapping[str, Any]) -> None:
    """Whether the cluster took the wish shows itself when it disconnects."""
