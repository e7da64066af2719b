"""Operations of resources: checked as they are given, written as `pcs` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.agents import MONITOR_INTERVAL, Agent, OpValues, agent_of, interval_of
from engine.base.values import bool_from_text

ORDER = ("interval", "description", "start-delay", "interval-origin", "timeout", "enabled",
         "record-pending", "role", "on-fail")  # fmt: skip
LEVEL = "OCF_CHECK_LEVEL"
OPTIONS = ("id", *ORDER, LEVEL)
ON_FAIL = ("ignore", "block", "demote", "stop", "restart", "standby", "fence", "restart-container")
ROLES = ("Stopped", "Started", "Promoted", "Unpromoted")
OLD_ROLES = {"master": "Promoted", "slave": "Unpromoted"}
ALWAYS = ("start", "stop", "monitor", "promote", "demote", "migrate_to", "migrate_from", "notify",
          "reload", "reload-agent")  # fmt: skip


def role_of(work: Work, text: str, word: str = "") -> str:
    """A role as it is stored today; a finding when it is none."""
    found = OLD_ROLES.get(text.lower())
    if found is not None:
        work.warn(f"the role {text} is called {found} today")
        return found
    for role in ROLES:
        if role.lower() == text.lower():
            return role
    work.refuse_name(f"no role '{text}'; there are {', '.join(ROLES)}", word or text, ROLES)
    return text


def split_operations(work: Work, words: Sequence[str]) -> list[OpValues]:
    """`NAME [option=value]... [NAME ...]...` taken apart; a second `op` between them is allowed."""
    found: list[tuple[str, list[str]]] = []
    for word in words:
        if "=" not in word:
            found.append((word, []))
        elif found:
            found[-1][1].append(word)
        else:
            work.refuse(f"'{word}': the name of an operation must come before its options", word)
    return [{"name": name, **pairs_of(work, options)} for name, options in found]


def check_operations(work: Work, agent: Agent, ops: Sequence[OpValues]) -> list[OpValues]:
    """The operations with their roles and intervals put right; findings for the rest."""
    return [_checked(work, agent, op) for op in ops]


def _checked(work: Work, agent: Agent, op: OpValues) -> OpValues:
    name = op["name"]
    known = (
        {each.name for each in agent.data.actions} if agent.data is not None else set()
    ) or set(ALWAYS)
    if name not in known:
        message = f"{agent.name} has no operation '{name}'"
        work.refuse_name(message, name, sorted(known), forceable=True)
    values = dict(op)
    for option, value in op.items():
        if option != "name":
            _check_option(work, name, option, value, values)
    if not values.get("interval"):
        values["interval"] = MONITOR_INTERVAL if name == "monitor" else "0s"
    return values


def _check_option(work: Work, op: str, option: str, value: str, values: OpValues) -> None:
    word = f"{option}={value}"
    if option not in OPTIONS:
        message = f"operation {op}: no option '{option}'; there are {', '.join(OPTIONS)}"
        work.refuse_name(message, option, OPTIONS)
    elif option in ("interval", "timeout", "start-delay"):
        if value and interval_of(value) is None:
            work.refuse(f"operation {op}: {option} '{value}' is no time (30s, 5min, 1h)", word)
    elif option == "on-fail":
        if value and value.lower() not in ON_FAIL:
            message = f"operation {op}: on-fail '{value}'; there are {', '.join(ON_FAIL)}"
            work.refuse_name(message, value, ON_FAIL)
    elif option in ("enabled", "record-pending"):
        if value and bool_from_text(value) is None:
            work.refuse(f"operation {op}: {option} '{value}': expected true or false", word)
    elif option == "role" and value:
        values["role"] = role_of(work, value, word)


def check_intervals(work: Work, ops: Iterable[OpValues]) -> None:
    """Two operations of one name and interval cannot be told apart."""
    seen: dict[tuple[str, int], str] = {}
    for op in ops:
        interval = interval_of(op["interval"])
        if interval is None:
            continue
        key = (op["name"], interval)
        if key in seen:
            work.refuse(f"operation {op['name']} is given twice with interval {op['interval']}")
        seen[key] = op["interval"]


def add_op(book: Book, resource: Element, op: OpValues, *, later: bool = False) -> Element:
    """Write one operation behind the others of the resource.

    `later`: to a resource that exists; pcs names the check level differently then.
    """
    holder = resource.find("operations")
    if holder is None:
        holder = etree.SubElement(resource, "operations")
    made = etree.SubElement(holder, "op")
    name, interval = op["name"], op["interval"]
    given = op.get("id", "")
    wanted = f"{resource.get('id')}-{name}-interval-{interval}"
    made.set("id", book.take_id(given, "id of an operation") if given else book.new_id(wanted))
    made.set("name", name)
    for option in ORDER:
        if op.get(option):
            made.set(option, op[option])
    if op.get(LEVEL):
        wanted = f"params-{made.get('id')}" if later else ""
        book.put(made, "instance_attributes", {LEVEL: op[LEVEL]}, set_id=wanted)
        if later:
            pair = made.find("instance_attributes/nvpair")
            if pair is not None:
                pair.set("id", book.new_id(f"{made.get('id')}-{LEVEL}-{op[LEVEL]}"))
    return made


def values_of(op: Element) -> OpValues:
    """An operation as it is in the CIB."""
    values = {"name": op.get("name", "")}
    values.update({name: op.get(name, "") for name in ORDER if op.get(name)})
    level = op.find(f"instance_attributes/nvpair[@name='{LEVEL}']")
    if level is not None:
        values[LEVEL] = level.get("value", "")
    values.setdefault("interval", "0s")
    return values


def ops_of(resource: Element) -> list[Element]:
    holder = resource.find("operations")
    return [] if holder is None else list(holder.iterchildren("op"))


def element_agent(work: Work, primitive: Element) -> Agent:
    """The agent of a primitive in the CIB."""
    return agent_of(
        work,
        primitive.get("class", ""),
        primitive.get("provider", ""),
        primitive.get("type", ""),
    )


def update_ops(book: Book, primitive: Element, ops: Sequence[OpValues]) -> None:
    """`resource update ... op`: change the operation that is meant, else add one."""
    work = book.work
    agent = element_agent(work, primitive)
    for given in ops:
        same = [each for each in ops_of(primitive) if each.get("name") == given["name"]]
        if given.get("interval") and given["name"] == "monitor":
            wanted = interval_of(given["interval"])
            exact = [each for each in same if interval_of(each.get("interval", "0")) == wanted]
            by_role = [each for each in same if each.get("role") == given.get("role")]
            same = exact or by_role
        checked = check_operations(work, agent, [given])[0]
        if not same:
            add_op(book, primitive, checked, later=True)
            continue
        _change_op(book, primitive, same[0], checked)
    check_intervals(work, map(values_of, ops_of(primitive)))


def _change_op(book: Book, primitive: Element, op: Element, given: OpValues) -> None:
    """Replace an operation by what is given, in its place."""
    parent = op.getparent()
    if parent is None:
        return
    place = parent.index(op)
    parent.remove(op)
    book.forget_ids()
    parent.insert(place, add_op(book, primitive, given, later=True))


def add_command(work: Work) -> None:
    """`resource op add RESOURCE NAME [option=value]...`"""
    name, op_name, *words = work.words

    def change(book: Book) -> None:
        resource = _primitive(book, name)
        if resource is None:
            return
        given = {"name": op_name, **pairs_of(work, words)}
        checked = check_operations(work, element_agent(work, resource), [given])[0]
        _refuse_doubles(work, resource, checked)
        add_op(book, resource, checked, later=True)

    work.edit(change)


def _refuse_doubles(work: Work, resource: Element, given: OpValues) -> None:
    """One interval twice is refused; another operation of the same name only without --force."""
    rsc = resource.get("id")
    same = [each for each in ops_of(resource) if each.get("name") == given["name"]]
    interval = interval_of(given["interval"])
    for each in same:
        if interval_of(each.get("interval", "0")) == interval:
            work.refuse(
                f"{rsc} has the operation {given['name']} with interval {given['interval']} already"
            )
            return
    role = given.get("role", "Started")
    alike = [each for each in same if each.get("role", "Started") == role]
    if alike:
        has = ", ".join(each.get("interval", "0s") for each in alike)
        work.refuse(f"{rsc} has an operation {given['name']} already ({has})", forceable=True)


def _primitive(book: Book, name: str) -> Element | None:
    found = book.resource(name)
    if found is not None and found.tag != "primitive":
        book.work.refuse(f"'{name}' is a {found.tag!s}; only primitives have operations", name)
        return None
    return found


def remove_command(work: Work) -> None:
    """`resource op delete ID`, or `RESOURCE NAME [option=value]...`"""
    first, *rest = work.words

    def change(book: Book) -> None:
        if not rest:
            found = [each for each in book.cib.configuration.iter("op") if each.get("id") == first]
            if not found:
                known = [each.get("id", "") for each in book.cib.configuration.iter("op")]
                work.refuse_name(f"no operation with the id '{first}'", first, known)
        else:
            found = _ops_meant(book, first, rest[0], pairs_of(work, rest[1:]))
        for op in found:
            parent = op.getparent()
            if parent is not None:
                parent.remove(op)
                if not len(parent):
                    _drop(parent)

    work.edit(change)


def _ops_meant(book: Book, name: str, op_name: str, values: Pairs) -> list[Element]:
    resource = _primitive(book, name)
    if resource is None:
        return []
    found = [
        op
        for op in ops_of(resource)
        if op.get("name") == op_name
        and all(values_of(op).get(key, "") == value for key, value in values.items())
    ]
    if not found:
        has = sorted({op.get("name", "") for op in ops_of(resource)})
        book.work.refuse_name(f"{name} has no such operation '{op_name}'", op_name, has)
    return found


def _drop(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
