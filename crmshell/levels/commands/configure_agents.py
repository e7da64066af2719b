"""Commands of level configure that ask or run agents, and `upgrade`; declared here, done elsewhere."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, command
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
    from crmshell.levels.work import agent_checks as agent_work

    agent_work.default_timeouts(session, call)


@command(
    "configure",
    "validate-all",
    usage="<rsc>",
    args=(1, 1),
    help="let the agent check its parameters on this node",
)
def validate_all(session: Session, call: Call) -> Answer:
    from crmshell.levels.work import agent_checks as agent_work

    return agent_work.validate_all(session, call)


@command(
    "configure",
    "rsctest",
    usage="<rsc>... [<node>...]",
    args=(1, -1),
    help="try resources on nodes, outside the cluster's control",
)
def rsctest(session: Session, call: Call) -> Answer:
    from crmshell.levels.work import agent_checks as agent_work

    return agent_work.rsctest(session, call)


@command(
    "configure",
    "upgrade",
    usage="[force]",
    args=(0, 1),
    help="bring the configuration to the newest schema",
)
def upgrade(session: Session, call: Call) -> Answer:
    """Old names and forms become today's, and validate-with the newest schema."""
    if call.args not in ([], ["force"]):
        raise ShellError(f"configure.upgrade: '{call.args[0]}', expected force", code="arguments")
    from lxml import etree

    from engine.cib.acls import modernize_acls
    from engine.cib.schema import validate
    from engine.cib.upgrade import upgraded

    pending = session.pending
    root = pending.cib.root
    schema = root.get("validate-with", "")
    if schema == DEFAULT_SCHEMA:
        return Answer(f"the schema is {DEFAULT_SCHEMA} already")
    trial = pending.cib.copy()
    done = upgraded(trial.configuration, schema)
    changes = [*done.changes, *modernize_acls(done.configuration)]
    trial.root.replace(trial.configuration, done.configuration)
    trial.root.set("validate-with", DEFAULT_SCHEMA)
    errors = [report for report in validate(trial.root) if report.severity >= Severity.ERROR]
    if errors and not (session.force or call.args):
        raise ShellError(reports=tuple(errors))
    pending.begin(call.line.text.strip())
    pending.set(root, "validate-with", DEFAULT_SCHEMA)
    for new in list(trial.configuration):
        old = pending.cib.configuration.find(str(new.tag))
        if old is not None and etree.tostring(old) != etree.tostring(new):
            following = old.getnext()
            pending.remove(old)
            pending.insert(pending.cib.configuration, new, following)
        elif old is None:
            pending.insert(pending.cib.configuration, new)
    changes.append(f"the schema is {DEFAULT_SCHEMA} when this is committed")
    return Answer("\n".join(changes))
