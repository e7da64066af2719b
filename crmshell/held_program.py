"""A program on the other end of two pipes: it tells us lines, and ends when we do."""

from __future__ import annotations

import selectors
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from crmshell.errors import ShellError

_END_SECONDS = 10.0


class HeldProgram:
    """A running program whose input is open; `errors` is the file that takes its complaints."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self._read = b""

    def read_line(self, seconds: float) -> str:
        """Its next line of output; "" when it has ended or is silent for so long."""
        output = self._process.stdout
        assert output is not None
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._read:
                if not selector.select(max(0.0, end - time.monotonic())):
                    return ""
                data = output.read1(4096)  # type: ignore[attr-defined]  # a BufferedReader
                if not data:
                    return ""
                self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line.decode("utf-8", "replace")

    def complaint(self) -> str:
        """The last line that it wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


@contextmanager
def held_program(argv: Sequence[str], variables: Mapping[str, str]) -> Iterator[HeldProgram]:
    """Start a program and hold its input open; raises `ShellError` if it cannot be started."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(variables),
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            raise ShellError(f"{argv[0]}: {problem}", code="cannot-run") from None
        try:
            yield HeldProgram(process, errors)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input; one that does not end by that is killed."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
