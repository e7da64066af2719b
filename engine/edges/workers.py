"""The scheduler worker: a process of its own, so that a long computation never holds up the agent.

Length-prefixed messages on a socketpair (engine 1.1, D-3). A worker that exceeds its deadline
or its memory is killed and replaced; its request fails as an error of the input.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgpack

from engine.base.errors import EngineError
from engine.base.reports import ReportList, Severity

if TYPE_CHECKING:
    from engine.scheduler.reading.warm import Warm

DEADLINE_SECONDS = 60.0
MEMORY_BYTES = 4 * 1024**3
MAX_WARNINGS = 20
_HEADER_BYTES = 4
_RESPAWN_SECONDS = 1.0
_MOST_UNCOLLECTED = 4  # runs whose garbage may wait while one request follows the other

_log = logging.getLogger(__name__)

# number, graph, error, warnings
Scheduled = Callable[[int, bytes, str, tuple[str, ...]], None]


class SchedulerWorker:
    """Starts the worker, hands it one request at a time, and tells what came of it.

    A request that comes while one is being computed waits; `scheduled` is called for each.
    """

    def __init__(self, scheduled: Scheduled, deadline: float = DEADLINE_SECONDS) -> None:
        self._scheduled = scheduled
        self._deadline_seconds = deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._waiting: list[tuple[int, bytes]] = []
        self._current: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def start(self) -> None:
        """Start the process; it loads the scheduler meanwhile."""
        mine, self._process = _start_process()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _WorkerChannel(self), sock=mine)
        if self._is_closed:
            transport.abort()
            return
        self._transport = transport
        self._send_next()

    def schedule(self, number: int, cib: bytes, now: float) -> None:
        """Compute a transition; the answer comes by `scheduled(number, …)`."""
        request = {"number": number, "cib": cib, "now": now}
        body: bytes = msgpack.packb(request, use_bin_type=True)
        self._waiting.append((number, len(body).to_bytes(_HEADER_BYTES, "big") + body))
        self._send_next()

    def close(self) -> None:
        """End the worker."""
        self._is_closed = True
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
        self._reap()

    def answered(self, answer: dict[str, Any]) -> None:
        """A message of the worker."""
        number = self._current
        self._stop_timer()
        self._current = None
        if number is not None:
            warnings = tuple(str(text) for text in answer.get("warnings", ()))
            graph, error = answer.get("graph", b""), str(answer.get("error", ""))
            self._scheduled(number, graph, error, warnings)
        self._send_next()

    def lost(self) -> None:
        """The worker is gone: its request failed, the next one gets a new worker."""
        self._transport = None
        self._stop_timer()
        self._reap()
        if self._is_closed:
            return
        _log.warning("scheduler worker ended, starting another")
        if self._current is not None:
            number, self._current = self._current, None
            self._scheduled(number, b"", "the scheduler ended without a result", ())
        loop = asyncio.get_running_loop()
        loop.call_later(_RESPAWN_SECONDS, self._restart)

    def _restart(self) -> None:
        if not self._is_closed:
            task = asyncio.get_running_loop().create_task(self.start())
            task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        """No memory or no process left: a DC without a scheduler recovers nothing, so try on."""
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            _log.error("scheduler worker cannot be started: %s", problem)
            asyncio.get_running_loop().call_later(_RESPAWN_SECONDS, self._restart)

    def _send_next(self) -> None:
        if self._transport is None or self._current is not None or not self._waiting:
            return
        self._current, frame = self._waiting.pop(0)
        self._transport.write(frame)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._deadline_seconds, self._too_slow)

    def _too_slow(self) -> None:
        _log.warning("scheduler exceeded its deadline seconds=%s", self._deadline_seconds)
        if self._process is not None:
            self._process.kill()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reap(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class _WorkerChannel(asyncio.Protocol):
    """The agent's end of the socketpair."""

    def __init__(self, worker: SchedulerWorker) -> None:
        self._worker = worker
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= _HEADER_BYTES:
            size = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
            if len(self._buffer) < _HEADER_BYTES + size:
                return
            body = bytes(self._buffer[_HEADER_BYTES : _HEADER_BYTES + size])
            del self._buffer[: _HEADER_BYTES + size]
            self._worker.answered(msgpack.unpackb(body, raw=False))

    def connection_lost(self, exc: Exception | None) -> None:
        self._worker.lost()


def _start_process() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The agent's end of the channel, and the process that holds the other."""
    mine, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.edges.workers"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return mine, process


def main() -> int:
    """The worker process: requests from descriptor 0 until the agent closes it."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    channel = socket.socket(fileno=0)
    from engine.scheduler import api
    from engine.scheduler.reading.warm import Warm

    # Collecting garbage in the middle of a run would take as long as the run; it is done while
    # nobody waits. What is loaded by now stays.
    gc.disable()
    gc.freeze()
    warm = Warm()
    uncollected = 0
    while True:
        header = _receive(channel, _HEADER_BYTES)
        body = _receive(channel, int.from_bytes(header, "big")) if header else b""
        if not body:
            return 0
        answer = _compute(api, msgpack.unpackb(body, raw=False), warm)
        packed: bytes = msgpack.packb(answer, use_bin_type=True)
        channel.sendall(len(packed).to_bytes(_HEADER_BYTES, "big") + packed)
        del body, answer, packed
        uncollected += 1
        if uncollected >= _MOST_UNCOLLECTED or not select.select([channel], [], [], 0)[0]:
            gc.collect()
            uncollected = 0


def _compute(api: Any, request: dict[str, Any], warm: Warm) -> dict[str, Any]:

    reports = ReportList()
    try:
        cib = warm.read(request["cib"], "scheduler input")
        schedule = api.schedule(cib, request["now"], reports, warm=warm)
        graph = schedule.graph_xml()
    except EngineError as problem:
        return {"graph": b"", "error": str(problem), "warnings": []}
    except MemoryError:
        return {"graph": b"", "error": "the input needs more memory than allowed", "warnings": []}
    except Exception as problem:
        # A bug of the scheduler concerns this one input; the worker and the cluster go on.
        logging.getLogger(__name__).exception("scheduler failed")
        return {"graph": b"", "error": f"internal error: {problem!r}", "warnings": []}
    found = [item.message for item in reports.items if item.severity >= Severity.WARNING]
    return {"graph": graph, "error": "", "warnings": found[:MAX_WARNINGS]}


def _receive(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        data = channel.recv(min(size - len(parts), 1 << 20))
        if not data:
            return b""
        parts += data
    return bytes(parts)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main())
