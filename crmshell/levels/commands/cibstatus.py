"""Level cibstatus: a status section to try things on with `simulate` (shell 6)."""

from __future__ import annotations

from lxml import etree

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.pending.status_edit import StatusEdit
from crmshell.session import Session
from crmshell.sources.shadow import open_shadow
from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.base.timespec import milliseconds_from_text
from engine.cib.document import Cib, empty_cib
from engine.cib.edits import find_resource
from engine.simulator.inject import Injections, OpSpec

_RESULTS = {
    "success": 0,
    "unknown": 1,
    "args": 2,
    "unimplemented": 3,
    "perm": 4,
    "installed": 5,
    "configured": 6,
    "not_running": 7,
    "promoted": 8,
    "master": 8,
    "failed_promoted": 9,
    "failed_master": 9,
}
_STATUSES = {"pending": -1, "done": 0, "cancelled": 1, "timeout": 2, "notsupported": 3, "error": 4}
_NODE_STATES = ("online", "offline", "unclean")
_TICKET_ACTIONS = ("grant", "revoke", "activate", "standby")


def status_edit(session: Session) -> StatusEdit:
    """The status being edited; the live one is taken when nothing was loaded."""
    if session.status_edit is None:
        session.status_edit = StatusEdit(session.cib(), session.source_name)
    return session.status_edit


@command(
    "cibstatus",
    "load",
    usage="<file>|shadow:<name>|live",
    args=(1, 1),
    help="take the status of a file, a shadow CIB or the cluster",
)
def load(session: Session, call: Call) -> None:
    origin = call.args[0]
    if origin == "live":
        cib = session.cib()
    elif origin.startswith("shadow:"):
        cib = open_shadow(session.environment, origin.removeprefix("shadow:")).read()
    else:
        try:
            cib = _cib_from(session.environment.read_file(origin), origin)
        except EngineError as problem:
            raise ShellError(str(problem)) from None
    session.status_edit = StatusEdit(cib, origin)


def _cib_from(data: bytes, origin: str) -> Cib:
    """A whole CIB, or a file with just a `<status>`."""
    from engine.base.safexml import parse_xml

    root = parse_xml(data, origin)
    if root.tag != "status":
        return Cib(root)
    cib = empty_cib()
    old = cib.root.find("status")
    if old is not None:
        cib.root.replace(old, root)
    return cib


@command(
    "cibstatus",
    "save",
    usage="[<file>|shadow:<name>]",
    args=(0, 1),
    help="write the edited status to a file or a shadow CIB",
)
def save(session: Session, call: Call) -> None:
    edit = status_edit(session)
    target = call.args[0] if call.args else edit.origin
    if target in {"live", session.source_name}:
        raise ShellError("cibstatus.save: the status of the cluster is not written, name a file")
    if target.startswith("shadow:"):
        source = open_shadow(session.environment, target.removeprefix("shadow:"))
        base = source.read()
        source.commit(base, edit.put_into(base), replace=True)
    else:
        session.environment.write_file(target, edit.cib.to_bytes())


@command("cibstatus", "origin", args=(0, 0), help="where the status came from")
def origin(session: Session, call: Call) -> str:
    del call
    return status_edit(session).origin


@command(
    "cibstatus", "show", usage="[changed]", args=(0, 1), help="the status, or what was changed"
)
def show(session: Session, call: Call) -> str:
    edit = status_edit(session)
    if call.args == ["changed"]:
        return "\n".join(edit.changes)
    if call.args:
        raise ShellError(f"show: '{call.args[0]}' is unknown, expected changed or nothing")
    status = edit.cib.root.find("status")
    return "" if status is None else etree.tostring(status, pretty_print=True, encoding="unicode")


@command("cibstatus", "quorum", usage="<bool>", args=(1, 1), help="with or without quorum")
def quorum(session: Session, call: Call) -> str:
    return _inject(session, Injections(quorum=call.args[0]))


@command(
    "cibstatus",
    "node",
    usage="<node> online|offline|unclean",
    args=(2, 2),
    help="a node comes, goes or fails",
)
def node(session: Session, call: Call) -> str:
    name, state = call.args
    wanted = Injections()
    if state == "online":
        wanted.nodes_up.append(name)
    elif state == "offline":
        wanted.nodes_down.append(name)
    elif state == "unclean":
        wanted.nodes_fail.append(name)
    else:
        raise ShellError(f"node: '{state}' is unknown, expected {', '.join(_NODE_STATES)}")
    return _inject(session, wanted)


@command(
    "cibstatus",
    "op",
    usage="<op>[:<interval>] <rsc> <result> [<op-status>] [<node>]",
    args=(3, 5),
    help="an operation ended with this result",
)
def op(session: Session, call: Call) -> str:
    action, resource, result, *rest = call.args
    number = _RESULTS.get(result, int(result) if is_digits(result) else -1)
    if number < 0 or number > 255:
        raise ShellError(f"op: '{result}' is no result, expected {', '.join(_RESULTS)} or a number")
    op_status = None
    if rest and rest[0] in _STATUSES:
        op_status = _STATUSES[rest.pop(0)]
    edit = status_edit(session)
    where = rest[0] if rest else _only_place(edit.cib, resource)
    task, _, interval = action.partition(":")
    spec = OpSpec(resource, task, _interval(session, resource, task, interval), where, number)
    text = _inject(session, Injections(operations=[spec]))
    if op_status is not None:
        edit.set_op_status(spec, op_status)
    return text


def _only_place(cib: Cib, resource: str) -> str:
    from crmshell.views.running import active_nodes

    nodes = active_nodes(cib, resource)
    if len(nodes) != 1:
        raise ShellError(f"op: {resource} runs on {len(nodes)} nodes, name the node")
    return nodes[0]


def _interval(session: Session, resource: str, task: str, interval: str) -> int:
    """The interval given, else of a monitor the one that is configured."""
    if interval:
        return milliseconds_from_text(interval)
    if task != "monitor":
        return 0
    element = find_resource(session.cib(), resource)
    configured = [
        milliseconds_from_text(each.get("interval") or "0")
        for each in element.iterfind("operations/op")
        if each.get("name") == "monitor"
    ]
    return configured[0] if configured else 0


@command(
    "cibstatus",
    "ticket",
    usage="<ticket> grant|revoke|activate|standby",
    args=(2, 2),
    help="a ticket is granted, revoked, …",
)
def ticket(session: Session, call: Call) -> str:
    name, action = call.args
    wanted = Injections()
    lists = {
        "grant": wanted.tickets_grant,
        "revoke": wanted.tickets_revoke,
        "activate": wanted.tickets_activate,
        "standby": wanted.tickets_standby,
    }
    if action not in lists:
        raise ShellError(f"ticket: '{action}' is unknown, expected {', '.join(_TICKET_ACTIONS)}")
    lists[action].append(name)
    return _inject(session, wanted)


@command(
    "cibstatus",
    "run",
    usage="[nograph] [scores] [utilization] [actions]",
    aliases=("simulate",),
    help="what the cluster would do",
)
def run(session: Session, call: Call) -> str:
    from crmshell.levels.work.simulation import (
        actions_text,
        run_scheduler,
        scores_text,
        summary_text,
    )

    cib = status_edit(session).put_into(session.cib())
    now = session.environment.clock()
    done = run_scheduler(cib, now)
    text = actions_text(done) if "actions" in call.args else summary_text(done)
    scores, utilization = "scores" in call.args, "utilization" in call.args
    if scores or utilization:
        text += "\n" + scores_text(cib, now, scores=scores, utilization=utilization)
    return text


def _inject(session: Session, wanted: Injections) -> str:
    return "\n".join(status_edit(session).inject(wanted, session.environment.clock()))
