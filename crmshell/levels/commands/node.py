"""Level node: standby, maintenance, attributes, fencing, removal (shell 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmshell.errors import ShellError
from crmshell.levels.frame.output_format import wanted_form
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.session import Session
from engine.base.digits import is_whole
from engine.base.reports import Report, Severity
from engine.cib.document import Cib
from engine.cib.edits import (
    all_node_names,
    delete_node,
    find_node,
    node_names,
    set_node_attribute,
    transient_attributes,
    values_of,
)

_LIFETIMES = {"forever": False, "reboot": True}


@command(
    "node",
    "show",
    usage="[<node>...]",
    aliases=("list",),
    help="nodes with type, state and attributes",
)
def show(session: Session, call: Call) -> str:
    cib = session.cib()
    names = call.args or all_node_names(cib)
    return "\n".join(line for name in names for line in _describe(cib, name))


def _describe(cib: Cib, name: str) -> list[str]:
    element = find_node(cib, name)
    uname, id_ = element.get("uname") or name, element.get("id") or name
    head = uname if uname == id_ else f"{uname}({id_})"
    offline = "(offline)" if _is_offline(cib, id_) else ""
    values = {
        **values_of(element, "instance_attributes"),
        **{
            f"{key} (until reboot)": value
            for key, value in transient_attributes(cib, uname).items()
        },
        **{f"utilization {key}": value for key, value in values_of(element, "utilization").items()},
    }
    lines = [f"{head}: {element.get('type') or 'member'}{offline}"]
    return lines + [f"\t{key}={value}" for key, value in values.items()]


def _is_offline(cib: Cib, id_: str) -> bool:
    """Whether the status section says so; without a state nothing is said."""
    for state in cib.root.iterfind("status/node_state"):
        if state.get("id") == id_:
            return state.get("crmd", "online") in {"offline", "0"}
    return False


# -- standby and maintenance --------------------------------------------------------------------------


@command(
    "node",
    "standby",
    usage="[<node>...|--all] [reboot|forever]",
    changes=True,
    help="move everything off a node",
)
def standby(session: Session, call: Call) -> None:
    _switch(session, call, "standby", "on", "standby node {}")


@command(
    "node",
    "online",
    usage="[<node>...|--all] [reboot|forever]",
    changes=True,
    help="let resources run on a node again",
)
def online(session: Session, call: Call) -> None:
    _switch(session, call, "standby", "off", "online node {}")


@command(
    "node",
    "maintenance",
    usage="[<node>...|--all] [reboot|forever]",
    changes=True,
    help="leave the resources of a node alone",
)
def maintenance(session: Session, call: Call) -> None:
    _switch(session, call, "maintenance", "true", "node {} is in maintenance")


@command(
    "node",
    "ready",
    usage="[<node>...|--all] [reboot|forever]",
    changes=True,
    help="end the maintenance of a node",
)
def ready(session: Session, call: Call) -> None:
    _switch(session, call, "maintenance", "off", "node {} is ready")


def _switch(session: Session, call: Call, name: str, value: str, text: str) -> None:
    """Set an attribute of the nodes named; what is only for now would win, so it goes or is set."""
    words = list(call.args)
    transient = _LIFETIMES[words.pop()] if words and words[-1] in _LIFETIMES else False
    cib = session.cib()
    names = _nodes_meant(session, cib, words)
    known = {node: transient_attributes(cib, node) for node in names}

    def change(edited: Cib) -> None:
        for node in names:
            set_node_attribute(edited, node, name, value)

    if transient:
        for node in names:
            session.source.set_attribute(node, name, value)
    else:
        session.edit(change)
        for node in names:
            if known[node].get(name) not in {None, value}:
                session.source.set_attribute(node, name, None)
    for node in names:
        session.info(text.format(node))


def _nodes_meant(session: Session, cib: Cib, words: Sequence[str]) -> list[str]:
    """The nodes that the words name: `--all`, names, or (none) the local node."""
    if "--all" in words or "all" in words:
        return all_node_names(cib)
    if not words:
        local = session.source.local_node()
        if local not in node_names(cib):
            raise ShellError(
                f"this machine ({local}) is no node of the cluster, name one: "
                + ", ".join(node_names(cib))
            )
        return [local]
    return [find_node(cib, word).get("uname") or word for word in words]


# -- attributes ---------------------------------------------------------------------------------------


@command(
    "node",
    "attribute",
    usage="<node> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="permanent attributes of a node",
)
def attribute(session: Session, call: Call) -> str | None:
    return _values(session, call, "instance_attributes")


@command(
    "node",
    "utilization",
    usage="<node> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="capacities of a node",
)
def utilization(session: Session, call: Call) -> str | None:
    return _values(session, call, "utilization")


@command(
    "node",
    "status-attr",
    usage="<node> set <name> <value>|delete <name>|show <name>",
    args=(3, 4),
    changes=True,
    help="attributes of a node until it leaves the cluster",
)
def status_attribute(session: Session, call: Call) -> str | None:
    node, action, name, value = attribute_words(call)
    if action == "show":
        values = transient_attributes(session.cib(), node)
        return _shown("status", node, name, values)
    if action == "delete" and name not in transient_attributes(session.cib(), node):
        raise ShellError(f"node {node} has no transient attribute {name}")
    find_node(session.cib(), node)
    session.source.set_attribute(node, name, value)
    return None


def _values(session: Session, call: Call, tag: str) -> str | None:
    node, action, name, value = attribute_words(call)
    if action == "show":
        return _shown("nodes", node, name, values_of(find_node(session.cib(), node), tag))
    if tag == "utilization" and value is not None and not is_whole(value):
        raise ShellError(f"node {node}: utilization {name}={value}: expected a whole number")

    def change(cib: Cib) -> list[Report]:
        if set_node_attribute(cib, node, name, value, tag):
            return []
        return [Report("no-attribute", Severity.ERROR, f"node {node} has no {name} to delete")]

    session.edit(change)
    return None


def attribute_words(call: Call) -> tuple[str, str, str, str | None]:
    """`X set NAME VALUE`, `X delete NAME`, `X show NAME` taken apart (value None: delete)."""
    who, action, name, *rest = call.args
    if action not in {"set", "delete", "show"}:
        raise ShellError(f"{call.name}: '{action}' is unknown, expected set, delete or show")
    if (action == "set") != bool(rest):
        need = "a value" if action == "set" else "no value"
        raise ShellError(f"{call.name}: {action} {name}: expected {need}")
    return who, action, name, rest[0] if rest else None


def _shown(scope: str, node: str, name: str, values: dict[str, str]) -> str:
    if name not in values:
        raise ShellError(f"node {node} has no {name}", code="no-attribute")
    return f"scope={scope}  name={name} value={values[name]}"


# -- fencing and removal ------------------------------------------------------------------------------


@command(
    "node",
    "fence",
    usage="<node>",
    args=(1, 1),
    changes=True,
    drops=True,
    help="power a node off or reset it, now",
)
def fence(session: Session, call: Call) -> None:
    node = _known_node(session, call.args[0])
    session.require(f"Fencing {node} kills everything that runs there; do it")
    session.source.fence(node, "reboot")
    session.info(f"node {node} is being fenced")


@command(
    "node",
    "clearstate",
    usage="<node>",
    args=(1, 1),
    changes=True,
    drops=True,
    help="vouch that a node is down",
)
def clearstate(session: Session, call: Call) -> None:
    node = _known_node(session, call.args[0])
    session.require(
        f"Resources of {node} will be started elsewhere; if it still runs, data will be destroyed. "
        f"Is {node} really down"
    )
    session.source.confirm_fenced(node)
    session.info(f"node {node} is taken to be down")


@command(
    "node",
    "delete",
    usage="<node>",
    args=(1, 1),
    changes=True,
    drops=True,
    help="remove a stopped node from the configuration",
)
def delete(session: Session, call: Call) -> None:
    node = _known_node(session, call.args[0])
    cib = session.cib()
    id_ = find_node(cib, node).get("id") or node
    running = any(
        state.get("id") == id_ and state.get("crmd") not in {None, "offline", "0"}
        for state in cib.root.iterfind("status/node_state")
    )
    if running and session.source.live and not session.force:
        raise ShellError(f"node {node} is in the cluster; stop the cluster there first")
    gone: list[str] = []
    session.edit(_collecting(gone, node))
    session.source.forget_node(node)
    for id_ in gone:
        session.info(f"hanging {id_} deleted")
    session.info(f"node {node} deleted")


def _collecting(gone: list[str], node: str) -> Callable[[Cib], None]:
    def change(cib: Cib) -> None:
        gone.extend(delete_node(cib, node))

    return change


@command(
    "node",
    "why",
    usage="<node> [--output-as json]",
    args=(1, 3),
    help="why a node runs what it runs, and what keeps the rest away",
)
def why(session: Session, call: Call) -> Answer:
    """Each thing about the node is taken away in turn and the cluster scheduled again."""
    from crmshell.levels.work.reasons import node_answer

    form, words = wanted_form(session, call.args)
    if len(words) != 1:
        raise ShellError("node.why: expected a node", code="arguments")
    name = find_node(session.cib(), words[0]).get("uname") or words[0]
    return Answer(node_answer(session.cib(), session.environment.clock, name, form))


@command("node", "server", usage="[<node>...]", help="servers of the remote nodes")
def server(session: Session, call: Call) -> str:
    """Addresses of remote nodes: from their connection resources, else their names."""
    cib = session.cib()
    rows: list[str] = []
    for primitive in cib.section("resources").iter("primitive"):
        if (primitive.get("provider"), primitive.get("type")) == ("pacemaker", "remote"):
            id_ = primitive.get("id") or ""
            if not call.args or id_ in call.args:
                rows.append(values_of(primitive, "instance_attributes").get("server", id_))
    return "\n".join(rows)


def _known_node(session: Session, name: str) -> str:
    return find_node(session.cib(), name).get("uname") or name
