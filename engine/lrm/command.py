"""How an operation becomes a program to run, and an exit code becomes an OCF result; common to all standards.

Pure: whether the file exists and may be run is found out by the edge that starts it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.exitcodes import OcfStatus
from engine.base.programs import PATH, REASON_LIMIT
from engine.lrm.api import LrmOp, OpStatus

VALUE_LIMIT = 64 * 1024
ENVIRONMENT_LIMIT = 1024 * 1024

SECRETS_FOLDER = "var/lib/pacemaker/lrm/secrets"
PLACEHOLDER = "lrm://"
"""The value of a parameter in the configuration whose real one is in a file."""

_REASON = "ocf-exit-reason:"


@dataclass(frozen=True, slots=True)
class AgentPaths:
    """Where agents are looked for, and the state directories that they are given."""

    ocf_root: str = "/usr/lib/ocf"
    lsb_dir: str = "/etc/init.d"
    fence_dir: str = "/usr/sbin"
    systemctl: str = "/usr/bin/systemctl"
    resource_state: str = ""
    var_run: str = ""
    tools: str = ""
    """Folder of the commands that agents call (`HA_SBIN_DIR`, and first in `PATH`)."""
    secrets: str = f"/{SECRETS_FOLDER}"
    """Folder of the values that do not stand in the configuration."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An OCF code, the execution status and the agent's own words."""

    rc: int
    status: OpStatus = OpStatus.DONE
    reason: str = ""

    @property
    def is_ok(self) -> bool:
        return self.rc == OcfStatus.OK and self.status is OpStatus.DONE


def refused(reason: str, rc: int = OcfStatus.NOT_CONFIGURED) -> Outcome:
    """An operation that must not reach the file system."""
    return Outcome(rc, OpStatus.ERROR, reason)


def base_environment(paths: AgentPaths) -> dict[str, str]:
    """What every agent finds: nothing of the node agent's own environment."""
    env = {"PATH": PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": "/root"}
    if paths.resource_state:
        env["HA_RSCTMP"] = paths.resource_state
    if paths.var_run:
        env["HA_VARRUN"] = paths.var_run
    if paths.tools:
        env["HA_SBIN_DIR"] = paths.tools
        env["PATH"] = f"{paths.tools}:{PATH}"
    return env


def parameter_problem(op: LrmOp) -> str:
    """Why the parameters of `op` cannot be handed to a program, "" if they can."""
    total = 0
    for name, value in op.parameters.items():
        if "\0" in value or "\0" in name or "=" in name:
            return f"parameter {name!r} of {op.name} holds a NUL or a '='"
        if len(value) > VALUE_LIMIT:
            return f"parameter {name} of {op.name} has {len(value)} characters, the limit is {VALUE_LIMIT}"
        total += len(name) + len(value)
    if total > ENVIRONMENT_LIMIT:
        return (
            f"the parameters of {op.name} have {total} characters, the limit is {ENVIRONMENT_LIMIT}"
        )
    return ""


def exit_reason(stderr: bytes) -> str:
    """The last `ocf-exit-reason:` line of what an agent wrote, at most 512 characters."""
    reason = ""
    for line in stderr.decode("utf-8", "replace").splitlines():
        place = line.find(_REASON)
        if place >= 0:
            reason = line[place + len(_REASON) :].strip()
    return reason[:REASON_LIMIT]


def plain_outcome(op: LrmOp, exit_code: int, stderr: bytes) -> Outcome:
    """The outcome of an agent whose exit codes are OCF's own; death by a signal is an error."""
    reason = exit_reason(stderr)
    if exit_code < 0:
        text = reason or f"{op.operation} of {op.name} was killed by signal {-exit_code}"
        return Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, text)
    return Outcome(exit_code, OpStatus.DONE, reason)
