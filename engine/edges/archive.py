"""Keeps old configurations for people, in a pause between commits so that it never delays one."""

from __future__ import annotations

from engine.base.seams import Clock
from engine.edges.timers import Timers
from engine.replica.store import KEPT_HISTORY, Store

PAUSE_SECONDS = 0.5


class Archiver:
    """Collects what was committed and hands it to the store when it has been quiet for a moment."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._timers = Timers(clock)
        self._waiting: list[tuple[tuple[int, int, int], float, bytes]] = []

    def keep(self, version: tuple[int, int, int], state: bytes) -> None:
        """A configuration that is current now."""
        self._waiting.append((version, self._clock.wall(), state))
        del self._waiting[:-KEPT_HISTORY]
        self._timers.set("archive", PAUSE_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand over what waits."""
        self._timers.stop("archive")
        waiting, self._waiting = self._waiting, []
        for version, wall, state in waiting:
            self._store.archive(version, wall, state)
