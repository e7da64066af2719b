"""`pcs resource create` and `pcs stonith create`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work, bundle_of
from crmshell.pcs.frame.words import Pairs, has_part, pairs_of, part, parts_of
from crmshell.pcs.resource.agents import (
    Agent,
    OpValues,
    check_parameters,
    default_operations,
    find_agent,
)
from crmshell.pcs.resource.groups import place_in_group
from crmshell.pcs.resource.metas import check_metas
from crmshell.pcs.resource.operations import (
    add_op,
    check_intervals,
    check_operations,
    split_operations,
)

KEYWORDS = ("op", "meta", "clone", "promotable", "master", "bundle", "params")


@dataclass(slots=True)
class _Wanted:
    """The line taken apart."""

    id: str
    agent: Agent | None
    values: Pairs = field(default_factory=dict)
    metas: Pairs = field(default_factory=dict)
    ops: list[OpValues] = field(default_factory=list)
    outer: str = ""
    outer_id: str = ""
    outer_metas: Pairs = field(default_factory=dict)


def create(work: Work) -> None:
    """`resource create`: a primitive, in a group, a clone or a bundle if wanted."""
    wanted = _resource_line(work)
    if work.has("--before") or work.has("--after"):
        for name in ("--before", "--after"):
            if work.has(name) and not work.has("--group"):
                work.refuse(f"{name} needs --group", name)
    if work.has("--before") and work.has("--after"):
        work.refuse("--before and --after cannot both be given")
    if work.has("--group") and wanted.outer:
        work.refuse(f"a resource is put into a group or made a {wanted.outer}, not both")
    work.edit(lambda book: _create(book, wanted))


def create_fencing(work: Work) -> None:
    """`stonith create`: a fencing device."""
    name, type_, *rest = work.words
    first, parts = parts_of(rest, ("op", "meta"))
    agent = find_agent(work, type_, fencing=True)
    wanted = _Wanted(name, agent, pairs_of(work, first), pairs_of(work, part(parts, "meta")))
    wanted.ops = split_operations(work, part(parts, "op"))
    _check(work, wanted)
    work.edit(lambda book: _create(book, wanted))


def _resource_line(work: Work) -> _Wanted:
    name, type_, *rest = work.words
    first, parts = parts_of(rest, KEYWORDS)
    outer = _outer(work, parts)
    wanted = _Wanted(name, find_agent(work, type_), outer=outer)
    if has_part(parts, "params"):
        work.warn("'params' is not needed: parameters stand behind the agent's name")
    plain, behind = _flag_metas(work, first)
    wanted.outer_metas = pairs_of(work, behind)
    wanted.values = pairs_of(work, [*plain, *part(parts, "params")])
    wanted.metas = pairs_of(work, part(parts, "meta"))
    wanted.ops = split_operations(work, part(parts, "op"))
    if outer:
        _outer_line(work, wanted, parts)
    _check(work, wanted)
    return wanted


def _outer(work: Work, parts: Sequence[tuple[str, list[str]]]) -> str:
    """`clone`, `promotable`, `bundle`, or nothing; the options of pcs 0.9 count too."""
    found = []
    for keyword in ("clone", "promotable", "bundle"):
        if has_part(parts, keyword):
            found.append(keyword)
    if has_part(parts, "master"):
        work.warn("'master' is an old spelling of: promotable")
        found.append("promotable")
    if work.has("--clone"):
        work.warn("'--clone' is an old spelling of: clone")
        found.append("clone")
    if work.has("--master"):
        work.warn("'--master' is an old spelling of: promotable")
        found.append("promotable")
    if len(set(found)) > 1:
        work.refuse(f"only one of {', '.join(dict.fromkeys(found))} can be wanted")
    return found[0] if found else ""


def _flag_metas(work: Work, first: list[str]) -> tuple[list[str], list[str]]:
    """With --clone or --master (pcs 0.9) what is no parameter of the agent is the clone's."""
    if not (work.has("--clone") or work.has("--master")):
        return first, []
    from engine.cib.options import RESOURCE_META

    of_clone = {*RESOURCE_META, *CLONE_METAS}
    behind = [word for word in first if word.partition("=")[0] in of_clone]
    return [word for word in first if word not in behind], behind


CLONE_METAS = ("clone-max", "clone-node-max", "clone-min", "notify", "globally-unique", "ordered",
               "interleave", "promotable", "promoted-max", "promoted-node-max", "master-max",
               "master-node-max")  # fmt: skip


def _outer_line(work: Work, wanted: _Wanted, parts: Sequence[tuple[str, list[str]]]) -> None:
    words: list[str] = []
    for keyword, behind in parts:
        if keyword in ("clone", "promotable", "master", "bundle"):
            words += behind
    if words and "=" not in words[0]:
        wanted.outer_id = words.pop(0)
    wanted.outer_metas.update(pairs_of(work, words))
    if wanted.outer == "bundle" and not wanted.outer_id:
        work.refuse("the name of the bundle is missing behind 'bundle'")
    if wanted.outer == "promotable":
        promotable = wanted.outer_metas.setdefault("promotable", "true")
        if promotable.lower() not in ("true", "yes", "on", "1", "y"):
            work.refuse("a promotable clone has promotable=true", f"promotable={promotable}")


def _check(work: Work, wanted: _Wanted) -> None:
    """Parameters, meta attributes and operations; default operations are added."""
    agent = wanted.agent
    if agent is None:
        work.check()
        return
    check_parameters(work, agent, wanted.values)
    check_metas(work, wanted.metas)
    given = check_operations(work, agent, wanted.ops)
    check_intervals(work, given)
    only = work.has("--no-default-ops")
    names = {op["name"] for op in given}
    defaults = default_operations(work, agent, only_needed=only)
    wanted.ops = given + [op for op in defaults if op["name"] not in names]
    if wanted.outer == "promotable" and agent.data is not None and not agent.data.is_promotable:
        work.refuse(f"{agent.name} cannot be promotable: it has no promote action", forceable=True)
    if work.has("--disabled"):
        wanted.metas["target-role"] = "Stopped"


def _create(book: Book, wanted: _Wanted) -> None:
    agent = wanted.agent
    if agent is None:
        return
    primitive = etree.Element("primitive")
    primitive.set("id", book.take_id(wanted.id, "resource"))
    primitive.set("class", agent.name.standard)
    if agent.name.provider:
        primitive.set("provider", agent.name.provider)
    primitive.set("type", agent.name.type)
    book.put(primitive, "instance_attributes", {k: v for k, v in wanted.values.items() if v})
    to_outer = wanted.outer in ("clone", "promotable") and "target-role" in wanted.metas
    metas = dict(wanted.metas)
    if to_outer and book.work.has("--disabled"):
        wanted.outer_metas["target-role"] = metas.pop("target-role")
    book.put(primitive, "meta_attributes", metas)
    for op in sorted(wanted.ops, key=lambda op: op["name"]):
        add_op(book, primitive, op)
    _put_where_wanted(book, wanted, primitive)


def _put_where_wanted(book: Book, wanted: _Wanted, primitive: Element) -> None:
    work = book.work
    resources = book.section("resources")
    if work.has("--group"):
        place_in_group(
            book,
            work.option("--group"),
            [primitive],
            work.option("--before"),
            work.option("--after"),
        )
    elif wanted.outer == "bundle":
        _into_bundle(book, wanted.outer_id, primitive)
    elif wanted.outer:
        clone = etree.SubElement(resources, "clone")
        given = wanted.outer_id
        made = book.take_id(given, "clone") if given else book.new_id(f"{wanted.id}-clone")
        clone.set("id", made)
        clone.append(primitive)
        book.put(clone, "meta_attributes", wanted.outer_metas)
    else:
        resources.append(primitive)


def _into_bundle(book: Book, name: str, primitive: Element) -> None:
    work = book.work
    bundle = book.resource(name, "bundle")
    if bundle is None:
        return
    if bundle.tag != "bundle":
        work.refuse(f"'{name}' is no bundle, it is a {bundle.tag!s}", name)
        return
    held = bundle.find("primitive")
    if held is not None and bundle_of(held) is bundle:
        work.refuse(f"bundle '{name}' holds '{held.get('id')}' already; a bundle holds one", name)
    network = bundle.find("network")
    if network is None or not (network.get("ip-range-start") or network.get("control-port")):
        work.refuse(
            f"bundle '{name}' has neither ip-range-start nor control-port: its resource could not"
            " be reached",
            name,
            forceable=True,
        )
    bundle.append(primitive)
