"""What all constraints share: which resources they may name, scores, sets, duplicates, deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lxml import etree

from crmshell.pcs.frame.book import CLONES, Book, Element, Work, in_group
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.operations import role_of
from engine.base.errors import BadInput
from engine.base.score import score_from_text

ACTIONS = ("start", "promote", "demote", "stop")
_SET_OPTIONS = ("action", "require-all", "role", "sequential")
_BOOLEANS = ("true", "false")


def is_score(text: str) -> bool:
    try:
        score_from_text(text)
    except BadInput:
        return False
    return True


def check_score(work: Work, text: str) -> str:
    """The score; a finding when it is none."""
    if not is_score(text):
        work.refuse(f"'{text}' is no score: a whole number, INFINITY or -INFINITY", text)
    return text


def constrained(book: Book, name: str) -> Element | None:
    """The resource of this name, if a constraint may name it.

    What is in a clone or bundle is placed by naming that; --force names the inner one.
    """
    found = book.resource(name)
    if found is None:
        return None
    parent = found.getparent()
    while parent is not None and parent.tag == "group":
        parent = parent.getparent()
    if parent is not None and parent.tag in (*CLONES, "bundle"):
        book.work.refuse(
            f"'{name}' is in the {parent.tag!s} '{parent.get('id')}': name that",
            name,
            forceable=True,
        )
    return found


def add_constraint(
    book: Book, tag: str, attributes: Pairs, *, id_: str, sets: Iterable[Element] = ()
) -> Element:
    """Write a constraint; empty attributes are left out."""
    made = etree.SubElement(book.section("constraints"), tag)
    made.set("id", id_)
    for name, value in attributes.items():
        if value:
            made.set(name, value)
    made.extend(sets)
    return made


def refuse_duplicates(
    book: Book, tag: str, is_same: Callable[[Element], bool], what: str, but: Sequence[str] = ()
) -> None:
    """A constraint between the same resources again only with --force."""
    found = [e for e in book.constraints(tag) if e.get("id") not in but and is_same(e)]
    if found:
        named = ", ".join(each.get("id", "") for each in found)
        book.work.refuse(f"{what} exists already: {named}", forceable=True)


# -- sets ---------------------------------------------------------------------------------------------


def split_sets(work: Work, words: Sequence[str]) -> tuple[list[list[str]], Pairs]:
    """`A B [option=value] set C ... setoptions name=value...` taken apart (the first `set` is gone)."""
    sets: list[list[str]] = [[]]
    behind: list[str] | None = None
    for word in words:
        if word == "setoptions":
            behind = [] if behind is None else behind
        elif behind is not None:
            behind.append(word)
        elif word == "set":
            sets.append([])
        else:
            sets[-1].append(word)
    return sets, pairs_of(work, behind or [])


def make_sets(book: Book, sets: Sequence[Sequence[str]], id_: str) -> list[Element]:
    """The resource sets of a constraint; findings for unknown names, options and doubles."""
    work = book.work
    made: list[Element] = []
    seen: set[str] = set()
    for words in sets:
        names = [word for word in words if "=" not in word]
        values = pairs_of(work, [word for word in words if "=" in word])
        if not names:
            work.refuse("a set needs resources")
        for name in names:
            constrained(book, name)
            if name in seen:
                work.refuse(f"resource '{name}' is in the sets twice", name)
            seen.add(name)
        made.append(_make_set(book, names, _checked_options(work, values), id_))
    return made


def _checked_options(work: Work, values: Pairs) -> Pairs:
    checked = dict(values)
    for name, value in values.items():
        if name not in _SET_OPTIONS:
            message = f"a set has no option '{name}'; there are {', '.join(_SET_OPTIONS)}"
            work.refuse_name(message, name, _SET_OPTIONS)
        elif name == "role":
            checked[name] = role_of(work, value, f"role={value}")
        else:
            legal = ACTIONS if name == "action" else _BOOLEANS
            if value not in legal:
                message = f"{name} '{value}': expected {', '.join(legal)}"
                work.refuse_name(message, value, legal)
    return checked


def _make_set(book: Book, names: Sequence[str], values: Pairs, id_: str) -> Element:
    made = etree.Element("resource_set")
    for name, value in values.items():
        made.set(name, value)
    made.set("id", book.new_id(f"{id_}_set"))
    for name in names:
        etree.SubElement(made, "resource_ref").set("id", name)
    return made


def set_id(kind: str, sets: Sequence[Sequence[str]]) -> str:
    """The id that pcs gives: first and last letters of the first three names."""
    names = [word for words in sets for word in words if "=" not in word]
    joined = "".join(name[:1] + name[-1:] for name in names[:3])
    return f"{kind}_set_{joined}"


def same_sets(element: Element, sets: Sequence[Sequence[str]]) -> bool:
    """Whether a constraint has the same resources in the same sets."""
    present = [[ref.get("id") for ref in one] for one in element.iterchildren("resource_set")]
    return present == [[word for word in words if "=" not in word] for words in sets]


# -- ref, delete --------------------------------------------------------------------------------------


def names_of(constraint: Element) -> set[str]:
    """Resources that a constraint names."""
    named = {constraint.get(name, "") for name in ("rsc", "with-rsc", "first", "then")}
    named |= {ref.get("id", "") for ref in constraint.iter("resource_ref")}
    return named - {""}


def delete(work: Work) -> None:
    """`constraint delete ID...`"""

    def change(book: Book) -> None:
        known = [each.get("id", "") for each in book.constraints()]
        for name in work.words:
            found = [each for each in book.constraints() if each.get("id") == name]
            rule = [
                each
                for each in book.constraints("rsc_location")
                for one in each.iterchildren("rule")
                if one.get("id") == name
            ]
            if not found and rule:
                remove_rule(book, name)
            elif not found:
                work.refuse_name(f"constraint '{name}' does not exist", name, known)
            for each in found:
                book.section("constraints").remove(each)

    work.edit(change)


def remove_rule(book: Book, name: str) -> bool:
    """Remove a rule of a location constraint, and the constraint with its last one."""
    for location in book.constraints("rsc_location"):
        for rule in location.iterchildren("rule"):
            if rule.get("id") == name:
                location.remove(rule)
                if location.find("rule") is None:
                    book.section("constraints").remove(location)
                return True
    return False


def ref(work: Work) -> None:
    """`constraint ref RESOURCE...`: the constraints that name it."""
    book = work.read()
    lines = []
    for name in work.words:
        book.resource(name)
        found = [each for each in book.constraints() if name in names_of(each)]
        plain = sorted(e.get("id", "") for e in found if e.find("resource_set") is None)
        in_sets = sorted(e.get("id", "") for e in found if e.find("resource_set") is not None)
        lines.append(f"Resource: {name}")
        lines += [f"  {each}" for each in [*plain, *in_sets]] or ["  No Matches."]
    work.check()
    work.show(lines)


def in_same_group(one: Element, other: Element) -> Element | None:
    """The group that both are members of."""
    group = in_group(one)
    return group if group is not None and group is in_group(other) else None
