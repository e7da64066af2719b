"""`pcs constraint order`."""

from __future__ import annotations

from crmshell.pcs.constraint.common import (
    ACTIONS,
    add_constraint,
    constrained,
    in_same_group,
    make_sets,
    refuse_duplicates,
    remove_rule,
    same_sets,
    set_id,
    split_sets,
)
from crmshell.pcs.frame.book import Book, Work, members_of
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.removal import drop_from_sets, remove_constraint

KINDS = ("Optional", "Mandatory", "Serialize")
OPTIONS = ("id", "kind", "require-all", "symmetrical")
SET_OPTIONS = ("id", "kind", "symmetrical")


def add(work: Work) -> None:
    """`order [action] FIRST then [action] THEN [option=value]...`"""
    words = list(work.words)
    if "then" not in words[:3]:
        raise work.misuse()
    first_action, first = _side(work, words[: words.index("then")])
    rest = words[words.index("then") + 1 :]
    plain = [word for word in rest if "=" not in word]
    then_action, then = _side(work, plain)
    values = _options(work, [word for word in rest if "=" in word], OPTIONS)

    def change(book: Book) -> None:
        if first == then:
            work.refuse(f"'{first}' cannot be ordered against itself", first)
            return
        one, other = constrained(book, first), constrained(book, then)
        if one is None or other is None:
            return
        group = in_same_group(one, other)
        if group is not None:
            members = members_of(group)
            agrees = members.index(one) < members.index(other)
            if not (agrees and first_action == then_action == "start"):
                work.refuse(
                    f"'{first}' and '{then}' are members of group '{group.get('id')}', which starts"
                    f" '{then if not agrees else first}' first",
                    first,
                )
                return
            work.info(f"group '{group.get('id')}' orders '{first}' and '{then}' like this already")
        attributes = {
            "first": first,
            "then": then,
            "first-action": first_action,
            "then-action": then_action,
            **{k: v for k, v in values.items() if k != "id"},
        }
        refuse_duplicates(
            book,
            "rsc_order",
            lambda each: each.get("first") == first and each.get("then") == then,
            f"an order of '{first}' and '{then}'",
        )
        wanted = f"order-{first}-{then}-{values.get('kind') or 'mandatory'}"
        given = values.get("id", "")
        id_ = book.take_id(given, "constraint") if given else book.new_id(wanted)
        add_constraint(book, "rsc_order", attributes, id_=id_)

    work.edit(change)


def _side(work: Work, words: list[str]) -> tuple[str, str]:
    """Action and resource of one side."""
    if len(words) == 1:
        return "start", words[0]
    if len(words) != 2:
        raise work.misuse()
    if words[0] not in ACTIONS:
        message = f"no action '{words[0]}'; there are {', '.join(ACTIONS)}"
        work.refuse_name(message, words[0], ACTIONS)
    return words[0], words[1]


def _options(work: Work, words: list[str], legal: tuple[str, ...]) -> Pairs:
    values = pairs_of(work, words)
    return check_options(work, values, legal)


def check_options(work: Work, values: Pairs, legal: tuple[str, ...]) -> Pairs:
    """The options of an order, the kind as it is written in the CIB."""
    checked = dict(values)
    for name, value in values.items():
        if name not in legal:
            message = f"an order has no option '{name}'; there are {', '.join(legal)}"
            work.refuse_name(message, name, legal)
        elif name == "kind":
            found = next((kind for kind in KINDS if kind.lower() == value.lower()), "")
            if not found:
                work.refuse_name(f"kind '{value}': expected {', '.join(KINDS)}", value, KINDS)
            checked[name] = found
        elif name in ("symmetrical", "require-all") and value.lower() not in ("true", "false"):
            work.refuse(f"{name} '{value}': expected true or false", f"{name}={value}")
    return checked


def add_set(work: Work) -> None:
    """`order set A B [option=value]... [set ...]... [setoptions name=value...]`"""
    sets, values = split_sets(work, work.words)
    values = check_options(work, values, SET_OPTIONS)

    def change(book: Book) -> None:
        given = values.get("id", "")
        id_ = book.take_id(given, "constraint") if given else book.new_id(set_id("order", sets))
        made = make_sets(book, sets, id_)
        refuse_duplicates(
            book, "rsc_order", lambda each: same_sets(each, sets), "an order of these sets"
        )
        attributes = {k: v for k, v in values.items() if k != "id"}
        add_constraint(book, "rsc_order", attributes, id_=id_, sets=made)

    work.edit(change)


def remove(work: Work) -> None:
    """`order delete RESOURCE|ID...`: orders that name it; in sets only its place."""

    def change(book: Book) -> None:
        for name in work.words:
            found = False
            for each in book.constraints():
                if name in (each.get("first"), each.get("then")) or (
                    each.tag == "rsc_order" and name == each.get("id")
                ):
                    remove_constraint(each)
                    found = True
                elif drop_from_sets(each, {name}):
                    found = True
                    if each.tag != "rsc_order":
                        work.warn(f"'{name}' leaves the sets of '{each.get('id')}', too")
            if not found and not remove_rule(book, name):
                work.refuse(f"no order names '{name}'", name)

    work.edit(change)
