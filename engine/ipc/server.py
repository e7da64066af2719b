"""The admin socket of the node agent: who connects, the limits, requests to the handler, replies back.

Engine-design 14.1: mode 0660 root:haclient, the peer's identity from SO_PEERCRED and the system's
groups, 64 connections per uid, 10 s to complete a frame, 16 requests of one client at a time. Requests
of different connections take turns, and nothing more is read from a client that does not take its
answers, so what one client sends costs others little and the agent a bounded amount of memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.messages import (
    REQUEST_LIMIT,
    FrameReader,
    Message,
    fields_from_report,
    frames_from_message,
)
from engine.ipc.peers import Peer, PeerNames, numbers_of

GROUP = "haclient"
MAX_CONNECTIONS_PER_UID = 64
MAX_OPEN_REQUESTS = 16
FRAME_SECONDS = 10.0
# Answers that a client has not taken: with more, its next requests wait.
MAX_UNSENT = 1024 * 1024
MAX_UNSENT_PER_UID = 64 * 1024 * 1024
STALLED_SECONDS = 30.0
# The event loop has other things to do after so long.
TURN_SECONDS = 0.01

_log = logging.getLogger(__name__)


Reply = Callable[[Mapping[str, Any]], None]
Handler = Callable[[Peer, Message, Reply], None]


class AdminServer:
    """Listens; `handler(peer, request, reply)` answers each request by calling `reply` once.

    Root, the agent's own user (a test cluster without root) and members of the group may connect.
    """

    def __init__(self, path: str, handler: Handler) -> None:
        self.path = path
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self.connections: Counter[int] = Counter()
        self.open: list[_Connection] = []
        self.names = PeerNames()
        self._turns: deque[_Connection] = deque()
        self._is_turning = False

    async def start(self) -> None:
        """Bind the socket; a stale one is removed, a live one is refused with `EngineError`."""
        directory = os.path.dirname(self.path)
        os.makedirs(directory, mode=0o755, exist_ok=True)
        _remove_stale(self.path)
        loop = asyncio.get_running_loop()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o117)
        try:
            listener.bind(_short(self.path))
        except OSError as problem:
            listener.close()
            raise EngineError(
                f"cannot listen at {self.path}: {problem.strerror}", status=ExitStatus.CANTCREAT
            ) from None
        finally:
            os.umask(mask)
        try:
            group = await loop.run_in_executor(None, grp.getgrnam, GROUP)
            os.chown(self.path, -1, group.gr_gid)
        except (KeyError, OSError) as problem:
            # No such group, no right, or (in a user namespace) no such number: the owner alone asks.
            _log.debug("group %s is not given the socket: %s", GROUP, problem)
        self._listener = listener
        self._server = await loop.create_unix_server(lambda: _Connection(self), sock=listener)

    async def stop(self) -> None:
        """Close the socket and every connection; answers not yet sent are lost."""
        # Accept no more first: closing the server under a connection that is just being accepted
        # leaves its socket open (CPython 3.11).
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
        for _ in range(4):
            await asyncio.sleep(0)
            for connection in list(self.open):
                connection.abort()
        await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()
        self.names.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def is_full(self, uid: int) -> bool:
        """Whether this user holds more connections than he may."""
        return self.connections[uid] > MAX_CONNECTIONS_PER_UID

    def unsent(self, uid: int) -> int:
        """Bytes of answers that connections of this user have not taken."""
        return sum(each.unsent for each in self.open if each.uid == uid)

    def line_up(self, connection: _Connection) -> None:
        """A connection has requests that may be handled: it takes turns with the others."""
        if connection not in self._turns:
            self._turns.append(connection)
        if not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._take_turns)

    def _take_turns(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + TURN_SECONDS
        self._is_turning = False
        while self._turns:
            connection = self._turns.popleft()
            if connection.take_one():
                self._turns.append(connection)
            if loop.time() >= end:
                break
        if self._turns:
            self._is_turning = True
            loop.call_soon(self._take_turns)

    def may_connect(self, peer: Peer) -> str:
        """Empty, or why not."""
        if peer.is_root or peer.uid == os.getuid() or GROUP in peer.groups:
            return ""
        return f"{peer.user} is neither root nor in group {GROUP}"

    def handle(self, peer: Peer, request: Message, reply: Reply) -> None:
        """Give a request to the handler; whatever it raises becomes a refusal of this request."""
        try:
            self._handler(peer, request, reply)
        except EngineError as problem:
            reply(refusal(str(problem), problem.status, problem))
        except Exception:
            # A bug in one request must not end the agent: logged, refused, and the loop goes on.
            _log.exception("request failed kind=%s user=%s", request.get("kind"), peer.user)
            reply(refusal("internal error, see the agent's log", ExitStatus.SOFTWARE))


class _Connection(asyncio.Protocol):
    def __init__(self, server: AdminServer) -> None:
        self._server = server
        self._reader = FrameReader(REQUEST_LIMIT)
        self._transport: asyncio.Transport | None = None
        self.uid = -1
        self._peer: Peer | None = None
        self._pending = 0
        self._is_stalled = False
        self._left_unsent = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._naming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # unix servers make nothing else
        self._transport = transport
        transport.set_write_buffer_limits(high=MAX_UNSENT)
        self.uid, gid = numbers_of(transport.get_extra_info("socket"))
        self._server.open.append(self)
        self._server.connections[self.uid] += 1
        if self._server.is_full(self.uid):
            self._refuse_user(f"more than {MAX_CONNECTIONS_PER_UID} connections of uid {self.uid}")
            return
        transport.pause_reading()
        self._naming = asyncio.get_running_loop().create_task(self._learn_names(gid))

    async def _learn_names(self, gid: int) -> None:
        peer = await self._server.names.peer(self.uid, gid)
        refused = self._server.may_connect(peer)
        if refused:
            self._refuse_user(refused)
            return
        self._peer = peer
        self._read_or_wait()

    def _refuse_user(self, why: str) -> None:
        _log.warning("admin connection refused: %s", why)
        self._refuse_connection(why, ExitStatus.NOPERM)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        self._transport = None
        if self._naming is not None:
            self._naming.cancel()
        if self in self._server.open:
            self._server.open.remove(self)
            self._server.connections[self.uid] -= 1

    # ---- what is read

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._reader.add(data)
        self._read_or_wait()
        if self.may_go_on:
            self._server.line_up(self)

    def _read_or_wait(self) -> None:
        """Read on only when what was read was handled: a client cannot make a queue grow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._stop_deadline()
        if self._reader.has_frame or self._is_stalled or self._peer is None:
            transport.pause_reading()
            return
        transport.resume_reading()
        if not self._reader.is_between_messages:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(FRAME_SECONDS, self._too_slow)

    @property
    def may_go_on(self) -> bool:
        """Whether the next request may be handled now."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._is_stalled:
            return False
        return self._reader.has_frame

    def take_one(self) -> bool:
        """Handle one request; whether the next may follow."""
        if not self.may_go_on:
            return False
        if self._server.unsent(self.uid) > MAX_UNSENT_PER_UID:
            asyncio.get_running_loop().call_later(TURN_SECONDS * 10, self._server.line_up, self)
            return False
        try:
            request = self._reader.next_message()
        except BadInput as problem:
            _log.warning("bad request from uid %s: %s", self.uid, problem)
            self._refuse_connection(str(problem), ExitStatus.PROTOCOL)
            return False
        if request is not None:
            self._take(request)
        if not self._reader.has_frame:
            self._read_or_wait()
        return self.may_go_on

    # ---- what is written

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def pause_writing(self) -> None:
        """The client does not take its answers: nothing more is done for it."""
        self._is_stalled = True
        self._left_unsent = self.unsent
        self._read_or_wait()
        loop = asyncio.get_running_loop()
        self._stall = loop.call_later(STALLED_SECONDS, self._judge_stall)

    def resume_writing(self) -> None:
        self._is_stalled = False
        if self._stall is not None:
            self._stall.cancel()
        self._read_or_wait()
        if self.may_go_on:
            self._server.line_up(self)

    def _judge_stall(self) -> None:
        """A client that took nothing at all is sent away, a slow one is not."""
        left = self.unsent
        if left >= self._left_unsent:
            _log.warning("a client of uid %s does not read its answers: cut off", self.uid)
            self.abort()
            return
        self._left_unsent = left
        loop = asyncio.get_running_loop()
        self._stall = loop.call_later(STALLED_SECONDS, self._judge_stall)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, request: Message) -> None:
        number = request.get("id")
        if not isinstance(number, int) or not isinstance(request.get("kind"), str):
            self._refuse_connection("a request needs 'id' and 'kind'", ExitStatus.PROTOCOL)
            return
        answered = False

        def reply(fields: Mapping[str, Any]) -> None:
            nonlocal answered
            if answered:
                return
            answered = True
            self._pending -= 1
            self._send(
                {"id": number, "ok": True, "error": "", "status": 0, "reports": [], **fields}
            )

        self._pending += 1
        if self._pending > MAX_OPEN_REQUESTS:
            text = f"busy: {MAX_OPEN_REQUESTS} requests of this connection are waiting"
            reply(refusal(text, ExitStatus.TEMPFAIL))
            return
        if self._peer is not None:
            self._server.handle(self._peer, request, reply)

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for frame in frames_from_message(message):
            self._transport.write(frame)

    def _refuse_connection(self, text: str, status: ExitStatus) -> None:
        self._send({"id": 0, **refusal(text, status)})
        if self._transport is not None:
            self._transport.close()

    def _too_slow(self) -> None:
        self._refuse_connection(f"no complete message in {FRAME_SECONDS:g} s", ExitStatus.TIMEOUT)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_timers(self) -> None:
        self._stop_deadline()
        if self._stall is not None:
            self._stall.cancel()


def refusal(text: str, status: ExitStatus, problem: EngineError | None = None) -> dict[str, Any]:
    """The fields of a reply that says no."""
    reports = [fields_from_report(item) for item in problem.reports] if problem else []
    return {"ok": False, "error": text, "status": int(status), "reports": reports}


def _remove_stale(path: str) -> None:
    """Unlink a socket that nobody listens at any more; refuse to displace a living agent."""
    if not os.path.exists(path):
        return
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(_short(path))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        return
    finally:
        probe.close()
    raise EngineError(f"another agent listens at {path}", status=ExitStatus.EXISTS)


def _short(path: str) -> str:
    """A socket address holds 107 bytes; a longer path is reached by the current directory."""
    return path if len(path) < 107 else os.path.relpath(path)
