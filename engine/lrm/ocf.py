"""OCF agents: `<ocf root>/resource.d/PROVIDER/TYPE ACTION` with the parameters in the environment.

OCF Resource Agent API 1.1; `CRM_meta_…` as Pacemaker passes them.
"""

from __future__ import annotations

from engine.base.programs import Command, is_safe_name
from engine.cib.document import FEATURE_SET
from engine.lrm.api import LrmOp
from engine.lrm.command import (
    AgentPaths,
    Outcome,
    base_environment,
    parameter_problem,
    plain_outcome,
    refused,
)

# The one parameter that agents read under its own name: how deep a monitor looks.
CHECK_LEVEL = "OCF_CHECK_LEVEL"


def command(op: LrmOp, paths: AgentPaths) -> Command | Outcome:
    """The program of an operation, or why there can be none."""
    if not is_safe_name(op.provider) or not is_safe_name(op.type):
        return refused(f"'{op.standard}:{op.provider}:{op.type}' is not an agent name")
    problem = parameter_problem(op)
    if problem:
        return refused(problem)
    directory = f"{paths.ocf_root}/resource.d"
    path = f"{directory}/{op.provider}/{op.type}"
    return Command((path, op.operation), directory, environment(op, paths))


def environment(op: LrmOp, paths: AgentPaths) -> dict[str, str]:
    """The environment of an OCF agent."""
    env = base_environment(paths)
    env |= {
        "OCF_ROOT": paths.ocf_root,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": op.name,
        "OCF_RESOURCE_PROVIDER": op.provider,
        "OCF_RESOURCE_TYPE": op.type,
        "HA_debug": "0",
        "HA_logfacility": "none",
    }
    env["OCF_RESKEY_crm_feature_set"] = FEATURE_SET
    for name, value in op.parameters.items():
        env[f"OCF_RESKEY_{name}"] = value
    level = op.parameters.get(CHECK_LEVEL)
    if level is not None:
        env[CHECK_LEVEL] = level
    for name, value in op.meta.items():
        env[f"OCF_RESKEY_CRM_meta_{name}"] = value
    return env


def outcome(op: LrmOp, exit_code: int, stdout: bytes, stderr: bytes) -> Outcome:
    """What an exit code of the agent means."""
    return plain_outcome(op, exit_code, stderr)
