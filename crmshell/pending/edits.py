"""Commands that change one object: monitor, set, modgroup, erase; and what is running."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lxml import etree

from crmshell.grammar.cursor import NEW_ROLES, OLD_ROLES
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.ids import fill_ids
from crmshell.pending.changes import PendingCib
from crmshell.pending.objects import Objects
from crmshell.pending.problems import Refused
from crmshell.pending.tree import CONSTRAINT_TAGS, Element
from engine.base.digits import is_whole
from engine.base.errors import BadInput
from engine.base.reports import Report, Severity
from engine.base.timespec import milliseconds_from_text
from engine.cib.options import OPERATION_OPTIONS, is_valid

_BARE_TIME = re.compile(r"[0-9]+\Z")
_RUNNING = frozenset({"0", "8", "190", "191"})
_STARTING = frozenset({"start", "promote", "demote", "migrate_from", "monitor"})


def add_monitor(tree: PendingCib, target: str, times: str) -> None:
    """`monitor RSC[:ROLE] INTERVAL[:TIMEOUT]`; times are taken as typed."""
    name, _, role = target.partition(":")
    element = tree.require(name, "resource")
    if element.tag not in ("primitive", "template"):
        raise Refused(f"{name} is not a primitive", code="not-primitive", word=target)
    interval, colon, timeout = times.partition(":")
    for text in (interval, timeout) if colon else (interval,):
        _check_time(text, times)
    if role:
        role = _role(tree, role, target)
    operations = element.find("operations")
    if operations is not None:
        for op in operations.findall("op"):
            if op.get("name") == "monitor" and _same_time(op.get("interval", ""), interval):
                raise Refused(
                    f"{name} already has a monitor op with interval {interval}"
                    f" (set {name}.monitor.{op.get('interval')}.timeout … changes it)",
                    code="monitor-exists",
                    word=times,
                )
    made = etree.Element("op", {"name": "monitor"})
    for attribute, value in (("role", role), ("interval", interval), ("timeout", timeout)):
        if value:
            made.set(attribute, value)
    if operations is None:
        operations = etree.Element("operations")
        operations.append(made)
        fill_ids(operations, name, tree.ids)
        tree.insert(element, operations)
        return
    if operations.get("id-ref") is not None:
        raise Refused(f"{name} uses the operations of another object", code="id-ref", word=target)
    shell = etree.Element("operations")
    shell.append(made)
    fill_ids(shell, name, tree.ids)
    tree.insert(operations, made)


def _role(tree: PendingCib, word: str, target: str) -> str:
    roles = tree.dialect().roles
    for role in roles:
        if role.lower() == word.lower():
            new = tree.dialect().has_new_roles
            return OLD_ROLES.get(role, role) if new else NEW_ROLES.get(role, role)
    raise Refused(
        f"'{word}' is not a role ({', '.join(roles)})",
        code="bad-role",
        word=target,
        nearest=nearest_word(word, roles),
    )


def _check_time(text: str, word: str) -> None:
    try:
        milliseconds_from_text(text)
    except BadInput as problem:
        raise Refused(str(problem), code="bad-time", word=word) from None


def _same_time(one: str, other: str) -> bool:
    try:
        return milliseconds_from_text(one) == milliseconds_from_text(other)
    except BadInput:
        return one == other


def set_path(tree: PendingCib, path: str, value: str) -> None:
    """`ID.NAME`, `ID.OP.NAME` or `ID.OP.INTERVAL.NAME` gets a value; an id may contain dots."""
    element, rest = _split_path(tree, path)
    if len(rest) == 1:
        _set_pair(tree, element, path, rest[0], value)
        return
    op_name, name = rest[0], rest[-1]
    interval = ".".join(rest[1:-1])
    ops = [
        op
        for op in element.iter("op")
        if op.get("name") == op_name
        and (not interval or _same_time(op.get("interval", ""), interval))
    ]
    if not ops:
        what = f"operation {op_name} with interval {interval}" if interval else op_name
        raise Refused(
            f"{element.get('id')} has no {what} (edit {element.get('id')} adds one)",
            code="no-such-op",
            word=path,
            nearest=nearest_word(op_name, [op.get("name", "") for op in element.iter("op")]),
        )
    if len(ops) > 1:
        raise Refused(
            f"{element.get('id')} has several operations {op_name}; name one by its interval"
            f" ({' or '.join(_op_paths(element, ops, name))})",
            code="ambiguous",
            word=path,
        )
    _set_op(tree, ops[0], path, name, value)


def _op_paths(element: Element, ops: Sequence[Element], name: str) -> list[str]:
    """How each of these operations is named in `set`."""
    return [f"{element.get('id')}.{op.get('name')}.{op.get('interval')}.{name}" for op in ops]


def _split_path(tree: Objects, path: str) -> tuple[Element, list[str]]:
    words = path.split(".")
    for count in range(len(words) - 1, 0, -1):
        found = tree.find(".".join(words[:count]))
        if found is not None:
            return found, words[count:]
    name = words[0]
    if len(words) < 2:
        raise Refused("expected ID.NAME", code="bad-path", word=path)
    raise Refused(
        f"object {name} does not exist",
        code="no-such-object",
        word=path,
        nearest=nearest_word(name, tree.objects),
    )


def _set_pair(tree: Objects, element: Element, path: str, name: str, value: str) -> None:
    pairs = [pair for pair in _own_pairs(element) if pair.get("name") == name]
    if len(pairs) != 1:
        known = [pair.get("name", "") for pair in _own_pairs(element)]
        what = "no attribute" if not pairs else "more than one attribute"
        owner, nearest = path.rpartition(".")[0], nearest_word(name, known)
        hint = ""
        if element.tag == "primitive" and not pairs and not nearest:
            hint = f"; set changes what is there, /resource param {owner} set {name} … adds it"
        raise Refused(
            f"{owner} has {what} {name}{hint}",
            code="no-such-attribute",
            word=path,
            nearest=nearest,
        )
    tree.set(pairs[0], "value", value)


def _own_pairs(element: Element) -> Iterable[Element]:
    """The nvpairs of an object, without those of its members and operations."""
    for child in element:
        if child.tag == "nvpair":
            yield child
        elif child.tag in ("instance_attributes", "meta_attributes", "utilization"):
            yield from child.findall("nvpair")


def _set_op(tree: PendingCib, op: Element, path: str, name: str, value: str) -> None:
    if name in ("interval", "timeout", "start-delay"):
        if _BARE_TIME.match(value):
            value += "s"
        _check_time(value, value)
    if op.get(name) is None:
        pairs = [pair for pair in op.iter("nvpair") if pair.get("name") == name]
        if len(pairs) == 1:
            tree.set(pairs[0], "value", value)
        else:
            _add_to_op(tree, op, path, name, value)
        return
    old_id, old_interval = op.get("id", ""), op.get("interval", "")
    tree.set(op, name, value)
    if name == "interval" and old_id.endswith(f"-{old_interval}"):
        wanted = f"{old_id.removesuffix(old_interval)}{value}"
        if wanted not in tree.ids.used:
            tree.set(op, "id", wanted)


def _add_to_op(tree: PendingCib, op: Element, path: str, name: str, value: str) -> None:
    """An attribute that the operation does not have yet; only what an operation may have."""
    option = OPERATION_OPTIONS.get(name)
    if option is None and name.startswith("OCF_"):
        _add_op_parameter(tree, op, name, value)
        return
    if option is None or name == "name":
        raise Refused(
            f"operation {op.get('name')} has no attribute {name}, and operations may not have it",
            code="no-such-attribute",
            word=path,
            nearest=nearest_word(name, [*map(str, op.attrib), *OPERATION_OPTIONS]),
        )
    if name == "role":
        value = _role(tree, value, value)
    elif not is_valid(option, value):
        expected = ", ".join(option.words) if option.words else f"a {option.kind}"
        raise Refused(
            f"{name}: '{value}' is not valid, expected {expected}",
            code="bad-value",
            word=value,
            nearest=nearest_word(value, option.words),
        )
    tree.set(op, name, value)


def _add_op_parameter(tree: PendingCib, op: Element, name: str, value: str) -> None:
    """A parameter that the agent gets with this operation only, as OCF_CHECK_LEVEL."""
    holder = op.find("instance_attributes")
    pair = etree.Element("nvpair", {"name": name, "value": value})
    if holder is None:
        holder = etree.Element("instance_attributes")
        holder.append(pair)
        shell = etree.Element("op")
        shell.append(holder)
        fill_ids(shell, op.get("id", ""), tree.ids)
        tree.insert(op, holder)
        return
    shell = etree.Element("instance_attributes", {"id": holder.get("id", "")})
    shell.append(pair)
    fill_ids(shell, holder.get("id", ""), tree.ids)
    tree.insert(holder, pair)


def change_group(tree: Objects, words: Sequence[str]) -> list[Report]:
    """`GROUP add RSC [after|before MEMBER]` or `GROUP remove MEMBER`.

    Constraints that name the member stay as they are, as a member may well have some of its own.
    """
    name, verb, rsc, *rest = words
    group = tree.require(name, "group")
    if group.tag != "group":
        raise Refused(f"{name} is not a group", code="not-a-group", word=name)
    members = {child.get("id", ""): child for child in group if child.tag == "primitive"}
    if verb == "remove" and not rest:
        member = _member_of(members, rsc, name)
        if len(members) == 1:
            raise Refused(
                f"{rsc} is the last member of {name}; delete {name} instead",
                code="last-member",
                word=rsc,
            )
        parent = tree.top(group).getparent()
        if parent is not None:
            tree.move(member, parent, tree.top(group).getnext())
        return []
    if verb != "add" or (rest and (len(rest) != 2 or rest[0] not in ("after", "before"))):
        raise Refused(
            "expected: GROUP add RSC [after|before MEMBER], or GROUP remove MEMBER",
            code="arguments",
            word=verb,
            nearest=nearest_word(verb, ("add", "remove")),
        )
    if rsc in members:
        raise Refused(
            f"child {rsc} listed more than once in group {name}", code="child-twice", word=rsc
        )
    element = tree.check_member("group", name, rsc)
    before: Element | None = None
    if rest:
        anchor = _member_of(members, rest[1], name)
        before = anchor if rest[0] == "before" else anchor.getnext()
    tree.move(element, group, before)
    return [
        Report(
            "names-member",
            Severity.INFO,
            f"{tree.kind(found)}:{found.get('id')} goes on naming {rsc}, a member of {name} now",
        )
        for found in tree.naming(rsc)
        if found.tag in CONSTRAINT_TAGS
    ]


def _member_of(members: dict[str, Element], name: str, group: str) -> Element:
    found = members.get(name)
    if found is None:
        raise Refused(
            f"{name} is not member of {group}",
            code="not-a-member",
            word=name,
            nearest=nearest_word(name, members),
        )
    return found


def erase(tree: Objects, *, nodes: bool) -> None:
    """Deletes all objects but the nodes, or only the nodes."""
    for section in tree.cib.configuration:
        if (section.tag == "nodes") != nodes:
            continue
        if section.tag == "fencing-topology":
            tree.remove(section)
            continue
        for child in list(section):
            tree.remove(child)


def running_among(tree: Objects, names: Iterable[str]) -> list[str]:
    """Which of these resources run, or hold something that runs, as far as the status knows."""
    status = tree.cib.root.find("status")
    if status is None or not len(status):
        return []
    active = {
        history.get("id", "").partition(":")[0]
        for history in status.iter("lrm_resource")
        if _is_active(history)
    }
    if not active:
        return []
    found: list[str] = []
    for name in names:
        element = tree.objects.get(name)
        if element is not None and any(
            part.get("id") in active for part in element.iter("primitive")
        ):
            found.append(name)
    return found


def _is_active(history: Element) -> bool:
    def call(op: Element) -> int:
        text = op.get("call-id", "")
        return int(text) if is_whole(text) else -1

    operations = history.findall("lrm_rsc_op")
    if not operations:
        return False
    last = max(operations, key=call)
    return last.get("rc-code") in _RUNNING and last.get("operation") in _STARTING
