"""Level maintenance: of the whole cluster or of one resource (shell 7)."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.commands.resource import set_metas
from crmshell.levels.frame.registry import Call, command
from crmshell.session import Session
from engine.cib.document import Cib
from engine.cib.edits import set_property

_ACTIONS = ("start", "stop", "monitor", "promote", "demote", "validate-all")


@command(
    "maintenance",
    "on",
    usage="[<rsc>]",
    args=(0, 1),
    changes=True,
    help="leave the cluster, or one resource, alone",
)
def on(session: Session, call: Call) -> None:
    _switch(session, call, "true")


@command(
    "maintenance",
    "off",
    usage="[<rsc>]",
    args=(0, 1),
    changes=True,
    help="take care of the cluster, or of one resource, again",
)
def off(session: Session, call: Call) -> None:
    _switch(session, call, "false")


def _switch(session: Session, call: Call, value: str) -> None:
    if call.args:
        set_metas(session, call.args, "maintenance", value)
        return

    def change(cib: Cib) -> None:
        set_property(cib, "maintenance-mode", value)

    session.edit(change)


@command(
    "maintenance",
    "action",
    usage="<rsc> <action>",
    args=(2, 2),
    drops=True,
    help="run an action of a resource's agent here, while it is in maintenance",
)
def action(session: Session, call: Call) -> str:
    """Only for resources that the cluster leaves alone, so that it does not interfere."""
    from crmshell.ra.actions import run_action

    name, operation = call.args
    if operation not in _ACTIONS:
        raise ShellError(f"action: '{operation}' is unknown, expected {', '.join(_ACTIONS)}")
    return run_action(session.environment, session.cib(), name, operation)
