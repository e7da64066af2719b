"""Where resources run, read plainly from the operation records of the status section.

What a command needs to choose a node; the full story (failures, fencing, pending operations) is
the scheduler's.
"""

from __future__ import annotations

from lxml import etree

from engine.base.digits import is_whole
from engine.cib.document import Cib
from engine.cib.edits import find_resource, members, primitives_in

_STARTING = frozenset({"start", "promote", "demote", "migrate_from"})
_STOPPING = frozenset({"stop", "migrate_to"})


def active_nodes(cib: Cib, resource: str, *, promoted: bool = False) -> list[str]:
    """Names of the nodes where a resource, or something inside it, runs (or is promoted)."""
    element = find_resource(cib, resource)
    names = {each.get("id") or "" for each in primitives_in(element)}
    if element.tag == "group" and members(element):
        names = {members(element)[0].get("id") or ""}
    found: list[str] = []
    for state in cib.root.iterfind("status/node_state"):
        for history in state.iterfind("lrm/lrm_resources/lrm_resource"):
            if (history.get("id") or "").split(":")[0] not in names:
                continue
            role = role_from_history(history)
            if role == "Promoted" or (role == "Started" and not promoted):
                found.append(state.get("uname") or "")
                break
    return found


def role_from_history(history: etree._Element) -> str:
    """`Stopped`, `Started` or `Promoted` after the last operation of an `lrm_resource`."""
    role = "Stopped"
    for op in sorted(history.iterfind("lrm_rsc_op"), key=_call_number):
        role = _role_after(role, op.get("operation") or "", op.get("rc-code") or "")
    return role


def _call_number(op: etree._Element) -> int:
    number = op.get("call-id") or "0"
    return int(number) if is_whole(number) else 0


def _role_after(role: str, operation: str, code: str) -> str:
    if code == "193" or operation not in _STARTING | _STOPPING | {"monitor"}:
        return role
    if operation == "monitor":
        return {
            "0": "Started",
            "190": "Started",
            "7": "Stopped",
            "8": "Promoted",
            "191": "Promoted",
        }.get(code, "Started" if role == "Stopped" else role)
    if operation in _STOPPING:
        return "Stopped" if code == "0" else role
    if code != "0":
        return "Started"
    return "Promoted" if operation == "promote" else "Started"
