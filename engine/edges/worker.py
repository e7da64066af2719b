"""The agent's side of a worker process: one request at a time, a deadline, a bound of memory.

Length-prefixed messages on a socketpair (engine 1.1, D-3). A worker that exceeds its deadline or its
memory is killed and replaced; its request fails as an error of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import msgpack

HEADER_BYTES = 4
MEMORY_BYTES = 4 * 1024**3
_RESPAWN_SECONDS = 1.0

_log = logging.getLogger(__name__)

# The answer, None when the worker ended or was ended without one.
Answered = Callable[[dict[str, Any] | None], None]


class Worker:
    """A process that runs `module`. Requests wait for each other; `done` is called for each.

    With `idle_seconds` the process is started by the first request and ends when none came for that
    long; without, `start` starts it and it is kept.
    """

    def __init__(
        self, module: str, name: str, deadline: float, idle_seconds: float | None = None
    ) -> None:
        self._module = module
        self._name = name
        self._deadline_seconds = deadline
        self._idle_seconds = idle_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[dict[str, Any], Answered]] = deque()
        self._current: Answered | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_starting = False
        self._is_closed = False

    async def start(self) -> None:
        """Start the process; it loads what it needs meanwhile."""
        self._is_starting = True
        try:
            mine, self._process = _start_process(self._module)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_connection(lambda: _Channel(self), sock=mine)
        finally:
            self._is_starting = False
        if self._is_closed:
            transport.abort()
            return
        self._transport = transport
        self._send_next()

    def ask(self, request: dict[str, Any], done: Answered) -> None:
        """Have a request answered; the answer comes in a later round of the loop."""
        self._waiting.append((request, done))
        if self._transport is None and self._idle_seconds is not None:
            self._restart()
        self._send_next()

    def close(self) -> None:
        """End the worker; what was asked is not answered any more."""
        self._is_closed = True
        self._waiting.clear()
        self._current = None
        self._end()

    def answered(self, answer: dict[str, Any]) -> None:
        """A message of the worker."""
        done, self._current = self._current, None
        self._stop_timer()
        if done is not None:
            done(answer)
        self._send_next()

    def lost(self, transport: asyncio.BaseTransport | None) -> None:
        """A worker is gone: its request failed, the next one gets a new worker."""
        if transport is not self._transport or self._is_closed:
            return
        self._transport = None
        self._stop_timer()
        self._reap()
        _log.warning("%s worker ended, starting another", self._name)
        done, self._current = self._current, None
        if done is not None:
            done(None)
        if self._idle_seconds is None or self._waiting:
            asyncio.get_running_loop().call_later(_RESPAWN_SECONDS, self._restart)

    def _restart(self) -> None:
        if not (self._is_closed or self._is_starting or self._transport is not None):
            self._is_starting = True
            task = asyncio.get_running_loop().create_task(self.start())
            task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        """No memory or no process left: a DC without its workers recovers nothing, so try on."""
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            _log.error("%s worker cannot be started: %s", self._name, problem)
            asyncio.get_running_loop().call_later(_RESPAWN_SECONDS, self._restart)

    def _send_next(self) -> None:
        if self._transport is None or self._current is not None:
            return
        loop = asyncio.get_running_loop()
        if not self._waiting:
            if self._idle_seconds is not None:
                self._stop_timer()
                self._timer = loop.call_later(self._idle_seconds, self._end)
            return
        request, self._current = self._waiting.popleft()
        body: bytes = msgpack.packb(request, use_bin_type=True)
        self._transport.write(len(body).to_bytes(HEADER_BYTES, "big"))
        self._transport.write(body)
        self._stop_timer()
        self._timer = loop.call_later(self._deadline_seconds, self._too_slow)

    def _too_slow(self) -> None:
        _log.warning("%s exceeded its deadline seconds=%s", self._name, self._deadline_seconds)
        if self._process is not None:
            self._process.kill()

    def _end(self) -> None:
        self._stop_timer()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._reap()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reap(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class _Channel(asyncio.Protocol):
    """The agent's end of the socketpair."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._transport: asyncio.BaseTransport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEADER_BYTES:
            size = int.from_bytes(self._buffer[:HEADER_BYTES], "big")
            if len(self._buffer) < HEADER_BYTES + size:
                return
            body = bytes(self._buffer[HEADER_BYTES : HEADER_BYTES + size])
            del self._buffer[: HEADER_BYTES + size]
            self._worker.answered(msgpack.unpackb(body, raw=False))

    def connection_lost(self, exc: Exception | None) -> None:
        self._worker.lost(self._transport)


def _start_process(module: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The agent's end of the channel, and the process that holds the other."""
    mine, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    with contextlib.suppress(OSError):
        # The event loop comes first: what it waits for is useless while it has no processor.
        os.setpriority(os.PRIO_PGRP, process.pid, 0)
    return mine, process


# ---- in the worker


def serve(
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    idle: Callable[[socket.socket], None] | None = None,
) -> int:
    """Answer requests from descriptor 0 until the agent closes it, or is gone.

    `idle` is called after each answer, with the channel that the next request comes from.
    """
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    channel = socket.socket(fileno=0)
    # An agent that was killed answers nothing: that is no error of this process.
    with contextlib.suppress(ConnectionError, KeyboardInterrupt):
        while request := _receive_request(channel):
            packed: bytes = msgpack.packb(answer(request), use_bin_type=True)
            del request
            channel.sendall(len(packed).to_bytes(HEADER_BYTES, "big") + packed)
            del packed
            if idle is not None:
                idle(channel)
    return 0


def _receive_request(channel: socket.socket) -> dict[str, Any] | None:
    header = _receive(channel, HEADER_BYTES)
    body = _receive(channel, int.from_bytes(header, "big")) if header else b""
    return msgpack.unpackb(body, raw=False) if body else None


def _receive(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        data = channel.recv(min(size - len(parts), 1 << 20))
        if not data:
            return b""
        parts += data
    return bytes(parts)
