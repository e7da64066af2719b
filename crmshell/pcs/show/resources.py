"""`resource config` and `stonith config`: text, JSON, or the commands that would make it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from crmshell.pcs.frame.book import Book, Element, Work, pairs_in
from crmshell.pcs.resource.operations import ops_of, values_of
from crmshell.pcs.show.parts import container_of, option_pairs
from engine.base.values import bool_from_text

_TITLES = (
    ("instance_attributes", "Attributes"),
    ("meta_attributes", "Meta Attributes"),
    ("utilization", "Utilization"),
)


def config(work: Work) -> None:
    """`resource config [RESOURCE...] [--output-format text|json|cmd]`"""
    _config(work, fencing=False)


def fencing_config(work: Work) -> None:
    """`stonith config [DEVICE...] [--output-format text|json|cmd]`"""
    _config(work, fencing=True)


def _config(work: Work, *, fencing: bool) -> None:
    book = work.read()
    chosen = [each for name in work.words if (each := book.resource(name)) is not None]
    for each in chosen:
        if (each.get("class") == "stonith") is not fencing:
            kind = "a resource" if fencing else "a fencing device: pcs stonith config shows it"
            work.refuse(f"'{each.get('id')}' is {kind}", each.get("id", ""))
    work.check()
    form = work.option("--output-format", "text")
    if form == "json":
        from crmshell.pcs.show.as_json import data_of

        work.show(json.dumps(data_of(_all(book, chosen, fencing=fencing))))
    elif form == "cmd":
        from crmshell.pcs.show.as_commands import commands_for

        work.show(";\n".join(commands_for(_all(book, chosen, fencing=fencing), named=bool(chosen))))
    elif chosen:
        work.show([line for each in _sorted(chosen) for line in resource_lines(each)])
    else:
        work.show(all_lines(book, fencing=fencing))


def _all(book: Book, chosen: Sequence[Element], *, fencing: bool) -> list[Element]:
    """The resources that are wanted, with all that is in them; in the order of the CIB."""
    if chosen:
        wanted = {one.get("id") for each in chosen for one in _inside(each)}
        return [each for each in book.resources() if each.get("id") in wanted]
    return [each for each in book.resources() if (each.get("class") == "stonith") is fencing]


def _inside(element: Element) -> Iterable[Element]:
    return element.iter("primitive", "group", "clone", "master", "bundle")


_ORDER = {"primitive": 0, "group": 1, "clone": 2, "master": 2, "bundle": 3}


def _sorted(elements: Sequence[Element]) -> list[Element]:
    return sorted(elements, key=lambda each: _ORDER.get(str(each.tag), 9))


def all_lines(book: Book, *, fencing: bool) -> list[str]:
    """All resources, or all fencing devices: primitives first, then groups, clones and bundles."""
    chosen = [e for e in book.top_resources() if (e.get("class") == "stonith") is fencing]
    return [line for each in _sorted(chosen) for line in resource_lines(each)]


def resource_lines(element: Element) -> list[str]:
    """One resource with all that is in it."""
    if element.tag == "primitive":
        return _primitive_lines(element)
    if element.tag == "bundle":
        return _bundle_lines(element)
    title = "Group" if element.tag == "group" else "Clone"
    lines = [f"{title}: {element.get('id')}"]
    lines += _described(element)
    lines += [f"  {line}" for line in _set_lines(element)]
    for each in element:
        if each.tag in ("primitive", "group"):
            lines += [f"  {line}" for line in resource_lines(each)]
    return lines


def _described(element: Element) -> list[str]:
    text = element.get("description")
    return [f"  Description: {text}"] if text else []


def _primitive_lines(element: Element) -> list[str]:
    names = ("class", "provider", "type")
    agent = " ".join(f"{name}={element.get(name)}" for name in names if element.get(name))
    lines = [f"Resource: {element.get('id')} ({agent})", *_described(element)]
    lines += [f"  {line}" for line in _set_lines(element)]
    ops = ops_of(element)
    if ops:
        lines.append("  Operations:")
    for op in ops:
        lines.append(f"    {op.get('name')}: {op.get('id')}")
        lines += [
            f"      {n}={quoted(_shown(n, v))}" for n, v in values_of(op).items() if n != "name"
        ]
    return lines


def _shown(name: str, value: str) -> str:
    """Truth values of operations are shown as 0 and 1."""
    if name not in ("enabled", "record-pending"):
        return value
    found = bool_from_text(value)
    return value if found is None else str(int(found))


def _set_lines(element: Element) -> list[str]:
    lines: list[str] = []
    for tag, title in _TITLES:
        for each in element.iterchildren(tag):
            values = pairs_in(each)
            if not values:
                continue
            score = f" score={each.get('score')}" if each.get("score") else ""
            lines.append(f"{title}: {each.get('id')}{score}")
            lines += [f"  {name}={quoted(value)}" for name, value in sorted(values.items())]
    return lines


def quoted(text: str) -> str:
    """A value, in quotes when it has blanks or none of its own characters would do."""
    return f'"{text}"' if any(one.isspace() for one in text) or not text else text


def _bundle_lines(element: Element) -> list[str]:
    lines = [f"Bundle: {element.get('id')}", *_described(element)]
    container = container_of(element)
    if container is not None:
        lines.append(f"  {str(container.tag).capitalize()}: {_options(container)}".rstrip())
    network = element.find("network")
    if network is not None:
        if len(network.attrib):
            lines.append(f"  Network: {_options(network)}")
        ports = list(network.iterchildren("port-mapping"))
        if ports:
            lines.append("  Port Mapping:")
            lines += [f"    {_options(each)} ({each.get('id')})" for each in ports]
    storage = element.find("storage")
    if storage is not None and len(storage):
        lines.append("  Storage Mapping:")
        lines += [f"    {_options(each)} ({each.get('id')})" for each in storage]
    lines += [f"  {line}" for line in _set_lines(element)]
    for each in element.iterchildren("primitive"):
        lines += [f"  {line}" for line in resource_lines(each)]
    return lines


def _options(element: Element) -> str:
    return " ".join(f"{name}={quoted(value)}" for name, value in option_pairs(element))
