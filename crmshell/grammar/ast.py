"""Statements as trees of frozen values: the middle between text and XML.

Every object of a configuration is one statement. Ids of inner parts are kept where they were
given or read, "" where they are to be made (shell 2.2). Texts are the CIB's own: scores as
`INFINITY`, roles as the schema spells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NvPair:
    """`name=value`, `name` (value None), either with `$id:` in front, or `@ref[:name]` (ref not
    "")."""

    name: str
    value: str | None = None
    id: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """`ATTR [type:]op value`, `defined ATTR`, `not_defined ATTR`."""

    attribute: str
    operation: str
    value: str | None = None
    type: str = ""
    source: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class DateExpression:
    """`date lt|gt|in|spec …`; `units` is the duration or the date_spec with the id `units_id`."""

    operation: str
    start: str = ""
    end: str = ""
    units: Pairs = ()
    id: str = ""
    units_id: str = ""


@dataclass(frozen=True, slots=True)
class ResourceExpression:
    """`resource CLASS:PROVIDER:TYPE`, each part may be empty (rules of defaults)."""

    agent: tuple[str, str, str]
    id: str = ""


@dataclass(frozen=True, slots=True)
class OperationExpression:
    """`operation NAME[:INTERVAL]` (rules of op_defaults)."""

    name: str
    interval: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `ref` set: only a reference. `score` None: none written; `boolean` "" : none."""

    parts: tuple[Part, ...] = ()
    boolean: str = ""
    score: str | None = None
    score_attribute: str = ""
    role: str = ""
    id: str = ""
    ref: str = ""


Part: TypeAlias = Expression | DateExpression | ResourceExpression | OperationExpression | Rule


@dataclass(frozen=True, slots=True)
class AttrSet:
    """One attribute set. `kind` is the keyword (params, meta, utilization, attributes, …)."""

    kind: str
    rules: tuple[Rule, ...] = ()
    pairs: tuple[NvPair, ...] = ()
    score: str = ""
    id: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Op:
    """`op NAME attr=value …` and its own sets; `attrs` without name and id."""

    name: str
    attrs: Pairs = ()
    sets: tuple[AttrSet, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of a primitive: given id, or a reference, or just the list."""

    ops: tuple[Op, ...] = ()
    id: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """A run of constraint items. `flags` are sequential, require-all, … as they stand in XML."""

    items: tuple[str, ...]
    flags: Pairs = ()
    role: str = ""
    action: str = ""
    id: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A resource in a two-resource constraint with its role, action or clone instance."""

    rsc: str
    role: str = ""
    action: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class NodeStmt:
    uname: str
    id: str = ""
    type: str = ""
    description: str = ""
    parts: tuple[AttrSet, ...] = ()


@dataclass(frozen=True, slots=True)
class PrimitiveStmt:
    """`primitive`, or `rsc_template` when `is_template`; `template` set: made from that one."""

    id: str
    agent: tuple[str, str, str] = ("", "", "")
    template: str = ""
    description: str = ""
    parts: tuple[AttrSet | Operations, ...] = ()
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class ContainerStmt:
    """`group`, `clone` or the old `ms`; members by id."""

    kind: str
    id: str
    members: tuple[str, ...]
    description: str = ""
    parts: tuple[AttrSet, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """A port-mapping or storage-mapping of a bundle."""

    tag: str
    attrs: Pairs = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class BundlePart:
    """docker, podman, network or storage of a bundle, with the mappings inside."""

    tag: str
    attrs: Pairs = ()
    mappings: tuple[Mapping, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """The place of the primitive inside a bundle."""

    id: str


@dataclass(frozen=True, slots=True)
class BundleStmt:
    id: str
    description: str = ""
    parts: tuple[BundlePart | AttrSet | Member, ...] = ()


@dataclass(frozen=True, slots=True)
class LocationStmt:
    """Exactly one of `rsc`, `pattern`, `sets`; either a node with a score, or rules."""

    id: str
    rsc: str = ""
    pattern: str = ""
    sets: tuple[ResourceSet, ...] = ()
    attrs: Pairs = ()
    score: str | None = None
    score_attribute: str = ""
    node: str = ""
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class ColocationStmt:
    """Two `items`, or `sets`; `attrs` are node-attribute and influence."""

    id: str
    score: str | None = None
    score_attribute: str = ""
    items: tuple[Item, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    attrs: Pairs = ()


@dataclass(frozen=True, slots=True)
class OrderStmt:
    """Two `items`, or `sets`; `attrs` are symmetrical and require-all."""

    id: str
    kind: str = ""
    items: tuple[Item, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    attrs: Pairs = ()


@dataclass(frozen=True, slots=True)
class TicketStmt:
    id: str
    ticket: str
    items: tuple[Item, ...] = ()
    sets: tuple[ResourceSet, ...] = ()
    attrs: Pairs = ()


@dataclass(frozen=True, slots=True)
class PropertyStmt:
    """`property`, `rsc_defaults`, `op_defaults`: one set; id "" means the default set."""

    kind: str
    id: str = ""
    score: str = ""
    rules: tuple[Rule, ...] = ()
    pairs: tuple[NvPair, ...] = ()


@dataclass(frozen=True, slots=True)
class FencingLevel:
    """One level of a target. `target` is (attribute, value): target, target-pattern, or pair."""

    target: Pairs
    devices: str
    index: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class TopologyStmt:
    """All levels; `everywhere` holds the devices of the target-less form (each node has them)."""

    levels: tuple[FencingLevel, ...] = ()
    everywhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagStmt:
    id: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permission:
    """One acl_permission: attributes as in XML without id."""

    kind: str
    attrs: Pairs
    id: str = ""


@dataclass(frozen=True, slots=True)
class RoleStmt:
    """`old`: in the form of schemas before pacemaker-2.0, in which rights are elements."""

    id: str
    description: str = ""
    permissions: tuple[Permission, ...] = ()
    old: bool = False


@dataclass(frozen=True, slots=True)
class UserStmt:
    """`user` of schemas before pacemaker-2.0: roles, or rights of its own."""

    id: str
    roles: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class AclTargetStmt:
    """`acl_target` or `acl_group` with its roles."""

    kind: str
    id: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """What an alert is called for; `attributes` None: attributes not selected."""

    events: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    value: str
    description: str = ""
    parts: tuple[AttrSet, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class AlertStmt:
    id: str
    path: str
    description: str = ""
    parts: tuple[AttrSet | Select | Recipient, ...] = ()


@dataclass(frozen=True, slots=True)
class XmlStmt:
    """An object as raw XML (one element)."""

    xml: str


Statement: TypeAlias = (
    NodeStmt
    | PrimitiveStmt
    | ContainerStmt
    | BundleStmt
    | LocationStmt
    | ColocationStmt
    | OrderStmt
    | TicketStmt
    | PropertyStmt
    | TopologyStmt
    | TagStmt
    | RoleStmt
    | UserStmt
    | AclTargetStmt
    | AlertStmt
    | XmlStmt
)
