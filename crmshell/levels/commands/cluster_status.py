"""How the cluster is: members, quorum, what commonly goes wrong; commands and files on its nodes."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmshell.errors import ConnectionLost, ShellError
from crmshell.levels.commands.cluster import ask, is_running
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.levels.work.node_files import all_nodes, key_file, own_config
from crmshell.levels.work.remote import copy_to, read_from, run_on
from crmshell.output.tables import aligned
from crmshell.session import Session
from engine.base.reports import Report, Severity

if TYPE_CHECKING:
    from engine.base.nodeconf import NodeConfig
    from engine.cib.document import Cib

STARTUP_SECONDS = 60.0
_POLL = 0.5


@command("cluster", "status", args=(0, 0), help="members, quorum and the designated controller")
def status(session: Session, call: Call) -> Answer:
    """What the agent of this machine sees; status 1 without quorum."""
    del call
    told = _told(session)
    members = [str(name) for name in told.get("members") or ()]
    durable = {str(name) for name in told.get("durable", members) or ()}
    quorate = bool(told.get("quorate"))
    reason = f" ({told['reason']})" if told.get("reason") else ""
    rows = [
        ("Cluster:", str(told.get("cluster") or "")),
        ("This node:", str(told.get("node") or "")),
        ("Quorum:", ("yes" if quorate else "no") + reason),
        ("Controller:", f"{told.get('dc') or 'none'} ({told.get('dc_state') or 'unknown'})"),
    ]
    everyone = told.get("everyone") or _configured(session) or members
    lines = [aligned(rows), "", "Members:"]
    for name in dict.fromkeys([*everyone, *members]):
        state = "online" if name in members else "OFFLINE"
        note = "" if name not in members or name in durable else " (not yet up to date)"
        lines.append(f"  {name}: {state}{note}")
    return Answer("\n".join(lines), status=0 if quorate else 1)


def _told(session: Session) -> dict[str, Any]:
    """What the agent says, or where Pacemaker runs its CIB."""
    from crmshell.levels.work.pacemaker_cluster import on_pacemaker, told_by_cib

    if on_pacemaker(session):
        return told_by_cib(session, session.source.read())
    try:
        return ask(session, "status")
    except ConnectionLost:
        name = own_config(session).name
        raise ConnectionLost(f"the agent of {name} does not run here: crm cluster start") from None


def _configured(session: Session) -> list[str]:
    try:
        return [node.name for node in own_config(session).everyone()]
    except ShellError:
        return []


@command(
    "cluster", "wait_for_startup", usage="[<seconds>]", args=(0, 1), help="wait for the cluster"
)
def wait_for_startup(session: Session, call: Call) -> None:
    """Until the agent answers, has quorum and a controller."""
    limit = _seconds(call, STARTUP_SECONDS)
    end = session.environment.clock() + limit
    last = "the agent does not answer"
    while session.environment.clock() < end:
        try:
            told = _told(session)
        except ShellError as problem:
            last = str(problem)
        else:
            if told.get("quorate") and told.get("dc"):
                return
            last = "there is no quorum" if told.get("dc") else "there is no controller"
        session.environment.sleep(_POLL)
    raise ShellError(f"not started within {limit:g} s: {last}", code="timeout")


@command(
    "cluster", "wait", usage="[<seconds>]", args=(0, 1), help="wait until nothing is to be done"
)
def wait(session: Session, call: Call) -> None:
    limit = _seconds(call, 600.0)
    if not session.source.wait(limit):
        raise ShellError(f"the cluster has not settled within {limit:g} s", code="timeout")


def _seconds(call: Call, default: float) -> float:
    from engine.base.timespec import milliseconds_from_text

    return milliseconds_from_text(call.args[0]) / 1000 if call.args else default


# -- health -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `hint` says what to do where it is not well."""

    what: str
    severity: Severity = Severity.INFO
    hint: str = ""


@command("cluster", "health", args=(0, 0), help="what commonly goes wrong, and what to do")
def health(session: Session, call: Call) -> Answer:
    """Every check with its result; status 1 when one is an error."""
    del call
    checks = list(_checks(session))
    words = {Severity.INFO: "ok", Severity.WARNING: "WARN", Severity.ERROR: "FAIL"}
    lines = [f"{words[one.severity]:5}{one.what}" for one in checks]
    reports = tuple(
        Report("health", one.severity, f"{one.what}: {one.hint}") for one in checks if one.hint
    )
    return Answer("\n".join(lines), reports, int(any(c.severity >= Severity.ERROR for c in checks)))


def _checks(session: Session) -> Iterator[Check]:
    from crmshell.levels.work.pacemaker_cluster import on_pacemaker

    if on_pacemaker(session):
        yield from _checks_of_pacemaker(session)
        return
    try:
        config = own_config(session)
    except ShellError as problem:
        yield Check("node file", Severity.ERROR, str(problem))
        return
    yield Check("node file")
    yield _key(session, config)
    if not is_running(session):
        yield Check("agent", Severity.ERROR, "it does not answer; crm cluster start")
        return
    told: dict[str, Any] = ask(session, "status")
    yield Check("agent")
    yield from _membership(told, {node.name for node in config.everyone()})
    yield from _intruders(told)
    yield from _configuration(session.cib(), session.environment.clock())


def _checks_of_pacemaker(session: Session) -> Iterator[Check]:
    from crmshell.levels.work.pacemaker_cluster import told_by_cib

    try:
        cib = session.source.read()
    except ShellError as problem:
        yield Check("pacemaker", Severity.ERROR, str(problem))
        return
    yield Check("pacemaker")
    told: dict[str, Any] = told_by_cib(session, cib)
    yield from _membership(told, {str(name) for name in told["everyone"]})
    yield from _configuration(cib, session.environment.clock())


def _membership(told: dict[str, Any], everyone: set[str]) -> Iterator[Check]:
    if told.get("quorate"):
        yield Check("quorum")
    else:
        yield Check("quorum", Severity.ERROR, str(told.get("reason") or "there is none"))
    missing = sorted(everyone - {str(member) for member in told["members"]})
    if missing:
        yield Check("members", Severity.WARNING, f"not online: {', '.join(missing)}")
    else:
        yield Check("members")


def _intruders(told: dict[str, Any]) -> Iterator[Check]:
    """Whom the agent turned away within the last hour."""
    found = list(told.get("refused") or ())
    if not found:
        yield Check("nobody was refused")
    for one in found:
        hint = f"{one['count']} times, last {one['ago']:.0f} s ago; see help cluster"
        yield Check(f"refused {one['host']}: {one['reason']}", Severity.WARNING, hint)


def _key(session: Session, config: NodeConfig) -> Check:
    path = key_file(session, config)
    mode = session.environment.mode_of(path)
    if mode is None:
        return Check("key", Severity.ERROR, f"{path} is missing; copy it from another node")
    if mode & 0o077:
        return Check("key", Severity.ERROR, f"{path} can be read by others; chmod 600 {path}")
    return Check("key")


def _configuration(cib: Cib, now: float) -> Iterator[Check]:
    from engine.cib.cluster_options import options_in_force
    from engine.cib.edits import resources
    from engine.cib.schema import validate

    devices = [one for one in resources(cib) if one.get("class") == "stonith"]
    if not options_in_force(cib.root, now).flag("fencing-enabled"):
        hint = "a node that hangs cannot be told from a dead one; see help fencing"
        yield Check("fencing is switched off", Severity.WARNING, hint)
    elif not devices:
        hint = "no device is configured, so no resource starts; see help fencing"
        yield Check("fencing", Severity.ERROR, hint)
    else:
        yield Check(f"fencing ({len(devices)} devices)")
    bad = [report for report in validate(cib.root) if report.severity >= Severity.ERROR]
    if bad:
        yield Check("configuration", Severity.ERROR, f"{bad[0].message}; crm verify tells all")
    else:
        yield Check("configuration")


# -- other nodes --------------------------------------------------------------------------------------


def _nodes(session: Session, given: list[str]) -> list[str]:
    """The nodes that are named, else all of the node file, else all of the CIB."""
    if given:
        return given
    try:
        return all_nodes(session)
    except ShellError:
        from engine.cib.edits import node_names

        return node_names(session.cib())


@command(
    "cluster", "run", usage="<command> [<node>...]", args=(1, -1), help="run a command on nodes"
)
def run(session: Session, call: Call) -> Answer:
    """The output of each node under its name; status 1 if it fails on one."""
    lines: list[str] = []
    worst = 0
    for node in _nodes(session, call.args[1:]):
        try:
            done = run_on(session, node, ["sh", "-c", call.args[0]])
        except ShellError as problem:
            lines.append(f"{node}: {problem}")
            worst = 1
            continue
        text = (done.stdout + done.stderr).decode("utf-8", "replace").rstrip("\n")
        head = f"{node}:" if done.status == 0 else f"{node} (status {done.status}):"
        lines += [head, *(f"  {line}" for line in text.splitlines())]
        worst = max(worst, int(done.status != 0))
    return Answer("\n".join(lines), status=worst)


@command("cluster", "copy", usage="<file> [<node>...]", args=(1, -1), help="copy a file to nodes")
def copy(session: Session, call: Call) -> None:
    path = os.path.abspath(call.args[0])
    mode = session.environment.mode_of(path)
    if mode is None:
        raise ShellError(f"{path}: there is no such file", code="cannot-read")
    here = session.environment.hostname
    for node in _nodes(session, call.args[1:]):
        if node not in (here, here.partition(".")[0]):
            copy_to(session, node, path, mode=f"{mode & 0o777:o}")
            session.info(f"{path} is on {node}")


@command("cluster", "diff", usage="<file> [<node>...]", args=(1, -1), help="compare a file")
def diff(session: Session, call: Call) -> str:
    """Differences of the other nodes' file from this machine's."""
    path = os.path.abspath(call.args[0])
    mine = session.environment.read_text(path).splitlines(keepends=True)
    parts: list[str] = []
    for node in _nodes(session, call.args[1:]):
        theirs = read_from(session, node, path).decode("utf-8", "replace")
        parts += difflib.unified_diff(
            mine, theirs.splitlines(keepends=True), path, f"{node}:{path}"
        )
    return "".join(parts) or "no differences"
