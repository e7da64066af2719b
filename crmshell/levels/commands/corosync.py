"""The level `corosync`: one corosync.conf is shown, checked, changed and carried to other nodes.

The file is that of `--file` behind the command, of `COROSYNC_MAIN_CONFIG_FILE`, or
`/etc/corosync/corosync.conf`. What would leave the file with errors is refused before it is written.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, Candidate, command
from crmshell.levels.work.remote import copy_to, read_from
from crmshell.session import Session
from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.reports import Report, Severity
from engine.membership.corosync_check import KNOWN, check_conf
from engine.membership.corosync_conf import CorosyncConf

DEFAULT_PATH = "/etc/corosync/corosync.conf"
VARIABLE = "COROSYNC_MAIN_CONFIG_FILE"


def _place(session: Session, call: Call) -> tuple[str, list[str]]:
    """The file to work on, and the arguments without `--file FILE`."""
    args = list(call.args)
    path = session.environment.variables.get(VARIABLE, "")
    if "--file" in args:
        at = args.index("--file")
        if at + 1 == len(args):
            raise ShellError("--file needs the name of a file", code="arguments")
        path = args[at + 1]
        del args[at : at + 2]
    return path or session.environment.under_root(DEFAULT_PATH), args


def _conf(session: Session, path: str) -> CorosyncConf:
    return CorosyncConf.from_text(session.environment.read_text(path), path)


def _expect(call: Call, args: list[str], least: int, most: int, usage: str) -> None:
    if not least <= len(args) <= most:
        raise ShellError(f"corosync.{call.name}: expected {call.name} {usage}", code="arguments")


def _paths(session: Session, words: object, current: str) -> Iterable[Candidate]:
    """Known paths, for completion."""
    del session, words, current
    for section, keys in KNOWN.items():
        for key, kind in keys.items():
            yield Candidate(f"{section}.{key}", kind)
    yield Candidate("nodelist.node.ring0_addr", "text")


@command("corosync", "show", usage="[--file <file>]", help="print corosync.conf")
def show(session: Session, call: Call) -> str:
    path, args = _place(session, call)
    _expect(call, args, 0, 0, "[--file FILE]")
    return session.environment.read_text(path)


@command("corosync", "get", usage="<path>", completers=(_paths,), help="print the values at a path")
def get(session: Session, call: Call) -> str:
    """One value a line; a path that is not there is refused with the nearest known one."""
    path, args = _place(session, call)
    _expect(call, args, 1, 1, "PATH")
    values = _conf(session, path).get(args[0])
    if not values:
        raise ShellError(f"{path}: there is no {args[0]}{_near_path(args[0])}", code="no-such-path")
    return "\n".join(values)


def _near_path(path: str) -> str:
    known = [f"{section}.{key}" for section, keys in KNOWN.items() for key in keys]
    near = difflib.get_close_matches(path, known, 1)
    return f", did you mean {near[0]}?" if near and near[0] != path else ""


@command(
    "corosync",
    "set",
    usage="<path> <value> [<index>]",
    completers=(_paths,),
    help="change one value",
)
def change(session: Session, call: Call) -> None:
    path, args = _place(session, call)
    _expect(call, args, 2, 3, "PATH VALUE [INDEX]")
    if len(args) == 3 and not is_digits(args[2]):
        raise ShellError(f"'{args[2]}' is no index, expected a number from 0", code="arguments")
    conf = _conf(session, path)
    conf.set(args[0], args[1], int(args[2]) if len(args) == 3 else None)
    _write(session, path, conf)


@command(
    "corosync", "add-node", usage="<address>[,<address>...] [<name>]", help="add a node to the list"
)
def add_node(session: Session, call: Call) -> None:
    path, args = _place(session, call)
    _expect(call, args, 1, 2, "ADDRESS[,ADDRESS...] [NAME]")
    conf = _conf(session, path)
    node = conf.add_node(tuple(args[0].split(",")), args[1] if len(args) == 2 else "")
    _write(session, path, conf)
    session.info(f"node {node.name or args[0]} has number {node.nodeid}")


@command("corosync", "del-node", usage="<name>|<address>", drops=True, help="take a node out")
def del_node(session: Session, call: Call) -> None:
    path, args = _place(session, call)
    _expect(call, args, 1, 1, "NAME|ADDRESS")
    conf = _conf(session, path)
    node = conf.remove_node(args[0])
    _write(session, path, conf)
    session.info(f"node {node.name or args[0]} (number {node.nodeid}) is out of {path}")


@command("corosync", "check", usage="[<file>]", help="check the file, with line numbers")
def check(session: Session, call: Call) -> Answer:
    """All findings; status 1 if one is an error."""
    path, args = _place(session, call)
    _expect(call, args, 0, 1, "[FILE]")
    path = args[0] if args else path
    reports = check_conf(_conf(session, path), path)
    bad = any(report.severity >= Severity.ERROR for report in reports)
    return Answer("" if reports else f"{path}: nothing to complain about", reports, int(bad))


def _write(session: Session, path: str, conf: CorosyncConf) -> None:
    """Write what has no errors (or, under -F, in spite of them); warnings are said."""
    reports = check_conf(conf, path)
    errors = tuple(report for report in reports if report.severity >= Severity.ERROR)
    if errors and not session.force:
        note = Report("corosync-refused", Severity.ERROR, f"{path} was not changed; -F writes it")
        raise ShellError(reports=(*errors, note))
    session.report(*reports)
    session.environment.write_file(path, conf.text().encode())


@command("corosync", "edit", usage="[--file <file>]", help="change the file in an editor")
def edit(session: Session, call: Call) -> None:
    """The editor works on a copy; it is written when it has no errors, else offered again."""
    from crmshell.levels.frame.editor import edit_text

    path, args = _place(session, call)
    _expect(call, args, 0, 0, "[--file FILE]")
    old = session.environment.read_text(path)
    text = old
    while True:
        text = edit_text(session, text, ".conf")
        if text == old:
            session.info(f"{path} is unchanged")
            return
        try:
            _write(session, path, CorosyncConf.from_text(text, path))
            return
        except (ShellError, BadInput) as problem:
            session.report(*problem.reports)
            if not session.confirm("Edit or discard changes (yes to edit, no to discard)"):
                raise ShellError(f"{path} was not changed", code="cancelled") from None


@command("corosync", "diff", usage="[<file>|<node>...]", help="compare the file with another")
def diff(session: Session, call: Call) -> str:
    """A unified diff with a file (a path with a slash), or with the file of other nodes."""
    path, args = _place(session, call)
    _expect(call, args, 1, 32, "FILE | NODE...")
    mine = session.environment.read_text(path).splitlines(keepends=True)
    parts: list[str] = []
    for other in args:
        if "/" in other or session.environment.is_file(other):
            theirs, name = session.environment.read_text(other), other
        else:
            theirs, name = (
                read_from(session, other, path).decode("utf-8", "replace"),
                f"{other}:{path}",
            )
        parts += difflib.unified_diff(mine, theirs.splitlines(keepends=True), path, name)
    return "".join(parts)


@command("corosync", "push", usage="<node>...", args=(1, -1), help="copy the file to other nodes")
def push(session: Session, call: Call) -> None:
    """A file with errors is not spread."""
    path, args = _place(session, call)
    conf = _conf(session, path)
    errors = [r for r in check_conf(conf, path) if r.severity >= Severity.ERROR]
    if errors and not session.force:
        raise ShellError(reports=tuple(errors))
    for node in args:
        copy_to(session, node, path)
        session.info(f"{path} is on {node}")


@command("corosync", "pull", usage="<node>", help="fetch the file from another node")
def pull(session: Session, call: Call) -> None:
    path, args = _place(session, call)
    _expect(call, args, 1, 1, "NODE")
    text = read_from(session, args[0], path).decode("utf-8", "replace")
    _write(session, path, CorosyncConf.from_text(text, f"{args[0]}:{path}"))


@command("corosync", "reload", changes=True, args=(0, 0), help="let the daemons read the file")
def reload(session: Session, call: Call) -> str:
    del call
    return _tool(session, "corosync-cfgtool", "-R")


@command(
    "corosync", "status", usage="[ring|quorum]", args=(0, 1), help="what the running daemon says"
)
def status(session: Session, call: Call) -> str:
    kind = call.args[0] if call.args else "ring"
    if kind == "ring":
        return _tool(session, "corosync-cfgtool", "-s")
    if kind == "quorum":
        return _tool(session, "corosync-quorumtool", "-s")
    raise ShellError(f"corosync.status: '{kind}', expected ring or quorum", code="arguments")


def _tool(session: Session, *argv: str) -> str:
    if not session.environment.find_program(argv[0]):
        raise ShellError(f"{argv[0]} is not installed (package corosync)", code="not-installed")
    done = session.environment.run(argv)
    text = done.stdout.decode("utf-8", "replace")
    if done.status not in (0, 2):
        reason = done.stderr.decode("utf-8", "replace").strip() or text.strip()
        raise ShellError(f"{argv[0]}: {reason.splitlines()[0] if reason else done.status}")
    return text


@command("corosync", "log", args=(0, 0), help="the end of the daemon's log file")
def log(session: Session, call: Call) -> str:
    """The last 200 lines of `logging.logfile`."""
    path, _ = _place(session, call)
    files = _conf(session, path).get("logging.logfile")
    if not files:
        raise ShellError(f"{path}: logging.logfile is not set; see the journal", code="no-log")
    text = session.environment.read_file(files[-1]).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-200:])
