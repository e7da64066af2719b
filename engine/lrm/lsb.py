"""LSB scripts: `/etc/init.d/NAME start|stop|status`; their status codes become OCF's (LSB 3.1, 22.2)."""

from __future__ import annotations

from engine.base.exitcodes import OcfStatus
from engine.base.programs import Command, is_safe_name
from engine.lrm.api import LrmOp
from engine.lrm.command import (
    AgentPaths,
    Outcome,
    base_environment,
    plain_outcome,
    refused,
)

ACTIONS = {"monitor": "status", "status": "status", "start": "start", "stop": "stop"}
STATUS_CODES = {
    0: OcfStatus.OK,
    1: OcfStatus.NOT_RUNNING,
    2: OcfStatus.NOT_RUNNING,
    3: OcfStatus.NOT_RUNNING,
    4: OcfStatus.INSUFFICIENT_PRIV,
}


def command(op: LrmOp, paths: AgentPaths) -> Command | Outcome:
    """The program of an operation, or why there can be none."""
    if not is_safe_name(op.type):
        return refused(f"'lsb:{op.type}' is not the name of a script")
    action = ACTIONS.get(op.operation)
    if action is None:
        return Outcome(OcfStatus.UNIMPLEMENTED, reason=f"lsb scripts know no {op.operation}")
    path = f"{paths.lsb_dir}/{op.type}"
    return Command((path, action), paths.lsb_dir, base_environment(paths))


def outcome(op: LrmOp, exit_code: int, stdout: bytes, stderr: bytes) -> Outcome:
    """What an exit code of the script means; for start and stop the codes are OCF's."""
    if exit_code >= 0 and ACTIONS.get(op.operation) == "status":
        return Outcome(STATUS_CODES.get(exit_code, OcfStatus.UNKNOWN_ERROR))
    if exit_code > OcfStatus.NOT_RUNNING:
        return Outcome(OcfStatus.UNKNOWN_ERROR, reason=f"exit code {exit_code}")
    return plain_outcome(op, exit_code, stderr)
