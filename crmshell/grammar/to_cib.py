"""Statements → elements of the CIB (shell 2). Generated ids come later, from ids.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from lxml import etree

from crmshell.grammar.ast import (
    AclTargetStmt,
    AlertStmt,
    AttrSet,
    BundlePart,
    BundleStmt,
    ColocationStmt,
    ContainerStmt,
    DateExpression,
    Expression,
    Item,
    LocationStmt,
    Member,
    NodeStmt,
    NvPair,
    Op,
    OperationExpression,
    Operations,
    OrderStmt,
    Part,
    Permission,
    PrimitiveStmt,
    PropertyStmt,
    Recipient,
    ResourceSet,
    RoleStmt,
    Rule,
    Select,
    Statement,
    TagStmt,
    TicketStmt,
    TopologyStmt,
    UserStmt,
    XmlStmt,
)
from engine.base.safexml import parse_xml

Element: TypeAlias = etree._Element
# (kind of the set, name) -> the id that `$id-ref=name` means
Resolve: TypeAlias = Callable[[str, str], str]
_sub = etree.SubElement

# Stands where the primitive of a bundle goes; whoever puts the bundle into a tree replaces it.
MEMBER_PLACE = "member-place"
SET_TAGS = {
    "params": "instance_attributes",
    "attributes": "instance_attributes",
    "op_params": "instance_attributes",
    "meta": "meta_attributes",
    "op_meta": "meta_attributes",
    "utilization": "utilization",
}
PROPERTY_TAGS = {
    "property": "cluster_property_set",
    "rsc_defaults": "meta_attributes",
    "op_defaults": "meta_attributes",
}
_EVENT_TAGS = {name: f"select_{name}" for name in ("nodes", "fencing", "resources", "attributes")}


def as_typed(_tag: str, name: str) -> str:
    """No objects are known: an id-ref means what it says."""
    return name


class Builder:
    """Makes elements. Members of containers are not put in: they are in the tree already."""

    __slots__ = ("nodes", "resolve")

    def __init__(self, resolve: Resolve = as_typed, nodes: Iterable[str] = ()) -> None:
        self.resolve = resolve
        self.nodes = nodes

    def build(self, statement: Statement) -> Element:
        """The element of a statement, given ids only."""
        return _BUILDERS[type(statement)](self, statement)

    # -- resources ---------------------------------------------------------------------------

    def primitive(self, stmt: PrimitiveStmt) -> Element:
        element = etree.Element("template" if stmt.is_template else "primitive", {"id": stmt.id})
        if stmt.template:
            element.set("template", stmt.template)
        else:
            for name, value in zip(("class", "provider", "type"), stmt.agent, strict=True):
                if value:
                    element.set(name, value)
        _describe(element, stmt.description)
        for part in stmt.parts:
            if isinstance(part, AttrSet):
                self.attr_set(element, part)
            else:
                self.operations(element, part)
        return element

    def operations(self, parent: Element, stmt: Operations) -> None:
        element = _sub(parent, "operations")
        if stmt.ref:
            element.set("id-ref", self.resolve("operations", stmt.ref))
        elif stmt.id:
            element.set("id", stmt.id)
        for op in stmt.ops:
            self.op(element, op)

    def op(self, parent: Element, op: Op) -> None:
        element = _sub(parent, "op", {"name": op.name})
        if op.id:
            element.set("id", op.id)
        for name, value in op.attrs:
            element.set(name, value)
        for part in op.sets:
            self.attr_set(element, part)

    def attr_set(self, parent: Element, stmt: AttrSet) -> None:
        tag = SET_TAGS[stmt.kind]
        element = _sub(parent, tag)
        if stmt.ref:
            element.set("id-ref", self.resolve(tag, stmt.ref))
            return
        if stmt.id:
            element.set("id", stmt.id)
        if stmt.score:
            element.set("score", stmt.score)
        for rule in stmt.rules:
            self.rule(element, rule)
        for pair in stmt.pairs:
            self.nvpair(element, pair)

    def nvpair(self, parent: Element, pair: NvPair) -> None:
        element = _sub(parent, "nvpair")
        if pair.ref:
            element.set("id-ref", pair.ref)
            if pair.name:
                element.set("name", pair.name)
            return
        if pair.id:
            element.set("id", pair.id)
        element.set("name", pair.name)
        if pair.value is not None:
            element.set("value", pair.value)

    def container(self, stmt: ContainerStmt) -> Element:
        element = etree.Element(stmt.kind, {"id": stmt.id})
        _describe(element, stmt.description)
        for part in stmt.parts:
            self.attr_set(element, part)
        return element

    def bundle(self, stmt: BundleStmt) -> Element:
        element = etree.Element("bundle", {"id": stmt.id})
        _describe(element, stmt.description)
        for part in stmt.parts:
            if isinstance(part, AttrSet):
                self.attr_set(element, part)
            elif isinstance(part, Member):
                _sub(element, MEMBER_PLACE)
            else:
                _bundle_part(element, part)
        return element

    # -- rules -------------------------------------------------------------------------------

    def rule(self, parent: Element, rule: Rule) -> None:
        element = _sub(parent, "rule")
        if rule.ref:
            element.set("id-ref", self.resolve("rule", rule.ref))
            return
        for name, value in (
            ("id", rule.id),
            ("role", rule.role),
            ("score-attribute", rule.score_attribute),
            ("boolean-op", rule.boolean),
        ):
            if value:
                element.set(name, value)
        if rule.score is not None:
            element.set("score", rule.score)
        for part in rule.parts:
            self.rule_part(element, part)

    def rule_part(self, parent: Element, part: Part) -> None:
        if isinstance(part, Rule):
            self.rule(parent, part)
        elif isinstance(part, Expression):
            element = _sub(parent, "expression")
            _set(element, "id", part.id)
            element.set("operation", part.operation)
            element.set("attribute", part.attribute)
            _set(element, "type", part.type)
            if part.value is not None:
                element.set("value", part.value)
            _set(element, "value-source", part.source)
        elif isinstance(part, DateExpression):
            _date_expression(parent, part)
        elif isinstance(part, OperationExpression):
            element = _sub(parent, "op_expression", {"name": part.name})
            _set(element, "id", part.id)
            _set(element, "interval", part.interval)
        else:
            element = _sub(parent, "rsc_expression")
            _set(element, "id", part.id)
            for name, value in zip(("class", "provider", "type"), part.agent, strict=True):
                _set(element, name, value)

    # -- constraints -------------------------------------------------------------------------

    def location(self, stmt: LocationStmt) -> Element:
        element = etree.Element("rsc_location", {"id": stmt.id})
        _set(element, "rsc", stmt.rsc)
        _set(element, "rsc-pattern", stmt.pattern)
        for name, value in stmt.attrs:
            element.set(name, value)
        _score(element, stmt.score, stmt.score_attribute)
        _set(element, "node", stmt.node)
        _sets(element, stmt.sets)
        for rule in stmt.rules:
            self.rule(element, rule)
        return element

    def colocation(self, stmt: ColocationStmt) -> Element:
        element = etree.Element("rsc_colocation", {"id": stmt.id})
        _score(element, stmt.score, stmt.score_attribute)
        for name, value in stmt.attrs:
            element.set(name, value)
        for item, prefix in zip(stmt.items, ("rsc", "with-rsc"), strict=False):
            element.set(prefix, item.rsc)
            _set(element, f"{prefix}-role", item.role)
            _set(element, f"{prefix}-instance", item.instance)
        _sets(element, stmt.sets)
        return element

    def order(self, stmt: OrderStmt) -> Element:
        element = etree.Element("rsc_order", {"id": stmt.id})
        _set(element, "kind", stmt.kind)
        for name, value in stmt.attrs:
            element.set(name, value)
        for item, prefix in zip(stmt.items, ("first", "then"), strict=False):
            element.set(prefix, item.rsc)
            _set(element, f"{prefix}-action", item.action)
            _set(element, f"{prefix}-instance", item.instance)
        _sets(element, stmt.sets)
        return element

    def ticket(self, stmt: TicketStmt) -> Element:
        element = etree.Element("rsc_ticket", {"id": stmt.id, "ticket": stmt.ticket})
        for name, value in stmt.attrs:
            element.set(name, value)
        item: Item
        for item in stmt.items:
            element.set("rsc", item.rsc)
            _set(element, "rsc-role", item.role)
            _set(element, "rsc-instance", item.instance)
        _sets(element, stmt.sets)
        return element

    # -- the rest ----------------------------------------------------------------------------

    def node(self, stmt: NodeStmt) -> Element:
        element = etree.Element("node", {"id": stmt.id or stmt.uname, "uname": stmt.uname})
        _set(element, "type", stmt.type)
        _describe(element, stmt.description)
        for part in stmt.parts:
            self.attr_set(element, part)
        return element

    def property_set(self, stmt: PropertyStmt) -> Element:
        element = etree.Element(PROPERTY_TAGS[stmt.kind])
        _set(element, "id", stmt.id)
        _set(element, "score", stmt.score)
        for rule in stmt.rules:
            self.rule(element, rule)
        for pair in stmt.pairs:
            self.nvpair(element, pair)
        return element

    def topology(self, stmt: TopologyStmt) -> Element:
        element = etree.Element("fencing-topology")
        for level in stmt.levels:
            made = _sub(element, "fencing-level")
            _set(made, "id", level.id)
            for name, value in level.target:
                made.set(name, value)
            made.set("index", level.index)
            made.set("devices", level.devices)
        for node in sorted(self.nodes) if stmt.everywhere else ():
            for index, devices in enumerate(stmt.everywhere, 1):
                made = _sub(element, "fencing-level", {"target": node, "index": str(index)})
                made.set("devices", devices)
        return element

    def tag(self, stmt: TagStmt) -> Element:
        element = etree.Element("tag", {"id": stmt.id})
        for member in stmt.members:
            _sub(element, "obj_ref", {"id": member})
        return element

    def role(self, stmt: RoleStmt) -> Element:
        element = etree.Element("acl_role", {"id": stmt.id})
        _describe(element, stmt.description)
        for permission in stmt.permissions:
            if stmt.old:
                _permission(_sub(element, permission.kind), permission)
            else:
                made = _sub(element, "acl_permission", {"kind": permission.kind})
                _permission(made, permission)
        return element

    def user(self, stmt: UserStmt) -> Element:
        element = etree.Element("acl_user", {"id": stmt.id})
        for role in stmt.roles:
            _sub(element, "role_ref", {"id": role})
        for permission in stmt.permissions:
            _permission(_sub(element, permission.kind), permission)
        return element

    def acl_target(self, stmt: AclTargetStmt) -> Element:
        element = etree.Element(stmt.kind, {"id": stmt.id})
        for role in stmt.roles:
            _sub(element, "role", {"id": role})
        return element

    def alert(self, stmt: AlertStmt) -> Element:
        element = etree.Element("alert", {"id": stmt.id, "path": stmt.path})
        _describe(element, stmt.description)
        for part in stmt.parts:
            if isinstance(part, AttrSet):
                self.attr_set(element, part)
            elif isinstance(part, Select):
                _select(element, part)
            else:
                self.recipient(element, part)
        return element

    def recipient(self, parent: Element, stmt: Recipient) -> None:
        element = _sub(parent, "recipient", {"value": stmt.value})
        _set(element, "id", stmt.id)
        _describe(element, stmt.description)
        for part in stmt.parts:
            self.attr_set(element, part)

    def raw(self, stmt: XmlStmt) -> Element:
        """The element of an xml statement; raises `BadInput` when it is none."""
        return parse_xml(stmt.xml.encode(), "xml statement")


# Each function is only called with the type of its key.
_BUILDERS: dict[type, Callable[[Builder, Any], Element]] = {
    PrimitiveStmt: Builder.primitive,
    ContainerStmt: Builder.container,
    BundleStmt: Builder.bundle,
    LocationStmt: Builder.location,
    ColocationStmt: Builder.colocation,
    OrderStmt: Builder.order,
    TicketStmt: Builder.ticket,
    NodeStmt: Builder.node,
    PropertyStmt: Builder.property_set,
    TopologyStmt: Builder.topology,
    TagStmt: Builder.tag,
    RoleStmt: Builder.role,
    UserStmt: Builder.user,
    AclTargetStmt: Builder.acl_target,
    AlertStmt: Builder.alert,
    XmlStmt: Builder.raw,
}


def _set(element: Element, name: str, value: str) -> None:
    if value:
        element.set(name, value)


def _describe(element: Element, description: str) -> None:
    if description:
        element.set("description", description)


def _permission(element: Element, permission: Permission) -> None:
    _set(element, "id", permission.id)
    for name, value in permission.attrs:
        element.set(name, value)


def _score(element: Element, score: str | None, attribute: str) -> None:
    if score is not None:
        element.set("score", score)
    elif attribute:
        element.set("score-attribute", attribute)


def _sets(parent: Element, sets: tuple[ResourceSet, ...]) -> None:
    for found in sets:
        element = _sub(parent, "resource_set")
        if found.ref:
            element.set("id-ref", found.ref)
            continue
        _set(element, "id", found.id)
        for name, value in found.flags:
            element.set(name, value)
        _set(element, "role", found.role)
        _set(element, "action", found.action)
        for rsc in found.items:
            _sub(element, "resource_ref", {"id": rsc})


def _date_expression(parent: Element, part: DateExpression) -> None:
    element = _sub(parent, "date_expression", {"operation": part.operation})
    _set(element, "id", part.id)
    _set(element, "start", part.start)
    _set(element, "end", part.end)
    if part.units:
        child = _sub(element, "date_spec" if part.operation == "date_spec" else "duration")
        _set(child, "id", part.units_id)
        for name, value in part.units:
            child.set(name, value)


def _bundle_part(parent: Element, part: BundlePart) -> None:
    element = _sub(parent, part.tag)
    for name, value in part.attrs:
        element.set(name, value)
    for mapping in part.mappings:
        made = _sub(element, mapping.tag)
        _set(made, "id", mapping.id)
        for name, value in mapping.attrs:
            made.set(name, value)


def _select(parent: Element, stmt: Select) -> None:
    element = _sub(parent, "select")
    for event in stmt.events:
        made = _sub(element, _EVENT_TAGS[event])
        if event == "attributes":
            for name, given in stmt.attributes:
                attribute = _sub(made, "attribute", {"name": name})
                _set(attribute, "id", given)
