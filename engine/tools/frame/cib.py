"""Where a program's CIB comes from and goes to: a shadow CIB, a file, or the cluster's agent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.files import ROOTS_SHADOWS, file_of, shadow_folder, shadow_path

if TYPE_CHECKING:
    from engine.cib.document import Cib

__all__ = ["ROOTS_SHADOWS", "file_of", "read_cib", "read_file", "shadow_folder", "shadow_path"]


def read_cib(environment: Mapping[str, str]) -> Cib:
    """The CIB that the environment names; raises `EngineError` (102 without a cluster)."""
    path = file_of(environment)
    if path:
        return read_file(path)
    from engine.cib.document import Cib
    from engine.ipc.live import live_cib

    return Cib.from_bytes(live_cib(environment), "the cluster's CIB")


def read_file(path: str) -> Cib:
    """The CIB in a file, compressed or not, `-` for standard input; raises `EngineError`."""
    from engine.cib.document import Cib

    if path == "-":
        return Cib.from_bytes(sys.stdin.buffer.read(), "standard input")
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as problem:
        status = ExitStatus.NOSUCH if isinstance(problem, FileNotFoundError) else ExitStatus.NOINPUT
        raise EngineError(f"{path}: {problem.strerror}", status=status) from None
    return Cib.from_bytes(data, path)
