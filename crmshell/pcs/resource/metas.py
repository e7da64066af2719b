"""Meta attributes of resources: enable, disable, manage, unmanage, meta, utilization, update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmshell.pcs.frame.book import (
    CLONES,
    Book,
    Element,
    Work,
    clone_of,
    members_of,
    pairs_in,
    primitives_in,
)
from crmshell.pcs.frame.words import pairs_of, part, parts_of
from crmshell.pcs.resource.agents import check_parameters
from crmshell.pcs.resource.operations import element_agent, ops_of, split_operations, update_ops
from engine.base.digits import is_digits
from engine.cib.options import RESOURCE_META, is_valid


def check_metas(work: Work, values: Mapping[str, str]) -> None:
    """A value that is not valid is a finding; a name that nobody knows is remarked on."""
    from crmshell.grammar.errors import nearest_word

    for name, value in values.items():
        option = RESOURCE_META.get(name)
        if option is None:
            near = nearest_word(name, RESOURCE_META)
            hint = f" (did you mean '{near}'?)" if near else ""
            work.warn(f"the cluster does not know the meta attribute '{name}'{hint}")
        elif value and not is_valid(option, value) and value not in ("Master", "Slave"):
            expected = ", ".join(option.words) if option.words else f"a {option.kind}"
            work.refuse(f"{name} '{value}': expected {expected}", f"{name}={value}")


def meta(work: Work) -> None:
    """`resource meta RESOURCE name=value...`; an empty value removes."""
    name, *words = work.words
    values = pairs_of(work, words)

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is not None:
            check_metas(work, values)
            book.put(found, "meta_attributes", values)

    work.edit(change)


def utilization(work: Work) -> None:
    """`resource utilization [RESOURCE [name=value...]]`"""
    if len(work.words) < 2:
        _show_utilization(work)
        return
    name, *words = work.words
    values = whole_numbers(work, words)

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is not None and found.tag != "primitive":
            work.refuse(f"'{name}' is a {found.tag!s}; only primitives have a utilization", name)
        elif found is not None:
            book.put(found, "utilization", values)

    work.edit(change)


def whole_numbers(work: Work, words: Iterable[str]) -> dict[str, str]:
    """Values of a utilization: whole numbers, an empty one removes."""
    values = pairs_of(work, words)
    for name, value in values.items():
        if value and not is_digits(value.removeprefix("-")):
            work.refuse(f"utilization {name} '{value}': expected a whole number", f"{name}={value}")
    return values


def _show_utilization(work: Work) -> None:
    lines = ["Resource Utilization:"]
    book = work.read()
    wanted = work.words[:1]
    if wanted:
        book.resource(wanted[0])
        work.check()
    for each in book.resources():
        values = {
            k: v for one in each.iterchildren("utilization") for k, v in pairs_in(one).items()
        }
        if values and (not wanted or each.get("id") in wanted):
            text = " ".join(f"{name}={value}" for name, value in sorted(values.items()))
            lines.append(f" {each.get('id')}: {text}")
    work.show(lines)


def update(work: Work) -> None:
    """`resource update RESOURCE [name=value...] [op ...] [meta ...]`"""
    name, *rest = work.words
    first, parts = parts_of(rest, ("op", "meta", "params"))
    values = pairs_of(work, [*first, *part(parts, "params")])
    metas = pairs_of(work, part(parts, "meta"))
    ops = split_operations(work, part(parts, "op"))
    if not (values or metas or ops):
        raise work.misuse()

    def change(book: Book) -> None:
        found = book.resource(name)
        if found is None:
            return
        if found.tag in CLONES:
            book.put(found, "meta_attributes", {**values, **metas})
            return
        if found.tag != "primitive":
            work.refuse(f"'{name}' is a {found.tag!s}; only primitives are updated this way", name)
            return
        present = book.values(found, "instance_attributes")
        check_parameters(work, element_agent(work, found), values, present)
        check_metas(work, metas)
        book.put(found, "instance_attributes", values)
        book.put(found, "meta_attributes", metas)
        update_ops(book, found, ops)

    work.edit(change)


# -- enable, disable, manage, unmanage ----------------------------------------------------------------


def resources_meant(book: Book, names: Iterable[str]) -> list[Element]:
    """The resources of these names; a tag stands for what it lists."""
    found: list[Element] = []
    for name in names:
        tag = book.cib.configuration.find(f"tags/tag[@id='{name}']") if "'" not in name else None
        listed = [name] if tag is None else [each.get("id", "") for each in tag]
        for each in listed:
            resource = book.resource(each)
            if resource is not None and resource not in found:
                found.append(resource)
    return found


def disable(work: Work) -> None:
    """`resource disable RESOURCE|TAG...`"""

    def change(book: Book) -> None:
        for each in resources_meant(book, work.words):
            book.put(each, "meta_attributes", {"target-role": "Stopped"})

    work.edit(change)


def enable(work: Work) -> None:
    """`resource enable RESOURCE|TAG...`: also what it needs around it or inside."""

    def change(book: Book) -> None:
        for each in resources_meant(book, work.words):
            for one in _enabled_with(each):
                book.put(one, "meta_attributes", {"target-role": ""})

    work.edit(change)


def _enabled_with(element: Element) -> list[Element]:
    """A primitive with its clone, a clone with its member, a bundle with its primitive."""
    found = [element]
    parent = element.getparent()
    if parent is not None and parent.tag in (*CLONES, "bundle"):
        found.append(parent)
    if element.tag in CLONES:
        found += members_of(element)
    if element.tag == "bundle":
        found += members_of(element)
    return found


def unmanage(work: Work) -> None:
    """`resource unmanage RESOURCE|TAG... [--monitor]`"""

    def change(book: Book) -> None:
        for each in resources_meant(book, work.words):
            for one in (
                primitives_in(each) if each.tag != "bundle" else [each, *primitives_in(each)]
            ):
                book.put(one, "meta_attributes", {"is-managed": "false"})
                if work.has("--monitor"):
                    _switch_monitors(one, on=False)

    work.edit(change)


def manage(work: Work) -> None:
    """`resource manage RESOURCE|TAG... [--monitor]`"""

    def change(book: Book) -> None:
        for each in resources_meant(book, work.words):
            for one in _managed_with(each):
                book.put(one, "meta_attributes", {"is-managed": ""})
                if one.tag == "primitive":
                    _monitors_managed(work, one)

    work.edit(change)


def _managed_with(element: Element) -> list[Element]:
    """What must be managed so that this is: all inside and all around."""
    found = [element, *members_of(element), *primitives_in(element)]
    parent = element.getparent()
    while parent is not None and parent.tag in ("group", *CLONES, "bundle"):
        found.append(parent)
        parent = parent.getparent()
    clone = clone_of(element)
    if clone is not None and clone not in found:
        found.append(clone)
    return list(dict.fromkeys(found))


def _monitors_managed(work: Work, primitive: Element) -> None:
    monitors = [op for op in ops_of(primitive) if op.get("name") == "monitor"]
    off = [
        op for op in monitors if op.get("enabled", "true").lower() in ("false", "0", "no", "off")
    ]
    if work.has("--monitor"):
        _switch_monitors(primitive, on=True)
    elif monitors and len(off) == len(monitors):
        work.warn(f"all monitors of '{primitive.get('id')}' are disabled; --monitor enables them")


def _switch_monitors(primitive: Element, *, on: bool) -> None:
    for op in ops_of(primitive):
        if op.get("name") == "monitor":
            if on:
                op.attrib.pop("enabled", None)
            else:
                op.set("enabled", "false")
