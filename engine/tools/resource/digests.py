"""The digests of the parameters of an operation, by which a changed configuration is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.base.exitcodes import ExitStatus
from engine.base.values import int_from_text
from engine.cib.digests import digestible, parameters_digest
from engine.scheduler.reading.parameters import parameters
from engine.tools.resource.state import State

if TYPE_CHECKING:
    from engine.cib.history import OpRecord
    from engine.tools.frame.output import Output

_META = "CRM_meta_"


def show_digests(
    out: Output, state: State, name: str, node_name: str, given: Mapping[str, str]
) -> int:
    """The digests of all parameters, of those that are no secrets, of those that need a restart."""
    resource, node = state.resource(name), state.node(node_name)
    task, interval = "start", 0
    values = dict(parameters(state.model, resource, node))
    for key, value in given.items():
        if key == f"{_META}interval":
            interval = int_from_text(value) or 0
        elif not key.startswith(_META):
            values[key] = value
    meta = {}
    if interval and (limit := given.get(f"{_META}timeout")):
        meta[f"{_META}timeout"] = limit
    history = state.model.history_of(node, resource.history_id or resource.id)
    found = {"all": digestible(values) | meta}
    record = _record(history.ops, task) if history is not None else None
    if record is not None:
        secret = (record.get("op-secure-params") or "").split()
        if record.get("op-secure-params") is not None:
            found["nonprivate"] = {k: v for k, v in digestible(values).items() if k not in secret}
        restart = record.get("op-force-restart")
        if restart is not None:
            names = restart.split()
            found["nonreloadable"] = {k: v for k, v in digestible(values).items() if k in names}
    block = out.element(
        "digests",
        {"resource": name, "node": node.name, "task": task, "interval": f"{interval}ms"},
    )
    out.line(f"Digests for {name} {task} on {node.name}")
    for kind, chosen in found.items():
        digest = parameters_digest(chosen)
        out.line(f"    {kind}: {digest} {chosen}")
        made = out.element("digest", {"type": kind, "hash": digest}, parent=block)
        out.element("parameters", chosen, parent=made)
    return ExitStatus.OK


def _record(ops: list[OpRecord], task: str) -> OpRecord | None:
    return next((op for op in reversed(ops) if op.task == task), None)
