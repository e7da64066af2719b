"""Statements about access and notice: role, acl_target, acl_group, alert (2.6)."""

from __future__ import annotations

import re

from crmshell.grammar.ast import (
    AclTargetStmt,
    AlertStmt,
    AttrSet,
    Permission,
    Recipient,
    RoleStmt,
    Select,
    UserStmt,
)
from crmshell.grammar.cursor import ID, Cursor
from crmshell.grammar.resources import attr_list

RIGHTS = ("read", "write", "deny")
ALERT_WORDS = frozenset(("attributes", "meta", "select", "to"))
RECIPIENT_WORDS = ALERT_WORDS | {"}"}
EVENTS = ("nodes", "fencing", "resources", "attributes")

# shortcut -> (XPath with {0}, further XPath when a second or only optional part is named)
SHORTCUTS: dict[str, tuple[str, str]] = {
    "meta": ("//primitive[@id='{0}']/meta_attributes", "/nvpair[@name='{1}']"),
    "params": ("//primitive[@id='{0}']/instance_attributes", "/nvpair[@name='{1}']"),
    "utilization": ("//primitive[@id='{0}']/utilization", ""),
    "location": ("//rsc_location[@id='cli-prefer-{0}' and @rsc='{0}']", ""),
    "property": ("//crm_config/cluster_property_set", "/nvpair[@name='{0}']"),
    "nodeattr": ("//nodes/node/instance_attributes", "/nvpair[@name='{0}']"),
    "nodeutil": ("//nodes/node/utilization", "[@uname='{0}']"),
    "node": ("//nodes/node", "[@uname='{0}']"),
    "status": ("/cib/status", ""),
    "cib": ("/cib", ""),
}
_SAFE = re.compile(r"[^'\"{}:\s]+\Z")
_SPECS = ("xpath:", "ref:", "type:", "attr:", *SHORTCUTS)
_OLD_SPECS = ("xpath:", "ref:", "tag:", "attribute:", *SHORTCUTS)
_OLD_NAMES = {"reference": "ref", "object-type": "tag", "attribute": "attribute"}
_NOTHING_COVERED = "expected what the right covers"
_ATTRIBUTE_OF = {
    "ref": "reference",
    "reference": "reference",
    "tag": "object-type",
    "type": "object-type",
    "attr": "attribute",
    "attribute": "attribute",
    "xpath": "xpath",
}


def role(cursor: Cursor) -> RoleStmt:
    given = cursor.object_id()
    description = cursor.description()
    rights = _rights(cursor)
    if not rights and cursor.dialect.typed:
        raise cursor.problem(f"expected a right ({', '.join(RIGHTS)}) and what it covers")
    return RoleStmt(given, description, rights, not cursor.dialect.has_targets)


def _rights(cursor: Cursor) -> tuple[Permission, ...]:
    reader = _permissions if cursor.dialect.has_targets else _old_permissions
    permissions: list[Permission] = []
    while not cursor.at_end:
        low = cursor.low
        if low not in RIGHTS:
            raise cursor.problem(f"expected a right ({', '.join(RIGHTS)})", legal=RIGHTS)
        cursor.i += 1
        permissions.extend(reader(cursor, low))
    return tuple(permissions)


def _permissions(cursor: Cursor, right: str) -> list[Permission]:
    """What one right covers: one permission for each xpath, reference or type named."""
    at = cursor.i - 1
    given = ""
    if not cursor.at_end and re.fullmatch(r"[^:=]+:", cursor.word):
        given = cursor.checked_id(cursor.take("an id")[:-1])
    description = cursor.description()
    specs: list[tuple[str, str]] = []
    attribute = ""
    while not cursor.at_end and cursor.low not in RIGHTS:
        name, value = _spec(cursor)
        if name == "attribute":
            attribute = value
        else:
            specs.append((name, value))
    if not specs:
        what = "attribute: needs type:" if attribute else _NOTHING_COVERED
        raise cursor.problem(what, at if attribute else None, legal=_SPECS)
    if attribute and any(name != "object-type" for name, _ in specs):
        raise cursor.problem("attribute: goes with type: only", at)
    made: list[Permission] = []
    for name, value in specs:
        attrs = [(name, value)]
        if description:
            attrs.insert(0, ("description", description))
        if attribute:
            attrs.append(("attribute", attribute))
        made.append(Permission(right, tuple(attrs), given))
        given = ""
    return made


def _spec(cursor: Cursor) -> tuple[str, str]:
    """(attribute of the permission, its value) of one SPEC; shortcuts become XPaths."""
    word = cursor.word
    head, colon, rest = word.partition(":")
    low = head.lower()
    if colon and low in _ATTRIBUTE_OF:
        if not rest:
            raise cursor.problem(f"{head}: names nothing")
        cursor.i += 1
        return _ATTRIBUTE_OF[low], rest
    if low not in SHORTCUTS:
        raise cursor.problem(_NOTHING_COVERED, legal=_SPECS)
    base, more = SHORTCUTS[low]
    parts = rest.split(":") if colon else []
    needed = 1 if "{0}" in base else 0
    most = needed + (1 if more else 0)
    if not needed <= len(parts) <= most or not all(_SAFE.match(part) for part in parts):
        raise cursor.problem(f"wrong form of {low}", legal=_SPECS)
    cursor.i += 1
    text = base + (more if len(parts) > needed else "")
    return "xpath", text.format(*parts)


def _old_permissions(cursor: Cursor, right: str) -> list[Permission]:
    """Before pacemaker-2.0 one right may name a tag and an id, both at once, or an XPath."""
    at = cursor.i - 1
    given = ""
    if not cursor.at_end and re.fullmatch(r"[^:=]+:", cursor.word):
        given = cursor.checked_id(cursor.take("an id")[:-1])
    named: dict[str, str] = {}
    paths: list[str] = []
    while not cursor.at_end and cursor.low not in RIGHTS:
        name, value = _spec(cursor)
        if name == "xpath":
            paths.append(value)
        elif _OLD_NAMES[name] in named:
            raise cursor.problem(f"{_OLD_NAMES[name]}: is named twice", cursor.i - 1)
        else:
            named[_OLD_NAMES[name]] = value
    attribute = (("attribute", named.pop("attribute")),) if "attribute" in named else ()
    wanted = [*([tuple(named.items())] if named else []), *((("xpath", path),) for path in paths)]
    if not wanted:
        what = "attribute: needs tag:, ref: or xpath:" if attribute else _NOTHING_COVERED
        raise cursor.problem(what, at if attribute else None, legal=_OLD_SPECS)
    ids = (given, *([""] * (len(wanted) - 1)))
    return [
        Permission(right, (*attrs, *attribute), ident)
        for attrs, ident in zip(wanted, ids, strict=True)
    ]


def user(cursor: Cursor) -> UserStmt:
    """`user` belongs to schemas before pacemaker-2.0; later ones have acl_target."""
    if cursor.dialect.has_targets:
        raise cursor.problem(
            "users are written with role and acl_target since schema pacemaker-2.0:"
            " role ROLE read|write|deny WHAT, then acl_target USER ROLE",
            0,
            code="old-acl",
        )
    given = cursor.take("the name of a user")
    roles: list[str] = []
    while not cursor.at_end and cursor.low.startswith("role:"):
        roles.append(cursor.checked_id(cursor.take("a role")[len("role:") :]))
    if roles and not cursor.at_end:
        raise cursor.problem("a user has roles or rights of its own, not both", legal=("role:",))
    return UserStmt(given, tuple(roles), _rights(cursor))


def acl_target(cursor: Cursor) -> AclTargetStmt:
    """`acl_target ID ROLE…` and `acl_group ID ROLE…`."""
    given = cursor.take("the name of a user or group")
    roles: list[str] = []
    while not cursor.at_end:
        word = cursor.take("a role").removeprefix("role:")
        roles.append(cursor.checked_id(word))
    if not roles and cursor.dialect.typed:
        raise cursor.problem("expected a role")
    return AclTargetStmt(cursor.keyword, given, tuple(roles))


def alert(cursor: Cursor) -> AlertStmt:
    given = cursor.object_id()
    path = cursor.take("the path of a program")
    description = cursor.description()
    parts: list[AttrSet | Select | Recipient] = []
    while not cursor.at_end:
        low = cursor.low
        cursor.i += 1
        if low == "to":
            parts.append(_recipient(cursor))
        elif low == "select":
            parts.append(_select(cursor))
        elif low in ("attributes", "meta"):
            parts.append(attr_list(cursor, low, ALERT_WORDS))
        else:
            raise cursor.problem("expected a part of an alert", cursor.i - 1, legal=ALERT_WORDS)
    return AlertStmt(given, path, description, tuple(parts))


def _recipient(cursor: Cursor) -> Recipient:
    given = ""
    braced = cursor.low == "{"
    if braced:
        cursor.i += 1
    if not cursor.at_end and cursor.word.startswith("$id="):
        given = cursor.checked_id(cursor.take("an id")[4:])
    value = cursor.take("a recipient")
    description = cursor.description()
    parts: list[AttrSet] = []
    while not cursor.at_end and cursor.low in ("attributes", "meta"):
        low = cursor.low
        cursor.i += 1
        parts.append(attr_list(cursor, low, RECIPIENT_WORDS))
    if braced:
        if cursor.low != "}":
            raise cursor.problem("missing '}'")
        cursor.i += 1
    return Recipient(value, description, tuple(parts), given)


def _select(cursor: Cursor) -> Select:
    events: list[str] = []
    attributes: list[tuple[str, str]] = []
    while not cursor.at_end and cursor.low in EVENTS:
        low = cursor.low
        if low == "attributes" and (
            cursor.i + 1 >= cursor.size or not cursor.words[cursor.i + 1].startswith("{")
        ):
            break
        if low in events:
            raise cursor.problem(f"{low} is selected twice")
        cursor.i += 1
        events.append(low)
        if low == "attributes":
            attributes = _braced_names(cursor)
    if not events and cursor.low == "attributes":
        raise cursor.problem("expected { NAME … } after attributes", cursor.i + 1)
    if not events:
        raise cursor.problem(f"expected what to select ({', '.join(EVENTS)})", legal=EVENTS)
    return Select(tuple(events), tuple(attributes))


def _braced_names(cursor: Cursor) -> list[tuple[str, str]]:
    """`{ [$id=ID] NAME … }` as (name, id)."""
    cursor.take("{")
    names: list[tuple[str, str]] = []
    given = ""
    while not cursor.at_end and cursor.word != "}":
        word = cursor.take("the name of an attribute")
        if word.startswith("$id="):
            given = cursor.checked_id(word[4:])
        elif not ID.match(word.lstrip("#")):
            raise cursor.problem("expected the name of an attribute", cursor.i - 1)
        else:
            names.append((word, given))
            given = ""
    if cursor.at_end:
        raise cursor.problem("missing '}'")
    cursor.i += 1
    return names
