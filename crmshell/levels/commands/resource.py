"""Level resource: start, stop, move, clean up; all of them small edits of the CIB (shell 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Call, command
from crmshell.session import Session
from engine.base.errors import BadInput
from engine.base.timespec import milliseconds_from_text
from engine.cib.document import Cib
from engine.cib.edits import (
    ban,
    clear,
    contradicting_members,
    drop_meta,
    find_node,
    find_resource,
    is_promotable,
    meta_owner,
    prefer,
    set_meta,
    value_of,
)

_DATE = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]|[0-9]{8}")
_METAS = "meta_attributes"
_CONFLICTS = {"is-managed": "maintenance", "maintenance": "is-managed"}

# -- start, stop, promote ---------------------------------------------------------------------------


@command("resource", "start", usage="<rsc>...", args=(1, -1), changes=True, help="start resources")
def start(session: Session, call: Call) -> None:
    set_metas(session, call.args, "target-role", "Started")


@command(
    "resource",
    "stop",
    usage="<rsc>...",
    args=(1, -1),
    changes=True,
    drops=True,
    help="stop resources",
)
def stop(session: Session, call: Call) -> None:
    set_metas(session, call.args, "target-role", "Stopped")


@command(
    "resource",
    "restart",
    usage="<rsc>...",
    args=(1, -1),
    changes=True,
    drops=True,
    help="stop resources, wait, start them again",
)
def restart(session: Session, call: Call) -> None:
    """The target role is what it was before, also when waiting is interrupted."""
    if not session.source.live:
        raise ShellError("restart needs a running cluster, there is only a file")
    cib = session.cib()
    before = {
        name: value_of(meta_owner(find_resource(cib, name), "target-role"), _METAS, "target-role")
        for name in call.args
    }
    stopped = [name for name, role in before.items() if (role or "").lower() == "stopped"]
    if stopped:
        raise ShellError(f"{', '.join(stopped)}: stopped on purpose, use start")
    without = [
        name for name in call.args if meta_owner(find_resource(cib, name)).find(_METAS) is None
    ]
    set_metas(session, call.args, "target-role", "Stopped")
    try:
        session.info(f"waiting for {', '.join(call.args)} to stop")
        session.wait()
    finally:
        _set_back(session, before, without)
    session.info(f"waiting for {', '.join(call.args)} to start")
    session.wait()


def _set_back(session: Session, before: dict[str, str | None], without: list[str]) -> None:
    """The target roles as they were, and no set of meta attributes where there was none."""

    def change(cib: Cib) -> None:
        for name, role in before.items():
            if role is None:
                drop_meta(cib, name, "target-role")
            else:
                set_meta(cib, name, "target-role", role)
        for name in without:
            owner = meta_owner(find_resource(cib, name))
            for holder in owner.findall(_METAS):
                if not len(holder):
                    owner.remove(holder)

    session.edit(change)


@command(
    "resource",
    "promote",
    usage="<rsc>",
    args=(1, 1),
    changes=True,
    help="let a promotable clone have promoted instances",
)
def promote(session: Session, call: Call) -> None:
    _set_role(session, call, "Promoted")


@command(
    "resource",
    "demote",
    usage="<rsc>",
    args=(1, 1),
    changes=True,
    drops=True,
    help="demote all instances of a promotable clone",
)
def demote(session: Session, call: Call) -> None:
    _set_role(session, call, "Unpromoted")


def _set_role(session: Session, call: Call, role: str) -> None:
    name = call.args[0]
    if not is_promotable(meta_owner(find_resource(session.cib(), name))):
        raise ShellError(f"{name} is not a promotable clone, it cannot be {call.name}d")
    set_metas(session, [name], "target-role", role)


# -- managed or not -----------------------------------------------------------------------------------


@command(
    "resource", "manage", usage="<rsc>...", args=(1, -1), changes=True, help="take care of it again"
)
def manage(session: Session, call: Call) -> None:
    set_metas(session, call.args, "is-managed", "true")


@command(
    "resource",
    "unmanage",
    usage="<rsc>...",
    args=(1, -1),
    changes=True,
    help="neither start nor stop it, only watch",
)
def unmanage(session: Session, call: Call) -> None:
    set_metas(session, call.args, "is-managed", "false")


@command(
    "resource",
    "maintenance",
    usage="<rsc> [on|off|true|false]",
    args=(1, 2),
    changes=True,
    help="leave a resource alone altogether",
)
def maintenance(session: Session, call: Call) -> None:
    word = call.args[1].lower() if len(call.args) > 1 else "on"
    values = {"on": "true", "true": "true", "yes": "true", "1": "true"}
    values |= {"off": "false", "false": "false", "no": "false", "0": "false"}
    if word not in values:
        raise ShellError(f"maintenance: '{call.args[1]}' is unknown, expected on or off")
    set_metas(session, call.args[:1], "maintenance", values[word])


def set_metas(session: Session, names: Sequence[str], name: str, value: str) -> None:
    """Set a meta attribute of resources; members and attributes that contradict it may go."""
    cib = session.cib()
    dropped: list[tuple[str, str]] = []
    for resource in names:
        owner = meta_owner(find_resource(cib, resource), name)
        for member in contradicting_members(cib, owner.get("id") or resource, name, value):
            if _may_drop(session, f"{member} has a {name} of its own"):
                dropped.append((member, name))
        other = _CONFLICTS.get(name, "")
        contradicts = bool(other) and value_of(owner, "meta_attributes", other) is not None
        if contradicts and _may_drop(session, f"{owner.get('id')} has also {other}"):
            dropped.append((owner.get("id") or resource, other))

    def change(edited: Cib) -> None:
        for resource in names:
            set_meta(edited, resource, name, value)
        for member, attribute in dropped:
            drop_own_meta(edited, member, attribute)

    session.edit(change)


def drop_own_meta(cib: Cib, resource: str, name: str) -> None:
    """Delete a meta attribute of exactly this resource."""
    from engine.cib.edits import drop_value

    drop_value(find_resource(cib, resource), "meta_attributes", name)


def _may_drop(session: Session, what: str) -> bool:
    policy = session.options.text("core.manage_children")
    if policy == "always":
        return True
    return policy == "ask" and session.confirm(f"{what}; remove that")


# -- moving -------------------------------------------------------------------------------------------


@command(
    "resource",
    "move",
    usage="<rsc> [<node>] [<lifetime>] [force]",
    aliases=("migrate",),
    args=(1, 4),
    changes=True,
    help="make a resource go to a node, or away from where it is",
)
def move(session: Session, call: Call) -> None:
    name, node, until, force = _move_words(session, call)
    cib = session.cib()
    find_resource(cib, name)
    if node and not force:
        session.edit(_just(lambda edited: prefer(edited, name, node, until=until)))
        session.info(f"Move constraint created for {name} to {node}")
    else:
        here = active_nodes(cib, name)
        targets = [each for each in here if each != node]
        if not targets and not node:
            raise ShellError(f"{name} runs nowhere; say where to move it: move {name} <node>")

        def change(edited: Cib) -> None:
            for each in targets:
                ban(edited, name, each, until=until)
            if node:
                prefer(edited, name, node, until=until)

        session.edit(_just(change))
        session.info(f"Move constraint created for {name}{f' to {node}' if node else ''}")
    session.info(f"Use `crm resource clear {name}` to remove this constraint")


@command(
    "resource",
    "ban",
    usage="<rsc> [<node>] [<lifetime>] [force]",
    args=(1, 4),
    changes=True,
    help="keep a resource off a node",
)
def ban_resource(session: Session, call: Call) -> None:
    name, node, until, _ = _move_words(session, call)
    cib = session.cib()
    find_resource(cib, name)
    nodes = [node] if node else active_nodes(cib, name)
    if not nodes:
        raise ShellError(f"{name} runs nowhere; say where it must not: ban {name} <node>")

    def change(edited: Cib) -> None:
        for each in nodes:
            ban(edited, name, each, until=until)

    session.edit(_just(change))
    session.info(f"Ban constraint created for {name} on {', '.join(nodes)}")
    session.info(f"Use `crm resource clear {name}` to remove this constraint")


@command(
    "resource",
    "clear",
    usage="<rsc> [<node>]",
    aliases=("unmove", "unmigrate", "unban"),
    args=(1, 2),
    changes=True,
    help="remove what move and ban made",
)
def clear_resource(session: Session, call: Call) -> None:
    name = call.args[0]
    node = call.args[1] if len(call.args) > 1 else ""
    cib = session.cib()
    if node:
        find_node(cib, node)
    gone = clear(cib, name, node)
    if not gone:
        session.info(f"no move or ban constraint of {name} to remove")
        return

    def change(edited: Cib) -> None:
        clear(edited, name, node)

    session.edit(change)
    session.info(f"Removed {', '.join(gone)} for {name}")


def _just(change: Callable[[Cib], object]) -> Callable[[Cib], None]:
    """The edit without what it returns."""

    def edit(cib: Cib) -> None:
        change(cib)

    return edit


def active_nodes(cib: Cib, name: str) -> list[str]:
    """Nodes on which a resource runs."""
    from crmshell.views.running import active_nodes as nodes_of

    return nodes_of(cib, name)


def _move_words(session: Session, call: Call) -> tuple[str, str, str, bool]:
    """Resource, node ("" = none named), end of the lifetime ("" = none), force."""
    name, *rest = call.args
    words = [word for word in rest if word != "force"]
    node = until = ""
    for word in words:
        if not until and _is_lifetime(word):
            until = until_from_lifetime(word, session.environment.clock())
        elif not node:
            find_node(session.cib(), word)
            node = word
        else:
            raise ShellError(
                f"{call.name}: '{word}' is no lifetime, expected a duration like PT30M or a date"
            )
    return name, node, until, "force" in rest


def _is_lifetime(word: str) -> bool:
    return bool(_DATE.match(word)) or re.match(r"P[0-9T]", word) is not None


def until_from_lifetime(word: str, now: float) -> str:
    """The end of a lifetime as an ISO time: a date stays, a duration is counted from `now`."""
    if _DATE.match(word):
        return word
    try:
        seconds = milliseconds_from_text(word) / 1000
    except BadInput as problem:
        raise ShellError(f"lifetime: {problem}") from None
    try:
        return datetime.fromtimestamp(now + seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        raise ShellError(f"lifetime: {word} ends after the end of the calendar") from None
