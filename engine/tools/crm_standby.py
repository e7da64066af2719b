"""The command `crm_standby`: whether a node is in standby, so that it runs no resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.crm_attribute import COMMANDS, Request, carry_out, section_of
from engine.tools.frame.node import target_node
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    *(each for each in COMMANDS if each.key != "list-options"),
    option("-U --uname -N --node", "the node (default: this one)", value="NODE"),
    option("-l --lifetime", "reboot or forever", value="LIFETIME"),
    option("--attr-id -i --id", "the name-value pair with this id", value="ID"),
    option("-Q -q --quiet", "show the value only"),
)


def _main(call: Call) -> int:
    from engine.cib.attributes import Wanted

    options = call.options
    request = Request(
        action=options.last_of(("query", "update", "delete")) or "query",
        section="nodes",
        wanted=Wanted("standby", options.get("id")),
        node=target_node(call.environment, options.get("node")),
        value=options.get("update"),
        quiet="quiet" in options,
    )
    if "lifetime" in options:
        return carry_out(call, replace(request, section=section_of(call)))
    if request.action == "update":
        return carry_out(call, request)
    transient = replace(request, section="status", default="off")
    if request.action == "delete":
        carry_out(call, request)
        return carry_out(call, transient)
    try:
        return carry_out(call, request)
    except EngineError as problem:
        if problem.status is not ExitStatus.NOSUCH:
            raise
        return carry_out(call, transient)


PROGRAM = Program(
    "crm_standby",
    "Show, set and end the standby of a node, in which it runs no resources.",
    OPTIONS,
    _main,
    formatted=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
