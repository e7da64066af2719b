"""Whose rights count for a request of a client, and whether they suffice for what was decided.

The agent at whose socket the client came in says who it is, by the kernel's word; the DC judges. Pure.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.base.events import StatusChange
from engine.cib.access import READ, Access, is_restricted, refuse_forbidden, rights_of
from engine.cib.status import change_status
from engine.controller.messages import Ask

RIGHTS = "acl"
"""The field of a forwarded request that names the user and their groups; never taken from a client."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: no name stands for somebody who may do everything."""

    user: str = ""
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, ask: Ask) -> Asking:
        """What the agent of the client says; nothing said means that the agent itself asks."""
        words = ask.fields.get(RIGHTS)
        if not isinstance(words, list | tuple) or not words:
            return cls()
        user, *groups = map(str, words)
        return cls(user, tuple(groups))

    def fields(self) -> dict[str, Any]:
        """For the way to the DC."""
        return {RIGHTS: [self.user, *self.groups]} if self.user else {}


def refuse_changes(asking: Asking, root: etree._Element, changes: tuple[StatusChange, ...]) -> None:
    """Raise `EngineError` for the first change of the status that the user has no right to make."""
    if not changes or not is_restricted(root, asking.user):
        return
    wanted = deepcopy(root)
    for change in changes:
        change_status(wanted, change)
    refuse_forbidden(root, wanted, asking.user, asking.groups)


def may_read_attribute(asking: Asking, root: etree._Element, node_id: str, name: str) -> bool:
    """Whether the user sees a transient attribute; those that never come into the CIB they do not."""
    if not is_restricted(root, asking.user):
        return True
    access = Access.on(root, rights_of(root, asking.user, asking.groups))
    for state in root.iterfind("status/node_state"):
        if state.get("id") == node_id:
            pairs = state.iterfind("transient_attributes//nvpair")
            return any(p.get("name") == name and access.allows(p, READ) for p in pairs)
    return False
