"""Commands of level configure that ask or run agents, and `upgrade`; declared here, done elsewhere."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.registry import Answer, Call, command
from crmshell.session import Session
from engine.base.reports import Severity
from engine.cib.document import DEFAULT_SCHEMA


@command(
    "configure",
    "default-timeouts",
    usage="<id>...",
    args=(1, -1),
    help="set operation timeouts to what the agents advise",
)
def default_timeouts(session: Session, call: Call) -> None:
    from crmshell.levels import agent_work

    agent_work.default_timeouts(session, call)


@command(
    "configure",
    "validate-all",
    usage="<rsc>",
    args=(1, 1),
    help="let the agent check its parameters on this node",
)
def validate_all(session: Session, call: Call) -> Answer:
    from crmshell.levels import agent_work

    return agent_work.validate_all(session, call)


@command(
    "configure",
    "rsctest",
    usage="<rsc>... [<node>...]",
    args=(1, -1),
    help="try resources on nodes, outside the cluster's control",
)
def rsctest(session: Session, call: Call) -> Answer:
    from crmshell.levels import agent_work

    return agent_work.rsctest(session, call)


@command(
    "configure",
    "upgrade",
    usage="[force]",
    args=(0, 1),
    help="bring the configuration to the newest schema",
)
def upgrade(session: Session, call: Call) -> Answer:
    """Set validate-with to the newest schema, if the configuration is valid under it."""
    if call.args not in ([], ["force"]):
        raise ShellError(f"configure.upgrade: '{call.args[0]}', expected force", code="arguments")
    from engine.cib.schema import validate

    pending = session.pending
    root = pending.cib.root
    if root.get("validate-with") == DEFAULT_SCHEMA:
        return Answer(f"the schema is {DEFAULT_SCHEMA} already")
    trial = pending.cib.copy()
    trial.root.set("validate-with", DEFAULT_SCHEMA)
    errors = [report for report in validate(trial.root) if report.severity >= Severity.ERROR]
    if errors and not (session.force or call.args):
        raise ShellError(reports=tuple(errors))
    pending.begin(call.line.text.strip())
    pending.set(root, "validate-with", DEFAULT_SCHEMA)
    return Answer(f"the schema is {DEFAULT_SCHEMA} when this is committed")
