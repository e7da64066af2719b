"""What `crm_resource` asks of the running cluster: forget failures, wait, restart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.timespec import milliseconds_from_text
from engine.tools.frame.cib import file_of
from engine.tools.frame.program import Call

if TYPE_CHECKING:
    from engine.tools.resource.state import State

_SETTLE_SECONDS = 3600.0
_PAUSE = 0.5
_GRACE = 5.0


def forget(call: Call, name: str, node: str, *, failures_only: bool) -> int:
    """Forget failures, or all history, of a resource or of all; then it is probed again."""
    from engine.tools.frame.change import agent, patiently

    options, out = call.options, call.out
    interval = milliseconds_from_text(options.get("interval")) if options.get("interval") else None
    if options.get("interval") and not options.get("operation"):
        text = "--interval needs --operation: which one recurs?"
        raise EngineError(text, status=ExitStatus.USAGE)
    what = name or "all resources"
    where = f" on {node}" if node else ""
    word = "Cleaned up" if failures_only else "Refreshed"
    if file_of(call.environment):
        _forget_in_file(call, name, node, failures_only=failures_only)
    else:
        with agent(call.environment) as client:
            patiently(
                client,
                "cleanup",
                resource=name,
                node=node,
                operation=options.get("operation"),
                interval=interval,
                failures_only=failures_only,
            )
    out.line(f"{word} {what}{where}" if failures_only or name else f"{word} everything{where}")
    return ExitStatus.OK


def _forget_in_file(call: Call, name: str, node: str, *, failures_only: bool) -> None:
    from lxml import etree

    from engine.cib.document import Cib
    from engine.cib.edits import forget_history
    from engine.tools.frame.change import Caller, change

    def edit(root: etree._Element) -> etree._Element:
        cib = Cib(root)
        forget_history(cib, resource=name, node=node, failures_only=failures_only)
        return cib.root

    change(Caller(call.environment, "crm_resource"), edit)


def wait(call: Call, seconds: float) -> int:
    """Wait until the cluster has nothing left to do; raises `EngineError` (TIMEOUT)."""
    from engine.tools.frame.change import agent

    if file_of(call.environment):
        return ExitStatus.OK  # nothing ever happens in a file
    limit = seconds or _SETTLE_SECONDS
    deadline = time.monotonic() + limit
    with agent(call.environment) as client:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineError(
                    f"the cluster has not settled within {limit:g} s", status=ExitStatus.TIMEOUT
                )
            try:
                if client.demand("wait", left + _GRACE, timeout=left).get("idle"):
                    return ExitStatus.OK
            except EngineError as problem:
                if problem.status not in {ExitStatus.TEMPFAIL, ExitStatus.TIMEOUT}:
                    raise
            time.sleep(_PAUSE)


def restart(call: Call, state: State, name: str, node: str, seconds: float) -> int:
    """Stop a resource and let it start again: everywhere, or on one node by a ban from it."""
    from engine.scheduler.reading.activity import is_active
    from engine.tools.frame.change import Caller, Edit, change
    from engine.tools.resource.moving import ban_edit, clear_edit
    from engine.tools.resource.values import Change, Target

    resource = state.resource(name)
    if not is_active(resource, everything=False):
        text = f"{name} is not running anywhere and so cannot be restarted"
        raise EngineError(text, status=ExitStatus.ERROR)
    caller = Caller(call.environment, "crm_resource")
    target = Target(name, "meta_attributes", "target-role")
    before = resource.meta.get("target-role")
    stop: Edit = Change(state, target, "Stopped", [], [])
    undo: Edit = Change(state, target, before, [], [])
    if node:
        stop, undo = ban_edit(name, node, "Started", ""), clear_edit(name, node, [])
    change(caller, stop)
    try:
        wait(call, seconds)
    finally:
        change(caller, undo)
    return wait(call, seconds)
