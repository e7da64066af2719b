"""The scheduler worker: a process of its own, so that a long computation never holds up the agent.

What it shares with other workers is in `worker.py`.
"""

from __future__ import annotations

import gc
import logging
import select
import socket
import sys
from typing import TYPE_CHECKING, Any

from engine.base.errors import EngineError
from engine.base.reports import ReportList, Severity
from engine.edges.worker import serve

if TYPE_CHECKING:
    from engine.scheduler.reading.warm import Warm

MAX_WARNINGS = 20
_MOST_UNCOLLECTED = 4  # runs whose garbage may wait while one request follows the other


def main() -> int:
    """The worker process: requests from descriptor 0 until the agent closes it."""
    from engine.scheduler import api
    from engine.scheduler.reading.warm import Warm

    # Collecting garbage in the middle of a run would take as long as the run; it is done while
    # nobody waits. What is loaded by now stays.
    gc.disable()
    gc.freeze()
    warm = Warm()
    uncollected = 0

    def collect(channel: socket.socket) -> None:
        nonlocal uncollected
        uncollected += 1
        if uncollected >= _MOST_UNCOLLECTED or not select.select([channel], [], [], 0)[0]:
            gc.collect()
            uncollected = 0

    return serve(lambda request: _compute(api, request, warm), collect)


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


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main())
