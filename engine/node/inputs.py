"""The inputs of the scheduler on disk, so that every decision can be replayed: `pe-input-N.bz2`.

The newest are kept. A file beside them says when each was made and how its transition ended.
"""

from __future__ import annotations

import asyncio
import bz2
import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from engine.base.digits import is_digits

KEPT = 4000
# Inputs that wait to be written: more means that the disk or the processor does not keep up.
MOST_WAITING = 32
_INDEX = "transitions.json"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoredTransition:
    """One input; `time` is epoch seconds, `result` complete, stopped, aborted, running or ""."""

    number: int
    time: float
    actions: int = 0
    result: str = ""
    node: str = ""


class TransitionInputs:
    """The folder of inputs of this node's transitions as DC; writing happens off the loop."""

    def __init__(self, directory: str, node: str, kept: int = KEPT) -> None:
        self._directory = directory
        self._node = node
        self._kept = kept
        self.stored: dict[int, StoredTransition] = {}
        self._is_unsaved = False
        self._waiting = 0
        # One thread, and the last in line for a processor: compressing is never urgent.
        self._thread = ThreadPoolExecutor(1, "inputs", _be_nice)

    @property
    def last(self) -> int:
        """The highest number in use."""
        return max(self.stored, default=0)

    def load(self) -> None:
        """Read what earlier lives left; a damaged index costs the results, not the inputs."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        for name in os.listdir(self._directory):
            number = name.removeprefix("pe-input-").removesuffix(".bz2")
            if name.startswith("pe-input-") and is_digits(number):
                made = os.stat(os.path.join(self._directory, name)).st_mtime
                self.stored[int(number)] = StoredTransition(int(number), made, node=self._node)
        try:
            with open(os.path.join(self._directory, _INDEX), encoding="utf-8") as file:
                items = [StoredTransition(**item) for item in json.load(file)]
        except (OSError, ValueError, TypeError):
            items = []
        self.stored |= {item.number: item for item in items if item.number in self.stored}

    def keep(self, number: int, cib: bytes, wall: float) -> None:
        """Store an input; one that comes while too many wait is left out, so that memory is bounded."""
        if self._waiting >= MOST_WAITING:
            _log.warning("scheduler input %s not stored: %s are waiting", number, self._waiting)
            return
        self.stored[number] = StoredTransition(number, wall, 0, "running", self._node)
        old = sorted(self.stored)[: -self._kept]
        for gone in old:
            del self.stored[gone]
        self._waiting += 1
        written = self._thread.submit(self._write, number, cib, tuple(old))
        loop = asyncio.get_running_loop()
        written.add_done_callback(lambda _: _on_loop(loop, self._was_written))

    def _was_written(self) -> None:
        self._waiting -= 1

    def ended(self, number: int, actions: int, result: str) -> None:
        """Note how a transition went."""
        stored = self.stored.get(number)
        if stored is None:
            return
        stored.actions, stored.result = actions, result
        if not self._is_unsaved:
            self._is_unsaved = True
            asyncio.get_running_loop().call_later(1.0, self._save)

    def close(self) -> None:
        """Write what is queued, and the index."""
        self._save()
        self._thread.shutdown(wait=True)

    def _save(self) -> None:
        self._is_unsaved = False
        items = [self.stored[number] for number in sorted(self.stored)]
        with contextlib.suppress(RuntimeError):  # closed meanwhile, and written then
            self._thread.submit(self._write_index, items)

    def _write_index(self, stored: list[StoredTransition]) -> None:
        items = [asdict(item) for item in stored]
        path = os.path.join(self._directory, _INDEX)
        try:
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                json.dump(items, file)
            os.replace(f"{path}.new", path)
        except OSError as problem:
            _log.warning("cannot write %s: %s", path, problem.strerror)

    def read(self, number: int) -> bytes | None:
        """A stored input, None when there is none of that number."""
        try:
            with open(self._path(number), "rb") as file:
                return bz2.decompress(file.read())
        except (OSError, EOFError):
            return None

    def _path(self, number: int) -> str:
        return os.path.join(self._directory, f"pe-input-{number}.bz2")

    def _write(self, number: int, cib: bytes, old: tuple[int, ...]) -> None:
        try:
            with open(self._path(number), "wb") as file:
                file.write(bz2.compress(cib))
        except OSError as problem:
            _log.warning("scheduler input %s not stored: %s", number, problem.strerror)
        for gone in old:
            with contextlib.suppress(OSError):
                os.unlink(self._path(gone))


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
        loop.call_soon_threadsafe(call)


def _be_nice() -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
