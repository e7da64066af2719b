"""The CIB of the cluster on this machine for the commands with `-L`: from our agent, else from Pacemaker."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.messages import socket_path

if TYPE_CHECKING:
    from engine.base.isodate import Zone

NODE_FILE = "/etc/crmshell/node.conf"
SECONDS = 60.0
HANDED_OVER = "CRMSHELL_HANDED_OVER"
"""Set for a program that is run instead: should it be ours in disguise (a wrapper), it hands nothing over."""


def live_cib(variables: Mapping[str, str]) -> bytes:
    """The whole CIB; raises `EngineError` (DISCONNECT) when no cluster answers.

    Pacemaker is asked, with `cibadmin`, where no agent of ours runs or is set up.
    """
    from engine.ipc.client import Client

    tool = program_instead("cibadmin", variables)
    if tool:
        return _pacemakers(tool)
    with Client(socket_path(variables.get("CRMSHELL_ROOT") or "/")) as client:
        reply = client.demand("cib", scope="all", sync=False)
    return bytes(reply["cib"])


def program_instead(name: str, variables: Mapping[str, str]) -> str:
    """Pacemaker's program of a name where Pacemaker alone is on this machine, else ""."""
    root = variables.get("CRMSHELL_ROOT") or "/"
    if variables.get(HANDED_OVER):
        return ""
    if root != "/" or os.path.exists(socket_path(root)) or os.path.exists(NODE_FILE):
        return ""
    return pacemakers_program(name, variables.get("PATH", os.defpath))


def pacemakers_program(name: str, search_path: str) -> str:
    """The path of a program of Pacemaker's, "" where it is not installed.

    This package has programs of the same names; they are passed over, else they would ask themselves.
    """
    for folder in search_path.split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and not _is_ours(path):
            return path
    return ""


def _is_ours(path: str) -> bool:
    """Whether a program is a starter of a module of this package."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(2048)
    except OSError:
        return False
    return start.startswith(b"#!") and (b"engine.tools" in start or b"crmshell" in start)


def _pacemakers(tool: str) -> bytes:
    import subprocess

    try:
        done = subprocess.run(
            [tool, "--query"],
            env={**os.environ, HANDED_OVER: "1"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise EngineError(f"cibadmin: {problem}", status=ExitStatus.DISCONNECT) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1] if said else f"status {done.returncode}"
        raise EngineError(
            f"Pacemaker does not answer (cibadmin: {reason})", status=ExitStatus.DISCONNECT
        )
    return done.stdout


def local_zone() -> Zone:
    """What a time without a zone means on this machine, and which day it is."""
    import datetime

    from engine.base.isodate import Zone

    local = time.localtime()
    return Zone(local.tm_gmtoff, datetime.date(local.tm_year, local.tm_mon, local.tm_mday))
