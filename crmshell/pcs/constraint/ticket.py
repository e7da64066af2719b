"""`pcs constraint ticket`."""

from __future__ import annotations

from crmshell.pcs.constraint.common import (
    add_constraint,
    constrained,
    make_sets,
    refuse_duplicates,
    same_sets,
    set_id,
    split_sets,
)
from crmshell.pcs.frame.book import Book, Work
from crmshell.pcs.frame.words import Pairs, pairs_of
from crmshell.pcs.resource.operations import role_of
from crmshell.pcs.resource.removal import drop_from_sets, remove_constraint

POLICIES = ("fence", "stop", "freeze", "demote")
OPTIONS = ("id", "loss-policy")


def _check(work: Work, values: Pairs, legal: tuple[str, ...]) -> None:
    for name, value in values.items():
        if name not in legal:
            message = f"no option '{name}' here; there are {', '.join(legal)}"
            work.refuse_name(message, name, legal)
        elif name == "loss-policy" and value not in POLICIES:
            message = f"loss-policy '{value}': expected {', '.join(POLICIES)}"
            work.refuse_name(message, value, POLICIES)


def add(work: Work) -> None:
    """`ticket add TICKET [role] RESOURCE [option=value]...`"""
    plain = [word for word in work.words if "=" not in word]
    values = pairs_of(work, [word for word in work.words if "=" in word])
    _check(work, values, OPTIONS)
    if len(plain) not in (2, 3):
        raise work.misuse()
    ticket, name = plain[0], plain[-1]
    role = role_of(work, plain[1]) if len(plain) == 3 else ""

    def change(book: Book) -> None:
        constrained(book, name)
        refuse_duplicates(
            book,
            "rsc_ticket",
            lambda each: (
                each.get("ticket") == ticket
                and each.get("rsc") == name
                and each.get("rsc-role", "") == role
            ),
            f"a constraint of ticket '{ticket}' and '{name}'",
        )
        given = values.get("id", "")
        wanted = "-".join(filter(None, ("ticket", ticket, name, role)))
        id_ = book.take_id(given, "constraint") if given else book.new_id(wanted)
        attributes = {"loss-policy": values.get("loss-policy", ""), "rsc-role": role}
        attributes.update({"ticket": ticket, "rsc": name})
        add_constraint(book, "rsc_ticket", attributes, id_=id_)

    work.edit(change)


def add_set(work: Work) -> None:
    """`ticket set A B [option=value]... [set ...]... setoptions ticket=TICKET [name=value]...`"""
    sets, values = split_sets(work, work.words)
    _check(work, values, (*OPTIONS, "ticket"))
    if not values.get("ticket"):
        work.refuse("the ticket is missing: setoptions ticket=TICKET")

    def change(book: Book) -> None:
        given = values.get("id", "")
        id_ = book.take_id(given, "constraint") if given else book.new_id(set_id("ticket", sets))
        made = make_sets(book, sets, id_)
        refuse_duplicates(
            book,
            "rsc_ticket",
            lambda each: each.get("ticket") == values.get("ticket") and same_sets(each, sets),
            "a constraint of this ticket and these sets",
        )
        attributes = {k: v for k, v in values.items() if k != "id"}
        add_constraint(book, "rsc_ticket", attributes, id_=id_, sets=made)

    work.edit(change)


def remove(work: Work) -> None:
    """`ticket delete TICKET RESOURCE`"""
    ticket, name = work.words

    def change(book: Book) -> None:
        found = False
        for each in book.constraints("rsc_ticket"):
            if each.get("ticket") != ticket:
                continue
            if each.get("rsc") == name:
                remove_constraint(each)
                found = True
            elif drop_from_sets(each, {name}):
                found = True
        if not found:
            work.refuse(f"no constraint of ticket '{ticket}' names '{name}'", name)

    work.edit(change)
