"""Constraints: from the configuration to values, in document order (P3.3, P5, P11a, P18.1, C6).

References are resolved, tags and templates expanded, location rules evaluated; nothing is applied
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Final

from lxml import etree

from engine.base.values import bool_from_text
from engine.scheduler.model.model import (
    Colocation,
    Constraint,
    Location,
    Model,
    Node,
    Order,
    OrderKind,
    OrderSets,
    ProbeMode,
    Resource,
    ResourceSet,
    Role,
    Ticket,
    TicketConstraint,
    role_from_text,
)
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.nodes import score_with_words
from engine.scheduler.reading.rule_scores import rule_scores

_KINDS: Final = {kind.value: kind for kind in OrderKind}
_PROBE_MODES: Final = {
    "always": ProbeMode.ALWAYS,
    "never": ProbeMode.NEVER,
    "exclusive": ProbeMode.EXCLUSIVE,
}
_POLICIES: Final = frozenset(("stop", "demote", "freeze", "fence"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a `rsc-pattern` matched: the submatches are open to rules (P5.4)."""

    submatches: tuple[str, ...] = ()


_NO_PATTERN: Final = Pattern()


def unpack_constraints(reading: Reading) -> None:
    """Fill `model.constraints` from the `constraints` section."""
    model = reading.model
    configuration = reading.configuration
    sections = configuration.findall("constraints") if configuration is not None else []
    if len(sections) != 1:
        return
    for element in sections[0]:
        reader = _READERS.get(str(element.tag))
        if reader is None:
            continue
        if not element.get("id"):
            message = f"a {element.tag!s} has no id and is ignored"
            reading.config_error("constraint-without-id", message)
            continue
        model.constraints.extend(reader(reading, element))


# -- references --------------------------------------------------------------------------------


def find_constraint_resource(model: Model, name: str) -> Resource | None:
    """The resource that a constraint means; an instance known by history stands for its top (P5.2)."""
    found = model.find(name)
    if found is None:
        return None
    return found if found.id == name else found.top


def _members_of(model: Model, name: str) -> list[str] | None:
    """Ids behind a template or tag, None if it is neither (27.5)."""
    found = model.template_users.get(name)
    return found if found is not None else model.tags.get(name)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a name in a constraint means: a resource, or the members of a tag or template."""

    members: tuple[Resource, ...]
    is_set: bool = False
    unknown: tuple[int, ...] = ()  # places of names that mean nothing

    @property
    def known_start(self) -> tuple[Resource, ...]:
        """The members before the first unknown one."""
        return self.members[: self.unknown[0]] if self.unknown else self.members


def _expand(reading: Reading, owner: str, name: str) -> _Named:
    """The resources that a name means; a clone's primitive may be none (P5.2)."""
    model = reading.model
    resource = find_constraint_resource(model, name)
    if resource is not None:
        return _Named((resource,))
    names = _members_of(model, name)
    found: list[Resource] = []
    unknown: list[int] = []
    for place, member in enumerate(names or (name,)):
        resource = find_constraint_resource(model, member)
        if resource is None:
            message = f"constraint {owner}: there is no resource, template or tag {member}; ignored"
            reading.config_error("unknown-resource", message, owner)
            unknown.append(place)
        else:
            found.append(resource)
    return _Named(tuple(found), bool(names), tuple(unknown))


def _read_sets(reading: Reading, element: etree._Element) -> list[ResourceSet]:
    """The resource sets of a constraint."""
    owner = element.get("id", "")
    sets: list[ResourceSet] = []
    for child in element:
        if child.tag != "resource_set":
            continue
        block = reading.refs.resolve(child)
        if block is None:
            continue
        members: list[Resource] = []
        unknown: list[int] = []
        for ref in block:
            name = ref.get("id")
            if ref.tag != "resource_ref" or not name:
                continue
            named = _expand(reading, owner, name)
            start = len(members) + len(unknown)
            unknown.extend(start + place for place in named.unknown)
            members.extend(named.members)
        kind = block.get("kind")
        sets.append(
            ResourceSet(
                id=block.get("id", ""),
                members=tuple(members),
                sequential=bool_from_text(block.get("sequential")),
                require_all=bool_from_text(block.get("require-all")) is not False,
                action=block.get("action", ""),
                role=role_from_text(block.get("role")),
                score=score_with_words(reading.model, block.get("score")),
                kind=_KINDS.get(kind) if kind is not None else None,
                ordering=block.get("ordering", ""),
                unknown=tuple(unknown),
            )
        )
    return sets


# -- locations ---------------------------------------------------------------------------------


def _read_location(reading: Reading, element: etree._Element) -> Iterator[Constraint]:
    """`rsc_location` in its three forms (P5.3)."""
    if element.find("resource_set") is not None:
        yield from _location_of_sets(reading, element)
        return
    owner = element.get("id", "")
    name = element.get("rsc")
    if name is not None:
        for resource in _expand(reading, owner, name).known_start:
            yield from _location(reading, element, resource)
    pattern = element.get("rsc-pattern")
    if pattern is not None:
        yield from _location_of_pattern(reading, element, pattern)


def _location_of_sets(reading: Reading, element: etree._Element) -> Iterator[Constraint]:
    for block in element.iterfind("resource_set"):
        found = reading.refs.resolve(block)
        if found is None:
            continue
        for ref in found.iterfind("resource_ref"):
            named = _expand(reading, element.get("id", ""), ref.get("id", ""))
            for resource in named.known_start:
                yield from _location(
                    reading,
                    element,
                    resource,
                    role=found.get("role"),
                    score=found.get("score"),
                )
            if named.unknown:
                return


def _location_of_pattern(
    reading: Reading, element: etree._Element, pattern: str
) -> Iterator[Constraint]:
    """Top-level resources whose id the pattern matches; a leading `!` inverts (P5.4)."""
    inverted = pattern.startswith("!")
    try:
        expression = re.compile(pattern[1:] if inverted else pattern)
    except re.error as problem:
        message = f"constraint {element.get('id')}: pattern '{pattern}' is not valid: {problem}"
        reading.config_error("bad-pattern", message, element.get("id", ""))
        return
    for resource in reading.model.resources:
        match = expression.search(resource.id)
        if inverted:
            if match is None:
                yield from _location(reading, element, resource)
        elif match is not None:
            groups = (match.group(), *(group or "" for group in match.groups()))
            yield from _location(reading, element, resource, pattern=Pattern(groups))


def _location(
    reading: Reading,
    element: etree._Element,
    resource: Resource,
    *,
    role: str | None = None,
    score: str | None = None,
    pattern: Pattern = _NO_PATTERN,
) -> Iterator[Constraint]:
    """One location of one resource: a node with a score, or a rule (P5.5 to P5.8)."""
    model = reading.model
    owner = element.get("id", "")
    mode = _PROBE_MODES.get(element.get("resource-discovery", "always"))
    if mode is None:
        message = f"constraint {owner}: resource-discovery '{element.get('resource-discovery')}'"
        reading.config_error("bad-constraint", f"{message} is unknown; using always", owner)
        mode = ProbeMode.ALWAYS
    score = score if score is not None else element.get("score")
    node_name = element.get("node")
    scores: tuple[tuple[Node, int], ...]
    if node_name is not None and score is not None:
        node = model.node_named(node_name)
        if node is None:
            return
        scores = ((node, score_with_words(model, score) or 0),)
        role = role if role is not None else element.get("role")
    else:
        block = element.find("rule")
        if block is None:
            return
        # With a rule only the rule's own role counts, whatever constraint and set say.
        role, scores = rule_scores(reading, block, resource, pattern.submatches)
    wanted = role_from_text(role)
    if role is not None and wanted is Role.UNKNOWN:
        message = f"constraint {owner}: role '{role}' is unknown; the constraint is ignored"
        reading.config_error("bad-constraint", message, owner)
        return
    if wanted in {Role.STARTED, Role.UNPROMOTED}:
        wanted = Role.UNKNOWN
    yield Location(owner, resource, scores, wanted, mode)


# -- colocations -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Base:
    """What the colocations of one constraint have in common."""

    id: str
    score: int
    node_attribute: str
    influence: bool | None

    def make(
        self,
        dependent: Resource,
        primary: Resource,
        roles: tuple[Role, Role],
        score: int | None = None,
    ) -> Colocation:
        return Colocation(
            id=self.id,
            score=self.score if score is None else score,
            dependent=dependent,
            primary=primary,
            dependent_role=_any_if_started(roles[0]),
            primary_role=_any_if_started(roles[1]),
            node_attribute=self.node_attribute,
            influence=self.influence if self.influence is not None else dependent.critical,
        )


def _any_if_started(role: Role) -> Role:
    return Role.UNKNOWN if role is Role.STARTED else role


def _read_colocation(reading: Reading, element: etree._Element) -> Iterator[Constraint]:
    """`rsc_colocation`: two sides, or sets (P11.1 to P11.5)."""
    owner = element.get("id", "")
    base = _Base(
        id=owner,
        score=score_with_words(reading.model, element.get("score")) or 0,
        node_attribute=element.get("node-attribute", "#uname"),
        influence=_influence(element),
    )
    if element.find("resource_set") is not None:
        sets = _read_sets(reading, element)
        yield from _colocate_sets(replace(base, node_attribute="#uname"), sets)
        return
    name, with_name = element.get("rsc"), element.get("with-rsc")
    if not name or not with_name:
        message = f"constraint {owner}: expected rsc and with-rsc; ignored"
        reading.config_error("bad-constraint", message, owner)
        return
    dependent, primary = _expand(reading, owner, name), _expand(reading, owner, with_name)
    if not dependent.members or not primary.members:
        return
    roles = (role_from_text(element.get("rsc-role")), role_from_text(element.get("with-rsc-role")))
    if dependent.is_set and primary.is_set:
        message = f"constraint {owner}: only one side may be a template or tag; ignored"
        reading.config_error("bad-constraint", message, owner)
    elif dependent.is_set or primary.is_set:
        yield from _colocate_sets(
            replace(base, node_attribute="#uname"),
            [_side_set(dependent, roles[0]), _side_set(primary, roles[1])],
        )
    elif base.score:
        yield base.make(dependent.members[0], primary.members[0], roles)


def _influence(element: etree._Element) -> bool | None:
    text = element.get("influence")
    return None if text is None else bool_from_text(text)


def _side_set(side: _Named, role: Role) -> ResourceSet:
    """One side of a constraint as a set: the members of a tag are not in sequence."""
    sequential = False if side.is_set else None
    return ResourceSet("", side.members, sequential, role=role, unknown=side.unknown)


def _colocate_sets(base: _Base, sets: list[ResourceSet]) -> Iterator[Colocation]:
    previous: ResourceSet | None = None
    for block in sets:
        yield from _colocate_within(base, block)
        if previous is not None and base.score:
            yield from _colocate_between(base, previous, block)
        previous = block


def _colocate_within(base: _Base, block: ResourceSet) -> Iterator[Colocation]:
    """Members of one set with each other (P11.4)."""
    score = block.score if block.score is not None else base.score
    if not score or block.sequential is False:
        return
    inner = replace(base, id=block.id or base.id, score=score)
    roles = (block.role, block.role)
    members = block.members[: block.unknown[0]] if block.unknown else block.members
    if score < 0:
        for place, member in enumerate(members):
            for earlier in members[:place]:
                yield inner.make(member, earlier, roles)
        return
    reverse = bool(block.ordering) and block.ordering != "group"
    for before, after in pairwise(members):
        if reverse:
            yield inner.make(before, after, roles)
        else:
            yield inner.make(after, before, roles)


def _colocate_between(base: _Base, first: ResourceSet, second: ResourceSet) -> Iterator[Colocation]:
    """The earlier set with the later one; what is not known is left out (P11.5)."""
    dependents, primaries = first.members, second.members
    if first.sequential is not False:
        dependents = () if 0 in first.unknown else dependents[:1]
    if second.sequential is not False:
        last = len(second.members) + len(second.unknown) - 1
        primaries = () if last in second.unknown else primaries[-1:]
    for dependent in dependents:
        for primary in primaries:
            yield base.make(dependent, primary, (first.role, second.role))


# -- orderings ---------------------------------------------------------------------------------


def _read_order(reading: Reading, element: etree._Element) -> Iterator[Constraint]:
    """`rsc_order`: two sides, or sets (C6.1 to C6.3)."""
    owner = element.get("id", "")
    kind = _order_kind(reading, element)
    symmetrical = bool_from_text(element.get("symmetrical"))
    if element.find("resource_set") is not None:
        sets = _read_sets(reading, element)
        known = tuple(takewhile(lambda block: not block.unknown, sets))
        if known:
            yield OrderSets(owner, known, kind, symmetrical)
        return
    first_name, then_name = element.get("first"), element.get("then")
    if not first_name or not then_name:
        message = f"constraint {owner}: expected first and then; ignored"
        reading.config_error("bad-constraint", message, owner)
        return
    first, then = _expand(reading, owner, first_name), _expand(reading, owner, then_name)
    if first.unknown or then.unknown:
        return
    first_action = element.get("first-action", "")
    then_action = element.get("then-action", "")
    if first.is_set or then.is_set:
        first_set = replace(_side_set(first, Role.UNKNOWN), id=first_name, action=first_action)
        then_set = replace(_side_set(then, Role.UNKNOWN), id=then_name, action=then_action)
        yield OrderSets(owner, (first_set, then_set), kind, symmetrical)
        return
    yield Order(
        id=owner,
        first=first.members[0],
        then=then.members[0],
        first_action=first_action,
        then_action=then_action,
        kind=kind,
        symmetrical=symmetrical,
        require_all=bool_from_text(element.get("require-all")) is not False,
    )


def _order_kind(reading: Reading, element: etree._Element) -> OrderKind:
    """`kind`, or what an old `score` means (C6.2)."""
    text = element.get("kind")
    if text is None:
        score = element.get("score")
        if score is None:
            return OrderKind.MANDATORY
        value = score_with_words(reading.model, score) or 0
        return OrderKind.OPTIONAL if value == 0 else OrderKind.MANDATORY
    kind = _KINDS.get(text)
    if kind is None:
        owner = element.get("id", "")
        message = f"constraint {owner}: kind '{text}', expected Mandatory, Optional or Serialize"
        reading.config_error("bad-constraint", message, owner)
        return OrderKind.MANDATORY
    return kind


# -- tickets -----------------------------------------------------------------------------------


def _read_ticket(reading: Reading, element: etree._Element) -> Iterator[Constraint]:
    """`rsc_ticket`: one constraint per resource (P18.1)."""
    model = reading.model
    owner = element.get("id", "")
    ticket_id = element.get("ticket")
    if not ticket_id:
        message = f"constraint {owner}: expected a ticket; ignored"
        reading.config_error("bad-constraint", message, owner)
        return
    ticket = model.tickets.setdefault(ticket_id, Ticket(ticket_id))
    policy = element.get("loss-policy", "").lower()
    if element.find("resource_set") is not None:
        for block in _read_sets(reading, element):
            known = block.members[: block.unknown[0]] if block.unknown else block.members
            for resource in known:
                yield _ticket(reading, owner, ticket, resource, block.role, policy)
        return
    role = role_from_text(element.get("rsc-role"))
    for resource in _expand(reading, owner, element.get("rsc", "")).known_start:
        yield _ticket(reading, owner, ticket, resource, role, policy)


def _ticket(
    reading: Reading, owner: str, ticket: Ticket, resource: Resource, role: Role, policy: str
) -> TicketConstraint:
    if policy == "fence" and not reading.model.options.fencing_enabled:
        message = f"constraint {owner}: loss-policy fence, but fencing is disabled; using stop"
        reading.config_error("bad-constraint", message, owner)
        policy = "stop"
    elif policy not in _POLICIES:
        policy = "demote" if role is Role.PROMOTED else "stop"
    return TicketConstraint(owner, ticket, resource, _any_if_started(role), policy)


_READERS: Final[dict[str, Callable[[Reading, etree._Element], Iterator[Constraint]]]] = {
    "rsc_location": _read_location,
    "rsc_colocation": _read_colocation,
    "rsc_order": _read_order,
    "rsc_ticket": _read_ticket,
}
