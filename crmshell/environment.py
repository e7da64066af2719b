"""Environment: everything of the outer world that the shell may touch.

Streams, terminal, user, time, folders, files and programs. The rest of the shell gets an
`Environment` handed in, so that a test can run it without a terminal, a home or a cluster.
Folders: ecosystem conventions (XDG), `CRMSHELL_ROOT` for a whole cluster in one folder.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from crmshell.errors import ShellError

if TYPE_CHECKING:
    from crmshell.held_program import HeldProgram

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors put in front of UTF-8 text."""

MAX_FILE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended: its exit status (-N: killed by signal N) and what it wrote."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(slots=True, eq=False, repr=False)
class Environment:
    """The outer world of one run of the shell."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    variables: Mapping[str, str]
    stdin_tty: bool = False
    stdout_tty: bool = False
    stderr_tty: bool = False
    uid: int = 0
    clock: Callable[[], float] = time.time
    echo_programs: bool = False
    tools_as: str = ""
    asker: Callable[[str], str | None] | None = None

    @classmethod
    def real(cls) -> Environment:
        """The environment of this process; streams write what they cannot encode as escapes."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(
            stdin=sys.stdin,
            stdout=sys.stdout,
            stderr=sys.stderr,
            variables=dict(os.environ),
            stdin_tty=_is_tty(sys.stdin),
            stdout_tty=_is_tty(sys.stdout),
            stderr_tty=_is_tty(sys.stderr),
            uid=os.geteuid(),
        )

    # -- terminal ---------------------------------------------------------------------------

    @property
    def dumb(self) -> bool:
        return self.variables.get("TERM", "") in {"", "dumb"}

    def screen(self) -> tuple[int, int] | None:
        """Columns and rows of the terminal; None when stdout is not one (no limit of width)."""
        if not self.stdout_tty:
            return None
        try:
            size = os.get_terminal_size(self.stdout.fileno())
        except (OSError, ValueError):
            return 80, 24
        return size.columns or 80, size.lines or 24

    def write(self, text: str) -> None:
        """Text to stdout, ended by a newline."""
        if text:
            self.stdout.write(text if text.endswith("\n") else text + "\n")
            self.stdout.flush()

    def complain(self, text: str) -> None:
        """Text to stderr, ended by a newline; what is already on stdout comes first."""
        self.stdout.flush()
        self.stderr.write(text if text.endswith("\n") else text + "\n")
        self.stderr.flush()

    def read_stdin(self) -> bytes:
        """All of standard input as bytes."""
        buffer = getattr(self.stdin, "buffer", None)
        if buffer is None:
            return self.stdin.read().encode("utf-8", "surrogateescape")
        data: bytes = buffer.read(MAX_FILE_BYTES + 1)
        return data

    def ask_line(self, prompt: str) -> str | None:
        """One line typed by the user, None at end of input. Only for a terminal.

        `asker` takes over where the keys are read ahead by a line editor (the interactive prompt).
        """
        if self.asker is not None:
            return self.asker(prompt)
        self.stderr.write(prompt)
        self.stderr.flush()
        line = self.stdin.readline()
        return line.rstrip("\n") if line else None

    # -- user and folders ---------------------------------------------------------------------

    @property
    def user(self) -> str:
        for name in ("LOGNAME", "USER"):
            if self.variables.get(name):
                return self.variables[name]
        import pwd

        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def is_root(self) -> bool:
        return self.uid == 0

    @property
    def hostname(self) -> str:
        return os.uname().nodename

    @property
    def home(self) -> str:
        return self.variables.get("HOME") or os.path.expanduser("~")

    @property
    def root(self) -> str:
        """Folder under which the cluster lives, `/` unless `CRMSHELL_ROOT` says otherwise."""
        return self.variables.get("CRMSHELL_ROOT") or "/"

    def under_root(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    @property
    def config_folder(self) -> str:
        return os.path.join(self._xdg("XDG_CONFIG_HOME", ".config"), "crm")

    @property
    def cache_folder(self) -> str:
        return os.path.join(self._xdg("XDG_CACHE_HOME", ".cache"), "crm")

    @property
    def state_folder(self) -> str:
        return os.path.join(self._xdg("XDG_STATE_HOME", ".local/state"), "crm")

    @property
    def data_folder(self) -> str:
        return os.path.join(self._xdg("XDG_DATA_HOME", ".local/share"), "crm")

    def _xdg(self, variable: str, default: str) -> str:
        given = self.variables.get(variable, "")
        return given if given.startswith("/") else os.path.join(self.home, default)

    # -- files ------------------------------------------------------------------------------------

    def read_file(self, path: str) -> bytes:
        """Bytes of a file; raises `ShellError` with one line."""
        try:
            with open(path, "rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except OSError as problem:
            raise ShellError(f"{path}: {_reason(problem)}", code="cannot-read") from None
        if len(data) > MAX_FILE_BYTES:
            raise ShellError(f"{path}: larger than {MAX_FILE_BYTES} bytes", code="cannot-read")
        return data

    def read_text(self, path: str) -> str:
        """Text of a UTF-8 file; raises `ShellError` with one line that names the place."""
        return decode_text(self.read_file(path), path)

    def write_file(self, path: str, data: bytes, *, private: bool = False) -> None:
        """Replace a file as a whole or not at all; raises `ShellError` with one line.

        Written beside it, synced and renamed; a symbolic link is followed, mode and owner stay.
        """
        target = os.path.realpath(path)
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise ShellError(f"{path}: it is read-only", code="cannot-write")
        if os.path.exists(target) and not os.path.isfile(target):
            # Renaming over a device would put a file in its place.
            self._write_through(target, data)
            return
        part = f"{target}.{os.getpid()}.new"
        try:
            old = None if private else _stat_or_none(target)
            _write_synced(part, data, 0o600 if private else 0o666, old)
            os.replace(part, target)
        except OSError as problem:
            _unlink_quietly(part)
            raise ShellError(f"{path}: {_reason(problem)}", code="cannot-write") from None

    def create_file(self, path: str, data: bytes) -> None:
        """Make a new file that only its owner can read; raises `ShellError` with one line.

        What is there already, a symbolic link too, stays as it is.
        """
        try:
            _write_synced(path, data, 0o600, None)
        except FileExistsError:
            raise ShellError(f"{path} exists, choose another name", code="cannot-write") from None
        except OSError as problem:
            _unlink_quietly(path)
            raise ShellError(f"{path}: {_reason(problem)}", code="cannot-write") from None

    def random_word(self) -> str:
        """Eight characters that nobody can guess."""
        return os.urandom(4).hex()

    def _write_through(self, path: str, data: bytes) -> None:
        """For what cannot be replaced: a pipe, a terminal, /dev/null."""
        try:
            with open(path, "wb") as stream:
                stream.write(data)
        except OSError as problem:
            raise ShellError(f"{path}: {_reason(problem)}", code="cannot-write") from None

    def make_folder(self, path: str) -> bool:
        """Make a private folder; False when that is not permitted (never a reason to fail)."""
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
        except OSError:
            return False
        return True

    def mode_of(self, path: str) -> int | None:
        """The permission bits of a file, None when there is none."""
        found = _stat_or_none(path)
        return None if found is None else found.st_mode & 0o7777

    def temporary_file(self, data: bytes, suffix: str) -> str:
        """A new file that only we can read, with this content; raises `ShellError`."""
        import tempfile

        try:
            descriptor, path = tempfile.mkstemp(suffix, "crm-", self.variables.get("TMPDIR"))
            with open(descriptor, "wb") as stream:
                stream.write(data)
        except OSError as problem:
            raise ShellError(f"temporary file: {_reason(problem)}", code="cannot-write") from None
        return path

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file (or a link to one)."""
        return os.path.isfile(path)

    def list_folder(self, path: str) -> list[tuple[str, bool]]:
        """Names in a folder, sorted, and whether each is a folder; empty if it cannot be read."""
        try:
            with os.scandir(os.path.expanduser(path)) as entries:
                return sorted((entry.name, entry.is_dir()) for entry in entries)
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        """Whether there is something at this path."""
        return os.path.lexists(path)

    def stamp_of(self, path: str) -> str:
        """What tells whether a file is still the same one: real path, size, time of change; "" if
        there is none."""
        status = _stat_or_none(path)
        if status is None:
            return ""
        return f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"

    def remove_file(self, path: str) -> bool:
        """Remove a file; False when it was not there or cannot be removed."""
        return _unlink_quietly(path)

    # -- programs -----------------------------------------------------------------------------------

    def find_program(self, *names: str) -> str:
        """Path of the first program that is installed, "" if none is."""
        for name in names:
            if "/" in name:
                if os.access(name, os.X_OK):
                    return name
                continue
            for folder in self.variables.get("PATH", os.defpath).split(os.pathsep):
                path = os.path.join(folder, name)
                if os.access(path, os.X_OK) and os.path.isfile(path):
                    return path
        return ""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float | None = 60.0,
        variables: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a program and collect what it writes; raises `ShellError` if it cannot be run."""
        import subprocess

        if self.echo_programs:
            self.complain(f".EXT {' '.join(argv)}")
        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                timeout=timeout,
                env={**self.variables, **(variables or {})},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ShellError(f"{argv[0]}: no answer within {timeout:g}s", code="timeout") from None
        except (OSError, ValueError) as problem:
            raise ShellError(f"{argv[0]}: {_reason(problem)}", code="cannot-run") from None
        return Finished(done.returncode, done.stdout, done.stderr)

    def held_program(self, argv: Sequence[str]) -> AbstractContextManager[HeldProgram]:
        """A program that runs until its input ends, which is at the end of the `with` or of us."""
        from crmshell.held_program import held_program

        if self.echo_programs:
            self.complain(f".EXT {' '.join(argv)}")
        return held_program(argv, self.variables)

    def start_detached(self, argv: Sequence[str], log: str) -> Callable[[], int | None]:
        """Start a program that outlives us, its output appended to a file; raises `ShellError`.

        What is returned tells its exit status, None while it runs.
        """
        import subprocess

        try:
            with open(log, "ab") as stream:
                return subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env=dict(self.variables),
                    cwd="/",
                    start_new_session=True,
                ).poll
        except (OSError, ValueError) as problem:
            raise ShellError(f"{argv[0]}: {_reason(problem)}", code="cannot-run") from None

    def own_addresses(self) -> list[str]:
        """The addresses of this machine but those of its loopback."""
        if not self.find_program("hostname"):
            return []
        done = self.run(["hostname", "-I"], timeout=5)
        return done.stdout.decode("utf-8", "replace").split() if done.status == 0 else []

    def address_towards(self, host: str) -> str:
        """The own address that packets to a host leave from; "" where there is no way to it."""
        import socket

        try:
            family, kind, _, _, place = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as probe:
                probe.connect(place)  # Sends nothing: it only chooses the way.
                return str(probe.getsockname()[0])
        except OSError:
            return ""

    def begin(self, job: Callable[[], None]) -> Callable[[], None]:
        """Start a job beside everything else; what is returned waits for it and raises its error."""
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(1)
        future = pool.submit(job)
        pool.shutdown(wait=False)
        return future.result

    def own_program(self, name: str) -> str:
        """A program that is installed with this one, else one in PATH; "" if there is none."""
        beside = os.path.join(os.path.dirname(sys.executable), name)
        return beside if os.access(beside, os.X_OK) else self.find_program(name)

    @contextmanager
    def ends_by_exception(self) -> Iterator[None]:
        """Inside, a signal that would end us at once (SIGHUP, SIGTERM) raises `KeyboardInterrupt`.

        So what is half-way can be taken back. Handlers that are set already stay.
        """
        import signal

        def handle(number: int, frame: object) -> None:
            raise KeyboardInterrupt

        numbers = [
            number
            for number in (signal.SIGHUP, signal.SIGTERM)
            if is_main_thread() and signal.getsignal(number) is signal.SIG_DFL
        ]
        for number in numbers:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number in numbers:
                signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def finishes(self, why: str) -> Iterator[None]:
        """Inside, no signal that asks us to end and no terminal that is gone breaks anything off.

        `why` is said first, for it may take long.
        """
        import signal

        numbers = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT) if is_main_thread() else ()
        before = [(number, signal.signal(number, signal.SIG_IGN)) for number in numbers]
        try:
            self.complain(why)
        except OSError:
            self.stdout = self.stderr = open(os.devnull, "w")  # noqa: SIM115 - until we end
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def run_on_terminal(self, argv: Sequence[str]) -> int:
        """Run a program (editor, pager) on the user's terminal; its exit status."""
        import subprocess

        self.stdout.flush()
        try:
            return subprocess.run(argv, env=dict(self.variables), check=False).returncode
        except (OSError, ValueError) as problem:
            raise ShellError(f"{argv[0]}: {_reason(problem)}", code="cannot-run") from None


def is_main_thread() -> bool:
    """Whether signals may be set here."""
    import threading

    return threading.current_thread() is threading.main_thread()


def decode_text(data: bytes, what: str) -> str:
    """UTF-8 text; raises `ShellError` that says in which line something else stands."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        column = problem.start - (data.rfind(b"\n", 0, problem.start) + 1) + 1
        raise ShellError(
            f"{what}:{line}:{column}: byte 0x{data[problem.start]:02x} is not UTF-8 text",
            code="not-utf8",
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        column = nul - (text.rfind("\n", 0, nul) + 1) + 1
        raise ShellError(f"{what}:{line}:{column}: a NUL byte is not text", code="nul-byte")
    return text


def _reason(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem)


def _is_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _stat_or_none(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _write_synced(path: str, data: bytes, mode: int, old: os.stat_result | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as stream:
        if old is not None:
            os.fchmod(descriptor, old.st_mode & 0o7777)
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
                os.fchown(descriptor, old.st_uid, old.st_gid)
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)


def _unlink_quietly(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
