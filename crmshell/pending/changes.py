"""PendingCib: the configuration that the user is working on, until it is committed.

One statement is one change: it is done completely or not at all, and can be undone. Nothing here
talks to a cluster; the tree comes from a source and is handed back by commit.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import TypeAlias

from crmshell.grammar.ast import (
    AclTargetStmt,
    AttrSet,
    BundleStmt,
    ColocationStmt,
    ContainerStmt,
    LocationStmt,
    Member,
    NodeStmt,
    NvPair,
    Op,
    Operations,
    OrderStmt,
    PrimitiveStmt,
    PropertyStmt,
    Statement,
    TicketStmt,
    TopologyStmt,
    XmlStmt,
)
from crmshell.grammar.cursor import Dialect, providers_unknown
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.ids import IdClash
from crmshell.grammar.part_text import HIDDEN
from crmshell.grammar.statements import Parsed
from crmshell.pending import merging, references
from crmshell.pending.objects import Objects
from crmshell.pending.problems import Lines, Refused
from crmshell.pending.tree import TOPOLOGY, Element
from engine.base.errors import BadInput
from engine.base.reports import Report, Severity
from engine.cib.document import Cib

Agent: TypeAlias = tuple[str, str, str]

_SCHEMA = re.compile(r"pacemaker-([0-9]+)\.([0-9]+)\Z")
_NEWEST_SCHEMA = (3, 9)
_CONSTRAINTS = (LocationStmt, ColocationStmt, OrderStmt, TicketStmt)
_KINDS: dict[type, str] = {
    BundleStmt: "bundle",
    LocationStmt: "location",
    ColocationStmt: "colocation",
    OrderStmt: "order",
    TicketStmt: "rsc_ticket",
    TopologyStmt: TOPOLOGY,
}


class Way(Enum):
    """How a statement meets what is there."""

    CREATE = "create"  # typed: an existing object is refused; nodes and properties are merged
    UPDATE = "update"  # load update: created or replaced; nodes and properties are merged
    REPLACE = "replace"  # edit, load push: created or replaced, nodes and properties too


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What changes ask about agents: the parameters it knows, whether it can be promoted, and the
    operations to add to a typed primitive (none: leave it as it is)."""

    parameters: frozenset[str] = frozenset()
    promotable: bool = False
    advised: tuple[Op, ...] = ()


def nothing_known(_agent: Agent) -> AgentFacts:
    """Nothing is known of agents."""
    return AgentFacts()


class PendingCib(Objects):
    """The working configuration and its history of changes.

    `origins` has the lines of each object typed in this run, `told` the findings told about it;
    `faulty` names objects that were kept with an error: typed again, they are replaced.
    `refused_at` is the mark at which a commit was refused for what it found (-1: none was).
    `providers` says who has the OCF agent of a type, `agents` what an agent says about itself;
    `advises`: a typed primitive gets the operations that its agent advises.
    """

    def __init__(
        self,
        cib: Cib,
        *,
        base: Cib | None = None,
        providers: Callable[[str], tuple[str, ...]] = providers_unknown,
        agents: Callable[[Agent], AgentFacts] = nothing_known,
        advises: bool = False,
    ) -> None:
        super().__init__(cib, base)
        self._providers = providers
        self._agents = agents
        self._advises = advises
        self._commands: list[tuple[int, str]] = []
        self.origins: dict[str, Lines] = {}
        self.faulty: set[str] = set()
        self.told: set[str] = set()
        self.refused_at = -1

    @property
    def schema(self) -> tuple[int, int]:
        """Version of validate-with; the newest we know when it is `none` or strange."""
        found = _SCHEMA.match(self.cib.root.get("validate-with", ""))
        return (int(found[1]), int(found[2])) if found else _NEWEST_SCHEMA

    def dialect(self, *, typed: bool = True) -> Dialect:
        """The dialect in which statements for this CIB are read."""
        return Dialect(self.schema, typed, self._providers)

    # -- history -----------------------------------------------------------------------------

    def begin(self, command: str) -> None:
        """A command starts: `undo` takes back everything since here."""
        self._commands.append((self.mark(), command))

    def undo(self, count: int = 1) -> list[str]:
        """Takes back the last commands that changed something; says which, latest first."""
        undone: list[str] = []
        while self._commands and len(undone) < count:
            mark, command = self._commands.pop()
            if mark < self.mark():
                self.roll_back(mark)
                undone.append(command)
        return undone

    def written(self) -> None:
        """What is pending has been committed: it is the base now."""
        self.start_fresh()
        self._commands.clear()

    # -- statements --------------------------------------------------------------------------

    def apply(self, parsed: Parsed, way: Way = Way.CREATE) -> list[Report]:
        """Does one statement; raises `Refused` and changes nothing when it cannot be done."""
        if HIDDEN in parsed.line.text:
            _refuse_stars(parsed.statement)
        mark = self.mark()
        self.ids.taken.clear()
        try:
            notes = self._apply(parsed.statement, parsed.comments, way)
            self._remember_line(parsed, way)
            return notes
        except Refused:
            self._take_back(mark)
            raise
        except IdClash as clash:
            self._take_back(mark)
            name = str(clash.args[0])
            raise Refused(f"id {name} is already in use", code="id-in-use", word=name) from None
        except BadInput as problem:
            self._take_back(mark)
            raise Refused(str(problem), code="bad-xml", word="xml") from None

    def _remember_line(self, parsed: Parsed, way: Way) -> None:
        name = object_name(parsed.statement)
        merged = isinstance(parsed.statement, PropertyStmt | NodeStmt) and way is not Way.REPLACE
        before = self.origins.get(name, ()) if merged else ()
        self.origins[name] = (*before, parsed.line)

    def _take_back(self, mark: int) -> None:
        self.ids.give_back()
        self.roll_back(mark)

    def _apply(self, statement: Statement, comments: tuple[str, ...], way: Way) -> list[Report]:
        replaces = way is Way.REPLACE
        if isinstance(statement, NodeStmt):
            merging.put_node(self, statement, comments, replace=way is not Way.CREATE)
            return []
        if isinstance(statement, PropertyStmt):
            merging.put_properties(self, statement, comments, replace=replaces)
            return []
        if isinstance(statement, XmlStmt):
            element = self.builder().build(statement)
            merging.put_xml(self, element, comments, replace=way is not Way.CREATE)
            return []
        old = self._replaceable(statement, way)
        if way is Way.CREATE:
            statement = self._completed(statement)
        members = self._members_of(statement, old)
        self.put(old, self.builder().build(statement), comments, members)
        if way is not Way.CREATE:
            return []
        if isinstance(statement, _CONSTRAINTS):
            return self.dangling(statement.id)
        notes: list[Report] = []
        for name in members:
            notes += references.lead_to_container(self, name, getattr(statement, "id", ""))
        return notes

    def _replaceable(self, statement: Statement, way: Way) -> Element | None:
        """The object that the statement may replace; refuses when its id is taken."""
        if isinstance(statement, TopologyStmt):
            old = self.objects.get(TOPOLOGY)
            if old is not None and way is Way.CREATE and len(old):
                raise Refused(
                    "there is a fencing topology already (edit or load changes it)",
                    code="id-in-use",
                    word="fencing_topology",
                )
            return old
        name = getattr(statement, "id", "")
        old = self.objects.get(name)
        if old is None:
            return None
        same_kind = self.kind(old) in _kinds_replaced_by(statement)
        if same_kind and name in self.faulty:
            return old
        if way is Way.CREATE or not same_kind:
            hint = f" (edit {name} changes it)" if same_kind else ""
            raise Refused(
                f"{name}: id is already in use by {self.kind(old)} {name}{hint}",
                code="id-in-use",
                subject=name,
            )
        return old

    def _members_of(self, statement: Statement, old: Element | None) -> dict[str, Element]:
        """The elements that the statement's object takes in, checked."""
        if isinstance(statement, ContainerStmt):
            names: Iterable[str] = statement.members
            kind = statement.kind
        elif isinstance(statement, BundleStmt):
            names = [part.id for part in statement.parts if isinstance(part, Member)]
            kind = "bundle"
        else:
            return {}
        return {name: self.check_member(kind, statement.id, name, old) for name in names}

    def _completed(self, statement: Statement) -> Statement:
        """What is added to or corrected in a typed statement."""
        if isinstance(statement, ContainerStmt):
            return self._with_clone_defaults(statement)
        if isinstance(statement, PrimitiveStmt) and not statement.template:
            if _has_dashes(statement):
                known = self._agents(statement.agent).parameters
                statement = _with_known_names(statement, known)
            if self._advises:
                statement = _with_advised(statement, self._agents(statement.agent).advised)
        return statement

    def _with_clone_defaults(self, statement: ContainerStmt) -> ContainerStmt:
        """A typed clone of a primitive is interleaved, and promotable when its agent can be."""
        member = self.objects.get(statement.members[0])
        if statement.kind != "clone" or member is None or member.tag != "primitive":
            return statement
        metas = [part for part in statement.parts if part.kind == "meta"]
        if any(part.ref for part in metas):
            return statement
        given = {pair.name for part in metas for pair in part.pairs}
        added: list[NvPair] = []
        agent = (member.get("class", ""), member.get("provider", ""), member.get("type", ""))
        if "promotable" not in given and self._agents(agent).promotable:
            added.append(NvPair("promotable", "true"))
        if "interleave" not in given:
            added.append(NvPair("interleave", "true"))
        parts = list(statement.parts)
        if metas:
            first = parts.index(metas[0])
            parts[first] = replace(metas[0], pairs=(*metas[0].pairs, *added))
        else:
            parts.append(AttrSet("meta", pairs=tuple(added)))
        return replace(statement, parts=tuple(parts)) if added else statement

    def dangling(self, constraint: str) -> list[Report]:
        """Warnings for the resources that a constraint names and that do not exist."""
        element = self.objects.get(constraint)
        if element is None:
            return []
        return [
            Report(
                "no-such-resource",
                Severity.WARNING,
                f"constraint {constraint} references a resource {name} which doesn't exist",
                subject=name,
                nearest=nearest_word(name, self.objects),
            )
            for name in references.named_by(element)
            if name not in self.objects
        ]


def _refuse_stars(value: object) -> None:
    """`******` is what is shown instead of a hidden value; storing it would destroy the value."""
    if isinstance(value, NvPair):
        if value.value == HIDDEN:
            raise Refused(
                f"{value.name}: {HIDDEN} stands for a hidden value; give the value itself",
                code="hidden-value",
                word=f"{value.name}={HIDDEN}",
            )
    elif isinstance(value, tuple):
        for part in value:
            _refuse_stars(part)
    elif is_dataclass(value):
        for field in fields(value):
            _refuse_stars(getattr(value, field.name))


def object_name(statement: Statement) -> str:
    """The name under which the object of a statement is found."""
    if isinstance(statement, PropertyStmt):
        return statement.id or merging.DEFAULT_SETS[statement.kind]
    if isinstance(statement, NodeStmt):
        return statement.uname
    return TOPOLOGY if isinstance(statement, TopologyStmt) else getattr(statement, "id", "")


def _has_dashes(statement: PrimitiveStmt) -> bool:
    return any(
        "-" in pair.name
        for part in statement.parts
        if isinstance(part, AttrSet) and part.kind == "params"
        for pair in part.pairs
    )


def _with_known_names(statement: PrimitiveStmt, known: frozenset[str]) -> PrimitiveStmt:
    """Parameters that the agent knows with `_` where `-` was typed get its spelling."""

    def corrected(pair: NvPair) -> NvPair:
        spelt = pair.name.replace("-", "_")
        wrong = pair.name not in known and spelt in known
        return replace(pair, name=spelt) if wrong else pair

    parts = tuple(
        replace(part, pairs=tuple(corrected(pair) for pair in part.pairs))
        if isinstance(part, AttrSet) and part.kind == "params"
        else part
        for part in statement.parts
    )
    return replace(statement, parts=parts)


def _with_advised(statement: PrimitiveStmt, advised: tuple[Op, ...]) -> PrimitiveStmt:
    """Operations that the agent advises and the statement lacks; times for those it has."""
    if not advised:
        return statement
    parts = list(statement.parts)
    place = next((i for i, part in enumerate(parts) if isinstance(part, Operations)), -1)
    there = parts[place] if place >= 0 else Operations()
    if not isinstance(there, Operations) or there.ref:
        return statement
    by_name = {op.name: op for op in reversed(advised)}
    ops = [_with_times(op, by_name.get(op.name)) for op in there.ops]
    names = {op.name for op in there.ops}
    ops += [op for op in advised if op.name not in names]
    made = replace(there, ops=tuple(ops))
    if place >= 0:
        parts[place] = made
    else:
        parts.append(made)
    return replace(statement, parts=tuple(parts))


def _with_times(op: Op, advised: Op | None) -> Op:
    given = {name for name, _ in op.attrs}
    missing = tuple(pair for pair in advised.attrs if pair[0] not in given) if advised else ()
    return replace(op, attrs=(*op.attrs, *missing)) if missing else op


def _kinds_replaced_by(statement: Statement) -> tuple[str, ...]:
    """The kinds of objects that a statement may replace: its own."""
    if isinstance(statement, PrimitiveStmt):
        return ("rsc_template",) if statement.is_template else ("primitive",)
    if isinstance(statement, ContainerStmt):
        return ("clone", "ms") if statement.kind == "clone" else (statement.kind,)
    if isinstance(statement, AclTargetStmt):
        return (statement.kind,)
    name = type(statement).__name__.removesuffix("Stmt").lower()
    return (_KINDS.get(type(statement), name),)
