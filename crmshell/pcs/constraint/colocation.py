"""`pcs constraint colocation`."""

from __future__ import annotations

from crmshell.pcs.constraint.common import (
    add_constraint,
    check_score,
    constrained,
    in_same_group,
    is_score,
    make_sets,
    refuse_duplicates,
    same_sets,
    set_id,
    split_sets,
)
from crmshell.pcs.frame.book import Book, Work
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.operations import OLD_ROLES, ROLES, role_of
from crmshell.pcs.resource.removal import remove_constraint

OPTIONS = ("id", "influence", "node-attribute", "rsc-role", "score", "with-rsc-role")
SET_OPTIONS = ("id", "score")


def add(work: Work) -> None:
    """`colocation add [role] RESOURCE with [role] RESOURCE [score] [option=value]...`"""
    words = list(work.words)
    if "with" not in words[:3]:
        raise work.misuse()
    at = words.index("with")
    role, name = _side(work, words[:at])
    rest = words[at + 1 :]
    plain = [word for word in rest if "=" not in word]
    values = _options(work, [word for word in rest if "=" in word])
    score = plain.pop() if len(plain) > 1 and _is_meant_as_score(plain) else ""
    with_role, with_name = _side(work, plain)
    score = check_score(work, score or values.pop("score", "") or "INFINITY")
    role, with_role = _roles(role, with_role)

    def change(book: Book) -> None:
        if name == with_name:
            work.refuse(f"'{name}' cannot be colocated with itself", name)
            return
        one, other = constrained(book, name), constrained(book, with_name)
        if one is None or other is None or work.findings:
            return
        group = in_same_group(one, other)
        if group is not None:
            work.refuse(
                f"'{name}' and '{with_name}' are members of group '{group.get('id')}'", name
            )
            return
        attributes = {"rsc": name, "with-rsc": with_name, "score": score}
        attributes.update({"rsc-role": role, "with-rsc-role": with_role})
        attributes.update({k: v for k, v in values.items() if k != "id"})
        _refuse_doubles(book, attributes)
        given = values.get("id", "")
        wanted = f"colocation-{name}-{with_name}-{score}"
        id_ = book.take_id(given, "constraint") if given else book.new_id(wanted)
        add_constraint(book, "rsc_colocation", attributes, id_=id_)

    work.edit(change)


def _side(work: Work, words: list[str]) -> tuple[str, str]:
    if len(words) == 1:
        return "", words[0]
    if len(words) != 2:
        raise work.misuse()
    if words[0].lower() not in {*(role.lower() for role in ROLES), *OLD_ROLES}:
        work.refuse_name(f"no role '{words[0]}'; there are {', '.join(ROLES)}", words[0], ROLES)
        return "", words[1]
    return role_of(work, words[0]), words[1]


def _is_meant_as_score(plain: list[str]) -> bool:
    """Whether the last word is the score: `[role] RESOURCE score`."""
    return len(plain) == 3 or is_score(plain[-1]) or _is_no_role(plain[0])


def _is_no_role(word: str) -> bool:
    return word.lower() not in {*(role.lower() for role in ROLES), *OLD_ROLES}


def _roles(role: str, with_role: str) -> tuple[str, str]:
    """A role on one side means Started on the other."""
    if role and not with_role:
        return role, "Started"
    if with_role and not role:
        return "Started", with_role
    return role, with_role


def _options(work: Work, words: list[str]) -> Pairs:
    values = pairs_of(work, words)
    checked = dict(values)
    for name, value in values.items():
        if name not in OPTIONS:
            message = f"a colocation has no option '{name}'; there are {', '.join(OPTIONS)}"
            work.refuse_name(message, name, OPTIONS)
        elif name == "influence" and value.lower() not in ("true", "false"):
            work.refuse(f"influence '{value}': expected true or false", f"influence={value}")
        elif name in ("rsc-role", "with-rsc-role"):
            role_of(work, value, f"{name}={value}")
    return checked


def _refuse_doubles(book: Book, attributes: Pairs) -> None:
    name, with_name = attributes["rsc"], attributes["with-rsc"]
    both = {name, with_name}
    refuse_duplicates(
        book,
        "rsc_colocation",
        lambda each: {each.get("rsc", ""), each.get("with-rsc", "")} == both,
        f"a colocation of '{name}' and '{with_name}'",
    )


def add_set(work: Work) -> None:
    """`colocation set A B [option=value]... [set ...]... [setoptions name=value...]`"""
    sets, values = split_sets(work, work.words)
    for name in values:
        if name not in SET_OPTIONS and name != "influence":
            message = f"no option '{name}' of sets; there are {', '.join(SET_OPTIONS)}"
            work.refuse_name(message, name, SET_OPTIONS)
    values["score"] = check_score(work, values.get("score") or "INFINITY")

    def change(book: Book) -> None:
        given = values.get("id", "")
        wanted = set_id("colocation", sets)
        id_ = book.take_id(given, "constraint") if given else book.new_id(wanted)
        made = make_sets(book, sets, id_)
        if sum(len(one) for one in made) < 2:
            work.refuse("one resource alone cannot be colocated; name two or more")
        refuse_duplicates(
            book, "rsc_colocation", lambda each: same_sets(each, sets), "this colocation of sets"
        )
        attributes = {k: v for k, v in values.items() if k != "id"}
        add_constraint(book, "rsc_colocation", attributes, id_=id_, sets=made)

    work.edit(change)


def remove(work: Work) -> None:
    """`colocation delete RESOURCE RESOURCE`"""
    one, other = work.words

    def change(book: Book) -> None:
        both = {one, other}
        found = [
            each
            for each in book.constraints("rsc_colocation")
            if {each.get("rsc", ""), each.get("with-rsc", "")} == both
        ]
        if not found:
            work.refuse(f"no colocation of '{one}' and '{other}'", one)
        for each in found:
            remove_constraint(each)

    work.edit(change)
