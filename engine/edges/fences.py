"""Runs fence agents for the DC: parameters on stdin, a time limit that kills the whole group."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

from engine.base.errors import BadInput, EngineError
from engine.base.seams import Child, Clock, Proc
from engine.edges.processes import check_program
from engine.fencing import devices

NOT_RUN = -1

# exit code, what it printed, its last words
Done = Callable[[int, str, str], None]


class FenceRunner:
    """Starts fence agents from one directory."""

    def __init__(self, proc: Proc, clock: Clock, directory: str) -> None:
        self._proc = proc
        self._clock = clock
        self._directory = directory

    def run(
        self,
        agent: str,
        action: str,
        target: str,
        parameters: Mapping[str, Any],
        timeout_ms: int,
        done: Done,
    ) -> None:
        """Run an action; `done(-1, "", reason)` when the agent cannot be run at all."""
        texts = {str(name): str(value) for name, value in parameters.items()}
        try:
            command = devices.command(agent, action, target, texts, self._directory)
            check_program(command.argv[0], command.below)
        except (BadInput, EngineError) as problem:
            refusal = str(problem)
            self._clock.call_later(0.0, lambda: done(NOT_RUN, "", refusal))
            return
        children: list[Child] = []
        was_slow: list[bool] = []

        def too_slow() -> None:
            was_slow.append(True)
            children[0].signal_group(signal.SIGKILL)

        timer = self._clock.call_later(timeout_ms / 1000, too_slow)

        def ended(code: int, stdout: bytes, stderr: bytes) -> None:
            timer.cancel()
            error = devices.last_words(stderr)
            if was_slow:
                error = f"{agent} {action} did not complete within {timeout_ms} ms"
            done(NOT_RUN if was_slow else code, stdout.decode("utf-8", "replace"), error)

        try:
            children.append(self._proc.spawn(command.argv, command.env, command.stdin, ended))
        except OSError as problem:
            timer.cancel()
            reason = f"{command.argv[0]}: {problem.strerror}"
            self._clock.call_later(0.0, lambda: done(NOT_RUN, "", reason))
