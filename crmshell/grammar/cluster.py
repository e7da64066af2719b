"""Statements about the cluster: node, properties and defaults, fencing topology, tags (2.5)."""

from __future__ import annotations

from crmshell.grammar.ast import (
    AttrSet,
    FencingLevel,
    NodeStmt,
    NvPair,
    Pairs,
    PropertyStmt,
    Rule,
    TagStmt,
    TopologyStmt,
)
from crmshell.grammar.cursor import ID, Cursor
from crmshell.grammar.resources import attr_list, implied_list

NODE_TYPES = ("member", "remote", "normal", "ping")
NODE_WORDS = frozenset(("attributes", "utilization"))


def node(cursor: Cursor) -> NodeStmt:
    given = ""
    word = cursor.take("a node name")
    if word.startswith("$id="):
        given = word[4:]
        word = cursor.take("a node name")
    elif word.endswith(":") and len(word) > 1:
        given = word[:-1]
        word = cursor.take("a node name")
    uname, colon, kind = word.rpartition(":")
    if not colon:
        uname, kind = word, ""
    if kind and kind not in NODE_TYPES:
        raise cursor.problem(
            f"'{kind}' is no type of a node ({', '.join(NODE_TYPES)})",
            cursor.i - 1,
            legal=NODE_TYPES,
        )
    if not uname or not uname.isprintable() or any(sign in uname for sign in " \"'<>&=/"):
        raise cursor.problem("expected the name of a node", cursor.i - 1, code="bad-id")
    description = cursor.description()
    parts: list[AttrSet] = []
    if not cursor.at_end and cursor.low not in NODE_WORDS:
        parts.append(implied_list(cursor, "attributes", NODE_WORDS))
    while not cursor.at_end:
        low = cursor.low
        cursor.i += 1
        parts.append(attr_list(cursor, low, NODE_WORDS))
    return NodeStmt(uname, given, kind, description, tuple(parts))


def property_set(cursor: Cursor) -> PropertyStmt:
    """`property`, `rsc_defaults`, `op_defaults`."""
    given, score = "", ""
    if not cursor.at_end:
        word = cursor.word
        if word.startswith("$id="):
            cursor.i += 1
            given = cursor.checked_id(word[4:])
        elif word.endswith(":") and "=" not in word and word[0] not in "$@":
            cursor.i += 1
            given = cursor.checked_id(word[:-1])
    if given and not cursor.at_end and cursor.word.endswith(":") and "=" not in cursor.word:
        score = cursor.take("a score")[:-1]
    rules: list[Rule] = []
    pairs: list[NvPair] = []
    while not cursor.at_end:
        if cursor.low == "rule":
            from crmshell.grammar.rules import parse_rule

            rules.append(parse_rule(cursor))
            continue
        pair = cursor.pair(("rule",))
        if cursor.dialect.typed:
            _refuse_valueless(cursor, pair)
        pairs.append(pair)
    if cursor.dialect.typed and not given and not rules and not pairs:
        raise cursor.problem("expected NAME=VALUE")
    return PropertyStmt(cursor.keyword, given, score, tuple(rules), tuple(pairs))


def _refuse_valueless(cursor: Cursor, pair: NvPair) -> None:
    """A property that is typed without a value is a slip, or was meant as a question."""
    if pair.value is None and not pair.ref:
        following = "" if cursor.at_end else cursor.word
        meant = f"{pair.name}={following}" if following and "=" not in following else ""
        raise cursor.problem(
            f"expected NAME=VALUE, {pair.name} has no value", cursor.i - 1, nearest=meant
        )
    if pair.value == "" and cursor.keyword == "property":
        raise cursor.problem(f"{pair.name} has an empty value", cursor.i - 1)


def topology(cursor: Cursor) -> TopologyStmt:
    levels: list[FencingLevel] = []
    everywhere: list[str] = []
    target: Pairs = ()
    counts: dict[Pairs, int] = {}
    given = ""
    while not cursor.at_end:
        word, at = cursor.take("devices"), cursor.i - 1
        found = _target(word)
        if found:
            if target and target not in counts:
                raise cursor.problem("a target without devices", at)
            if everywhere:
                raise cursor.problem("targets and levels without a target cannot be mixed", at)
            target = found
            continue
        if word.startswith("$id="):
            given = cursor.checked_id(word[4:])
            continue
        if not all(ID.match(device) for device in word.split(",")):
            raise cursor.problem("expected devices as RSC[,RSC…] or a target as NODE:", at)
        if not target:
            everywhere.append(word)
            continue
        counts[target] = counts.get(target, 0) + 1
        levels.append(FencingLevel(target, word, str(counts[target]), given))
        given = ""
    if target and target not in counts:
        raise cursor.problem("a target without devices")
    return TopologyStmt(tuple(levels), tuple(everywhere))


def _target(word: str) -> Pairs:
    """The target that a word names; () when it names none."""
    if word.startswith("pattern:") and len(word) > 8:
        return (("target-pattern", word[8:]),)
    if word.startswith("attr:"):
        name, equal, value = word[5:].partition("=")
        if name and equal:
            return (("target-attribute", name), ("target-value", value))
    if word.endswith(":") and len(word) > 1:
        return (("target", word[:-1]),)
    return ()


def tag(cursor: Cursor) -> TagStmt:
    word = cursor.take("an id")
    given = cursor.checked_id(word.removeprefix("id=").removesuffix(":"))
    members: list[str] = []
    while not cursor.at_end:
        members.append(cursor.take("the id of an object"))
        if ":" in members[-1] or "=" in members[-1]:
            raise cursor.problem("expected the id of an object", cursor.i - 1)
    if not members:
        raise cursor.problem("expected the id of an object")
    return TagStmt(given, tuple(members))
