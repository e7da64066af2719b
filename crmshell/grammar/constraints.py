"""Constraints: location, colocation, order, rsc_ticket, and the resource sets in them (2.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crmshell.grammar.ast import (
    ColocationStmt,
    Item,
    LocationStmt,
    OrderStmt,
    Pairs,
    ResourceSet,
    Rule,
    TicketStmt,
)
from crmshell.grammar.cursor import ACTIONS, ID, OLD_ROLES, Cursor, score_from_word
from crmshell.grammar.slips import JOINERS, kind_for, score_for
from engine.base.digits import is_digits

KINDS = ("Mandatory", "Optional", "Serialize")
LOSS_POLICIES = ("stop", "demote", "fence", "freeze")
SCORE_WORDS = ("inf", "-inf", "infinity", "mandatory", "advisory")
DEGENERATE = "_rsc_set_"
_SET_FLAGS = ("sequential", "require-all", "ordering")
_TRAILING = {
    "order": ("symmetrical",),
    "colocation": ("node-attribute", "influence"),
    "rsc_ticket": ("loss-policy",),
}
_ITEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_]+)?\Z")
_CLOSING = {"(": ")", "[": "]"}
_BRACKET_FLAGS = {
    "": {},
    "(": {"sequential": "false"},
    "[": {"require-all": "false", "sequential": "false"},
}
_ZERO = re.compile(r"[+-]?0+\Z")


@dataclass(slots=True)
class _Sets:
    """Reading of a list of items: the sets so far, and the run that is open."""

    cursor: Cursor
    acts: bool
    sets: list[ResourceSet] = field(default_factory=list)
    run: list[tuple[str, str, int]] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)
    bracket: str = ""
    given: str = ""
    bracketed: bool = False
    flagged: bool = False
    ref: str = ""

    def close(self, at: int) -> None:
        """The open run becomes one set per stretch of equal role or action."""
        if self.ref:
            self.sets.append(ResourceSet((), ref=self.ref))
        elif not self.run and (self.bracket or self.flags or self.given):
            raise self.cursor.problem("an empty set of resources", at)
        flags = dict(_BRACKET_FLAGS[self.bracket])
        for name, value in self.flags.items():
            if value == "true" and name in ("sequential", "require-all"):
                flags.pop(name, None)
            else:
                flags[name] = value
        start = 0
        while start < len(self.run):
            word = self.run[start][1]
            stop = start
            while stop < len(self.run) and self.run[stop][1] == word:
                stop += 1
            items = tuple(rsc for rsc, _, _ in self.run[start:stop])
            role, action = ("", word) if self.acts else (word, "")
            self.sets.append(
                ResourceSet(
                    items, tuple(flags.items()), role, action, self.given if not start else ""
                )
            )
            start = stop
        self.run, self.flags, self.given, self.ref = [], {}, "", ""

    def open(self, bracket: str, at: int) -> None:
        if self.bracket:
            raise self.cursor.problem("sets cannot be nested", at)
        self.close(at)
        self.bracket = bracket
        self.bracketed = True

    def shut(self, bracket: str, at: int) -> None:
        if not self.bracket or _CLOSING[self.bracket] != bracket:
            raise self.cursor.problem(f"'{bracket}' closes nothing", at)
        self.close(at)
        self.bracket = ""

    def add(self, word: str, at: int) -> None:
        name, equal, value = word.partition("=")
        if equal:
            self.add_flag(name, value, at)
        elif word == DEGENERATE:
            self.bracketed = True
        else:
            self.run.append((*self.split(word, at), at))

    def add_flag(self, name: str, value: str, at: int) -> None:
        if name in ("$id", "$id-ref"):
            setattr(self, "given" if name == "$id" else "ref", self.cursor.checked_id(value, at))
            self.bracketed = True
            return
        if name not in _SET_FLAGS:
            more = _TRAILING.get(self.cursor.keyword, ())
            raise self.cursor.problem(
                f"'{name}' is no attribute here", at, legal=(*_SET_FLAGS, *more)
            )
        if name in self.flags:
            raise self.cursor.problem(f"{name} is given twice", at)
        self.flagged = True
        self.flags[name] = value if name == "ordering" else self.cursor.boolean(value, at)

    def split(self, word: str, at: int) -> tuple[str, str]:
        """(resource, role or action or instance) of an item."""
        if not _ITEM.match(word):
            raise self.cursor.problem("expected a resource, or RESOURCE:ROLE", at)
        rsc, _, extra = word.partition(":")
        if not extra:
            return rsc, ""
        if is_digits(extra):
            return rsc, extra
        if self.acts:
            if extra not in ACTIONS:
                raise self.cursor.problem(
                    f"'{extra}' is no action ({', '.join(ACTIONS)})", at, legal=ACTIONS
                )
            return rsc, extra
        return rsc, self.cursor.role(extra, at)


def read_sets(cursor: Cursor, stop: int, *, acts: bool) -> _Sets:
    """Items and brackets of the words up to number `stop`."""
    state = _Sets(cursor, acts)
    while cursor.i < stop:
        word, at = cursor.word, cursor.i
        cursor.i += 1
        while word[:1] in ("(", "["):
            state.open(word[0], at)
            word = word[1:]
        closing = len(word)
        while closing and word[closing - 1] in ")]":
            closing -= 1
        tail, word = word[closing:], word[:closing]
        if word:
            state.add(word, at)
        for bracket in tail:
            state.shut(bracket, at)
    if state.bracket:
        raise cursor.problem(f"missing '{_CLOSING[state.bracket]}'", stop)
    state.close(stop)
    if not cursor.dialect.typed and cursor.dialect.has_new_roles:
        state.sets = [_with_new_role(found) for found in state.sets]
    return state


def _with_new_role(found: ResourceSet) -> ResourceSet:
    role = OLD_ROLES.get(found.role, found.role)
    if role == found.role:
        return found
    return ResourceSet(found.items, found.flags, role, found.action, found.id, found.ref)


def _items_or_sets(
    cursor: Cursor, stop: int, count: int, *, acts: bool
) -> tuple[tuple[Item, ...], tuple[ResourceSet, ...]]:
    """Two resources (one for a ticket) stand for themselves, anything else is sets."""
    first = cursor.i
    words = cursor.words[first:stop]
    if cursor.dialect.typed:
        _refuse_joiners(cursor, first, stop, acts=acts)
    simple = len(words) == count and all(_ITEM.match(w) and w != DEGENERATE for w in words)
    if not simple:
        state = read_sets(cursor, stop, acts=acts)
        total = sum(len(found.items) for found in state.sets)
        if total < count and not state.bracketed:
            what = "expected two resources" if count == 2 else "expected a resource"
            raise cursor.problem(what, stop)
        return (), tuple(state.sets)
    reader = _Sets(cursor, acts)
    items: list[Item] = []
    for place, word in enumerate(words, first):
        rsc, extra = reader.split(word, place)
        if is_digits(extra):
            items.append(Item(rsc, instance=extra))
        elif acts:
            items.append(Item(rsc, action=extra))
        else:
            items.append(Item(rsc, role=extra))
    cursor.i = stop
    return tuple(items), ()


def _refuse_joiners(cursor: Cursor, first: int, stop: int, *, acts: bool) -> None:
    """`a then b`, `start a`: the words of other tools, which would be taken for resources."""
    for place in range(first, stop):
        word = cursor.words[place].lower()
        if first < place < stop - 1 and word in JOINERS:
            raise cursor.problem(
                f"the resources stand one after the other, without '{word}'", place
            )
        if acts and word in ACTIONS and place + 1 < stop:
            nearest = f"{cursor.words[place + 1]}:{word}"
            raise cursor.problem("the action stands behind its resource", place, nearest=nearest)


def _trailing(cursor: Cursor, names: tuple[str, ...]) -> tuple[list[tuple[str, str, int]], int]:
    """`NAME=VALUE` words of `names` at the very end, and where they begin."""
    stop = cursor.size
    found: list[tuple[str, str, int]] = []
    while stop > cursor.i:
        name, equal, value = cursor.words[stop - 1].partition("=")
        if not equal or name not in names:
            break
        stop -= 1
        found.insert(0, (name, value, stop))
    return found, stop


def location(cursor: Cursor) -> LocationStmt:
    given = cursor.object_id()
    word = cursor.take("a resource, /PATTERN/ or { SET }")
    rsc, pattern = "", ""
    sets: tuple[ResourceSet, ...] = ()
    if word.startswith("/"):
        if len(word) < 3 or not word.endswith("/"):
            raise cursor.problem("expected /PATTERN/", cursor.i - 1)
        pattern = word[1:-1]
    elif word.startswith("{"):
        sets = _braced(cursor)
    else:
        rsc = cursor.checked_id(word)
    attrs = _location_attributes(cursor)
    if cursor.low == "rule":
        from crmshell.grammar.rules import parse_rule

        rules: list[Rule] = []
        while cursor.low == "rule":
            rules.append(parse_rule(cursor))
        cursor.finish("expected 'and', 'or' or another rule")
        return LocationStmt(given, rsc, pattern, sets, attrs, rules=tuple(rules))
    at = cursor.i
    word = cursor.take("SCORE: and a node, or a rule")
    if not word.endswith(":") or len(word) < 2:
        following = "" if cursor.at_end else cursor.word
        raise cursor.problem(
            "expected SCORE: and a node, or a rule",
            at,
            legal=("rule",),
            nearest=score_for(word, following),
        )
    score, attribute = _plain_score(cursor, word[:-1], at)
    node = cursor.take("a node")
    cursor.finish()
    return LocationStmt(given, rsc, pattern, sets, attrs, score, attribute, node)


def _braced(cursor: Cursor) -> tuple[ResourceSet, ...]:
    """The sets between { and }; the word with the opening brace is behind us."""
    opening = cursor.i - 1
    cursor.words[opening] = cursor.words[opening][1:]
    cursor.i = opening + (not cursor.words[opening])
    stop = cursor.i
    while stop < cursor.size and not cursor.words[stop].endswith("}"):
        stop += 1
    if stop >= cursor.size:
        raise cursor.problem("missing '}'", cursor.size)
    cursor.words[stop] = cursor.words[stop][:-1]
    state = read_sets(cursor, stop + bool(cursor.words[stop]), acts=False)
    cursor.i = stop + 1
    if not state.sets:
        raise cursor.problem("an empty set of resources", stop)
    return tuple(state.sets)


def _location_attributes(cursor: Cursor) -> Pairs:
    attrs: dict[str, str] = {}
    while not cursor.at_end and cursor.low != "rule":
        name, equal, value = cursor.word.partition("=")
        if not equal:
            break
        name = name.removeprefix("$")
        if not ID.match(name) or name in attrs:
            raise cursor.problem("expected role=ROLE or resource-discovery=…, once")
        attrs[name] = cursor.role(value, cursor.i) if name == "role" else value
        cursor.i += 1
    return tuple(attrs.items())


def _plain_score(cursor: Cursor, word: str, at: int) -> tuple[str | None, str]:
    """A score outside a rule. Only old schemas know score-attribute there; typed, it is a slip."""
    score, attribute = score_from_word(word)
    if attribute and cursor.dialect.typed:
        raise cursor.problem(
            f"'{word}' is no score, expected a whole number, inf or -inf"
            " (the name of an attribute is a score in a rule only)",
            at,
            legal=SCORE_WORDS,
        )
    return score, attribute


def colocation(cursor: Cursor) -> ColocationStmt:
    given = cursor.object_id()
    score: str | None = None
    attribute = ""
    if not cursor.at_end and cursor.word.endswith(":") and len(cursor.word) > 1:
        score, attribute = _plain_score(cursor, cursor.take("a score")[:-1], cursor.i - 1)
    elif cursor.dialect.typed:
        nearest = "" if cursor.at_end else score_for(cursor.word)
        raise cursor.problem("expected a score, as in inf: or -100:", nearest=nearest)
    trailing, stop = _trailing(cursor, ("node-attribute", "influence"))
    attrs = tuple((name, value) for name, value, _ in trailing)
    items, sets = _items_or_sets(cursor, stop, 2, acts=False)
    cursor.i = cursor.size
    return ColocationStmt(given, score, attribute, items, sets, attrs)


def order(cursor: Cursor) -> OrderStmt:
    given = cursor.object_id()
    kind = ""
    if not cursor.at_end and cursor.word.endswith(":") and len(cursor.word) > 1:
        kind = _kind(cursor, cursor.word[:-1])
        cursor.i += 1
    elif not cursor.at_end and cursor.dialect.typed and kind_for(cursor.word):
        raise cursor.problem(
            "expected a colon behind the kind or score", nearest=kind_for(cursor.word)
        )
    simple = not any(w == DEGENERATE or w[0] in "([" for w in cursor.words[cursor.i :] if w)
    names = ("symmetrical",)
    trailing, stop = _trailing(cursor, (*names, "require-all"))
    if not simple or stop - cursor.i != 2:
        trailing, stop = _trailing(cursor, names)
    attrs = tuple((name, cursor.boolean(value, at)) for name, value, at in trailing)
    items, sets = _items_or_sets(cursor, stop, 2, acts=True)
    cursor.i = cursor.size
    return OrderStmt(given, kind, items, sets, attrs)


def _kind(cursor: Cursor, word: str) -> str:
    for kind in KINDS:
        if kind.lower() == word.lower():
            return kind
    score, attribute = score_from_word(word)
    if attribute or score is None:
        raise cursor.problem(f"expected a kind ({', '.join(KINDS)}) or a score", legal=KINDS)
    return "Optional" if _ZERO.match(score) else "Mandatory"


def ticket(cursor: Cursor) -> TicketStmt:
    given = cursor.object_id()
    word = cursor.take("TICKET:")
    if not word.endswith(":") or len(word) < 2:
        raise cursor.problem("expected a ticket, as in siteA:", cursor.i - 1)
    trailing, stop = _trailing(cursor, ("loss-policy",))
    for _, value, at in trailing:
        if value not in LOSS_POLICIES:
            raise cursor.problem(
                f"'{value}' is no loss-policy ({', '.join(LOSS_POLICIES)})", at, legal=LOSS_POLICIES
            )
    attrs = tuple((name, value) for name, value, _ in trailing)
    items, sets = _items_or_sets(cursor, stop, 1, acts=False)
    cursor.i = cursor.size
    return TicketStmt(given, word[:-1], items, sets, attrs)
