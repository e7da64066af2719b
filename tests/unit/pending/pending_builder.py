"""A pending configuration made of statements, for tests."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import Line, split_words
from crmshell.pending.changes import PendingCib, Way
from crmshell.pending.listing import Listing, configuration_text
from crmshell.pending.problems import Refused
from engine.base.reports import Report
from engine.cib.document import empty_cib


def pending(*statements: str) -> PendingCib:
    """An empty CIB with these statements typed into it."""
    made = PendingCib(empty_cib())
    for text in statements:
        typed(made, text)
    return made


def typed(tree: PendingCib, text: str, way: Way = Way.CREATE) -> list[Report]:
    """One statement, as at the prompt; a refusal has its place."""
    line = Line.single(text)
    tree.begin(text)
    try:
        return tree.apply(parse_line(line, tree.dialect()), way)
    except Refused as refusal:
        raise refusal.at(line, split_words(line)) from None


def shown(tree: PendingCib, order: str = "kind", *, all_ids: bool = False) -> list[str]:
    """The statements, each on one line."""
    listing = Listing(order, all_ids=all_ids, one_line=True)
    return configuration_text(tree, tree.everything(), listing).split("\n")


def refusal(tree: PendingCib, text: str) -> Report:
    """The finding with which a statement is refused."""
    try:
        typed(tree, text)
    except ShellError as refused:
        return refused.reports[0]
    raise AssertionError(f"accepted: {text}")
