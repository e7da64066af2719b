"""Access rights of a user: what of a CIB they may see and change (engine 11; Pacemaker's ACLs).

Pure. A right marks the elements that it names; what an element is not marked with comes from the
nearest marked element above it, and no mark at all means no access. On one element `deny` wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.values import is_true
from engine.cib.patch import Insert, Move, Path, Remove, SetAttribute, diff, keyed_children

PRIVILEGED = ("", "root", "hacluster")
READ, WRITE, DENY = "read", "write", "deny"
_KINDS = (READ, WRITE, DENY)
# Of the root: set by the cluster itself, whoever changes something.
_OWN_ATTRIBUTES = frozenset(
    {
        *("admin_epoch", "epoch", "num_updates", "crm_feature_set", "cib-last-written"),
        *("update-origin", "update-client", "update-user", "have-quorum", "dc-uuid"),
    }
)


def permission_denied(what: str = "") -> EngineError:
    """The refusal of what a user may not do."""
    text = f"Permission denied: {what}" if what else "Permission denied"
    return EngineError(text, status=ExitStatus.INSUFFICIENT_PRIV)


def is_restricted(root: etree._Element, user: str) -> bool:
    """Whether rights count for this user: access control is on, and they are not exempt."""
    if user in PRIVILEGED:
        return False
    pairs = root.iterfind("configuration/crm_config/cluster_property_set/nvpair")
    return any(
        pair.get("name") == "enable-acl" and is_true(pair.get("value") or "") for pair in pairs
    )


@dataclass(frozen=True, slots=True)
class Right:
    """One permission: its kind, and the XPath of what it names."""

    kind: str
    xpath: str


def rights_of(root: etree._Element, user: str, groups: Iterable[str] = ()) -> tuple[Right, ...]:
    """The permissions of a user, and of the groups that they are in, in document order."""
    acls = root.find("configuration/acls")
    if acls is None:
        return ()
    roles = {str(role.get("id")): role for role in acls.iterfind("acl_role")}
    of_groups = frozenset(groups)
    found: list[Right] = []
    for owner in acls:
        name = owner.get("name") or owner.get("id")
        if (owner.tag == "acl_target" and name == user) or (
            owner.tag == "acl_group" and name in of_groups
        ):
            found.extend(_permissions(owner))
            for reference in owner.iterfind("role"):
                role = roles.get(str(reference.get("id")))
                found.extend(() if role is None else _permissions(role))
    return tuple(found)


def _permissions(holder: etree._Element) -> Iterator[Right]:
    for permission in holder.iterfind("acl_permission"):
        kind = permission.get("kind") or ""
        if kind not in _KINDS:
            continue
        xpath, reference = permission.get("xpath"), permission.get("reference")
        tag, attribute = permission.get("object-type"), permission.get("attribute")
        if xpath is None and reference is not None:
            quote = "'" if '"' in reference else '"'
            xpath = f"//*[@id={quote}{reference}{quote}]"
        elif xpath is None:
            xpath = f"//{tag or '*'}" + (f"[@{attribute}]" if attribute else "")
        yield Right(kind, xpath)


@dataclass(slots=True)
class Access:
    """Rights laid on one tree."""

    root: etree._Element
    _marks: dict[etree._Element, set[str]] = field(default_factory=dict)

    @classmethod
    def on(cls, root: etree._Element, rights: Iterable[Right]) -> Access:
        """Mark the elements that the rights name; a right with a wrong XPath names none."""
        access = cls(root)
        for right in rights:
            for element in _named(root, right.xpath):
                access._marks.setdefault(element, set()).add(right.kind)
        return access

    def kind_at(self, element: etree._Element) -> str:
        """What counts at an element, in one word: read, write or deny."""
        if self.allows(element, WRITE):
            return WRITE
        return READ if self.allows(element, READ) else DENY

    def allows(self, element: etree._Element, wanted: str) -> bool:
        """Whether a right covers the element; one to write is one to read as well."""
        at: etree._Element | None = element
        while at is not None:
            marks = self._marks.get(at, ())
            if DENY in marks:
                return False
            if WRITE in marks or (wanted == READ and READ in marks):
                return True
            at = at.getparent()
        return False

    def readable(self) -> etree._Element | None:
        """A copy of what may be seen; of an element that only leads there, tag and id."""
        return self._readable(self.root, above=False)

    def _readable(self, element: etree._Element, *, above: bool) -> etree._Element | None:
        marks = self._marks.get(element, ())
        visible = DENY not in marks and (above or bool(marks))
        if not isinstance(element.tag, str):
            return _comment_like(element) if visible else None
        children = [self._readable(child, above=visible) for child in element]
        kept = [child for child in children if child is not None]
        if not visible and not kept:
            return None
        copy = etree.Element(element.tag)
        for name, value in element.attrib.items():
            if visible or name == "id":
                copy.set(str(name), str(value))
        if visible:
            copy.text = element.text
        copy.extend(kept)
        return copy


def _comment_like(element: etree._Element) -> etree._Element:
    return etree.Comment(element.text or "")


def _named(root: etree._Element, xpath: str) -> Iterator[etree._Element]:
    try:
        found = root.getroottree().xpath(xpath)
    except etree.XPathError:
        return
    for each in found if isinstance(found, list) else ():
        if isinstance(each, etree._Element):
            yield each
        elif (parent := getattr(each, "getparent", None)) is not None:
            holder = parent()
            if holder is not None:
                yield holder


# -- judging ------------------------------------------------------------------------------------------


def seen_by(root: etree._Element, user: str, groups: Iterable[str] = ()) -> etree._Element:
    """What of the CIB a user sees: all of it where rights do not count. Raises `EngineError`."""
    if not is_restricted(root, user):
        return root
    visible = Access.on(root, rights_of(root, user, groups)).readable()
    if visible is None:
        raise permission_denied()
    return visible


def refuse_forbidden(
    old: etree._Element, new: etree._Element, user: str, groups: Iterable[str] = ()
) -> None:
    """Raise `EngineError` where a user may not make `new` of `old`; the rights are those in `old`."""
    if not is_restricted(old, user):
        return
    rights = rights_of(old, user, groups)
    before, after = Access.on(old, rights), Access.on(new, rights)
    for operation in diff(old, new).operations:
        if isinstance(operation, SetAttribute):
            if not operation.path and operation.name in _OWN_ATTRIBUTES:
                continue
            _demand(after, _at(new, operation.path))
        elif isinstance(operation, Remove):
            _demand(before, _at(old, operation.path))
        elif isinstance(operation, Insert):
            made = _at(new, (*operation.parent, operation.step))
            for element in () if made is None else made.iter():
                if not _is_scaffolding(element):
                    _demand(after, element)
        elif isinstance(operation, Move):
            _demand(after, _at(new, operation.path))


def _at(root: etree._Element, path: Path) -> etree._Element | None:
    """The element that a path of a patch leads to."""
    at: etree._Element | None = root
    for step in path:
        at = None if at is None else dict(keyed_children(at)).get(step)
    return at


def _demand(access: Access, element: etree._Element | None) -> None:
    if element is None or not access.allows(element, WRITE):
        name = "the CIB" if element is None else f"<{element.tag!s} id={element.get('id', '')!r}>"
        raise permission_denied(f"no right to change {name}")


def _is_scaffolding(element: etree._Element) -> bool:
    """An element with nothing but an id, outside the rights themselves, needs no right."""
    if any(ancestor.tag == "acls" for ancestor in (element, *element.iterancestors())):
        return False
    return isinstance(element.tag, str) and not set(map(str, element.attrib)) - {"id"}
