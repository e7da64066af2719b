"""`pcs property`."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work, pairs_in
from crmshell.pcs.frame.words import pairs_of
from engine.cib.cluster_options import FIRST_SET
from engine.cib.options import CLUSTER_OPTIONS, is_valid

_SET_BY_THE_CLUSTER = ("cluster-infrastructure", "dc-version", "have-watchdog", "last-lrm-refresh")

OPTIONS = {
    **{option.old_name: option for option in CLUSTER_OPTIONS.values() if option.old_name},
    **CLUSTER_OPTIONS,
}
"""Options under all their names: `stonith-enabled` counts as much as `fencing-enabled`."""


def set_(work: Work) -> None:
    """`property set name=value...`; an empty value removes."""
    values = pairs_of(work, work.words)
    for name, value in values.items():
        _check(work, name, value)
    work.edit(lambda book: book.put_in(property_set(book), values))


def _check(work: Work, name: str, value: str) -> None:
    option = OPTIONS.get(name)
    if name in _SET_BY_THE_CLUSTER:
        work.refuse(f"'{name}' is set by the cluster itself", name, forceable=True)
    elif option is None and value:
        message = f"no cluster property '{name}'"
        work.refuse_name(message, name, OPTIONS, forceable=True)
    elif option is not None and value and not is_valid(option, value):
        expected = ", ".join(option.words) if option.words else f"a {option.kind}"
        message = f"{name} '{value}': expected {expected}"
        work.refuse_name(message, value, option.words, forceable=True)


def property_set(book: Book) -> Element:
    """The first set of properties, made when missing."""
    section = book.section("crm_config")
    found = section.find("cluster_property_set")
    if found is None:
        found = etree.SubElement(section, "cluster_property_set")
        found.set("id", book.new_id(FIRST_SET))
    return found


def unset(work: Work) -> None:
    """`property unset NAME...`"""

    def change(book: Book) -> None:
        present = _values(book)
        for name in work.words:
            if name not in present:
                work.refuse_name(f"property '{name}' is not set", name, present, forceable=True)
        for each in book.section("crm_config"):
            book.put_in(each, dict.fromkeys(work.words, ""))

    work.edit(change)


def _values(book: Book) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in book.section("crm_config"):
        found.update(pairs_in(each))
    return found


def show(work: Work) -> None:
    """`property [config [NAME...]] [--all|--defaults]`"""
    values = _values(work.read())
    if work.has("--all") or work.has("--defaults"):
        defaults = {name: option.default for name, option in CLUSTER_OPTIONS.items()}
        values = {**defaults, **values} if work.has("--all") else defaults
    for name in work.words:
        if name not in values and name not in OPTIONS:
            work.refuse_name(f"no cluster property '{name}'", name, CLUSTER_OPTIONS)
    work.check()
    chosen = {k: v for k, v in values.items() if not work.words or k in work.words}
    work.show(property_lines(chosen))


def property_lines(values: dict[str, str]) -> list[str]:
    return ["Cluster Properties:", *(f" {name}: {value}" for name, value in sorted(values.items()))]


def all_property_lines(book: Book) -> list[str]:
    return property_lines(_values(book))


def defaults(work: Work) -> None:
    """`property defaults [NAME...]`"""
    for name in work.words:
        if name not in CLUSTER_OPTIONS:
            work.refuse_name(f"no cluster property '{name}'", name, CLUSTER_OPTIONS)
    work.check()
    names = work.words or sorted(CLUSTER_OPTIONS)
    work.show([f"{name}={CLUSTER_OPTIONS[name].default}" for name in names])


def describe(work: Work) -> None:
    """`property describe [NAME...]`"""
    for name in work.words:
        if name not in CLUSTER_OPTIONS:
            work.refuse_name(f"no cluster property '{name}'", name, CLUSTER_OPTIONS)
    work.check()
    lines = []
    for name in work.words or sorted(CLUSTER_OPTIONS):
        option = CLUSTER_OPTIONS[name]
        lines += [name, f"  {option.summary}", f"  Type: {option.kind}"]
        if option.words:
            lines.append(f"  Allowed values: {', '.join(option.words)}")
        if option.default:
            lines.append(f"  Default: {option.default}")
    work.show(lines)
