"""The command `crm_master`: the promotion score of the resource whose agent runs (`crm_attribute -p`)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.crm_attribute import COMMANDS, Request, carry_out, section_of
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    *(each for each in COMMANDS if each.key != "list-options"),
    option("-r --resource", "the resource (default: OCF_RESOURCE_INSTANCE)", value="RSC"),
    option("-l --lifetime", "reboot (transient) or forever (the default)", value="LIFETIME"),
    option("-U --uname -N --node", "the node", value="NODE"),
    option("--attr-id -i --id", "the name-value pair with this id", value="ID"),
    option("-Q -q --quiet", "show the value only"),
)


def _main(call: Call) -> int:
    from engine.cib.attributes import Wanted

    options = call.options
    resource = options.get("resource") or call.environment.get("OCF_RESOURCE_INSTANCE", "")
    if not resource:
        raise EngineError("No resource specified", status=ExitStatus.ERROR)
    request = Request(
        action=options.last_of(("query", "update", "delete")) or "query",
        section=section_of(call) if "lifetime" in options else "nodes",
        wanted=Wanted(f"master-{resource}", options.get("id")),
        node=options.get("node"),
        value=options.get("update"),
        quiet="quiet" in options,
    )
    return carry_out(call, request)


PROGRAM = Program(
    "crm_master",
    "Show and change the promotion score of a resource; crm_attribute --promotion is its successor.",
    OPTIONS,
    _main,
    formatted=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
