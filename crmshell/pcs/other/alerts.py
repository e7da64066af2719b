"""`pcs alert`: programs that are told what happens."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work, pairs_in
from crmshell.pcs.frame.words import Pairs, known_names, pairs_of, part, parts_of
from crmshell.pcs.resource.agents import interval_of


def _line(work: Work, words: list[str], legal: tuple[str, ...]) -> tuple[Pairs, Pairs, Pairs]:
    """Own attributes, options, meta options."""
    first, parts = parts_of(words, ("options", "meta"))
    own = pairs_of(work, first)
    known_names(work, own, legal, "option")
    metas = pairs_of(work, part(parts, "meta"))
    timeout = metas.get("timeout")
    if timeout and interval_of(timeout) is None:
        work.refuse(f"timeout '{timeout}' is no time (30s, 5min)", f"timeout={timeout}")
    return own, pairs_of(work, part(parts, "options")), metas


def _find(book: Book, name: str, tag: str = "alert") -> Element | None:
    known = {each.get("id", ""): each for each in book.section("alerts").iter(tag)}
    if name not in known:
        book.work.refuse_name(f"{tag} '{name}' does not exist", name, known)
    return known.get(name)


def _write(book: Book, element: Element, own: Pairs, options: Pairs, metas: Pairs) -> None:
    for name, value in own.items():
        if name == "id":
            continue
        if value:
            element.set(name, value)
        else:
            element.attrib.pop(name, None)
    book.put(element, "meta_attributes", metas)
    book.put(element, "instance_attributes", options)


def create(work: Work) -> None:
    """`alert create path=PATH [id=ID] [description=TEXT] [options ...] [meta ...]`"""
    own, options, metas = _line(work, work.words, ("id", "description", "path"))
    if not own.get("path"):
        work.refuse("an alert needs a program: path=PATH")

    def change(book: Book) -> None:
        made = etree.SubElement(book.section("alerts"), "alert")
        given = own.get("id", "")
        made.set("id", book.take_id(given, "alert") if given else book.new_id("alert"))
        _write(book, made, own, options, metas)

    work.edit(change)


def update(work: Work) -> None:
    """`alert update ID [path=PATH] [description=TEXT] [options ...] [meta ...]`"""
    name, *rest = work.words
    own, options, metas = _line(work, rest, ("description", "path"))
    if "path" in own and not own["path"]:
        work.refuse("an alert needs a program", "path=")

    def change(book: Book) -> None:
        found = _find(book, name)
        if found is not None:
            _write(book, found, own, options, metas)

    work.edit(change)


def delete(work: Work) -> None:
    """`alert delete ID...`"""

    def change(book: Book) -> None:
        for name in work.words:
            found = _find(book, name)
            if found is not None:
                book.section("alerts").remove(found)

    work.edit(change)


def recipient_add(work: Work) -> None:
    """`alert recipient add ALERT value=WHERE [id=ID] [description=TEXT] [options ...] [meta ...]`"""
    name, *rest = work.words
    own, options, metas = _line(work, rest, ("id", "description", "value"))
    if not own.get("value"):
        work.refuse("a recipient needs value=WHERE")

    def change(book: Book) -> None:
        alert = _find(book, name)
        if alert is None:
            return
        _refuse_known(book, alert, own.get("value", ""))
        made = etree.SubElement(alert, "recipient")
        given = own.get("id", "")
        wanted = f"{name}-recipient"
        made.set("id", book.take_id(given, "recipient") if given else book.new_id(wanted))
        _write(book, made, own, options, metas)

    work.edit(change)


def _refuse_known(book: Book, alert: Element, value: str, but: Element | None = None) -> None:
    for each in alert.iterchildren("recipient"):
        if each is not but and each.get("value") == value:
            book.work.refuse(
                f"alert '{alert.get('id')}' has recipient '{value}' already ({each.get('id')})",
                value,
                forceable=True,
            )


def recipient_update(work: Work) -> None:
    """`alert recipient update ID [value=WHERE] [description=TEXT] [options ...] [meta ...]`"""
    name, *rest = work.words
    own, options, metas = _line(work, rest, ("description", "value"))
    if "value" in own and not own["value"]:
        work.refuse("a recipient needs a value", "value=")

    def change(book: Book) -> None:
        found = _find(book, name, "recipient")
        if found is None:
            return
        alert = found.getparent()
        if alert is not None and own.get("value"):
            _refuse_known(book, alert, own["value"], found)
        _write(book, found, own, options, metas)

    work.edit(change)


def recipient_delete(work: Work) -> None:
    """`alert recipient delete ID...`"""

    def change(book: Book) -> None:
        for name in work.words:
            found = _find(book, name, "recipient")
            parent = found.getparent() if found is not None else None
            if found is not None and parent is not None:
                parent.remove(found)

    work.edit(change)


def show(work: Work) -> None:
    """`alert [config]`"""
    work.show(alert_lines(work.read()))


def alert_lines(book: Book) -> list[str]:
    """All alerts with their recipients."""
    lines = ["Alerts:"]
    for each in book.cib.configuration.iterfind("alerts/alert"):
        lines.append(f" Alert: {each.get('id')} (path={each.get('path')})")
        lines += [f"  {line}" for line in _details(each)]
        recipients = list(each.iterchildren("recipient"))
        if recipients:
            lines.append("  Recipients:")
        for one in recipients:
            lines.append(f"   Recipient: {one.get('id')} (value={one.get('value')})")
            lines += [f"    {line}" for line in _details(one)]
    return lines if len(lines) > 1 else [*lines, " No alerts defined"]


def _details(element: Element) -> list[str]:
    lines = []
    if element.get("description"):
        lines.append(f"Description: {element.get('description')}")
    for tag, title in (("instance_attributes", "Options"), ("meta_attributes", "Meta options")):
        values = {k: v for one in element.iterchildren(tag) for k, v in pairs_in(one).items()}
        if values:
            lines.append(f"{title}: {' '.join(f'{k}={v}' for k, v in sorted(values.items()))}")
    return lines
