"""The guard: a process of its own that judges large changes, so that they never hold up the agent.

Also digests what is about to be applied; the agent's own part of that, parsing, is done by a thread
(engine 1.1, D-2). The process is started when it is needed and ends a minute after.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from engine.base.errors import EngineError
from engine.base.events import Entry, Question, Verdict
from engine.base.exitcodes import ExitStatus
from engine.edges.tasks import be_ordinary, on_loop
from engine.edges.worker import Worker, serve
from engine.replica.preparation import Preparation, digests_of, prepare, with_digests

DEADLINE_SECONDS = 20.0
IDLE_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Guard:
    """Judges and prepares for one agent."""

    def __init__(self, deadline: float = DEADLINE_SECONDS) -> None:
        self._worker = Worker("engine.edges.guard", "guard", deadline, IDLE_SECONDS)
        self._thread = ThreadPoolExecutor(1, "guard", be_ordinary)
        self._preparing: set[bytes] = set()

    def judge(self, question: Question, done: Callable[[Verdict], None]) -> None:
        """Have a change judged. One that exceeds time or memory is refused."""

        def answered(answer: dict[str, Any] | None) -> None:
            if answer is None:
                text = "the change cannot be judged: it takes more time or memory than is allowed"
                done(Verdict(text, int(ExitStatus.DATAERR)))
                return
            rows = tuple([(str(subject), str(what)) for subject, what in answer.pop("conflicts")])
            warnings = tuple(answer.pop("warnings"))
            done(Verdict(**answer, conflicts=rows, warnings=warnings))

        self._worker.ask({"judge": asdict(question)}, answered)

    def prepare(self, entry: Entry, done: Callable[[Preparation | None], None]) -> None:
        """Make an entry ready; None when it has to be applied as it is. Once at a time for each."""
        if entry.digest in self._preparing:
            return
        self._preparing.add(entry.digest)
        loop = asyncio.get_running_loop()
        parsed = self._thread.submit(prepare, entry.payload)

        def both(answer: dict[str, Any] | None) -> None:
            if not parsed.done():
                parsed.add_done_callback(lambda _: on_loop(loop, both, answer))
                return
            self._preparing.discard(entry.digest)
            done(_together(parsed, answer))

        self._worker.ask({"digests": entry.payload}, both)

    def close(self) -> None:
        """End process and thread."""
        self._worker.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _together(parsed: Future[Preparation], answer: dict[str, Any] | None) -> Preparation | None:
    if parsed.exception() is not None:
        _log.warning("an entry of the log cannot be prepared: %s", parsed.exception())
        return None
    digests = answer.get("digests") if answer is not None else None
    return parsed.result() if digests is None else with_digests(parsed.result(), digests)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """In the process: the answer to one request."""
    from engine.cib.schema import check_configuration
    from engine.replica.judgement import answer

    try:
        if "judge" in request:
            return asdict(answer(Question(**request["judge"]), check_configuration))
        return {"digests": digests_of(request["digests"])}
    except MemoryError:
        return _failed(request, "it needs more memory than is allowed")
    except EngineError as problem:
        return _failed(request, str(problem))
    except Exception as bug:
        # A bug of the check concerns this one change; the process and the cluster go on.
        logging.getLogger(__name__).exception("guard failed")
        return _failed(request, f"internal error: {bug!r}")


def _failed(request: dict[str, Any], why: str) -> dict[str, Any]:
    if "judge" not in request:
        return {"digests": None}
    return asdict(Verdict(f"the change cannot be judged: {why}", int(ExitStatus.SOFTWARE)))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(serve(_answer))
