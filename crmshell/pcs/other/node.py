"""`pcs node`: standby, maintenance, attributes, utilization."""

from __future__ import annotations

from crmshell.pcs.frame.book import Book, Element, Work, pairs_in
from crmshell.pcs.frame.words import pairs_of
from crmshell.pcs.resource.metas import whole_numbers


def standby(work: Work) -> None:
    """`node standby [NODE...|--all]`"""
    _switch(work, {"standby": "on"})


def unstandby(work: Work) -> None:
    """`node unstandby [NODE...|--all]`"""
    _switch(work, {"standby": ""})


def maintenance(work: Work) -> None:
    """`node maintenance [NODE...|--all]`"""
    _switch(work, {"maintenance": "on"})


def unmaintenance(work: Work) -> None:
    """`node unmaintenance [NODE...|--all]`"""
    _switch(work, {"maintenance": ""})


def _switch(work: Work, values: dict[str, str]) -> None:
    if work.has("--all") and work.words:
        raise work.stop("name nodes or say --all, not both", work.words[0])
    local = [] if work.words or work.has("--all") else [work.session.source.local_node()]

    def change(book: Book) -> None:
        names = book.node_names() if work.has("--all") else [*work.words, *local]
        found = [book.node(name) for name in dict.fromkeys(names)]
        for each in found:
            if each is not None:
                put(book, each, values)

    work.edit(change)


def put(book: Book, node: Element, values: dict[str, str]) -> None:
    """Permanent attributes of a node."""
    book.put(node, "instance_attributes", values, set_id=f"nodes-{node.get('id')}")


def attribute(work: Work) -> None:
    """`node attribute [NODE [name=value...]] [--name NAME]`"""
    if len(work.words) < 2:
        _show(work, "instance_attributes", "Node Attributes:")
        return
    name, *words = work.words
    values = pairs_of(work, words)

    def change(book: Book) -> None:
        found = book.node(name)
        if found is not None:
            put(book, found, values)

    work.edit(change)


def utilization(work: Work) -> None:
    """`node utilization [NODE [name=value...]] [--name NAME]`"""
    if len(work.words) < 2:
        _show(work, "utilization", "Node Utilization:")
        return
    name, *words = work.words
    values = whole_numbers(work, words)

    def change(book: Book) -> None:
        found = book.node(name)
        if found is not None:
            wanted = f"nodes-{found.get('id')}-utilization"
            book.put(found, "utilization", values, set_id=wanted)

    work.edit(change)


def _show(work: Work, tag: str, title: str) -> None:
    book = work.read()
    if work.words:
        book.node(work.words[0])
        work.check()
    lines = [title]
    only = work.option("--name")
    for each in book.nodes():
        values = {k: v for one in each.iterchildren(tag) for k, v in pairs_in(one).items()}
        chosen = {k: v for k, v in sorted(values.items()) if not only or k == only}
        if chosen and (not work.words or each.get("uname") in work.words):
            lines.append(f" {each.get('uname')}: {' '.join(f'{k}={v}' for k, v in chosen.items())}")
    work.show(lines)
