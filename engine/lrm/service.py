"""The class `service`: a systemd unit where systemd has one of that name, an LSB script otherwise."""

from __future__ import annotations

from dataclasses import replace

from engine.base.programs import Command
from engine.lrm import lsb, systemd
from engine.lrm.api import LrmOp
from engine.lrm.command import AgentPaths, Outcome


def resolved(op: LrmOp, units: frozenset[str]) -> LrmOp:
    """The operation with the class that is meant; `units` are the names that systemd knows."""
    is_unit = systemd.unit_name(op.type) in units
    return replace(op, standard="systemd" if is_unit else "lsb")


def command(op: LrmOp, paths: AgentPaths, units: frozenset[str]) -> Command | Outcome:
    """The program of an operation, or why there can be none."""
    meant = resolved(op, units)
    if meant.standard == "systemd":
        return systemd.command(meant, paths)
    return lsb.command(meant, paths)


def outcome(
    op: LrmOp, exit_code: int, stdout: bytes, stderr: bytes, units: frozenset[str]
) -> Outcome:
    """What the exit code means under the class that is meant."""
    meant = resolved(op, units)
    if meant.standard == "systemd":
        return systemd.outcome(meant, exit_code, stdout, stderr)
    return lsb.outcome(meant, exit_code, stdout, stderr)
