"""Runs alert scripts: as an ordinary user, all of one happening at the same time, each for its time and no longer (live L5.7 to L5.9)."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.alerts.runs import Run
from engine.base.programs import PATH
from engine.base.seams import Child, Clock

USERS = ("hacluster", "nobody")
# Each script may take its time-out; a storm of happenings must not fill the machine with them.
MOST_AT_ONCE = 200
_WORDS = 200

_log = logging.getLogger(__name__)


class Spawner(Protocol):
    """Starts programs as another user."""

    def spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes,
        done: Callable[[int, bytes, bytes], None],
        *,
        user: tuple[int, int] | None = None,
    ) -> Child: ...


class AlertRunner:
    """The scripts of one node. What runs at the end of this process goes on for its own time."""

    def __init__(self, proc: Spawner, clock: Clock) -> None:
        self._proc = proc
        self._clock = clock
        # Not known before the name service answered, once; what comes until then waits.
        self._user: tuple[int, int] | None = None
        self._is_ready = False
        self._waiting: list[Run] = []
        self._running = 0
        self._left_out = 0

    async def find_user(self) -> None:
        """Ask the name service, off the event loop, whom the scripts run as."""
        if os.geteuid() == 0:
            loop = asyncio.get_running_loop()
            self._user = await loop.run_in_executor(None, _unprivileged)
        self._is_ready = True
        waiting, self._waiting = self._waiting, []
        for run in waiting:
            self.start(run)

    def start(self, run: Run) -> None:
        """Start a script; its end is only logged."""
        if not self._is_ready:
            self._waiting.append(run)
            return
        if self._running >= MOST_AT_ONCE:
            self._left_out += 1
            if self._left_out == 1:
                _log.warning("alerts are left out: %s scripts are running", MOST_AT_ONCE)
            return
        if self._user is None and os.geteuid() == 0:
            _log.error("alert %s is not run: there is no user %s", run.alert, " or ".join(USERS))
            return
        self._begin(run)

    def _begin(self, run: Run) -> None:
        env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/", **run.environment}
        children: list[Child] = []

        def too_slow() -> None:
            _log.warning("alert %s did not end within %s ms: killed", run.alert, run.timeout_ms)
            children[0].signal_group(signal.SIGKILL)

        def ended(code: int, stdout: bytes, stderr: bytes) -> None:
            timer.cancel()
            self._running -= 1
            if not self._running and self._left_out:
                _log.warning("alerts left out since then: %s", self._left_out)
                self._left_out = 0
            words = (stderr or stdout).decode("utf-8", "replace").strip()[:_WORDS]
            level = logging.INFO if code == 0 else logging.WARNING
            _log.log(level, "alert %s ended code=%s %s", run.alert, code, " ".join(words.split()))

        timer = self._clock.call_later(run.timeout_ms / 1000, too_slow)
        try:
            children.append(self._proc.spawn((run.path,), env, b"", ended, user=self._user))
        except (OSError, ValueError) as problem:
            timer.cancel()
            _log.error("alert %s is not run: %s: %s", run.alert, run.path, problem)
            return
        self._running += 1


def _unprivileged() -> tuple[int, int] | None:
    for name in USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return None
