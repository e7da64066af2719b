"""Defaults of resources and of operations: `resource defaults`, `resource op defaults`."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.constraint.common import check_score
from crmshell.pcs.constraint.rules import read_rule, write_rule
from crmshell.pcs.frame.book import Book, Element, Work, pairs_in
from crmshell.pcs.frame.words import has_part, pairs_of, part, parts_of
from crmshell.pcs.resource.metas import check_metas
from crmshell.pcs.show.constraints import rule_lines
from crmshell.pcs.show.resources import quoted


def _tag(work: Work) -> str:
    return "op_defaults" if " op " in f" {work.command.path} " else "rsc_defaults"


def show(work: Work) -> None:
    """Without words: the defaults; `name=value...` is an old spelling of `update`."""
    if work.words and "=" in work.words[0]:
        work.warn(f"this is an old spelling of: {work.command.synopsis.split(' [')[0]} update")
        update(work)
        return
    if work.words and work.words[0] != "config":
        raise work.misuse()
    work.show(
        default_lines(work.read(), _tag(work), full=work.has("--full")) or ["No defaults set"]
    )


def default_lines(book: Book, tag: str, *, full: bool = False) -> list[str]:
    """All sets of defaults of a kind."""
    section = book.cib.configuration.find(tag)
    lines: list[str] = []
    for each in section if section is not None else ():
        score = f" score={each.get('score')}" if each.get("score") else ""
        lines.append(f"Meta Attrs: {each.get('id')}{score}")
        lines += [f"  {name}={quoted(value)}" for name, value in sorted(pairs_in(each).items())]
        for rule in each.iterchildren("rule"):
            lines += [f"  {line}" for line in rule_lines(rule, full=full)]
    return lines


def update(work: Work) -> None:
    """`defaults update name=value...`: of the only set there is, made when there is none."""
    values = pairs_of(work, work.words)
    tag = _tag(work)
    _check(work, values)

    def change(book: Book) -> None:
        section = book.section(tag)
        sets = list(section.iterchildren("meta_attributes"))
        if len(sets) > 1:
            named = ", ".join(each.get("id", "") for each in sets)
            work.refuse(f"there are several sets ({named}): name one with 'set update ID'")
            return
        if not sets:
            if not any(values.values()):
                return
            sets = [etree.SubElement(section, "meta_attributes")]
            sets[0].set("id", book.new_id(f"{tag}-meta_attributes"))
        book.put_in(sets[0], values)

    work.edit(change)


def _check(work: Work, values: dict[str, str]) -> None:
    if _tag(work) == "rsc_defaults":
        check_metas(work, values)
    else:
        from crmshell.pcs.resource.agents import interval_of

        for name, value in values.items():
            if name in ("timeout", "interval") and value and interval_of(value) is None:
                work.refuse(f"{name} '{value}' is no time (30s, 5min, 1h)", f"{name}={value}")


def create_set(work: Work) -> None:
    """`defaults set create [id=ID] [score=SCORE] [meta name=value...] [rule RULE]`"""
    at = work.words.index("rule") if "rule" in work.words else len(work.words)
    first, parts = parts_of(work.words[:at], ("meta",))
    options = pairs_of(work, first)
    values = pairs_of(work, part(parts, "meta"))
    for name in options:
        if name not in ("id", "score"):
            work.refuse_name(
                f"a set has no option '{name}'; there are id, score", name, ("id", "score")
            )
    if options.get("score"):
        check_score(work, options["score"])
    _check(work, values)
    rule = None
    if at < len(work.words):
        rule = read_rule(work, work.words[at + 1 :], defaults=True)
    tag = _tag(work)

    def change(book: Book) -> None:
        made = etree.SubElement(book.section(tag), "meta_attributes")
        given = options.get("id", "")
        wanted = f"{tag}-meta_attributes"
        made.set("id", book.take_id(given, "set") if given else book.new_id(wanted))
        if options.get("score"):
            made.set("score", options["score"])
        if rule is not None:
            outer = {"boolean-op": "and", "score": "INFINITY"}
            write_rule(book, made, rule, book.new_id(f"{made.get('id')}-rule"), outer)
        book.put_in(made, values)
        if not len(book.section(tag).findall("meta_attributes")) > 1:
            work.info("resources and operations with values of their own do not use defaults")

    work.edit(change)


def update_set(work: Work) -> None:
    """`defaults set update ID meta name=value...`"""
    id_, *rest = work.words
    _, parts = parts_of(rest, ("meta",))
    if not has_part(parts, "meta"):
        raise work.misuse()
    values = pairs_of(work, part(parts, "meta"))
    _check(work, values)

    def change(book: Book) -> None:
        found = _find(book, _tag(work), id_)
        if found is not None:
            book.put_in(found, values)

    work.edit(change)


def _find(book: Book, tag: str, id_: str) -> Element | None:
    known = {each.get("id", ""): each for each in book.section(tag)}
    if id_ not in known:
        book.work.refuse_name(f"set '{id_}' does not exist", id_, known)
    return known.get(id_)


def delete_set(work: Work) -> None:
    """`defaults set delete ID...`"""

    def change(book: Book) -> None:
        for id_ in work.words:
            found = _find(book, _tag(work), id_)
            if found is not None:
                book.section(_tag(work)).remove(found)

    work.edit(change)
