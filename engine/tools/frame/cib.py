"""Where a program's CIB comes from and goes to: a shadow CIB, a file, or the cluster's agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

if TYPE_CHECKING:
    from engine.cib.document import Cib

ROOTS_SHADOWS = "/var/lib/pacemaker/cib"


def shadow_folder(environment: Mapping[str, str]) -> str:
    """Where shadow CIBs are: `$CIB_shadow_dir`, `~/.cib`, for root Pacemaker's folder."""
    given = environment.get("CIB_shadow_dir", "")
    if given:
        return given
    if os.geteuid() == 0 and "CIB_file" not in environment:
        return ROOTS_SHADOWS
    return os.path.join(environment.get("HOME", "/"), ".cib")


def shadow_path(environment: Mapping[str, str], name: str) -> str:
    """The file of a shadow CIB."""
    return os.path.join(shadow_folder(environment), f"shadow.{name}")


def file_of(environment: Mapping[str, str]) -> str:
    """The file that stands for the cluster: the shadow CIB in use, else `CIB_file`; "" for none."""
    name = environment.get("CIB_shadow", "")
    if name:
        return shadow_path(environment, name)
    return environment.get("CIB_file", "")


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
