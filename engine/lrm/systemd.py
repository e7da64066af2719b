"""systemd units by `systemctl`; start and stop wait for their job, so a unit that activates slowly
uses the operation's own time limit.
"""

from __future__ import annotations

import re

from engine.base.exitcodes import OcfStatus
from engine.base.programs import Command
from engine.lrm.api import LrmOp
from engine.lrm.command import (
    AgentPaths,
    Outcome,
    base_environment,
    plain_outcome,
    refused,
)

ACTIONS = {"monitor": "is-active", "status": "is-active", "start": "start", "stop": "stop"}
KINDS = ("service", "socket", "mount", "timer", "path", "target")
NOT_FOUND = 4
NO_SUCH_UNIT = 5

_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.\\@-]{0,250}")


def unit_name(text: str) -> str:
    """The full name of a unit, "" when systemd allows no such name."""
    if _UNIT.fullmatch(text) is None or ".." in text:
        return ""
    return text if text.rpartition(".")[2] in KINDS else f"{text}.service"


def command(op: LrmOp, paths: AgentPaths) -> Command | Outcome:
    """The program of an operation, or why there can be none."""
    unit = unit_name(op.type)
    if not unit:
        return refused(f"'systemd:{op.type}' is not the name of a unit")
    action = ACTIONS.get(op.operation)
    if action is None:
        return Outcome(OcfStatus.UNIMPLEMENTED, reason=f"systemd knows no {op.operation}")
    directory = paths.systemctl.rpartition("/")[0]
    return Command((paths.systemctl, action, "--", unit), directory, base_environment(paths))


def outcome(op: LrmOp, exit_code: int, stdout: bytes, stderr: bytes) -> Outcome:
    """What systemctl says: an inactive unit does not run, a failed one neither."""
    if exit_code < 0:
        return plain_outcome(op, exit_code, stderr)
    if ACTIONS.get(op.operation) == "is-active":
        return _state_outcome(stdout.decode("utf-8", "replace").strip(), exit_code)
    if exit_code == 0:
        return Outcome(OcfStatus.OK)
    if exit_code == NO_SUCH_UNIT:
        return Outcome(OcfStatus.NOT_INSTALLED, reason=f"there is no unit {unit_name(op.type)}")
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return Outcome(OcfStatus.UNKNOWN_ERROR, reason=lines[-1] if lines else "")


def _state_outcome(state: str, exit_code: int) -> Outcome:
    if exit_code == 0 or state in ("active", "reloading"):
        return Outcome(OcfStatus.OK)
    if state in ("inactive", "failed", "unknown", "") or exit_code == NOT_FOUND:
        return Outcome(OcfStatus.NOT_RUNNING)
    return Outcome(OcfStatus.UNKNOWN_ERROR, reason=f"the unit is {state}")
