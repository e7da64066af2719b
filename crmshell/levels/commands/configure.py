"""Level configure: the statements, and the commands that change one object.

A statement goes into the pending configuration; nothing reaches the cluster before a commit.
"""

from __future__ import annotations

from dataclasses import replace

from crmshell.errors import ShellError
from crmshell.grammar.statements import KEYWORDS, parse_line
from crmshell.grammar.tokens import Token
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.pending import edits, references
from crmshell.pending.changes import PendingCib, object_name
from crmshell.pending.problems import Refused, located, place_of
from crmshell.pending.verify import check_objects
from crmshell.session import Session
from engine.base.digits import is_digits
from engine.base.reports import Report, Severity

_HELP = {
    "node": ("a node and its attributes", "[<id>:] <uname> [attributes …] [utilization …]"),
    "primitive": ("a resource", "<id> <agent>|@<template> [params …] [meta …] [op …]"),
    "rsc_template": ("a template for resources", "<id> <agent> [params …] [meta …] [op …]"),
    "group": ("resources that run together", "<id> <rsc> [<rsc> …] [params …] [meta …]"),
    "clone": ("a resource on several nodes", "<id> <rsc> [params …] [meta …]"),
    "ms": ("old name of a promotable clone", "<id> <rsc> [params …] [meta …]"),
    "bundle": ("a resource in containers", "<id> docker|podman … [network …] [storage …]"),
    "location": ("where a resource may run", "<id> <rsc> <score>: <node> | rule …"),
    "colocation": ("resources on the same node", "<id> <score>: <rsc>[:<role>] <rsc>[:<role>] …"),
    "order": ("which resource starts first", "<id> [<kind>:] <rsc>[:<action>] <rsc>[:<action>] …"),
    "rsc_ticket": ("what depends on a ticket", "<id> <ticket>: <rsc>[:<role>] … [loss-policy=…]"),
    "property": ("cluster properties", "[<set>:] <name>=<value> …"),
    "rsc_defaults": ("defaults of resources", "[<set>:] <name>=<value> …"),
    "op_defaults": ("defaults of operations", "[<set>:] <name>=<value> …"),
    "fencing_topology": ("levels of fencing", "[<node>:] <device>[,<device> …] …"),
    "tag": ("a name for several objects", "<id> <id> [<id> …]"),
    "role": ("access rights", "<id> read|write|deny <what> …"),
    "acl_target": ("roles of a user", "<user> <role> …"),
    "acl_group": ("roles of a group of users", "<group> <role> …"),
    "user": (
        "roles or rights of a user, before schema pacemaker-2.0",
        "<user> role:<role> … | <right> <what> …",
    ),
    "alert": ("a program told of events", "<id> <path> [select …] [to …]"),
    "xml": ("an object as XML", "<element …>"),
}
_ALIASES = {
    "ms": ("master",),
    "colocation": ("collocation",),
    "fencing_topology": ("fencing-topology",),
}


def statement(session: Session, call: Call) -> str | None:
    """Any statement: into the pending configuration."""
    pending = session.pending
    if call.name == "property" and not call.args:
        return _property_names()
    tokens = _canonical(call)
    if call.name == "xml" and len(tokens) > 1 and call.line.text[tokens[1].start] == "<":
        parsed = parse_line(replace(call.line, text=_from_word(call)), pending.dialect())
    else:
        parsed = parse_line(call.line, pending.dialect(), tokens)
    pending.begin(call.line.text.strip())
    try:
        notes = pending.apply(parsed)
    except Refused as refusal:
        raise refusal.at(call.line, tokens) from None
    _tell(session, call, (*parsed.notes, *notes))
    if session.interactive and session.options.text("core.check_frequency") == "always":
        _check(session, object_name(parsed.statement))
    return None


def _check(session: Session, name: str) -> None:
    """At the prompt a statement is checked at once; its findings are told, not refused."""
    pending = session.pending
    found = located(check_objects(pending, session.facts(), [name]), pending.origins)
    told = {report.message for report in found}
    if any(report.severity >= Severity.ERROR for report in found):
        pending.faulty.add(name)
    else:
        pending.faulty.discard(name)
    session.report(*(report for report in found if report.message not in pending.told))
    pending.told.update(told)


def _canonical(call: Call) -> tuple[Token, ...]:
    """The words of the statement with the command word spelt out."""
    first = call.tokens[0]
    name = first.text.lower()
    word = name if name in KEYWORDS else call.name
    return (Token(word, first.start, first.end), *call.tokens[1:])


def _from_word(call: Call) -> str:
    """The text from the command word on, with `xml` spelt out; columns stay."""
    first = call.tokens[0]
    return " " * first.start + "xml" + call.line.text[first.end :]


def _tell(session: Session, call: Call, notes: tuple[Report, ...]) -> None:
    """Notes of a typed statement; those about what was done for the user only interactively."""
    for note in notes:
        if note.severity <= Severity.INFO and not session.interactive and note.span is not None:
            continue
        if note.span is None and note.subject and note.severity > Severity.INFO:
            note = replace(note, span=place_of(note.subject, call.line, call.tokens))
        session.report(note)


def _property_names() -> str:
    from engine.cib.options import CLUSTER_OPTIONS

    return "\n".join(sorted(CLUSTER_OPTIONS))


for _name, (_help, _usage) in _HELP.items():
    command("configure", _name, usage=_usage, help=_help, aliases=_ALIASES.get(_name, ()))(
        statement
    )


# -- commands on one object -----------------------------------------------------------------------


def _change(session: Session, call: Call) -> PendingCib:
    """The pending configuration, with this command as a step that can be undone."""
    pending = session.pending
    pending.begin(call.line.text.strip())
    return pending


@command(
    "configure",
    "monitor",
    usage="<rsc>[:<role>] <interval>[:<timeout>]",
    args=(2, 2),
    help="add a monitor operation to a primitive",
)
def monitor(session: Session, call: Call) -> None:
    pending = _change(session, call)
    try:
        edits.add_monitor(pending, call.args[0], call.args[1])
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None


@command(
    "configure",
    "set",
    usage="<id>.<name> | <id>.<op>[.<interval>].<name> <value>",
    args=(2, 2),
    help="set one attribute of an object",
)
def set_(session: Session, call: Call) -> None:
    pending = _change(session, call)
    try:
        edits.set_path(pending, call.args[0], call.args[1])
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None


@command(
    "configure",
    "modgroup",
    usage="<group> add <rsc> [after|before <member>] | remove <member>",
    args=(3, 5),
    help="add a member to a group, or take one out",
)
def modgroup(session: Session, call: Call) -> None:
    pending = _change(session, call)
    try:
        notes = edits.change_group(pending, call.args)
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None
    _tell(session, call, tuple(notes))


@command(
    "configure",
    "delete",
    usage="[--force] <id> [<id> …]",
    args=(1, -1),
    aliases=("rm",),
    drops=True,
    help="delete objects with what refers to them",
)
def delete(session: Session, call: Call) -> None:
    force = session.force or "--force" in call.args
    names = [word for word in call.args if word != "--force"]
    pending = session.pending
    running = edits.running_among(pending, names)
    if running and not force:
        raise ShellError(
            f"resource {running[0]} is running, can't delete it (stop it first, or --force)",
            code="running",
        )
    pending.begin(call.line.text.strip())
    try:
        notes = references.delete(pending, names, missing_ok=session.force)
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None
    session.report(*notes)


@command("configure", "rename", usage="<old_id> <new_id>", args=(2, 2), help="give a new id")
def rename(session: Session, call: Call) -> None:
    old, new = call.args
    pending = session.pending
    if edits.running_among(pending, [old]) and not session.force:
        raise ShellError(f"{old} is running, stop it first (or -F)", code="running")
    pending.begin(call.line.text.strip())
    mark = pending.mark()
    try:
        references.rename(pending, old, new)
    except Refused as refusal:
        pending.roll_back(mark)
        raise refusal.at(call.line, call.tokens) from None


@command(
    "configure",
    "erase",
    usage="[nodes]",
    args=(0, 1),
    drops=True,
    help="delete everything but the nodes, or the nodes only",
)
def erase(session: Session, call: Call) -> None:
    if call.args and call.args[0] != "nodes":
        raise ShellError(f"erase: '{call.args[0]}' is unknown, expected nodes", code="arguments")
    pending = session.pending
    running = edits.running_among(pending, list(pending.objects))
    if running and not session.force:
        raise ShellError(f"{running[0]} is running, nothing was erased", code="running")
    pending.begin(call.line.text.strip())
    edits.erase(pending, nodes=bool(call.args))


@command("configure", "undo", usage="[<n>]", args=(0, 1), help="take back the last commands")
def undo(session: Session, call: Call) -> Answer:
    word = call.args[0] if call.args else "1"
    if not is_digits(word) or not 0 < int(word) < 10**6:
        raise ShellError(f"undo: '{word}' is no number of commands", code="arguments")
    undone = session.pending.undo(int(word))
    if not undone:
        raise ShellError("there is nothing to undo", code="nothing-to-undo")
    for text in undone:
        session.info(f"undone: {text}")
    return Answer()
