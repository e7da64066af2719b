"""Elements of the CIB → statements (shell 3).

Strict: an attribute or a child that the text cannot say raises `NoText`, and the object is shown
as `xml …` instead. So nothing is ever lost between XML and text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from lxml import etree

from crmshell.grammar.ast import (
    AclTargetStmt,
    AlertStmt,
    AttrSet,
    BundlePart,
    BundleStmt,
    ColocationStmt,
    ContainerStmt,
    FencingLevel,
    LocationStmt,
    Member,
    NodeStmt,
    Op,
    Operations,
    OrderStmt,
    Pairs,
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
from crmshell.grammar.cib_parts import PartReader
from crmshell.grammar.cib_values import (
    NoText,
    bundle_part_of,
    check_either,
    check_old_permission,
    check_permission,
    id_of,
    is_agent,
    is_target,
    line_safe,
    optional_id,
    select_of,
    take_description,
    take_items,
    word_of,
)
from crmshell.grammar.cursor import ACTIONS, ID
from crmshell.grammar.words import (
    is_line_safe,
    is_role,
    is_score,
)

Element: TypeAlias = etree._Element

MEMBER_TAGS = frozenset(("primitive", "group", "clone", "bundle"))
_SET_KINDS = {
    "instance_attributes": "params",
    "meta_attributes": "meta",
    "utilization": "utilization",
}
_NODE_KINDS = {"instance_attributes": "attributes", "utilization": "utilization"}
_OP_KINDS = {"instance_attributes": "op_params", "meta_attributes": "op_meta"}
_ALERT_KINDS = {"instance_attributes": "attributes", "meta_attributes": "meta"}
_BUNDLE_TAGS = {"docker": "", "podman": "", "rkt": "", "network": "port-mapping"}
_BUNDLE_TAGS["storage"] = "storage-mapping"


class Reader(PartReader):
    """Makes statements of elements, for one schema."""

    __slots__ = ()

    def statement(self, element: Element) -> Statement:
        """The statement of an object; raises `NoText`."""
        reader = _READERS.get(str(element.tag))
        if reader is None:
            raise NoText(element.tag)
        return reader(self, element)

    # -- resources ---------------------------------------------------------------------------

    def primitive(self, element: Element) -> PrimitiveStmt:
        a = dict(element.attrib)
        given = id_of(a.pop("id", ""))
        template = a.pop("template", "")
        agent = (a.pop("class", ""), a.pop("provider", ""), a.pop("type", ""))
        description = take_description(a)
        if template:
            id_of(template)
            if any(agent):
                raise NoText("template with an agent")
        elif not is_agent(agent):
            raise NoText("agent")
        if a:
            raise NoText(next(iter(a)))
        parts: list[AttrSet | Operations] = []
        for child in element:
            tag = child.tag
            kind = _SET_KINDS.get(tag) if isinstance(tag, str) else None
            if kind is not None:
                parts.append(self.attr_set(child, kind))
            elif tag == "operations":
                if any(isinstance(part, Operations) for part in parts):
                    raise NoText(tag)
                parts.append(self.operations(child))
            elif isinstance(tag, str):
                raise NoText(tag)
        return PrimitiveStmt(
            given, agent, template, description, tuple(parts), element.tag == "template"
        )

    def operations(self, element: Element) -> Operations:
        given, ref = "", ""
        for name, value in element.attrib.items():
            if name == "id":
                given = id_of(value)
            elif name == "id-ref":
                ref = id_of(value)
            else:
                raise NoText(name)
        if given and ref:
            raise NoText("id-ref")
        ops = tuple(self.op(child) for child in element if isinstance(child.tag, str))
        return Operations(ops, given, ref)

    def op(self, element: Element) -> Op:
        if element.tag != "op":
            raise NoText(element.tag)
        name = given = ""
        attrs: list[tuple[str, str]] = []
        known = self.dialect.op_attributes
        has_interval = False
        for key, value in element.attrib.items():
            if key == "name":
                name = value
            elif key == "id":
                given = id_of(value)
            elif key not in known:
                raise NoText(key)
            else:
                if key == "role" and not is_role(value, self.dialect):
                    raise NoText("role")
                has_interval = has_interval or key == "interval"
                attrs.append((key, line_safe(value)))
        if not has_interval or not ID.match(name):
            raise NoText("op")
        sets: list[AttrSet] = []
        for child in element:
            if not isinstance(child.tag, str):
                continue
            kind = _OP_KINDS.get(child.tag)
            if kind is None:
                raise NoText(child.tag)
            sets.append(self.attr_set(child, kind))
        return Op(name, tuple(attrs), tuple(sets), given)

    def container(self, element: Element) -> ContainerStmt:
        a = dict(element.attrib)
        given, description = id_of(a.pop("id", "")), take_description(a)
        if a:
            raise NoText(next(iter(a)))
        members: list[str] = []
        parts: list[AttrSet] = []
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            if tag in MEMBER_TAGS:
                members.append(id_of(child.get("id", "")))
            elif tag in ("instance_attributes", "meta_attributes"):
                parts.append(self.attr_set(child, _SET_KINDS[tag]))
            else:
                raise NoText(tag)
        if not members or (element.tag != "group" and len(members) > 1):
            raise NoText("members")
        if any(member.lower() in ("params", "meta") for member in members):
            raise NoText("members")
        return ContainerStmt(str(element.tag), given, tuple(members), description, tuple(parts))

    def bundle(self, element: Element) -> BundleStmt:
        a = dict(element.attrib)
        given, description = id_of(a.pop("id", "")), take_description(a)
        if a:
            raise NoText(next(iter(a)))
        parts: list[BundlePart | AttrSet | Member] = []
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            if tag in _BUNDLE_TAGS:
                parts.append(bundle_part_of(child, _BUNDLE_TAGS[tag]))
            elif tag == "meta_attributes":
                parts.append(self.attr_set(child, "meta"))
            elif tag == "primitive":
                parts.append(Member(id_of(child.get("id", ""))))
            else:
                raise NoText(tag)
        tags = [part.tag for part in parts if isinstance(part, BundlePart)]
        if len(tags) != len(set(tags)) or len({"docker", "podman", "rkt"} & set(tags)) != 1:
            raise NoText("bundle")
        return BundleStmt(given, description, tuple(parts))

    # -- constraints -------------------------------------------------------------------------

    def location(self, element: Element) -> LocationStmt:
        a = dict(element.attrib)
        given = id_of(a.pop("id", ""))
        rsc, pattern = a.pop("rsc", ""), a.pop("rsc-pattern", "")
        score, attribute = a.pop("score", None), a.pop("score-attribute", "")
        node = a.pop("node", "")
        sets, rules = self.sets_and_rules(element)
        for name in a:
            if not ID.match(name):
                raise NoText(name)
        if a.get("role", "") and not is_role(a["role"], self.dialect):
            raise NoText("role")
        if bool(rsc) + bool(pattern) + bool(sets) != 1 or bool(rules) == bool(node):
            raise NoText("location")
        if bool(node) != (score is not None or bool(attribute)):
            raise NoText("location")
        if rsc:
            id_of(rsc)
        if (score is not None and not is_score(score)) or not is_line_safe(pattern):
            raise NoText("location")
        attrs = tuple((name, line_safe(value)) for name, value in a.items())
        return LocationStmt(
            given, rsc, pattern, sets, attrs, score, attribute, line_safe(node), rules
        )

    def sets_and_rules(self, element: Element) -> tuple[tuple[ResourceSet, ...], tuple[Rule, ...]]:
        sets: list[ResourceSet] = []
        rules: list[Rule] = []
        for child in element:
            if child.tag == "resource_set":
                sets.append(self.resource_set(child, acts=element.tag == "rsc_order"))
            elif child.tag == "rule" and element.tag == "rsc_location":
                rules.append(self.rule(child))
            elif isinstance(child.tag, str):
                raise NoText(child.tag)
        return tuple(sets), tuple(rules)

    def resource_set(self, element: Element, *, acts: bool) -> ResourceSet:
        a = dict(element.attrib)
        ref = a.pop("id-ref", "")
        if ref:
            if a or len(element):
                raise NoText("id-ref")
            return ResourceSet((), ref=id_of(ref))
        given = optional_id(a.pop("id", ""))
        role, action = a.pop("role", ""), a.pop("action", "")
        if role and (acts or not is_role(role, self.dialect)):
            raise NoText("role")
        if action and (not acts or action not in ACTIONS):
            raise NoText("action")
        flags: list[tuple[str, str]] = []
        for name, value in a.items():
            if name in ("sequential", "require-all"):
                if value not in ("true", "false"):
                    raise NoText(name)
                if value == "true":
                    continue
            elif name != "ordering" or not ID.match(value):
                raise NoText(name)
            flags.append((name, value))
        items = tuple(id_of(child.get("id", "")) for child in element if isinstance(child.tag, str))
        if not items:
            raise NoText("resource_set")
        return ResourceSet(items, tuple(flags), role, action, given)

    def colocation(self, element: Element) -> ColocationStmt:
        a = dict(element.attrib)
        given = id_of(a.pop("id", ""))
        score, attribute = a.pop("score", None), a.pop("score-attribute", "")
        if score is not None and not is_score(score):
            raise NoText("score")
        items = take_items(a, "rsc", "with-rsc", "role", self.dialect)
        sets, _ = self.sets_and_rules(element)
        check_either(items, sets, 2)
        if not a.keys() <= {"node-attribute", "influence"}:
            raise NoText("colocation")
        attrs = tuple((name, line_safe(value)) for name, value in a.items())
        return ColocationStmt(given, score, attribute, items, sets, attrs)

    def order(self, element: Element) -> OrderStmt:
        a = dict(element.attrib)
        given, kind = id_of(a.pop("id", "")), a.pop("kind", "")
        if kind not in ("", "Mandatory", "Optional", "Serialize"):
            raise NoText("kind")
        items = take_items(a, "first", "then", "action", self.dialect)
        sets, _ = self.sets_and_rules(element)
        check_either(items, sets, 2)
        allowed = {"symmetrical", "require-all"} if items else {"symmetrical"}
        if not a.keys() <= allowed or not set(a.values()) <= {"true", "false"}:
            raise NoText("order")
        return OrderStmt(given, kind, items, sets, tuple(a.items()))

    def ticket(self, element: Element) -> TicketStmt:
        a = dict(element.attrib)
        given, ticket = id_of(a.pop("id", "")), word_of(a.pop("ticket", ""))
        items = take_items(a, "rsc", "", "role", self.dialect)
        sets, _ = self.sets_and_rules(element)
        check_either(items, sets, 1)
        if not a.keys() <= {"loss-policy"}:
            raise NoText("ticket")
        if not set(a.values()) <= {"stop", "demote", "fence", "freeze"} or not ticket:
            raise NoText("ticket")
        return TicketStmt(given, ticket, items, sets, tuple(a.items()))

    # -- the rest ----------------------------------------------------------------------------

    def node(self, element: Element) -> NodeStmt:
        a = dict(element.attrib)
        given, uname, kind = a.pop("id", ""), a.pop("uname", ""), a.pop("type", "")
        description = take_description(a)
        if a or not uname or not given or any(s in uname + given for s in " :\"'<>&=/\t\n"):
            raise NoText("node")
        if kind not in ("", "member", "remote", "normal", "ping"):
            raise NoText("type")
        parts = self.child_sets(element, _NODE_KINDS)
        return NodeStmt(uname, given, kind, description, parts)

    def child_sets(self, element: Element, kinds: dict[str, str]) -> tuple[AttrSet, ...]:
        """The children, all of them attribute sets of these kinds."""
        sets: list[AttrSet] = []
        for child in element:
            if not isinstance(child.tag, str):
                continue
            kind = kinds.get(child.tag)
            if kind is None:
                raise NoText(child.tag)
            sets.append(self.attr_set(child, kind))
        return tuple(sets)

    def property_set(self, element: Element) -> PropertyStmt:
        parent = element.getparent()
        kind = "property" if element.tag == "cluster_property_set" else ""
        if parent is not None and parent.tag in ("rsc_defaults", "op_defaults"):
            kind = str(parent.tag)
        found = self.attr_set(element, "meta")
        if not kind or found.ref or not found.id:
            raise NoText("property")
        if kind == "property" and found.score and not is_score(found.score):
            raise NoText("score")
        return PropertyStmt(kind, found.id, found.score, found.rules, found.pairs)

    def topology(self, element: Element) -> TopologyStmt:
        if element.attrib:
            raise NoText("fencing-topology")
        counts: dict[Pairs, int] = {}
        levels: list[FencingLevel] = []
        for child in element:
            if not isinstance(child.tag, str):
                continue
            a = dict(child.attrib)
            given, index = optional_id(a.pop("id", "")), a.pop("index", "")
            devices = a.pop("devices", "")
            target = tuple((name, a[name]) for name in sorted(a))
            counts[target] = counts.get(target, 0) + 1
            if index != str(counts[target]) or not is_target(target):
                raise NoText("fencing-level")
            if not all(ID.match(device) for device in devices.split(",")):
                raise NoText("devices")
            levels.append(FencingLevel(target, devices, index, given))
        return TopologyStmt(tuple(levels))

    def tag(self, element: Element) -> TagStmt:
        a = dict(element.attrib)
        given = id_of(a.pop("id", ""))
        members = tuple(
            word_of(child.get("id", "")) for child in element if isinstance(child.tag, str)
        )
        if a or not members or any(":" in member or not member for member in members):
            raise NoText("tag")
        return TagStmt(given, members)

    def role(self, element: Element) -> RoleStmt:
        a = dict(element.attrib)
        given, description = id_of(a.pop("id", "")), take_description(a)
        if a:
            raise NoText("role")
        permissions = self._permissions(element)
        return RoleStmt(given, description, permissions, not self.dialect.has_targets)

    def user(self, element: Element) -> UserStmt:
        a = dict(element.attrib)
        given = word_of(a.pop("id", ""))
        roles = tuple(id_of(child.get("id", "")) for child in element.iterchildren("role_ref"))
        permissions = () if roles else self._permissions(element)
        if a or not given or (roles and len(roles) != sum(1 for _ in element.iterchildren("*"))):
            raise NoText("user")
        if self.dialect.has_targets:
            raise NoText("user")
        return UserStmt(given, roles, permissions)

    def _permissions(self, element: Element) -> tuple[Permission, ...]:
        permissions: list[Permission] = []
        for child in element.iterchildren("*"):
            a = dict(child.attrib)
            permission_id = optional_id(a.pop("id", ""))
            if self.dialect.has_targets:
                kind = a.pop("kind", "")
                good = child.tag == "acl_permission"
                check_permission(a)
            else:
                kind = str(child.tag)
                good = True
                check_old_permission(a)
            if not good or kind not in ("read", "write", "deny"):
                raise NoText("permission")
            permissions.append(Permission(kind, tuple(a.items()), permission_id))
        return tuple(permissions)

    def acl_target(self, element: Element) -> AclTargetStmt:
        a = dict(element.attrib)
        given = word_of(a.pop("id", ""))
        roles = tuple(id_of(child.get("id", "")) for child in element if isinstance(child.tag, str))
        if a or not given:
            raise NoText("acl_target")
        return AclTargetStmt(str(element.tag), given, roles)

    def alert(self, element: Element) -> AlertStmt:
        a = dict(element.attrib)
        given, path = id_of(a.pop("id", "")), line_safe(a.pop("path", ""))
        description = take_description(a)
        if a or not path:
            raise NoText("alert")
        parts: list[AttrSet | Select | Recipient] = []
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            if tag in _ALERT_KINDS:
                parts.append(self.attr_set(child, _ALERT_KINDS[tag]))
            elif tag == "select":
                parts.append(select_of(child))
            elif tag == "recipient":
                parts.append(self.recipient(child))
            else:
                raise NoText(tag)
        return AlertStmt(given, path, description, tuple(parts))

    def recipient(self, element: Element) -> Recipient:
        a = dict(element.attrib)
        given, value = optional_id(a.pop("id", "")), line_safe(a.pop("value", ""))
        description = take_description(a)
        if a:
            raise NoText("recipient")
        parts = self.child_sets(element, _ALERT_KINDS)
        return Recipient(value, description, parts, given)


_READERS: dict[str, Callable[[Reader, Element], Statement]] = {
    "node": Reader.node,
    "primitive": Reader.primitive,
    "template": Reader.primitive,
    "group": Reader.container,
    "clone": Reader.container,
    "bundle": Reader.bundle,
    "rsc_location": Reader.location,
    "rsc_colocation": Reader.colocation,
    "rsc_order": Reader.order,
    "rsc_ticket": Reader.ticket,
    "cluster_property_set": Reader.property_set,
    "meta_attributes": Reader.property_set,
    "fencing-topology": Reader.topology,
    "tag": Reader.tag,
    "acl_role": Reader.role,
    "acl_user": Reader.user,
    "acl_target": Reader.acl_target,
    "acl_group": Reader.acl_target,
    "alert": Reader.alert,
}


def xml_statement(element: Element) -> XmlStmt:
    """The object as raw XML, pretty printed; a default set comes in its section."""
    parent = element.getparent()
    outer = element
    if parent is not None and parent.tag in ("rsc_defaults", "op_defaults"):
        from copy import deepcopy

        outer = etree.Element(str(parent.tag))
        outer.append(deepcopy(element))
    text = etree.tostring(outer, pretty_print=True, with_tail=False, encoding="unicode")
    return XmlStmt(text.strip())
