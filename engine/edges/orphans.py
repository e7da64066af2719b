"""Programs of an earlier life of this agent that may still run, found by the journal of that life.

A file per operation lies below `/run` while its program runs (engine 9.3). It stays until the program
is gone and the history without its resource is on the disk: a life may be as short as the one before.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.programs import Command
from engine.base.seams import Child, Clock
from engine.edges.processes import kill_group, process_start_ticks, when_gone
from engine.lrm.api import LrmOp
from engine.lrm.journal import InFlight, bytes_from_inflight, inflight_from_bytes

_INSTANCE = "OCF_RESOURCE_INSTANCE"
_KEPT = "orphan."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orphan:
    """An operation of an earlier life; `pid` is 0 when its program is not there any more."""

    op: LrmOp
    pid: int
    deadline: float
    path: str


class Journal:
    """The operations in flight of this life, and the orphans of earlier ones."""

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def prepare(self) -> None:
        """Make the directory; raises `OSError` when it cannot be made."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)

    def note(self, run: int, op: LrmOp, command: Command, child: Child | None = None) -> None:
        """Write that a program is about to be started, or (with `child`) that it runs."""
        pid = child.pid if child is not None else 0
        entry = InFlight(
            op,
            run,
            pid,
            process_start_ticks(pid) if pid else 0,
            self._clock.now() + op.timeout_ms / 1000,
            tuple(command.argv),
            command.env.get(_INSTANCE, ""),
        )
        write_over(self._path(str(run)), bytes_from_inflight(entry))

    def remove(self, run: int) -> None:
        """The program is gone and its result is in the history."""
        self._unlink(self._path(str(run)))

    def orphans(self) -> list[Orphan]:
        """What earlier lives left. Each stays in the journal until it is dismissed."""
        names = [name for name in os.listdir(self._directory) if not name.endswith(".new")]
        kept = {name for name in names if name.startswith(_KEPT)}
        found = []
        number = 0
        for name in sorted(names):
            path = self._path(name)
            if name not in kept:
                while f"{_KEPT}{number}" in kept:
                    number += 1
                kept.add(f"{_KEPT}{number}")
                path = self._path(f"{_KEPT}{number}")
                os.replace(self._path(name), path)
            entry = self._read(path)
            if entry is not None:
                found.append(Orphan(entry.op, _living(entry), entry.deadline, path))
        return found

    def dismiss(self, orphan: Orphan) -> None:
        """The orphan is of no concern any more."""
        self._unlink(orphan.path)

    def watch(self, orphan: Orphan, gone: Callable[[], None]) -> None:
        """Call `gone` when its program ended; its process group is killed at its deadline."""
        if orphan.pid:
            when_gone(orphan.pid, orphan.deadline, gone)
        else:
            self._clock.call_later(0.0, gone)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _read(self, path: str) -> InFlight | None:
        try:
            with open(path, "rb") as file:
                return inflight_from_bytes(file.read())
        except (OSError, BadInput) as problem:
            _log.warning("journal of an operation not read: %s", problem)
            self._unlink(path)
            return None

    def _unlink(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)


def end_at_once(orphan: Orphan) -> None:
    """Kill an orphan whose end changes nothing."""
    if orphan.pid:
        kill_group(orphan.pid)


def shown_as_pending(op: LrmOp) -> LrmOp:
    """The operation as the history has to show it while its orphan runs, whatever its options say."""
    meta = {name: value for name, value in op.meta.items() if name != "record_pending"}
    return replace(op, meta=meta)


def write_over(path: str, data: bytes) -> None:
    """Replace a file; a full or broken `/run` costs the journal, not the service."""
    try:
        with open(f"{path}.new", "wb") as file:
            file.write(data)
        os.replace(f"{path}.new", path)
    except OSError as problem:
        _log.warning("cannot write %s: %s", path, problem.strerror)


def _living(entry: InFlight) -> int:
    """The process of an entry, 0 if it is gone."""
    if entry.pid:
        return entry.pid if process_start_ticks(entry.pid) == entry.start_ticks else 0
    # The agent ended between the start of the program and its note: look for the program itself.
    return next((pid for pid in _processes() if _is_of(pid, entry)), 0)


def _processes() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if is_digits(name))


def _is_of(pid: int, entry: InFlight) -> bool:
    """Whether a process leads its own session, and runs this operation of this resource."""
    try:
        if os.getsid(pid) != pid:
            return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")[:-1]
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return False
    argv = [os.fsencode(word) for word in entry.argv]
    is_same = bool(argv) and words[-len(argv) :] == argv
    instance = os.fsencode(f"{_INSTANCE}={entry.instance}")
    return is_same and (not entry.instance or instance in variables)
