"""Starts the programs of agents: own session and process group, capped output, exit by pidfd.

The real form of the `Proc` seam. A program that left daemons holding its pipes is over when it exits:
what is in the pipes by then and for one more moment is read, then they are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

KEPT_BYTES = 32 * 1024
# Agents leave helpers behind that hold their output (`IPaddr2` one that tells the neighbours): what these
# say later is not worth a longer time without the service.
LINGER_SECONDS = 0.05
_READ_BYTES = 64 * 1024

_log = logging.getLogger(__name__)

Done = Callable[[int, bytes, bytes], None]


class CappedOutput:
    """The first and the last 32 KiB of what a program wrote; the middle is only counted."""

    __slots__ = ("_head", "_tail", "skipped")

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self.skipped = 0

    def add(self, data: bytes) -> None:
        room = KEPT_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        over = len(self._tail) - KEPT_BYTES
        if over > 0:
            del self._tail[:over]
            self.skipped += over

    def text(self) -> bytes:
        if not self.skipped:
            return bytes(self._head + self._tail)
        note = f"\n[... {self.skipped} bytes left out ...]\n".encode()
        return bytes(self._head) + note + bytes(self._tail)


class RunningProgram:
    """A started program; `done` is called once, when it has exited and its output was read."""

    def __init__(self, process: subprocess.Popen[bytes], done: Done) -> None:
        self.pid = process.pid
        self._process = process
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._pipes: dict[int, CappedOutput] = {}
        self._outputs: list[CappedOutput] = []
        self._exit_code: int | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._unwritten = memoryview(b"")
        self._pidfd = os.pidfd_open(process.pid)

    def watch(self, stdin: bytes = b"") -> None:
        """Begin to read and to wait, and to write `stdin` as the program takes it."""
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
            self._unwritten = memoryview(stdin)
            self._write()
        for pipe in (self._process.stdout, self._process.stderr):
            output = CappedOutput()
            self._outputs.append(output)
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._pipes[pipe.fileno()] = output
                self._loop.add_reader(pipe.fileno(), self._read, pipe.fileno())
        self._loop.add_reader(self._pidfd, self._exited)

    def signal_group(self, number: int) -> None:
        """Send a signal to the program's whole process group; nothing if it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _write(self) -> None:
        """A program need not read what it is given: a pipe holds 64 KiB, the rest waits."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(pipe.fileno(), self._unwritten) :]
        except BlockingIOError:
            self._loop.add_writer(pipe.fileno(), self._write)
            return
        except OSError:  # it has closed its input
            self._unwritten = memoryview(b"")
        self._stop_writing()

    def _stop_writing(self) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            self._loop.remove_writer(pipe.fileno())
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._pipes[descriptor].add(data)
            return
        self._loop.remove_reader(descriptor)
        del self._pipes[descriptor]
        self._finish_if_read()

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._stop_writing()
        self._exit_code = self._process.wait()
        if self._pipes:
            self._linger = self._loop.call_later(LINGER_SECONDS, self._stop_reading)
        else:
            self._finish()

    def _stop_reading(self) -> None:
        for descriptor in list(self._pipes):
            self._read(descriptor)
        for descriptor in list(self._pipes):
            self._loop.remove_reader(descriptor)
            del self._pipes[descriptor]
        self._finish()

    def _finish_if_read(self) -> None:
        if self._exit_code is not None and not self._pipes:
            self._finish()

    def _finish(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        done, self._done = self._done, _nothing
        done(self._exit_code or 0, *(output.text() for output in self._outputs))


class Processes:
    """The `Proc` seam on the operating system."""

    def spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes,
        done: Done,
        *,
        user: tuple[int, int] | None = None,
    ) -> RunningProgram:
        """Start a program; `OSError` when there is none or it may not be run.

        `user` are the numbers of another user and group to run it as, with no other groups.
        """
        process = subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
            close_fds=True,
            umask=0o022,
            bufsize=0,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
        )
        forget_privileges(process.pid)
        program = RunningProgram(process, done)
        program.watch(stdin)
        return program


def check_program(path: str, below: str) -> None:
    """Refuse a program that an administrator did not install there (engine 14.3).

    Raises `EngineError`: NOT_INSTALLED when it is missing or lies elsewhere, INSUFFICIENT_PRIV when it
    is not executable, or others than root and the agent's user own or may write it.
    """
    real = os.path.realpath(path)
    directory = os.path.realpath(below)
    if not real.startswith(directory.rstrip("/") + "/") and not _is_system_path(real):
        raise EngineError(f"{path} leads out of {below}", status=ExitStatus.INSUFFICIENT_PRIV)
    try:
        entry = os.stat(real)
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.NOT_INSTALLED) from None
    if not os.path.isfile(real):
        raise EngineError(f"{path} is no file", status=ExitStatus.NOT_INSTALLED)
    # In a user namespace the system's root has another number: that of the owner of `/`.
    owners = (0, os.getuid(), os.stat("/").st_uid)
    if entry.st_uid not in owners or entry.st_mode & 0o002:
        raise EngineError(
            f"{path} is not owned by root or others may write it",
            status=ExitStatus.INSUFFICIENT_PRIV,
        )
    if not os.access(real, os.X_OK):
        raise EngineError(f"{path} is not executable", status=ExitStatus.INSUFFICIENT_PRIV)


def process_start_ticks(pid: int) -> int:
    """When a process began (field 22 of its stat), 0 when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[19])


def kill_group(pid: int) -> None:
    """SIGKILL to a process group that is not a child's of this agent."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def when_gone(pid: int, deadline: float, gone: Callable[[], None]) -> None:
    """Call `gone` when a process that is no child of ours ended, or was killed at `deadline`.

    `deadline` is in seconds of the running loop's clock.
    """
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        loop.call_soon(gone)
        return

    def ended() -> None:
        timer.cancel()
        loop.remove_reader(descriptor)
        os.close(descriptor)
        gone()

    timer = loop.call_at(deadline, kill_group, pid)
    loop.add_reader(descriptor, ended)


def _is_system_path(real: str) -> bool:
    """Whether a program that a link leads to lies where only the system's packages put files."""
    return real.startswith(("/usr/sbin/", "/usr/bin/", "/usr/lib/", "/usr/libexec/", "/lib/"))


def forget_privileges(pid: int) -> None:
    """A new program must not inherit the agent's priority and protection."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, 0)
    with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:
        file.write("0")


def _nothing(code: int, stdout: bytes, stderr: bytes) -> None:
    _log.debug("program ended twice code=%s out=%s err=%s", code, len(stdout), len(stderr))
