"""`pcs constraint location` and `pcs constraint rule`."""

from __future__ import annotations

from lxml import etree

from crmshell.pcs.constraint.common import check_score, constrained, is_score, remove_rule
from crmshell.pcs.constraint.rules import read_rule, write_rule
from crmshell.pcs.frame.book import Book, Element, Work
from crmshell.pcs.resource.operations import role_of
from engine.base.score import score_from_text

DISCOVERY = ("always", "never", "exclusive")
_RULE_OPTIONS = ("id", "constraint-id", "role", "score", "score-attribute", "resource-discovery")


def location(work: Work) -> None:
    """`location RESOURCE prefers|avoids NODE[=SCORE]...`, or `location RESOURCE rule ...`"""
    name, verb, *rest = work.words
    if verb == "rule":
        _add_rule(work, name, rest)
    elif verb in ("prefers", "avoids"):
        if not rest:
            raise work.misuse()
        _prefer(work, name, verb, rest)
    else:
        work.refuse_name(
            f"'{verb}': expected prefers, avoids or rule", verb, ("prefers", "avoids", "rule")
        )
        work.check()


def target(book: Book, name: str) -> tuple[str, str]:
    """Attribute and value that name the resource: `resource%A`, `regexp%PATTERN`, or a plain name."""
    if name.startswith("regexp%"):
        return "rsc-pattern", name.removeprefix("regexp%")
    plain = name.removeprefix("resource%")
    constrained(book, plain)
    return "rsc", plain


def _prefer(work: Work, name: str, verb: str, words: list[str]) -> None:
    wishes = [_node_and_score(work, verb, word) for word in words]
    for node in sorted({node for node, _ in wishes if [n for n, _ in wishes].count(node) > 1}):
        work.refuse(f"node '{node}' is named twice", node)

    def change(book: Book) -> None:
        attribute, value = target(book, name)
        for node, score in wishes:
            if not work.has("-f"):
                book.node(node, forceable=True)
            _replace(book, attribute, value, node, score)

    work.edit(change)


def _node_and_score(work: Work, verb: str, word: str) -> tuple[str, str]:
    node, mark, score = word.partition("=")
    score = score if mark else "INFINITY"
    check_score(work, score)
    if verb == "avoids" and is_score(score):
        score = score[1:] if score.startswith("-") else f"-{score.removeprefix('+')}"
    return node, score


def _replace(book: Book, attribute: str, value: str, node: str, score: str) -> None:
    """One plain location of a resource on a node: an earlier one gives way, and that is said."""
    for each in book.constraints("rsc_location"):
        same = each.get(attribute) == value and each.get("node") == node
        if same and each.find("rule") is None and not each.get("role"):
            if each.get("score") != score:
                book.work.info(
                    f"the location of '{value}' on '{node}' was {each.get('score')}"
                    f" ({each.get('id')}), it is {score} now"
                )
            book.section("constraints").remove(each)
            book.forget_ids()
    made = etree.SubElement(book.section("constraints"), "rsc_location")
    made.set("id", book.new_id(f"location-{value}-{node}-{score}"))
    made.set(attribute, value)
    made.set("node", node)
    made.set("score", score)


def add(work: Work) -> None:
    """`location add ID RESOURCE NODE SCORE [resource-discovery=WORD]`"""
    id_, name, node, score, *rest = work.words
    check_score(work, score)
    discovery = ""
    for word in rest:
        key, _, value = word.partition("=")
        if key != "resource-discovery":
            work.refuse(f"'{word}': expected resource-discovery=WORD", word)
        elif value not in DISCOVERY:
            message = f"resource-discovery '{value}': expected {', '.join(DISCOVERY)}"
            work.refuse_name(message, value, DISCOVERY, forceable=True)
        discovery = value

    def change(book: Book) -> None:
        attribute, value = target(book, name)
        if not work.has("-f"):
            book.node(node, forceable=True)
        for each in book.constraints("rsc_location"):
            if each.get("id") == id_:
                work.info(f"constraint '{id_}' gives way to this one")
                book.section("constraints").remove(each)
                book.forget_ids()
        made = etree.SubElement(book.section("constraints"), "rsc_location")
        made.set("id", book.take_id(id_, "constraint"))
        made.set(attribute, value)
        made.set("node", node)
        made.set("score", score)
        if discovery:
            made.set("resource-discovery", discovery)

    work.edit(change)


def remove(work: Work) -> None:
    """`location delete ID`"""

    def change(book: Book) -> None:
        for name in work.words:
            known = {each.get("id", ""): each for each in book.constraints("rsc_location")}
            if name in known:
                book.section("constraints").remove(known[name])
            else:
                work.refuse_name(f"location '{name}' does not exist", name, known)

    work.edit(change)


# -- rules --------------------------------------------------------------------------------------------


def _split_rule(work: Work, words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options in front of a rule, and the rule."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest and "=" in rest[0] and rest[0].partition("=")[0] in _RULE_OPTIONS:
        key, _, value = rest.pop(0).partition("=")
        options[key] = value
    if rest and "=" in rest[0] and " " not in rest[0]:
        name = rest[0].partition("=")[0]
        message = f"no option '{name}' of a rule; there are {', '.join(_RULE_OPTIONS)}"
        work.refuse_name(message, name, _RULE_OPTIONS)
        work.check()
    return options, rest


def _rule_values(work: Work, options: dict[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    if "score" in options and "score-attribute" in options:
        work.refuse("a rule has a score or a score-attribute, not both")
    if options.get("role"):
        values["role"] = role_of(work, options["role"], f"role={options['role']}")
        if values["role"] not in ("Promoted", "Unpromoted"):
            work.refuse(f"role '{options['role']}': expected Promoted or Unpromoted")
    if options.get("score-attribute"):
        values["score-attribute"] = options["score-attribute"]
    else:
        values["score"] = check_score(work, options.get("score", "INFINITY"))
    return values


def _add_rule(work: Work, name: str, words: list[str]) -> None:
    options, rest = _split_rule(work, words)
    values = _rule_values(work, options)
    part = read_rule(work, rest)
    discovery = options.get("resource-discovery", "")
    if discovery and discovery not in DISCOVERY:
        message = f"resource-discovery '{discovery}': expected {', '.join(DISCOVERY)}"
        work.refuse_name(message, discovery, DISCOVERY, forceable=True)

    def change(book: Book) -> None:
        attribute, value = target(book, name)
        if part is None or work.findings:
            return
        made = etree.Element("rsc_location")
        if discovery:
            made.set("resource-discovery", discovery)
        given = options.get("constraint-id", "")
        id_ = book.take_id(given, "constraint") if given else book.new_id(f"location-{value}")
        made.set("id", id_)
        made.set(attribute, value)
        write_rule(book, made, part, _rule_id(book, options, id_), values)
        _refuse_same(book, made, attribute, value)
        book.section("constraints").append(made)

    work.edit(change)


def _rule_id(book: Book, options: dict[str, str], constraint: str) -> str:
    given = options.get("id", "")
    return book.take_id(given, "rule") if given else book.new_id(f"{constraint}-rule")


def _refuse_same(book: Book, made: Element, attribute: str, value: str) -> None:
    wanted = [_meaning(rule) for rule in made.iterchildren("rule")]
    for each in book.constraints("rsc_location"):
        if each.get(attribute) == value and wanted == [
            _meaning(rule) for rule in each.iterchildren("rule")
        ]:
            book.work.refuse(f"this rule exists already: {each.get('id')}", forceable=True)


def _meaning(element: Element) -> tuple[object, ...]:
    values = {k: v for k, v in element.attrib.items() if k not in ("id", "score")}
    values.pop("boolean-op" if len(element) < 2 else "", None)
    return (element.tag, tuple(sorted(values.items())), *(_meaning(each) for each in element))


def add_rule(work: Work) -> None:
    """`constraint rule add CONSTRAINT [id=ID] [role=ROLE] [score=SCORE] RULE`"""
    id_, *words = work.words
    options, rest = _split_rule(work, words)
    values = _rule_values(work, options)
    part = read_rule(work, rest)

    def change(book: Book) -> None:
        known = {each.get("id", ""): each for each in book.constraints("rsc_location")}
        if id_ not in known:
            work.refuse_name(f"location '{id_}' does not exist", id_, known)
        elif known[id_].find("rule") is None:
            work.refuse(f"location '{id_}' has no rule but a node", id_)
        elif part is not None and not work.findings:
            write_rule(book, known[id_], part, _rule_id(book, options, id_), values)

    work.edit(change)


def delete_rule(work: Work) -> None:
    """`constraint rule delete ID`"""

    def change(book: Book) -> None:
        for name in work.words:
            if not remove_rule(book, name):
                known = [
                    rule.get("id", "")
                    for each in book.constraints("rsc_location")
                    for rule in each.iterchildren("rule")
                ]
                work.refuse_name(f"rule '{name}' does not exist", name, known)

    work.edit(change)


def is_positive(text: str) -> bool:
    """Whether a score attracts."""
    return is_score(text) and score_from_text(text) >= 0
