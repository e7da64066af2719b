"""Level resource: parameters, meta attributes, utilization, fail counts, traces, clean-up."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from crmshell.errors import ShellError
from crmshell.levels.commands.node import attribute_words
from crmshell.levels.commands.resource import set_metas
from crmshell.levels.frame.output_format import wanted_form
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.session import Session
from crmshell.sources.api import Cleanup
from engine.base.digits import is_digits
from engine.base.reports import Report, Severity
from engine.base.timespec import milliseconds_from_text
from engine.cib.document import Cib
from engine.cib.edits import (
    add_operation,
    drop_value,
    find_node,
    find_resource,
    is_promotable,
    meta_owner,
    operations_of,
    set_value,
    transient_attributes,
    value_of,
)

TRACE_FOLDER = "/var/lib/heartbeat/trace_ra"
_ACTIONS = ("start", "stop", "monitor", "promote", "demote", "notify", "migrate_to", "migrate_from")


@command(
    "resource",
    "param",
    usage="<rsc> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="parameters of a resource",
)
def param(session: Session, call: Call) -> str | None:
    return _values(session, call, "instance_attributes", "parameter")


@command(
    "resource",
    "meta",
    usage="<rsc> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="meta attributes of a resource",
)
def meta(session: Session, call: Call) -> str | None:
    name, action, attribute, value = attribute_words(call)
    if action == "set" and value is not None:
        set_metas(session, [name], attribute, value)
        return None
    return _values(session, call, "meta_attributes", "meta attribute")


@command(
    "resource",
    "utilization",
    usage="<rsc> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="what a resource needs of a node",
)
def utilization(session: Session, call: Call) -> str | None:
    return _values(session, call, "utilization", "utilization")


def _values(session: Session, call: Call, tag: str, kind: str) -> str | None:
    name, action, attribute, value = attribute_words(call)
    if action == "show":
        found = value_of(_owner(session.cib(), name, tag, attribute), tag, attribute)
        if found is None:
            raise ShellError(f"{name} has no {kind} {attribute}", code="no-attribute")
        return found

    def change(cib: Cib) -> list[Report]:
        owner = _owner(cib, name, tag, attribute)
        if value is not None:
            set_value(owner, tag, attribute, value)
        elif not drop_value(owner, tag, attribute):
            text = f"{name} has no {kind} {attribute} to delete"
            return [Report("no-attribute", Severity.ERROR, text)]
        return []

    session.edit(change)
    return None


def _owner(cib: Cib, name: str, tag: str, attribute: str) -> etree._Element:
    element = find_resource(cib, name)
    if tag == "meta_attributes":
        return meta_owner(element, attribute)
    if tag == "utilization" and element.tag != "primitive":
        raise ShellError(f"{name} is a {element.tag!s}, utilization belongs to primitives")
    return element


# -- failures -----------------------------------------------------------------------------------------


@command(
    "resource",
    "failcount",
    usage="<rsc> set <node> <value> [<op>] [<interval>]|delete <node>|show <node>",
    args=(3, 6),
    changes=True,
    help="how often a resource has failed on a node",
)
def failcount(session: Session, call: Call) -> str | None:
    name, action, node, *rest = call.args
    cib = session.cib()
    find_resource(cib, name)
    find_node(cib, node)
    if action == "show":
        return f"scope=status  name=fail-count-{name} value={_failures(cib, name, node)}"
    if action == "delete":
        session.source.cleanup(_cleanup(name, node, rest))
        return None
    if action != "set" or not rest:
        raise ShellError(f"failcount: '{action}' is unknown, expected set, delete or show")
    count = rest[0]
    if not is_digits(count) and count.upper() != "INFINITY":
        raise ShellError(f"failcount: '{count}' is no number of failures")
    operation = rest[1] if len(rest) > 1 else "monitor"
    interval = milliseconds_from_text(rest[2]) if len(rest) > 2 else 0
    attribute = f"fail-count-{name}#{operation}_{interval}"
    session.source.set_attribute(node, attribute, count.upper())
    return None


def _failures(cib: Cib, name: str, node: str) -> str:
    total = 0
    for key, value in transient_attributes(cib, node).items():
        who = key.removeprefix("fail-count-").partition("#")[0]
        if key.startswith("fail-count-") and who.split(":")[0] == name:
            if value.upper().lstrip("+") == "INFINITY":
                return "INFINITY"
            total += int(value) if is_digits(value) else 0
    return str(total)


@command(
    "resource",
    "cleanup",
    usage="[<rsc>] [<node>] [force]",
    args=(0, 3),
    changes=True,
    help="forget the failures of resources",
)
def cleanup(session: Session, call: Call) -> None:
    _forget(session, call, failures_only=True)


@command(
    "resource",
    "refresh",
    usage="[<rsc>] [<node>] [force]",
    aliases=("reprobe",),
    args=(0, 3),
    changes=True,
    help="forget the history of resources and find out anew",
)
def refresh(session: Session, call: Call) -> None:
    _forget(session, call, failures_only=False)


def _forget(session: Session, call: Call, *, failures_only: bool) -> None:
    words = [word for word in call.args if word != "force"]
    cib = session.cib()
    resource = words[0] if words else ""
    node = words[1] if len(words) > 1 else ""
    if resource:
        find_resource(cib, resource)
    if node:
        find_node(cib, node)
    session.source.cleanup(Cleanup(resource=resource, node=node, failures_only=failures_only))
    where = f" on {node}" if node else ""
    what = "Cleaned up" if failures_only else "Refreshed"
    session.info(f"{what} {resource or 'all resources'}{where}")


def _cleanup(name: str, node: str, rest: list[str]) -> Cleanup:
    operation = rest[0] if rest else ""
    interval = milliseconds_from_text(rest[1]) if len(rest) > 1 else None
    return Cleanup(resource=name, node=node, operation=operation, interval_ms=interval)


# -- tracing ------------------------------------------------------------------------------------------


@command(
    "resource",
    "trace",
    usage="<rsc> [<op>] [<interval>] [<log-dir>]",
    args=(1, 4),
    changes=True,
    help="let an agent write what it does to files",
)
def trace(session: Session, call: Call) -> None:
    """Sets trace_ra=1 for one operation, or (no operation named) for all configured ones."""
    name = call.args[0]
    action, interval, folder = _trace_words(call)

    def change(cib: Cib) -> None:
        for op in _traced_operations(cib, name, action, interval, add=True):
            set_value(op, "instance_attributes", "trace_ra", "1")
            set_value(op, "instance_attributes", "trace_dir", folder)

    session.edit(change)
    session.info(f"Trace for {name}{f':{action}' if action else ''} is written to {folder}")


@command(
    "resource",
    "untrace",
    usage="<rsc> [<op>] [<interval>]",
    args=(1, 3),
    changes=True,
    help="end tracing",
)
def untrace(session: Session, call: Call) -> None:
    name = call.args[0]
    action, interval, _ = _trace_words(call)

    def change(cib: Cib) -> None:
        for op in _traced_operations(cib, name, action, interval, add=False):
            for attribute in ("trace_ra", "trace_dir"):
                drop_value(op, "instance_attributes", attribute)
            _drop_if_bare(op)

    session.edit(change)
    session.info(f"Stop tracing {name}{f' for operation {action}' if action else ''}")


def _trace_words(call: Call) -> tuple[str, str, str]:
    rest = list(call.args[1:])
    folder = TRACE_FOLDER
    if rest and rest[-1].startswith("/"):
        folder = rest.pop()
    action = rest[0] if rest else ""
    if action == "probe":
        action, rest = "monitor", ["monitor", "0"]
    if action and action not in _ACTIONS:
        raise ShellError(f"trace: '{action}' is no operation, expected {', '.join(_ACTIONS)}")
    interval = rest[1] if len(rest) > 1 else ""
    return action, interval, folder


def _traced_operations(
    cib: Cib, name: str, action: str, interval: str, *, add: bool
) -> list[etree._Element]:
    element = find_resource(cib, name)
    if element.tag != "primitive":
        raise ShellError(f"{name} is a {element.tag!s}, only primitives can be traced")
    if not action:
        return _all_operations(element, add=add)
    wanted = milliseconds_from_text(interval) if interval else None
    found = [
        op
        for op in operations_of(element, action)
        if wanted is None or milliseconds_from_text(op.get("interval") or "0") == wanted
    ]
    if found or not add:
        return found
    if wanted:
        raise ShellError(f"{name} has no operation {action} with interval {interval}")
    return [add_operation(element, action, "0")]


def _all_operations(element: etree._Element, *, add: bool) -> list[etree._Element]:
    """Every configured operation; start and stop, and what a promotable clone needs, are added."""
    if add:
        needed = ["start", "stop"]
        if is_promotable(meta_owner(element)):
            needed += ["promote", "demote"]
        for action in needed:
            if not operations_of(element, action):
                add_operation(element, action, "0")
    return operations_of(element)


def _drop_if_bare(op: etree._Element) -> None:
    """An operation that was only there for tracing goes with it."""
    for holder in list(op.iterfind("instance_attributes")):
        if len(holder) == 0:
            op.remove(holder)
    parent = op.getparent()
    if len(op) or set(op.attrib) - {"id", "name", "interval"} or parent is None:
        return
    if op.get("name") != "monitor":
        parent.remove(op)
        around = parent.getparent()
        if len(parent) == 0 and around is not None and not parent.attrib:
            around.remove(parent)


# -- questions ----------------------------------------------------------------------------------------


@command("resource", "operations", usage="[<rsc>] [<node>]", args=(0, 2), help="what was done when")
def operations(session: Session, call: Call) -> str:
    """Records of the history, newest last, as `crm_resource -O` shows them."""
    cib = session.cib()
    resource = call.args[0] if call.args else ""
    node = call.args[1] if len(call.args) > 1 else ""
    if resource:
        find_resource(cib, resource)
    lines: list[str] = []
    for state in cib.root.iterfind("status/node_state"):
        if node and state.get("uname") != node:
            continue
        for history in state.iterfind("lrm/lrm_resources/lrm_resource"):
            if resource and (history.get("id") or "").split(":")[0] != resource:
                continue
            lines += [_record(state, history, op) for op in history.iterfind("lrm_rsc_op")]
    return "\n".join(lines)


def _record(state: etree._Element, history: etree._Element, op: etree._Element) -> str:
    interval = op.get("interval") or "0"
    parts = [
        f"{history.get('id')}_{op.get('operation')}_{interval}",
        f"node={state.get('uname')}",
        f"call={op.get('call-id')}",
        f"rc={op.get('rc-code')}",
    ]
    if op.get("exec-time"):
        parts.append(f"exec={op.get('exec-time')}ms")
    if op.get("exit-reason"):
        parts.append(f"reason='{op.get('exit-reason')}'")
    return " ".join(parts)


@command("resource", "constraints", usage="<rsc>", args=(1, 1), help="constraints of a resource")
def constraints(session: Session, call: Call) -> str:
    cib = session.cib()
    name = call.args[0]
    find_resource(cib, name)
    lines: list[str] = []
    for element in cib.section("constraints"):
        if not isinstance(element.tag, str):
            continue
        named = {value for key, value in element.attrib.items() if key != "id"}
        named |= {str(each.get("id")) for each in element.iter("resource_ref")}
        if name in named:
            rest = " ".join(
                f"{key}={value}" for key, value in element.attrib.items() if key != "id"
            )
            lines.append(f"{str(element.tag).removeprefix('rsc_')} {element.get('id')}: {rest}")
    return "\n".join(lines)


@command(
    "resource",
    "status",
    usage="[<rsc>...]",
    aliases=("show", "list"),
    help="resources and where they run",
)
def status(session: Session, call: Call) -> str:
    if call.args:
        return locate_text(session.cib(), call.args)
    from crmshell.views.status import resource_lines

    return "\n".join(resource_lines(session.cib(), session.environment.clock()))


@command("resource", "locate", usage="<rsc>...", args=(1, -1), help="where resources run")
def locate(session: Session, call: Call) -> str:
    return locate_text(session.cib(), call.args)


def locate_text(cib: Cib, names: Sequence[str]) -> str:
    """One line for each node where a resource runs, as `crm_resource --locate`."""
    from crmshell.views.running import active_nodes

    lines: list[str] = []
    for name in names:
        promoted = active_nodes(cib, name, promoted=True)
        nodes = active_nodes(cib, name)
        for node in nodes:
            role = " Promoted" if node in promoted else ""
            lines.append(f"resource {name} is running on: {node}{role}")
        if not nodes:
            lines.append(f"resource {name} is NOT running")
    return "\n".join(lines)


@command("resource", "scores", args=(0, 0), help="the scores that decide where resources run")
def scores(session: Session, call: Call) -> str:
    del call
    from crmshell.levels.work.simulation import scores_text

    return scores_text(session.cib(), session.environment.clock())


@command(
    "resource",
    "why",
    usage="<rsc> [<node>] [--scores] [--output-as json]",
    args=(1, 5),
    help="why a resource runs where it runs, or does not",
)
def why(session: Session, call: Call) -> Answer:
    from crmshell.levels.work.reasons import answer

    form, words = wanted_form(session, call.args)
    has_scores = "--scores" in words
    names = [word for word in words if word != "--scores"]
    if len(names) not in (1, 2):
        raise ShellError("why: expected a resource and perhaps a node", code="arguments")
    cib = session.cib()
    find_resource(cib, names[0])
    node = find_node(cib, names[1]).get("uname") or names[1] if len(names) > 1 else ""
    text = answer(cib, session.environment.clock, names[0], node, form, scores=has_scores)
    return Answer(text)
