"""The command `crm_failcount`: how often a resource failed on a node, and forgetting it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.change import Caller, agent, change, patiently, visible_cib
from engine.tools.frame.cib import file_of, read_cib
from engine.tools.frame.node import target_node
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    option("--get-value -G --query", "show the fail count (the default)"),
    option("--delete-attr -D --delete", "forget the failures"),
    option("--attr-value -v --update", "set the fail count; only 0 is possible", value="VALUE",
           advanced=True),
    option("--resource-id -r --resource", "the resource", value="RSC"),
    option("-n --operation", "count this operation only", value="NAME"),
    option("-I --interval", "with --operation: its interval (default 0)", value="TIME"),
    option("-U --uname -N --node", "the node (default: this one)", value="NODE"),
    option("-Q -q --quiet", "show the number only"),
)  # fmt: skip


def _main(call: Call) -> int:
    options = call.options
    resource = options.get("resource")
    if not resource:
        raise EngineError("No resource specified, expected -r RSC", status=ExitStatus.USAGE)
    if options.get("interval") and not options.get("operation"):
        raise EngineError("--interval needs --operation", status=ExitStatus.USAGE)
    action = options.last_of(("query", "delete", "update")) or "query"
    if action == "update" and options.get("update") != "0":
        text = "a fail count is set to 0 only; more is counted by the cluster"
        raise EngineError(text, status=ExitStatus.USAGE)
    interval_ms = _interval(options.get("interval"))
    node = target_node(call.environment, options.get("node"))
    if action == "query":
        return _query(call, resource, node, interval_ms)
    return _forget(call, resource, node, interval_ms)


def _interval(text: str) -> int:
    from engine.base.values import interval_milliseconds

    found = interval_milliseconds(text) if text else 0
    if found is None:
        text = f"'{text}' is not an interval, expected a time such as 10s"
        raise EngineError(text, status=ExitStatus.USAGE)
    return found


def _query(call: Call, resource: str, node: str, interval_ms: int) -> int:
    from engine.cib.attributes import failcount_of, node_of

    caller = Caller(call.environment, "crm_failcount")
    root = visible_cib(caller, read_cib(call.environment)).root
    node_id, _ = node_of(root, node)
    count = failcount_of(root, node_id, resource, call.options.get("operation"), interval_ms)
    quiet = "quiet" in call.options
    call.out.line(count if quiet else f"scope=status  name=fail-count-{resource} value={count}")
    return ExitStatus.OK


def _forget(call: Call, resource: str, node: str, interval_ms: int) -> int:
    operation = call.options.get("operation")
    if not file_of(call.environment):
        fields = {"resource": resource, "node": node}
        if operation:
            fields |= {"operation": operation}
        with agent(call.environment) as client:
            patiently(client, "cleanup", **fields, interval=interval_ms)
        return ExitStatus.OK
    from lxml import etree

    from engine.cib.attributes import forget_failures, node_of

    def edit(root: etree._Element) -> etree._Element:
        node_id, _ = node_of(root, node)
        forget_failures(root, node_id, resource, operation, interval_ms)
        return root

    change(Caller(call.environment, "crm_failcount"), edit)
    return ExitStatus.OK


PROGRAM = Program(
    "crm_failcount",
    "Show how often a resource failed on a node, or forget it.",
    OPTIONS,
    _main,
    usage="-r RSC [OPTIONS]",
    formatted=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
