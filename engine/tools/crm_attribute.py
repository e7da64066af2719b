"""The command `crm_attribute`: cluster options, and permanent and transient attributes of nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.change import Caller, agent, change, patiently, visible_cib
from engine.tools.frame.cib import file_of, read_cib
from engine.tools.frame.node import target_node
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.attributes import Place, Wanted

NAMED = (
    option("--attr-name -n --name", "the option or attribute", value="NAME"),
    option("-P --pattern", "all attributes whose names match", value="REGEX"),
    option(
        "-p --promotion",
        "the promotion score of a resource, of the one whose agent runs where none is named",
        value="RSC",
        optional=True,
    ),
    option("--attr-id -i --id", "the name-value pair with this id", value="ID"),
    option("-s --set-name", "the set with this id", value="ID"),
)
COMMANDS = (
    option("--get-value -G --query", "show the value (the default)"),
    option("--attr-value -v --update", "set the value; value++ and value+=N count", value="VALUE"),
    option("--delete-attr -D --delete", "delete it"),
    option(
        "-L --list-options",
        "list what can be set: cluster",
        value="KIND",
    ),
)
OTHERS = (
    option("-a --all", "with --list-options: list advanced and deprecated ones too"),
    option("-d --default", "the value to show where none is set", value="VALUE"),
    option("-l --lifetime", "reboot (transient) or forever", value="LIFETIME"),
    option("-U --uname -N --node", "the node", value="NODE"),
    option("-t --type", "crm_config, rsc_defaults, op_defaults, nodes, status or tickets", value="SECTION"),
    option("-z --utilization", "a utilization attribute of the node"),
    option("-W --wait", "with updates of transient attributes: no, local or cluster", value="UNTIL"),
    option("--inhibit-policy-engine -!", "without effect", advanced=True),
    option("--score", "count value++ and value+=N up (always done)", advanced=True),
    option("-Q -q --quiet", "show the value only"),
)  # fmt: skip
OPTIONS = (*NAMED, *COMMANDS, *OTHERS)
_ACTIONS = ("query", "update", "delete", "list-options")
_LIFETIMES = {"reboot": "status", "forever": "nodes"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a command line asks for."""

    action: str
    section: str
    wanted: Wanted
    node: str = ""
    set_tag: str = "instance_attributes"
    set_id: str = ""
    value: str = ""
    default: str | None = None
    quiet: bool = False


def _main(call: Call) -> int:
    if call.options.last_of(_ACTIONS) == "list-options":
        from engine.tools.frame.option_lists import list_options

        return list_options(call)
    return carry_out(call, request_of(call))


def request_of(call: Call) -> Request:
    """The options of a command line as a request; raises `EngineError` (USAGE)."""
    from engine.cib.attributes import INSTANCE, UTILIZATION, Wanted

    options = call.options
    action = options.last_of(_ACTIONS) or "query"
    is_promotion = "promotion" in options
    name, pattern = options.get("name"), options.get("pattern")
    if is_promotion:
        name = promotion_name(options.get("promotion"), call.environment)
    if name and pattern:
        raise _usage("--name and --pattern cannot be used together")
    if action != "query" and not (name or pattern or "id" in options):
        word = "update" if action == "update" else "delete"
        raise _usage(f"must specify attribute name or pattern to {word}")
    if pattern:
        refuse_bad_pattern(pattern)
    if (wait := options.get("wait", "no")) not in ("no", "local", "cluster"):
        raise _usage(f"invalid value '{wait}' of --wait, expected no, local or cluster")
    return Request(
        action=action,
        section=section_of(call, is_promotion=is_promotion),
        wanted=Wanted(name, options.get("id"), pattern),
        node=options.get("node"),
        set_tag=UTILIZATION if "utilization" in options else INSTANCE,
        set_id=options.get("set-name"),
        value=options.get("update"),
        default=options.get("default") if "default" in options else None,
        quiet="quiet" in options,
    )


def section_of(call: Call, *, is_promotion: bool = False) -> str:
    """The section meant: `--type` and `--lifetime` are one setting. Raises `EngineError` (USAGE)."""
    from engine.cib.attributes import SECTIONS

    options = call.options
    if "utilization" in options:
        return "nodes"
    given = options.last_of(("type", "lifetime"))
    if given:
        value = options.get(given)
        section = _LIFETIMES.get(value, value)
        if section not in SECTIONS:
            expected = ", ".join(SECTIONS if given == "type" else _LIFETIMES)
            raise _usage(f"invalid value '{value}' of --{given}, expected {expected}")
        return section
    if is_promotion:
        return "status"
    return "nodes" if options.get("node") else "crm_config"


def promotion_name(resource: str, environment: Mapping[str, str]) -> str:
    """The attribute that holds a resource's promotion score; raises `EngineError` (USAGE)."""
    resource = resource or environment.get("OCF_RESOURCE_INSTANCE", "")
    if not resource:
        raise _usage(
            "-p/--promotion must be called from an OCF resource agent or with a resource ID specified"
        )
    return f"master-{resource}"


def refuse_bad_pattern(pattern: str) -> None:
    """Raise `EngineError` (USAGE) for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as problem:
        raise _usage(f"'{pattern}' is not a regular expression: {problem}") from None


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


# -- carrying out -------------------------------------------------------------------------------------


def carry_out(call: Call, request: Request) -> int:
    """Do what is asked for; the result is the exit status. Raises `EngineError`."""
    if request.action == "query":
        return _query(call, request)
    is_live = not file_of(call.environment)
    if is_live and request.section == "status":
        return _by_the_agent(call, request)
    return _in_the_cib(call, request)


def _node(call: Call, request: Request) -> str:
    """The node meant, "" for a section that has none."""
    from engine.cib.attributes import OF_NODES

    if request.section not in OF_NODES:
        return ""
    return target_node(call.environment, request.node)


def _place(request: Request, root: etree._Element, node: str) -> Place:
    from engine.cib.attributes import Place, node_of

    identity, name = node_of(root, node) if node else ("", "")
    return Place(request.section, identity, name, request.set_tag, request.set_id)


def _query(call: Call, request: Request) -> int:
    from engine.cib.attributes import pairs_at

    caller = Caller(call.environment, "crm_attribute")
    root = visible_cib(caller, read_cib(call.environment)).root
    found = [
        (pair.get("name") or "", pair.get("value") or "")
        for pair in pairs_at(root, _place(request, root, _node(call, request)), request.wanted)
    ]
    if not found:
        if request.default is None:
            raise _failed(EngineError("No such device or address", status=ExitStatus.NOSUCH))
        found = [(request.wanted.name, request.default)]
    for name, value in found:
        text = f"scope={request.section} name={name} value={value}"
        call.out.line(value if request.quiet else text)
        call.out.element("attribute", {"name": name, "value": value, "scope": request.section})
    return ExitStatus.OK


def _failed(problem: EngineError) -> EngineError:
    text = f"Error performing operation: {problem}"
    return EngineError(text, status=problem.status, reports=problem.reports)


def _in_the_cib(call: Call, request: Request) -> int:
    from engine.cib.attributes import NotUnique, delete_pairs, set_pair

    gone: list[tuple[str, str]] = []
    node = _node(call, request)

    def edit(root: etree._Element) -> etree._Element:
        gone.clear()
        place = _place(request, root, node)
        if request.action == "update":
            set_pair(root, place, request.wanted, request.value)
        else:
            deleted = delete_pairs(root, place, request.wanted)
            gone.extend((pair.get("id") or "", pair.get("name") or "") for pair in deleted)
        return root

    try:
        change(Caller(call.environment, "crm_attribute"), edit)
    except NotUnique as several:
        _list_matches(call, request.wanted.name, several.pairs)
        raise
    except EngineError as problem:
        if str(problem).startswith("Could not map"):
            raise
        raise _failed(problem) from None
    kind = "attribute" if request.section in ("nodes", "status") else "option"
    for identity, name in gone:
        call.out.line(f"Deleted {request.section} {kind}: id={identity} name={name}")
    return ExitStatus.OK


def _list_matches(call: Call, name: str, pairs: Sequence[etree._Element]) -> None:
    call.out.line(f"Multiple attributes match name={name}")
    for pair in pairs:
        call.out.line(f"  Value: {pair.get('value') or ''} \t(id={pair.get('id') or ''})")


def _by_the_agent(call: Call, request: Request) -> int:
    node = target_node(call.environment, request.node)
    value = request.value if request.action == "update" else None
    names = [request.wanted.name]
    if request.wanted.pattern or request.wanted.identity:
        names = _names_there(call, request)
        if not names and value is not None:
            raise _failed(EngineError("No such device or address", status=ExitStatus.NOSUCH))
    with agent(call.environment) as client:
        for name in names:
            patiently(client, "attribute", node=node, name=name, value=value, delay=0.0)
    return ExitStatus.OK


def _names_there(call: Call, request: Request) -> list[str]:
    from engine.cib.attributes import pairs_at

    root = read_cib(call.environment).root
    found = pairs_at(root, _place(request, root, _node(call, request)), request.wanted)
    return [pair.get("name") or "" for pair in found]


PROGRAM = Program(
    "crm_attribute",
    "Show and change cluster options and attributes of nodes.",
    OPTIONS,
    _main,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
