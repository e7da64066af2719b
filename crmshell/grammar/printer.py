"""Statements → text (shell 3.1): one function per statement over the same trees as the parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from crmshell.grammar.access import SHORTCUTS
from crmshell.grammar.ast import (
    AclTargetStmt,
    AlertStmt,
    AttrSet,
    BundlePart,
    BundleStmt,
    ColocationStmt,
    ContainerStmt,
    Item,
    LocationStmt,
    Member,
    NodeStmt,
    Op,
    Operations,
    OrderStmt,
    Permission,
    PrimitiveStmt,
    PropertyStmt,
    Recipient,
    ResourceSet,
    RoleStmt,
    Select,
    Statement,
    TagStmt,
    TicketStmt,
    TopologyStmt,
    UserStmt,
    XmlStmt,
)
from crmshell.grammar.part_text import (
    PartPrinter,
    quoted,
    score_text,
    worded,
)


class Printer(PartPrinter):
    """Prints statements in one style."""

    __slots__ = ()

    def text(self, statement: Statement, comments: Sequence[str] = ()) -> str:
        """The statement, after its comments."""
        body = _PRINTERS[type(statement)](self, statement)
        if not comments:
            return body
        lines = [line if line.startswith("#") else f"# {line}" for line in comments]
        return "\n".join([*lines, body])

    # -- words -------------------------------------------------------------------------------

    # -- resources ---------------------------------------------------------------------------

    def primitive(self, stmt: PrimitiveStmt) -> str:
        head = self._head("rsc_template" if stmt.is_template else "primitive", stmt.id)
        parts = [f"{head} {_agent_text(stmt)}"]
        self._described(parts, stmt.description)
        for part in stmt.parts:
            if isinstance(part, AttrSet):
                parts.append(self._attr_set(part, stmt.id))
            else:
                self._operations(parts, part, stmt.id)
        return self._joint.join(parts)

    def _operations(self, parts: list[str], stmt: Operations, prefix: str) -> None:
        keyword = self._p("keyword", "operations")
        if stmt.id:
            parts.append(f"{keyword} $id={self._p('identifier', stmt.id)}")
        if stmt.ref:
            parts.append(f"{keyword} $id-ref={self._p('id_reference', stmt.ref)}")
        if self._all and not (stmt.id or stmt.ref or stmt.ops):
            parts.append(keyword)
        for op in stmt.ops:
            self._op(parts, op, stmt.id or prefix)

    def _op(self, parts: list[str], op: Op, prefix: str) -> None:
        words = [self._p("keyword", "op"), op.name]
        interval = ""
        for name, value in op.attrs:
            words.append(f"{self._p('attr_name', name)}={self._p('attr_value', quoted(value))}")
            if name == "interval":
                interval = value
        made = f"{prefix}-{op.name}-{interval}"
        if self._shows(op.id, made):
            words.append(f"id={self._p('identifier', op.id)}")
        parts.append(" ".join(words))
        for part in op.sets:
            parts.append(self._attr_set(part, op.id or made))

    def container(self, stmt: ContainerStmt) -> str:
        members = " ".join(self._p("resource_reference", member) for member in stmt.members)
        parts = [f"{self._head(stmt.kind, stmt.id)} {members}"]
        self._described(parts, stmt.description)
        parts += [self._attr_set(part, stmt.id) for part in stmt.parts]
        return self._joint.join(parts)

    def bundle(self, stmt: BundleStmt) -> str:
        parts = [self._head("bundle", stmt.id)]
        self._described(parts, stmt.description)
        for part in stmt.parts:
            if isinstance(part, AttrSet):
                parts.append(self._attr_set(part, stmt.id))
            elif isinstance(part, Member):
                name = self._p("resource_reference", part.id)
                parts.append(f"{self._p('keyword', 'primitive')} {name}")
            else:
                parts.append(self._bundle_part(part))
        return self._joint.join(parts)

    def _bundle_part(self, part: BundlePart) -> str:
        pairs = self._plain_pairs(part.attrs)
        keyword = self._p("keyword", part.tag)
        if part.tag in ("network", "storage"):
            text = " ".join([keyword, *pairs])
        else:
            text = self._deep.join([" ".join([keyword, *pairs[:1]]), *pairs[1:]])
        for mapping in part.mappings:
            words = [self._p("keyword", mapping.tag)]
            if self._all and mapping.id:
                words.append(f"id={mapping.id}")
            text += self._deep + " ".join([*words, *self._plain_pairs(mapping.attrs)])
        return text

    # -- constraints -------------------------------------------------------------------------

    def location(self, stmt: LocationStmt) -> str:
        words = [self._head("location", stmt.id)]
        if stmt.rsc:
            words.append(self._p("resource_reference", stmt.rsc))
        elif stmt.pattern:
            words.append(self._p("resource_reference", worded(f"/{stmt.pattern}/")))
        else:
            words += ["{", *self._sets(stmt.sets, stmt.id, braces=True), "}"]
        words += self._plain_pairs(stmt.attrs)
        if stmt.node:
            score = score_text(stmt.score) if stmt.score is not None else stmt.score_attribute
            words.append(f"{self._p('score', score)}: {worded(stmt.node)}")
        rules = [self._rule(rule, stmt.id) for rule in stmt.rules]
        return self._joint.join([" ".join(words), *rules])

    def colocation(self, stmt: ColocationStmt) -> str:
        words = [self._head("colocation", stmt.id)]
        score = score_text(stmt.score) if stmt.score is not None else stmt.score_attribute
        if score:
            words.append(self._p("score", score) + ":")
        words += self._resources(stmt.items, stmt.sets, stmt.id, 2)
        words += self._plain_pairs(stmt.attrs)
        return " ".join(words)

    def order(self, stmt: OrderStmt) -> str:
        words = [self._head("order", stmt.id)]
        if stmt.kind:
            words.append(self._p("score", stmt.kind) + ":")
        words += self._resources(stmt.items, stmt.sets, stmt.id, 2)
        words += self._plain_pairs(stmt.attrs)
        return " ".join(words)

    def ticket(self, stmt: TicketStmt) -> str:
        words = [self._head("rsc_ticket", stmt.id), self._p("ticket", stmt.ticket) + ":"]
        words += self._resources(stmt.items, stmt.sets, stmt.id, 1)
        words += self._plain_pairs(stmt.attrs)
        return " ".join(words)

    def _resources(
        self, items: Sequence[Item], sets: Sequence[ResourceSet], given: str, count: int
    ) -> list[str]:
        if not items:
            words = self._sets(sets, given)
            plain_sets = not any(found.flags or found.ref for found in sets)
            total = sum(len(found.items) for found in sets)
            if plain_sets and total <= count and words[0] != "(":
                words.insert(0, "_rsc_set_")
            return words
        texts: list[str] = []
        for item in items:
            extra = item.role or item.action or item.instance
            name = self._p("resource_reference", item.rsc)
            texts.append(f"{name}:{extra}" if extra else name)
        return texts

    def _sets(self, sets: Sequence[ResourceSet], prefix: str, *, braces: bool = False) -> list[str]:
        """Brackets and items; a bare run must not flow into the next bare one of its role."""
        words: list[str] = []
        for place, found in enumerate(sets):
            following = sets[place + 1] if place + 1 < len(sets) else None
            flags = dict(found.flags)
            brackets, extra = _brackets(flags)
            named = self._shows(found.id, f"{prefix}-{place}")
            flows = (
                following is not None
                and not brackets
                and not following.flags
                and (following.role, following.action) == (found.role, found.action)
            )
            if found.ref:
                brackets, extra, items = "()", [f"$id-ref={found.ref}"], []
            else:
                items = [self._set_item(rsc, found) for rsc in found.items]
            if not brackets and (named or flows or extra):
                brackets, extra = "()", [*extra, "sequential=true"]
            if named:
                items.insert(0, f"$id={found.id}")
            if brackets:
                words += [brackets[0], *items, *extra, brackets[1]]
            else:
                words += items
        return words

    def _set_item(self, rsc: str, found: ResourceSet) -> str:
        extra = found.role or found.action
        name = self._p("resource_reference", rsc)
        return f"{name}:{extra}" if extra else name

    # -- the rest ----------------------------------------------------------------------------

    def node(self, stmt: NodeStmt) -> str:
        keyword = self._p("keyword", "node")
        head = self._p("identifier", stmt.uname)
        if stmt.id and stmt.id != stmt.uname:
            head = f"{stmt.id}: {head}"
        if stmt.type and (stmt.type != "member" or self._all):
            head += f":{stmt.type}"
        parts = [f"{keyword} {head}"]
        self._described(parts, stmt.description)
        parts += [self._attr_set(part, stmt.uname) for part in stmt.parts]
        return self._joint.join(parts)

    def property_set(self, stmt: PropertyStmt) -> str:
        head = f"{self._p('keyword', stmt.kind)} {self._p('identifier', stmt.id)}:"
        if stmt.score:
            head += f" {self._p('score', stmt.score)}:"
        parts = [head]
        parts += self._rules_and_pairs(stmt.rules, stmt.pairs, stmt.id)
        return self._joint.join(parts)

    def topology(self, stmt: TopologyStmt) -> str:
        keyword = self._p("keyword", "fencing_topology")
        if stmt.everywhere:
            return " ".join([keyword, *stmt.everywhere])
        targets: dict[str, list[str]] = {}
        for place, level in enumerate(stmt.levels):
            words = targets.setdefault(_target_text(level.target), [])
            made = "fencing" if not place else f"fencing-{place - 1}"
            if self._all and level.id and level.id != made:
                words.append(f"$id={level.id}")
            words.append(self._p("resource_reference", level.devices))
        same = {tuple(words) for words in targets.values()}
        wanted = {f"{node}:" for node in self.style.nodes}
        if len(same) == 1 and wanted and set(targets) == wanted:
            return " ".join([keyword, *same.pop()])
        parts = [f"{target} {' '.join(words)}" for target, words in targets.items()]
        return self._joint.join([keyword, *parts])

    def tag(self, stmt: TagStmt) -> str:
        members = [self._p("resource_reference", member) for member in stmt.members]
        return " ".join([self._head("tag", stmt.id), *members])

    def role(self, stmt: RoleStmt) -> str:
        parts = [self._head("role", stmt.id)]
        self._described(parts, stmt.description)
        for place, permission in enumerate(stmt.permissions):
            last = permission.kind if stmt.old else str(place)
            parts.append(self._permission(permission, f"{stmt.id}-{last}"))
        return self._joint.join(parts)

    def user(self, stmt: UserStmt) -> str:
        parts = [self._head("user", stmt.id), *(f"role:{role}" for role in stmt.roles)]
        # Ids of these rights are made of their name; the first one of a kind has no number.
        for permission in stmt.permissions:
            parts.append(self._permission(permission, f"{stmt.id}-{permission.kind}"))
        return self._joint.join(parts)

    def _permission(self, permission: Permission, made: str) -> str:
        words = [self._p("keyword", permission.kind)]
        if self._all and self._shows(permission.id, made):
            words.append(f"{permission.id}:")
        a = dict(permission.attrs)
        if "description" in a:
            words.append(f"description={quoted(a['description'])}")
        if "tag" in a:
            words.append(f"tag:{quoted(a['tag'])}")
        if "ref" in a:
            words.append(f"ref:{quoted(a['ref'])}")
        if "attribute" in a:
            words.append(f"attr:{quoted(a['attribute'])}")
        if "object-type" in a:
            words.append(f"type:{quoted(a['object-type'])}")
        if "reference" in a:
            words.append(f"ref:{quoted(a['reference'])}")
        if "xpath" in a:
            words.append(_shortcut(a["xpath"]) or f"xpath:{quoted(a['xpath'])}")
        return " ".join(words)

    def acl_target(self, stmt: AclTargetStmt) -> str:
        return self._joint.join([self._head(stmt.kind, stmt.id), *stmt.roles])

    def alert(self, stmt: AlertStmt) -> str:
        parts = [f"{self._head('alert', stmt.id)} {quoted(stmt.path)}"]
        self._described(parts, stmt.description)
        recipients = 0
        for place, part in enumerate(stmt.parts):
            following = stmt.parts[place + 1] if place + 1 < len(stmt.parts) else None
            if isinstance(part, AttrSet):
                parts.append(self._attr_set(part, stmt.id))
            elif isinstance(part, Select):
                parts.append(self._select(part, stmt.id))
            else:
                recipients += 1
                made = f"{stmt.id}-recipient-{recipients}"
                parts.append(self._recipient(part, made, isinstance(following, AttrSet)))
        return self._joint.join(parts)

    def _recipient(self, stmt: Recipient, made: str, braced: bool) -> str:
        words = [self._p("keyword", "to")]
        if braced:
            words.append("{")
        if self._all and self._shows(stmt.id, made):
            words.append(f"$id={stmt.id}")
        words.append(quoted(stmt.value))
        self._described(words, stmt.description)
        words += [self._attr_set(part, stmt.id or made) for part in stmt.parts]
        return " ".join([*words, "}"] if braced else words)

    def _select(self, stmt: Select, prefix: str) -> str:
        words = [self._p("keyword", "select")]
        for event in stmt.events:
            words.append(event)
            if event == "attributes":
                words.append("{")
                for place, (name, given) in enumerate(stmt.attributes):
                    if self._all and given and given != f"{prefix}-{place}":
                        words.append(f"$id={given}")
                    words.append(worded(name))
                words.append("}")
        return " ".join(words)

    def raw(self, stmt: XmlStmt) -> str:
        joint = " " if self.style.one_line else " \\\n"
        text = stmt.xml.replace("\n", joint)
        return f"{self._p('keyword', 'xml')} {text}"


_PRINTERS: dict[type, Callable[[Printer, Any], str]] = {
    PrimitiveStmt: Printer.primitive,
    ContainerStmt: Printer.container,
    BundleStmt: Printer.bundle,
    LocationStmt: Printer.location,
    ColocationStmt: Printer.colocation,
    OrderStmt: Printer.order,
    TicketStmt: Printer.ticket,
    NodeStmt: Printer.node,
    PropertyStmt: Printer.property_set,
    TopologyStmt: Printer.topology,
    TagStmt: Printer.tag,
    RoleStmt: Printer.role,
    UserStmt: Printer.user,
    AclTargetStmt: Printer.acl_target,
    AlertStmt: Printer.alert,
    XmlStmt: Printer.raw,
}


def _agent_text(stmt: PrimitiveStmt) -> str:
    if stmt.template:
        return f"@{stmt.template}"
    standard, provider, kind = stmt.agent
    if standard == "ocf":
        return kind if provider == "heartbeat" else f"ocf:{provider}:{kind}"
    return f"{standard}:{kind}"


def _brackets(flags: dict[str, str]) -> tuple[str, list[str]]:
    """The brackets that say these flags, and what must be said inside as well."""
    sequential = flags.pop("sequential", "true") == "true"
    all_needed = flags.pop("require-all", "true") == "true"
    extra = [f"{name}={value}" for name, value in flags.items()]
    if not all_needed:
        return "[]", ["sequential=true", *extra] if sequential else extra
    return ("", extra) if sequential else ("()", extra)


def _target_text(target: Sequence[tuple[str, str]]) -> str:
    values = dict(target)
    if "target-attribute" in values:
        return worded(f"attr:{values['target-attribute']}={values['target-value']}")
    if "target-pattern" in values:
        return worded(f"pattern:{values['target-pattern']}")
    return worded(f"{values.get('target', '')}:")


def _shortcut(xpath: str) -> str:
    """The shortcut that would make this XPath; "" when there is none."""
    for name, (base, more) in SHORTCUTS.items():
        for template in (base, base + more) if more else (base,):
            found = re.fullmatch(_as_pattern(template), xpath)
            if found is not None:
                return ":".join([name, *found.groups()])
    return ""


def _as_pattern(template: str) -> str:
    pattern = re.escape(template)
    seen: set[str] = set()
    for number in ("0", "1"):
        field = re.escape("{" + number + "}")
        while field in pattern:
            group = "g" + number
            text = f"(?P={group})" if group in seen else f"(?P<{group}>[^'\"{{}}:\\s]+)"
            pattern = pattern.replace(field, text, 1)
            seen.add(group)
    return pattern
