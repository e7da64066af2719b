"""`crm_mon` that goes on: on the terminal until Ctrl-C, or in the background into a file."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.timespec import milliseconds_from_text
from engine.tools.frame.program import Call

_SECONDS = 5.0
_CLEAR = "\x1b[H\x1b[2J"


def watch(call: Call, look_again: Callable[[], None]) -> int:
    """Show what `look_again` puts into the call's output until something ends it; the exit status."""
    options = call.options
    seconds = _SECONDS
    if options.get("interval"):
        seconds = max(0.1, milliseconds_from_text(options.get("interval")) / 1000)
    place = options.get("as-html") or options.get("output-to")
    place = "" if place == "-" else os.path.abspath(place) if place else ""
    if "daemonize" in options:
        _go_to_background(options.get("pid-file", "/tmp/ClusterMon.pid"))
    try:
        while True:
            _show(call, look_again, place)
            time.sleep(seconds)
    except KeyboardInterrupt:
        call.out.lines.clear()
        return ExitStatus.OK


def _show(call: Call, look_again: Callable[[], None], place: str) -> None:
    out = call.out
    try:
        look_again()
    except EngineError as problem:
        out.lines[:] = [f"crm_mon: {problem}"]
    text = out.text(ExitStatus.OK)
    out.lines.clear()
    if place:
        _replace(place, text)
        return
    is_screen = sys.stdout.isatty() and "no-curses" not in call.options
    sys.stdout.write((_CLEAR if is_screen else "") + text + ("" if is_screen else "\n"))
    sys.stdout.flush()


def _replace(place: str, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one."""
    fresh = f"{place}.{os.getpid()}"
    try:
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(fresh, place)
    except OSError as problem:
        text = f"{place}: {problem.strerror}"
        raise EngineError(text, status=ExitStatus.CANTCREAT) from None


def _go_to_background(pid_file: str) -> None:
    """Leave the terminal; the process that was started ends well as soon as the file is written."""
    running = _running(pid_file)
    if running:
        text = f"crm_mon is running already as process {running} ({pid_file})"
        raise EngineError(text, status=ExitStatus.OK)
    child = os.fork()
    if child:
        os._exit(ExitStatus.OK)
    os.setsid()
    try:
        with open(pid_file, "w", encoding="ascii") as file:
            file.write(f"{os.getpid():>11}\n")
    except OSError as problem:
        text = f"{pid_file}: {problem.strerror}"
        raise EngineError(text, status=ExitStatus.CANTCREAT) from None
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)

    def leave(*_: object) -> NoReturn:
        if _running(pid_file) == os.getpid():
            os.unlink(pid_file)
        os._exit(ExitStatus.OK)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)


def _running(pid_file: str) -> int:
    """The process that the file names, 0 if it does not run."""
    try:
        with open(pid_file, encoding="ascii", errors="replace") as file:
            number = int(file.read(32))
        os.kill(number, 0)
    except (OSError, ValueError):
        return 0
    return number
