"""Level configure: showing and saving the configuration, and single facts of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from crmshell.errors import ShellError
from crmshell.levels.frame.output_format import wanted_form
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import Listing, configuration_text, configuration_xml, select
from crmshell.pending.problems import Refused
from crmshell.session import Session


@command(
    "configure",
    "show",
    usage="[xml] [<id>|<glob>|changed|type:<kind>|tag:<tag>|related:<id>|obscure:<glob>] …"
    " [--output-as json|xml]",
    help="show the configuration, or a part of it",
)
def show(session: Session, call: Call) -> Answer:
    """Objects as statements, or XML; `changed` is the difference to what was read."""
    pending = session.pending
    form, words = wanted_form(session, call.args)
    if words and words[0] == "changed":
        return Answer(difference(session, pending))
    xml = bool(words) and words[0] == "xml"
    selectors = words[1:] if xml else words
    form = "xml" if xml else form
    try:
        elements = select(pending, selectors)
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None
    if form in {"xml", "json"}:
        text = configuration_xml(pending, elements if selectors else None)
        return Answer(_as_json(text) if form == "json" else text)
    listing = _listing(session, selectors)
    return Answer(configuration_text(pending, elements, listing))


def _as_json(xml: str) -> str:
    from crmshell.output.machine import json_from_xml
    from engine.base.safexml import parse_xml

    return json_from_xml(parse_xml(xml.encode(), "configuration"))


def _listing(session: Session, selectors: Sequence[str]) -> Listing:
    sorts = session.options.flag("core.sort_elements")
    style = session.style()
    plain = not style.colour and not style.uppercase
    order = "kind" if sorts else "cib"
    hides = hider(session, selectors)
    return Listing(order, hides=hides) if plain else Listing(order, paint=style.paint, hides=hides)


def hider(session: Session, selectors: Sequence[str]) -> Callable[[str], bool]:
    """Which values are starred: by pattern on a terminal, by `obscure:` everywhere."""
    globs = [word.partition(":")[2] for word in selectors if word.startswith("obscure:")]
    if session.environment.stdout_tty:
        globs += session.options.text("core.obscure_pattern").replace("|", " ").split()
    return lambda name: any(fnmatchcase(name, glob) for glob in globs)


def difference(session: Session, pending: PendingCib, *, context: int = 3) -> str:
    """Unified difference of the text from what was read to what is pending; "" for none."""
    if not pending.is_changed:
        return ""
    listing = Listing(hides=hider(session, ()))
    base = PendingCib(pending.base)
    old = configuration_text(base, base.everything(), listing).splitlines()
    new = configuration_text(pending, pending.everything(), listing).splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm="", n=context))
    return "\n".join(lines[2:])


@command("configure", "diff", args=(0, 0), help="what the pending changes would change")
def diff(session: Session, call: Call) -> Answer:
    return Answer(difference(session, session.pending))


@command(
    "configure",
    "save",
    usage="[xml] [<id>|<selector> …] <file>|-",
    args=(1, -1),
    help="save the configuration, or a part of it, in a file",
)
def save(session: Session, call: Call) -> Answer:
    """Text from which `load` makes the same objects with the same ids in the same order."""
    *words, path = call.args
    pending = session.pending
    xml = bool(words) and words[0] == "xml"
    selectors = words[1:] if xml else words
    try:
        elements = select(pending, selectors)
    except Refused as refusal:
        raise refusal.at(call.line, call.tokens) from None
    if xml:
        text = configuration_xml(pending, elements if selectors else None)
    else:
        text = configuration_text(pending, elements, Listing("cib", all_ids=True))
    if path == "-":
        return Answer(text)
    environment = session.environment
    if session.interactive and environment.exists(path):
        session.require(f"{path} exists, overwrite it")
    environment.write_file(path, (text + "\n").encode("utf-8"))
    return Answer()


@command(
    "configure",
    "get_property",
    usage="[-t] <name> [<name> …]",
    aliases=("get-property",),
    args=(1, -1),
    help="the value of a cluster property, or its default",
)
def get_property(session: Session, call: Call) -> Answer:
    from engine.base.values import is_true
    from engine.cib.cluster_options import options_in_force
    from engine.cib.options import CLUSTER_OPTIONS

    as_truth = call.args[0] == "-t"
    names = call.args[1:] if as_truth else call.args
    if not names:
        raise ShellError("get_property: expected the name of a property", code="arguments")
    options = options_in_force(session.pending.cib.root, session.environment.clock())
    values: list[str] = []
    status = 0
    for name in names:
        value = options.configured(name)
        if value is None and name in CLUSTER_OPTIONS:
            value = CLUSTER_OPTIONS[name].default
        if as_truth:
            values.append("true" if is_true(value) else "false")
        elif value is None:
            session.error(f"property {name} is not set and has no default", "no-such-property")
            status = 1
        else:
            values.append(value)
    return Answer("\n".join(values), status=status)


@command(
    "configure",
    "schema",
    usage="[<name>]",
    args=(0, 1),
    help="show or set the schema of the configuration (validate-with)",
)
def schema(session: Session, call: Call) -> Answer:
    import re

    pending = session.pending
    if not call.args:
        return Answer(pending.cib.root.get("validate-with", "none"))
    name = call.args[0]
    if not re.fullmatch(r"pacemaker-[1-4]\.[0-9]+|none", name):
        raise ShellError(
            f"schema {name} is not known, expected for example pacemaker-3.9", code="no-such-schema"
        )
    pending.begin(call.line.text.strip())
    pending.set(pending.cib.root, "validate-with", name)
    return Answer()
