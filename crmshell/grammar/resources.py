"""Statements that make resources: primitive, rsc_template, group, clone, ms, bundle (2.3)."""

from __future__ import annotations

import re

from crmshell.grammar.ast import (
    AttrSet,
    BundlePart,
    BundleStmt,
    ContainerStmt,
    Mapping,
    Member,
    NvPair,
    Op,
    Operations,
    PrimitiveStmt,
    Rule,
)
from crmshell.grammar.cursor import ID, Cursor
from crmshell.grammar.errors import SyntaxProblem, nearest_word
from crmshell.grammar.slips import op_attribute_for

PRIMITIVE_WORDS = frozenset(
    ("params", "meta", "utilization", "operations", "op", "op_params", "op_meta")
)
CONTAINER_WORDS = frozenset(("params", "meta"))
BUNDLE_WORDS = frozenset(("docker", "podman", "rkt", "network", "storage", "primitive", "meta"))
BUNDLE_INNER = BUNDLE_WORDS | {"port-mapping", "storage-mapping"}
_ENGINES = frozenset(("docker", "podman", "rkt"))
_MAPPING_OF = {"network": "port-mapping", "storage": "storage-mapping"}
_BARE_TIME = re.compile(r"[0-9]+\Z")
_TIMES = ("interval", "timeout")
_OLD_META = {"master-max": "promoted-max", "master-node-max": "promoted-node-max"}


def attr_list(cursor: Cursor, kind: str, stops: frozenset[str]) -> AttrSet:
    """An attribute list up to a keyword of `stops`; the keyword `kind` itself is behind us."""
    given, score = "", ""
    rules: list[Rule] = []
    pairs: list[NvPair] = []
    words, size = cursor.words, cursor.size
    if cursor.i < size and words[cursor.i].startswith("$id"):
        name, equal, value = words[cursor.i].partition("=")
        if name == "$id-ref" and equal:
            cursor.i += 1
            if cursor.i < size and cursor.low not in stops:
                raise cursor.problem("$id-ref must stand alone in its set", legal=stops)
            return AttrSet(kind, ref=cursor.checked_id(value))
        if name == "$id" and equal:
            cursor.i += 1
            given = cursor.checked_id(value)
    if cursor.i < size:
        word = words[cursor.i]
        if word.endswith(":") and len(word) > 1 and "=" not in word and word[0] not in "$@":
            score = word[:-1]
            cursor.i += 1
    while cursor.i < size:
        word = words[cursor.i]
        if word in stops or word.lower() in stops:
            break
        if word.lower() == "rule":
            from crmshell.grammar.rules import parse_rule

            rules.append(parse_rule(cursor))
        else:
            pairs.append(cursor.pair(stops))
    return AttrSet(kind, tuple(rules), tuple(pairs), score, given)


def implied_list(cursor: Cursor, kind: str, stops: frozenset[str]) -> AttrSet:
    """An attribute list whose keyword was left out; a bare word there is a mistake, no name."""
    word = cursor.word
    is_bare = "=" not in word and word[:1] not in ("@", "$") and not word.endswith(":")
    if is_bare and cursor.low != "rule":
        raise cursor.problem("unexpected word, expected NAME=VALUE", legal=stops)
    return attr_list(cursor, kind, stops)


def primitive(cursor: Cursor) -> PrimitiveStmt:
    is_template = cursor.keyword == "rsc_template"
    given = cursor.object_id()
    word = cursor.take("an agent as [CLASS:[PROVIDER:]]TYPE, or @TEMPLATE")
    template, agent = "", ("", "", "")
    if word.startswith("@") and not is_template:
        template = cursor.checked_id(word[1:])
    elif word.lower() in PRIMITIVE_WORDS:
        raise cursor.problem("expected an id and an agent before this word", cursor.i - 1)
    else:
        agent = cursor.agent(word)
    description = cursor.description()
    parts = _primitive_parts(cursor)
    return PrimitiveStmt(given, agent, template, description, parts, is_template)


def _primitive_parts(cursor: Cursor) -> tuple[AttrSet | Operations, ...]:
    parts: list[AttrSet | Operations] = []
    ops: list[Op] = []
    ops_place, ops_id, ops_ref = -1, "", ""
    if cursor.i < cursor.size and cursor.low not in PRIMITIVE_WORDS:
        parts.append(implied_list(cursor, "params", PRIMITIVE_WORDS))
    while cursor.i < cursor.size:
        low = cursor.low
        if low in ("op_params", "op_meta"):
            raise cursor.problem(f"{low} belongs behind an op")
        cursor.i += 1
        if low in ("params", "meta", "utilization"):
            parts.append(attr_list(cursor, low, PRIMITIVE_WORDS))
            continue
        if ops_place < 0:
            ops_place = len(parts)
            parts.append(Operations())
        if low == "operations":
            ops_id, ops_ref = _operations_head(cursor, ops_id or ops_ref)
        else:
            ops.append(_op(cursor))
    if ops_place >= 0:
        parts[ops_place] = Operations(tuple(ops), ops_id, ops_ref)
    return tuple(parts)


def _operations_head(cursor: Cursor, known: str) -> tuple[str, str]:
    if not known and (cursor.at_end or cursor.low in PRIMITIVE_WORDS):
        return "", ""
    word = cursor.take("$id=ID or $id-ref=ID")
    name, _, value = word.partition("=")
    if known or name not in ("$id", "$id-ref"):
        raise cursor.problem("expected $id=ID or $id-ref=ID, once", cursor.i - 1)
    checked = cursor.checked_id(value)
    return (checked, "") if name == "$id" else ("", checked)


def _op(cursor: Cursor) -> Op:
    """`op` and what belongs to it; the keyword is behind us."""
    name = cursor.take("the name of an operation (monitor, start, stop, …)")
    at = cursor.i - 1
    if "=" in name or name.lower() in PRIMITIVE_WORDS:
        raise cursor.problem("expected the name of an operation (monitor, start, stop, …)", at)
    attrs, extra, given = _op_attributes(cursor)
    sets: list[AttrSet] = []
    if extra:
        sets.append(AttrSet("op_params", pairs=tuple(NvPair(n, v) for n, v in extra)))
    while cursor.i < cursor.size:
        low = cursor.low
        if low not in ("op_params", "op_meta"):
            break
        cursor.i += 1
        sets.append(attr_list(cursor, low, PRIMITIVE_WORDS))
    if "interval" not in attrs:
        if name == "monitor":
            raise _no_interval(cursor, at, [label for label, _ in extra])
        attrs["interval"] = "0s"
    return Op(name, tuple(attrs.items()), tuple(sets), given)


def _no_interval(cursor: Cursor, at: int, given: list[str]) -> SyntaxProblem:
    """A monitor without interval: a misspelt attribute is to blame when there is one."""
    known = cursor.dialect.op_attributes
    for label in given:
        if nearest_word(label, known):
            place = next(i for i, word in enumerate(cursor.words) if word.startswith(f"{label}="))
            return cursor.problem(
                f"op monitor needs interval=TIME, and {label} is no attribute of an operation",
                place,
                legal=known,
            )
    return cursor.problem("op monitor needs interval=TIME", at)


def _op_attributes(cursor: Cursor) -> tuple[dict[str, str], list[tuple[str, str]], str]:
    """Attributes of the op, parameters that are none of its attributes, and its id."""
    known = cursor.dialect.op_attributes
    attrs: dict[str, str] = {}
    extra: list[tuple[str, str]] = []
    given = ""
    while cursor.i < cursor.size:
        word = cursor.words[cursor.i]
        if word.lower() in PRIMITIVE_WORDS:
            break
        name, equal, value = word.partition("=")
        if not equal or not name:
            raise cursor.problem(
                "expected NAME=VALUE of the operation",
                legal=PRIMITIVE_WORDS,
                nearest=op_attribute_for(word, "interval" in attrs),
            )
        name = "id" if name == "$id" else name
        if name not in known:
            extra.append((name, value))
        elif extra:
            raise cursor.problem(
                f"attribute {name} of the operation must stand before parameter {extra[0][0]}"
            )
        elif name in attrs or (name == "id" and given):
            raise cursor.problem(f"{name} is given twice")
        elif name == "id":
            given = cursor.checked_id(value, cursor.i)
        elif name == "role":
            attrs[name] = cursor.role(value, cursor.i)
        else:
            timed = cursor.dialect.typed and name in _TIMES and _BARE_TIME.match(value)
            attrs[name] = value + "s" if timed else value
        cursor.i += 1
    return attrs, extra, given


def container(cursor: Cursor) -> ContainerStmt:
    """`group ID MEMBER…`, `clone ID MEMBER`, `ms ID MEMBER`."""
    kind = {"master": "ms"}.get(cursor.keyword, cursor.keyword)
    given = cursor.object_id()
    members: list[str] = []
    while not cursor.at_end and cursor.low not in CONTAINER_WORDS and "=" not in cursor.word:
        member = cursor.reference("a resource")
        if member in members:
            raise cursor.problem(
                f"child {member} listed more than once in {kind} {given}", cursor.i - 1
            )
        members.append(member)
        if kind != "group":
            break
    if not members:
        raise cursor.problem("expected the id of a resource")
    description = cursor.description()
    parts: list[AttrSet] = []
    if not cursor.at_end and cursor.low not in CONTAINER_WORDS:
        if kind != "group" and not description and ID.match(cursor.word):
            raise cursor.problem(
                f"a {kind} has one member; make a group of several, and a {kind} of the group",
                legal=CONTAINER_WORDS,
            )
        parts.append(implied_list(cursor, "params", CONTAINER_WORDS))
    while not cursor.at_end:
        low = cursor.low
        cursor.i += 1
        parts.append(attr_list(cursor, low, CONTAINER_WORDS))
    if kind == "ms":
        cursor.note("ms-is-clone", f"{given}: ms is written as a clone with promotable=true")
        return ContainerStmt("clone", given, tuple(members), description, _promotable(parts))
    return ContainerStmt(kind, given, tuple(members), description, tuple(parts))


def _promotable(parts: list[AttrSet]) -> tuple[AttrSet, ...]:
    """The sets of an old `ms` as those of a promotable clone."""
    made: list[AttrSet] = []
    first = True
    for part in parts:
        pairs = tuple(
            NvPair(_OLD_META.get(p.name, p.name), p.value, p.id, p.ref) for p in part.pairs
        )
        if part.kind == "meta" and first and not part.ref:
            first = False
            kept = tuple(p for p in pairs if p.name != "promotable")
            pairs = (NvPair("promotable", "true"), *kept)
        made.append(AttrSet(part.kind, part.rules, pairs, part.score, part.id, part.ref))
    if first:
        made.insert(0, AttrSet("meta", pairs=(NvPair("promotable", "true"),)))
    return tuple(made)


def bundle(cursor: Cursor) -> BundleStmt:
    given = cursor.object_id()
    description = cursor.description()
    parts: list[BundlePart | AttrSet | Member] = []
    seen: set[str] = set()
    while not cursor.at_end:
        low = cursor.low
        if low not in BUNDLE_WORDS:
            raise cursor.problem("expected a part of a bundle", legal=BUNDLE_WORDS)
        if low != "meta" and low in seen:
            raise cursor.problem(f"{low} is given twice")
        if low in _ENGINES and seen & _ENGINES:
            raise cursor.problem("a bundle has one of docker and podman")
        seen.add(low)
        cursor.i += 1
        if low == "meta":
            parts.append(attr_list(cursor, "meta", BUNDLE_WORDS))
        elif low == "primitive":
            parts.append(Member(cursor.reference("the id of a primitive")))
            if not cursor.at_end and cursor.low not in BUNDLE_WORDS:
                raise cursor.problem(
                    "the primitive of a bundle is an existing one; define it in a statement of its own"
                )
        else:
            parts.append(_bundle_part(cursor, low))
    if not seen & _ENGINES:
        raise cursor.problem("expected docker or podman", legal=("docker", "podman"))
    return BundleStmt(given, description, tuple(parts))


def _bundle_part(cursor: Cursor, tag: str) -> BundlePart:
    attrs = tuple(cursor.named_values(BUNDLE_INNER))
    mappings: list[Mapping] = []
    inner = _MAPPING_OF.get(tag, "")
    while not cursor.at_end and cursor.low in ("port-mapping", "storage-mapping"):
        if cursor.low != inner:
            raise cursor.problem(f"{cursor.low} does not belong in {tag}")
        cursor.i += 1
        values = dict(cursor.named_values(BUNDLE_INNER))
        given = values.pop("id", "")
        if given:
            cursor.checked_id(given)
        mappings.append(Mapping(inner, tuple(values.items()), given))
    return BundlePart(tag, attrs, tuple(mappings))
