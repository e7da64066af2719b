"""Statements that spare typing: one template for primitives that are alike, a loose bond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crmshell.grammar.ast import AttrSet, NvPair, Op, Operations, PrimitiveStmt
from crmshell.grammar.cib_values import NoText
from crmshell.grammar.from_cib import Reader
from crmshell.grammar.statements import Parsed, parse_line
from crmshell.grammar.tokens import Line
from crmshell.pending.changes import PendingCib, Way
from crmshell.pending.problems import Refused

_SHARED = ("params", "meta", "utilization")


def make_template(pending: PendingCib, names: Sequence[str], line: Line) -> str:
    """A template of what primitives have in common, and the primitives made from it; its id.

    Raises `Refused`, and changes nothing, when they are not alike.
    """
    primitives = [_primitive(pending, name) for name in dict.fromkeys(names)]
    first = primitives[0]
    if len(primitives) < 2:
        raise Refused("expected two primitives or more", code="arguments", subject=first.id)
    for other in primitives[1:]:
        if other.agent != first.agent:
            text = f"{other.id} is {_agent(other)}, {first.id} is {_agent(first)}"
            raise Refused(f"one template needs one agent: {text}", code="assist", subject=other.id)
    given = _free_id(pending, f"template-{first.agent[2]}")
    kept = {str(ref) for ref in pending.cib.configuration.xpath("//@id-ref")}
    pairs = {kind: _common_pairs(primitives, kind, kept) for kind in _SHARED}
    ops = _common_ops(primitives, kept)
    sets = tuple(AttrSet(kind, pairs=found) for kind, found in pairs.items() if found)
    shared: tuple[AttrSet | Operations, ...] = (*sets, Operations(ops)) if ops else sets
    _apply(pending, PrimitiveStmt(given, first.agent, parts=shared, is_template=True), line)
    for primitive in primitives:
        parts = tuple(_without(primitive, pairs, ops))
        rest = replace(primitive, agent=("", "", ""), template=given, parts=parts)
        _apply(pending, rest, line, Way.REPLACE)
    return given


def make_weak_bond(pending: PendingCib, names: Sequence[str]) -> tuple[str, str]:
    """Resources kept together by a dummy, without depending on each other; (dummy, colocation)."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        pending.require(name, "resource")
    if len(wanted) < 2:
        raise Refused("expected two resources or more", code="arguments", subject=wanted[0])
    bond = "-".join(wanted)
    dummy = _free_id(pending, f"place-{bond}")
    colocation = _free_id(pending, f"together-{bond}")
    for text in (
        f"primitive {dummy} ocf:pacemaker:Dummy",
        f"colocation {colocation} inf: ( {' '.join(wanted)} ) {dummy}",
    ):
        pending.apply(parse_line(Line.single(text), pending.dialect(typed=False)))
    return dummy, colocation


def _primitive(pending: PendingCib, name: str) -> PrimitiveStmt:
    element = pending.require(name, "primitive")
    if element.tag != "primitive":
        text = f"{name} is a {pending.kind(element)}, expected a primitive"
        raise Refused(text, code="assist", subject=name)
    try:
        stmt = Reader(pending.dialect(typed=False)).statement(element)
    except NoText:
        stmt = None
    if not isinstance(stmt, PrimitiveStmt):
        raise Refused(f"{name} can be shown as XML only", code="assist", subject=name)
    if stmt.template:
        text = f"{name} is made from template {stmt.template} already"
        raise Refused(text, code="assist", subject=name)
    return stmt


def _apply(pending: PendingCib, stmt: PrimitiveStmt, line: Line, way: Way = Way.CREATE) -> None:
    pending.apply(Parsed(stmt, line), way)


def _plain_set(primitive: PrimitiveStmt, kind: str) -> AttrSet | None:
    """The set of this kind, when there is one and it holds always."""
    sets = [part for part in primitive.parts if isinstance(part, AttrSet) and part.kind == kind]
    if len(sets) != 1 or sets[0].rules or sets[0].score or sets[0].ref:
        return None
    return sets[0]


def _common_pairs(
    primitives: Sequence[PrimitiveStmt], kind: str, kept: set[str]
) -> tuple[NvPair, ...]:
    """Values that all have and nothing refers to."""
    sets = [_plain_set(primitive, kind) for primitive in primitives]
    values: list[dict[str, str | None]] = []
    for found in sets:
        if found is None or found.id in kept:
            return ()
        free = (pair for pair in found.pairs if not pair.ref and pair.id not in kept)
        values.append({pair.name: pair.value for pair in free})
    return tuple(
        NvPair(name, value)
        for name, value in values[0].items()
        if all(name in other and other[name] == value for other in values[1:])
    )


def _common_ops(primitives: Sequence[PrimitiveStmt], kept: set[str]) -> tuple[Op, ...]:
    """Operations that all have in the same way and nothing refers to."""
    lists: list[list[Op]] = []
    for primitive in primitives:
        found = [part for part in primitive.parts if isinstance(part, Operations)]
        if len(found) != 1 or found[0].ref or found[0].id in kept:
            return ()
        lists.append([_bare(op) for op in found[0].ops if op.id not in kept and not op.sets])
    return tuple(op for op in lists[0] if all(op in other for other in lists[1:]))


def _bare(op: Op) -> Op:
    return replace(op, id="")


def _without(
    primitive: PrimitiveStmt, pairs: dict[str, tuple[NvPair, ...]], ops: tuple[Op, ...]
) -> Sequence[AttrSet | Operations]:
    """The parts of a primitive that are its own."""
    parts: list[AttrSet | Operations] = []
    for part in primitive.parts:
        if isinstance(part, Operations):
            part = replace(part, ops=tuple(op for op in part.ops if _bare(op) not in ops))
            if not part.ops and not part.id and not part.ref:
                continue
        elif part is _plain_set(primitive, part.kind):
            shared = {pair.name for pair in pairs.get(part.kind, ())}
            part = replace(part, pairs=tuple(p for p in part.pairs if p.name not in shared))
            if not part.pairs and shared:
                continue
        parts.append(part)
    return parts


def _agent(stmt: PrimitiveStmt) -> str:
    return ":".join(part for part in stmt.agent if part)


def _free_id(pending: PendingCib, wanted: str) -> str:
    number, given = 2, wanted
    while pending.find(given) is not None:
        given = f"{wanted}-{number}"
        number += 1
    return given
