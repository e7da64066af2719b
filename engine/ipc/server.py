"""The admin socket of the node agent: who connects, the limits, requests to the handler, replies back.

Engine-design 14.1: mode 0660 root:haclient, the peer's identity from SO_PEERCRED and the system's
groups, 64 connections per uid, 10 s to complete a frame, 16 requests of one client at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

GROUP = "haclient"
MAX_CONNECTIONS_PER_UID = 64
MAX_OPEN_REQUESTS = 16
FRAME_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks: the numbers of the kernel, the names of the system."""

    uid: int
    user: str
    groups: tuple[str, ...]

    @property
    def is_root(self) -> bool:
        return self.uid == 0


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
            os.chown(self.path, -1, grp.getgrnam(GROUP).gr_gid)
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
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def may_connect(self, peer: Peer) -> str:
        """Empty, or why not."""
        if self.connections[peer.uid] > MAX_CONNECTIONS_PER_UID:
            return f"more than {MAX_CONNECTIONS_PER_UID} connections of {peer.user}"
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
        self._peer = Peer(-1, "nobody", ())
        self._pending = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # unix servers make nothing else
        self._transport = transport
        self._peer = _peer(transport.get_extra_info("socket"))
        self._server.open.append(self)
        self._server.connections[self._peer.uid] += 1
        refused = self._server.may_connect(self._peer)
        if refused:
            _log.warning("admin connection refused: %s", refused)
            self._refuse_connection(refused, ExitStatus.NOPERM)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._transport = None
        if self in self._server.open:
            self._server.open.remove(self)
            self._server.connections[self._peer.uid] -= 1

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            requests = self._reader.feed(data)
        except BadInput as problem:
            _log.warning("bad request from %s: %s", self._peer.user, problem)
            self._refuse_connection(str(problem), ExitStatus.PROTOCOL)
            return
        self._stop_timer()
        if not self._reader.is_between_messages:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(FRAME_SECONDS, self._too_slow)
        for request in requests:
            self._take(request)

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

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def refusal(text: str, status: ExitStatus, problem: EngineError | None = None) -> dict[str, Any]:
    """The fields of a reply that says no."""
    reports = [fields_from_report(item) for item in problem.reports] if problem else []
    return {"ok": False, "error": text, "status": int(status), "reports": reports}


def _peer(connection: Any) -> Peer:
    size = struct.calcsize("3i")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, uid, gid = struct.unpack("3i", raw)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Peer(uid, f"uid {uid}", ())
    groups = []
    for number in os.getgrouplist(entry.pw_name, gid):
        with contextlib.suppress(KeyError):
            groups.append(grp.getgrgid(number).gr_name)
    return Peer(uid, entry.pw_name, tuple(groups))


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
