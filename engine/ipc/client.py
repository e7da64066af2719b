"""The blocking client of the node agent's admin socket, for the shell and the commands.

Plain sockets, no asyncio: a one-shot command must start fast. One request at a time.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.messages import (
    REPLY_LIMIT,
    FrameReader,
    Message,
    frames_from_message,
    report_from_fields,
)

DEFAULT_TIMEOUT = 30.0
_READ_BYTES = 256 * 1024


class Client:
    """A connection to the agent, made at the first request and again when it broke between requests."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket: socket.socket | None = None
        self._reader = FrameReader(REPLY_LIMIT)
        self._last_id = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def request(self, kind: str, timeout: float = DEFAULT_TIMEOUT, /, **fields: Any) -> Message:
        """The agent's reply, also when it is a refusal (`ok` False).

        Raises `EngineError`: DISCONNECT when nobody listens or the agent went away, NOPERM without the
        right to connect, TIMEOUT when no reply came in `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        self._last_id += 1
        frames = list(frames_from_message({"id": self._last_id, "kind": kind, **fields}))
        try:
            connection = self._connected(timeout)
            for frame in frames:
                connection.sendall(frame)
            return self._reply(connection, deadline)
        except TimeoutError:
            self.close()
            raise EngineError(
                f"no answer from the node agent to '{kind}' within {timeout:g} s",
                status=ExitStatus.TIMEOUT,
            ) from None
        except PermissionError:
            self.close()
            raise EngineError(
                f"no permission to use {self.path} (root or group haclient)",
                status=ExitStatus.NOPERM,
            ) from None
        except OSError as problem:
            self.close()
            raise EngineError(
                f"cannot reach the node agent at {self.path}: {problem.strerror or problem}",
                status=ExitStatus.DISCONNECT,
            ) from None

    def demand(self, kind: str, timeout: float = DEFAULT_TIMEOUT, /, **fields: Any) -> Message:
        """As `request`, but a refusal is raised as `EngineError` with the agent's status and reports."""
        reply = self.request(kind, timeout, **fields)
        if reply.get("ok"):
            return reply
        raise EngineError(
            str(reply.get("error") or f"the node agent refused '{kind}'"),
            status=_status(reply.get("status")),
            reports=tuple(report_from_fields(item) for item in reply.get("reports") or ()),
        )

    def _connected(self, timeout: float) -> socket.socket:
        if self._socket is not None and not _is_stale(self._socket):
            self._socket.settimeout(timeout)
            return self._socket
        self.close()
        self._reader = FrameReader(REPLY_LIMIT)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        self._socket = connection
        return connection

    def _reply(self, connection: socket.socket, deadline: float) -> Message:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            data = connection.recv(_READ_BYTES)
            if not data:
                raise ConnectionResetError(0, "the connection was closed")
            for message in self._reader.feed(data):
                if message.get("id") == self._last_id:
                    return message
                if message.get("id") == 0:
                    # Not an answer to a request: the agent says why it closes the connection.
                    raise ConnectionAbortedError(0, str(message.get("error", "refused")))


def _is_stale(connection: socket.socket) -> bool:
    """Whether the other side closed an idle connection."""
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_PEEK) == b""
    return False


def _status(value: object) -> ExitStatus:
    try:
        return ExitStatus(int(str(value)))
    except ValueError:
        return ExitStatus.ERROR
