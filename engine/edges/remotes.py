"""The connections of this node to remote nodes: machines that only carry out operations.

A connection is a resource of the cluster. Its operations are carried out here and not by a program: `start`
connects, `monitor` asks whether the other side is alive, `stop` disconnects, a migration lets another node
connect first. The key is `remote.key` beside the cluster's key, if there is one, else the cluster's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.base.digits import is_digits
from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import OcfStatus
from engine.base.nodeconf import Address
from engine.base.seams import Clock
from engine.base.wire import Codec, Envelope
from engine.controller.messages import CONTROLLER_KINDS, Poke, Poked, RemoteHello
from engine.edges.droplist import DropList
from engine.edges.keys import load_key_file
from engine.edges.streams import Connection, Streams
from engine.edges.tasks import Owner
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.command import Outcome

DEFAULT_PORT = 3121
ATTEMPT_SECONDS = 10.0
PAUSE_SECONDS = 1.0
HELLO_SECONDS = 5.0
LAST_SECONDS = 3.0
REMOTE_KEY = "remote.key"

_log = logging.getLogger(__name__)

Done = Callable[[Outcome], None]


class Keeper(Protocol):
    """Who is told what remote nodes say."""

    def connected(self, name: str, hello: RemoteHello) -> None: ...

    def disconnected(self, name: str) -> None: ...

    def heard(self, name: str, message: Any) -> None: ...


@dataclass(slots=True)
class _Link:
    connection: Connection | None = None
    was_lost: bool = False
    is_known: bool = False
    pokes: dict[int, Done] = field(default_factory=dict)


class RemoteCodec:
    """Messages of a connection with a remote node as frames and back; both sides use it."""

    def __init__(self) -> None:
        self._codec = Codec(CONTROLLER_KINDS)

    def frame(self, message: Any) -> bytes:
        return self._codec.encode(Envelope("", 0, 0, 0, message))

    def message(self, frame: bytes) -> Any:
        """The message, None for a kind that this version does not know; raises `BadInput`."""
        envelope = self._codec.decode(frame)
        return envelope.message if envelope is not None else None


class RemoteLinks:
    """All connections of this node to remote nodes, by the name of the node."""

    def __init__(self, key_path: str, clock: Clock, owner: Owner, keeper: Keeper) -> None:
        self._key_path = key_path
        self._clock = clock
        self._owner = owner
        self._keeper = keeper
        self._codec = RemoteCodec()
        self._drops = DropList(os.environ.get("TESTHOST_DROP"))
        self._streams: Streams | None = None
        self._links: dict[str, _Link] = {}
        self._runs: dict[int, tuple[asyncio.Task[None], Done]] = {}
        self._waiting: dict[int, str] = {}
        self._number = 0

    # ---- operations of the connection

    def perform(self, run: int, op: LrmOp, done: Done) -> None:
        """Carry out an operation of a connection; `done` is called once, in a later round."""
        link = self._links.setdefault(op.resource, _Link())
        match op.operation:
            case "start" | "migrate_from":
                self._begin(run, op, done)
            case "monitor":
                self._monitor(run, op, link, done)
            case "stop":
                self._disconnect(op.resource)
                self._later(done, Outcome(OcfStatus.OK))
            case "migrate_to" | "reload" | "reload-agent":
                self._later(done, Outcome(OcfStatus.OK))
            case _:
                reason = f"a connection to a remote node knows no {op.operation}"
                self._later(done, Outcome(OcfStatus.UNIMPLEMENTED, reason=reason))

    def abort(self, run: int) -> None:
        """The time of an operation is over."""
        task, begun = self._runs.pop(run, (None, None))
        if task is not None and begun is not None:
            task.cancel()
            reason = "no connection in the time that was given"
            self._later(begun, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))
        name = self._waiting.pop(run, None)
        link = self._links.get(name) if name is not None else None
        if name is None or link is None:
            return
        done = link.pokes.pop(run, None)
        self._lose(name)
        if done is not None:
            reason = f"{name} does not answer"
            self._later(done, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))

    def send(self, name: str, message: Any) -> bool:
        """Give a message to a remote node; False when there is no connection."""
        link = self._links.get(name)
        if link is None or link.connection is None or not link.connection.is_open:
            return False
        link.connection.send(self._codec.frame(message))
        return True

    @property
    def connected(self) -> tuple[str, ...]:
        """The remote nodes that this node is connected to."""
        return tuple(name for name, link in self._links.items() if link.connection is not None)

    async def stop(self) -> None:
        """Close everything; nothing of it is told any more."""
        for link in self._links.values():
            if link.connection is not None:
                link.connection.on_close = None
                link.connection.close()
        if self._streams is not None:
            await self._streams.stop()

    # ---- connecting

    def _begin(self, run: int, op: LrmOp, done: Done) -> None:
        async def work() -> None:
            outcome = await self._connect(op)
            self._runs.pop(run, None)
            done(outcome)

        self._runs[run] = (self._owner.start(f"connect {op.resource}", work()), done)

    async def _connect(self, op: LrmOp) -> Outcome:
        """Try until it succeeds or too little time is left for another attempt."""
        try:
            address = address_of(op)
            streams = self._open_streams()
        except EngineError as problem:
            return Outcome(OcfStatus.INVALID_PARAM, OpStatus.ERROR, str(problem))
        end = self._clock.now() + op.timeout_ms / 1000
        while True:
            left = end - self._clock.now()
            try:
                return await self._try(op.resource, address, streams, min(ATTEMPT_SECONDS, left))
            except ssl.SSLError:
                reason = f"{op.resource} at {address} has another key"
                return Outcome(OcfStatus.INVALID_PARAM, OpStatus.ERROR, reason)
            except TimeoutError:
                reason = f"{op.resource} at {address} does not answer"
            except OSError as problem:
                reason = f"{op.resource} at {address}: {problem.strerror or problem}"
            if end - self._clock.now() <= LAST_SECONDS:
                return Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try(self, name: str, address: Address, streams: Streams, seconds: float) -> Outcome:
        hello: asyncio.Future[RemoteHello] = asyncio.get_running_loop().create_future()
        connection = Connection(address.host, None, self._drops)

        def on_frame(_: Connection, frame: bytes) -> None:
            self._frame(name, connection, hello, frame)

        def on_close(_: Connection) -> None:
            streams.forget(connection)
            if not hello.done():
                hello.set_exception(ConnectionResetError("closed the connection"))
            self._closed(name, connection)

        connection.on_frame, connection.on_close = on_frame, on_close
        await streams.connect(connection, address, seconds=max(0.1, seconds))
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                told = await hello
        except BaseException:
            connection.close()
            raise
        if told.name != name:
            connection.close()
            reason = f"the node at {address} is {told.name}, expected {name}"
            return Outcome(OcfStatus.INVALID_PARAM, OpStatus.ERROR, reason)
        self._use(name, connection, told)
        return Outcome(OcfStatus.OK)

    def _use(self, name: str, connection: Connection, hello: RemoteHello) -> None:
        link = self._links.setdefault(name, _Link())
        old, link.connection = link.connection, connection
        link.was_lost, link.is_known = False, True
        if old is not None and old is not connection:
            old.close()
        _log.info("remote node connected name=%s host=%s", name, connection.host)
        self._keeper.connected(name, hello)

    def _open_streams(self) -> Streams:
        if self._streams is None:
            beside = os.path.join(os.path.dirname(self._key_path), REMOTE_KEY)
            path = beside if os.path.exists(beside) else self._key_path
            key = load_key_file(path)
            self._streams = Streams(key, (), self._drops, self._owner, _nothing)
        return self._streams

    # ---- what comes

    def _frame(
        self, name: str, connection: Connection, hello: asyncio.Future[RemoteHello], frame: bytes
    ) -> None:
        try:
            message = self._codec.message(frame)
        except BadInput as problem:
            _log.warning("remote node %s: %s", name, problem)
            connection.close()
            return
        if not hello.done():
            if isinstance(message, RemoteHello):
                hello.set_result(message)
            return
        match message:
            case Poked(number=number):
                self._poked(name, number)
            case None:
                pass
            case _:
                self._keeper.heard(name, message)

    def _poked(self, name: str, number: int) -> None:
        self._waiting.pop(number, None)
        done = self._links[name].pokes.pop(number, None)
        if done is not None:
            done(Outcome(OcfStatus.OK))

    def _monitor(self, run: int, op: LrmOp, link: _Link, done: Done) -> None:
        if link.connection is not None:
            link.pokes[run] = done
            self._waiting[run] = op.resource
            link.connection.send(self._codec.frame(Poke(run)))
        elif link.was_lost:
            reason = f"the connection to {op.resource} was lost"
            self._later(done, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))
        elif op.interval_ms > 0 and not link.is_known:
            # An earlier life of this agent had the connection: take it up again.
            self._begin(run, op, done)
        else:
            self._later(done, Outcome(OcfStatus.NOT_RUNNING))

    def _closed(self, name: str, connection: Connection) -> None:
        link = self._links.get(name)
        if link is not None and link.connection is connection:
            _log.warning("remote node lost name=%s", name)
            self._lose(name)

    def _lose(self, name: str) -> None:
        """The connection broke: whoever waits for an answer has one."""
        link = self._links[name]
        connection, link.connection, link.was_lost = link.connection, None, True
        if connection is not None:
            connection.close()
        self._fail_pokes(name, link)
        self._keeper.disconnected(name)

    def _disconnect(self, name: str) -> None:
        link = self._links[name]
        connection, link.connection, link.was_lost = link.connection, None, False
        link.is_known = True
        self._fail_pokes(name, link)
        if connection is not None:
            connection.close()
            self._keeper.disconnected(name)

    def _fail_pokes(self, name: str, link: _Link) -> None:
        pokes, link.pokes = link.pokes, {}
        for run, done in pokes.items():
            self._waiting.pop(run, None)
            reason = f"the connection to {name} was lost"
            self._later(done, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))

    def _later(self, done: Done, outcome: Outcome) -> None:
        asyncio.get_running_loop().call_soon(done, outcome)


def address_of(op: LrmOp) -> Address:
    """Where the remote node of a connection is; `BadInput` for a port that is none."""
    host = op.parameters.get("server") or op.parameters.get("addr") or op.resource
    text = op.parameters.get("port", "") or str(DEFAULT_PORT)
    if not is_digits(text) or not 0 < int(text) < 65536:
        raise BadInput(f"{op.resource}: port '{text}' is not a number between 1 and 65535")
    return Address(host, int(text))


def _nothing(connection: Connection) -> None:
    """The callbacks of these connections are set before they are opened."""
