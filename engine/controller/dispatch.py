"""What an action of the graph means as an order to a node: operation, cancellation, clean-up.

Pure tables over `GraphAction`; who gets the order and when is the controller's business.
"""

from __future__ import annotations

from engine.base.digits import is_digits
from engine.controller.executor import expected_rc
from engine.controller.messages import CancelOp, ForgetResource, Message, RunOp
from engine.lrm.api import LrmOp
from engine.scheduler.model.transition import GraphAction

FENCE = "stonith"
SHUTDOWN = "do_shutdown"
CLEAR_FAIL_COUNT = "clear_failcount"
FORGET = "lrm_delete"


def order_from_action(action: GraphAction, term: int, transition: int, uuid: str) -> Message | None:
    """The message that makes a node carry out an `rsc_op`; None when the action names no resource."""
    if action.primitive is None:
        return None
    remote = action.node if action.router_node else ""
    if action.operation == "cancel":
        return CancelOp(
            term,
            action.id,
            action.primitive.id,
            action.meta("operation", "monitor"),
            action.interval_ms,
            remote,
        )
    if action.operation == "delete":
        return ForgetResource(term, action.id, action.primitive.id, remote=remote)
    return RunOp(term, op_from_action(action, transition, uuid), remote)


def op_from_action(action: GraphAction, transition: int, uuid: str) -> LrmOp:
    """The operation of an `rsc_op` action."""
    primitive = action.primitive
    assert primitive is not None  # the caller looked
    delay = action.meta("start_delay", "0")
    rc = expected_rc(action)
    return LrmOp(
        resource=primitive.id,
        standard=primitive.agent_class,
        provider=primitive.provider,
        type=primitive.type,
        operation=action.operation,
        interval_ms=action.interval_ms,
        timeout_ms=action.timeout_ms or 20_000,
        start_delay_ms=int(delay) if is_digits(delay) else 0,
        parameters=action.parameters,
        meta=_meta(action),
        transition_key=f"{action.id}:{transition}:{rc}:{uuid}",
        expected_rc=rc,
        operation_key=action.key,
    )


def transition_of_key(key: str) -> tuple[int, int, str]:
    """Action, transition and controller of a transition key; (-1, -1, "") for what is none."""
    parts = key.split(":", 3)
    if len(parts) != 4 or not is_digits(parts[0]) or not is_digits(parts[1]):
        return (-1, -1, "")
    return (int(parts[0]), int(parts[1]), parts[3])


def resource_of_key(key: str) -> str:
    """The resource in an operation key such as `db_clear_failcount_0`."""
    for task in (CLEAR_FAIL_COUNT, FORGET):
        head, found, _ = key.rpartition(f"_{task}_")
        if found:
            return head
    return key.rsplit("_", 2)[0]


def _meta(action: GraphAction) -> dict[str, str]:
    prefix = "CRM_meta_"
    return {
        name.removeprefix(prefix): value
        for name, value in action.attributes.items()
        if name.startswith(prefix)
    }
