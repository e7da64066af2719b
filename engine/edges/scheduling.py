"""The agent's side of the scheduler's process (`workers.py`), and of reading what comes from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from engine.base.errors import BadInput
from engine.controller.events import Scheduled
from engine.controller.executor import Executor
from engine.edges.tasks import be_ordinary, on_loop
from engine.edges.worker import Worker
from engine.scheduler.model.transition import checked_transition

DEADLINE_SECONDS = 60.0
# Bytes: a larger graph is read by a thread, so that the event loop goes on meanwhile.
_LARGE_GRAPH = 256 * 1024


class SchedulerWorker:
    """Starts the worker, hands it one request at a time, and tells what came of it.

    A request that comes while one is being computed waits; `scheduled` is called for each.
    """

    def __init__(
        self, scheduled: Callable[[Scheduled], None], deadline: float = DEADLINE_SECONDS
    ) -> None:
        self._scheduled = scheduled
        self._thread = ThreadPoolExecutor(1, "graphs", be_ordinary)
        self._worker = Worker("engine.edges.workers", "scheduler", deadline)

    async def start(self) -> None:
        """Start the process; it loads the scheduler meanwhile."""
        await self._worker.start()

    def schedule(self, number: int, cib: bytes, now: float) -> None:
        """Compute a transition; the answer comes by `scheduled(number, …)`."""

        def answered(answer: dict[str, Any] | None) -> None:
            if answer is None:
                self._scheduled(Scheduled(number, error="the scheduler ended without a result"))
                return
            warnings = tuple(str(text) for text in answer.get("warnings", ()))
            graph, error = answer.get("graph", b""), str(answer.get("error", ""))
            found = Scheduled(number, graph, error, warnings)
            if error or len(graph) < _LARGE_GRAPH:
                self._scheduled(found)
            else:
                loop = asyncio.get_running_loop()
                read = self._thread.submit(_with_executor, found)
                read.add_done_callback(lambda _: on_loop(loop, self._scheduled, read.result()))

        self._worker.ask({"number": number, "cib": cib, "now": now}, answered)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _with_executor(found: Scheduled) -> Scheduled:
    try:
        return replace(found, graph=b"", executor=Executor(checked_transition(found.graph)))
    except BadInput as problem:
        return replace(found, graph=b"", error=str(problem))
