"""The command `crm_resource`: show resources, change their values, move them, clean up after them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.timespec import milliseconds_from_text
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from engine.tools.resource.state import State

OPTIONS = (
    option("-L --list", "list the resources with their state (the default)"),
    option("-l --list-raw", "list the ids of all primitives"),
    option("-O --list-operations", "list the operations that count now"),
    option("-o --list-all-operations", "list all operations of the history"),
    option("--list-standards", "list the classes of agents"),
    option("--list-ocf-providers", "list the providers (of an agent)", value="AGENT", optional=True),
    option("--list-ocf-alternatives", "list the providers of an agent", value="AGENT"),
    option("--list-agents", "list the agents of a class or provider", value="STD[:PROV]"),
    option("--show-metadata", "show the meta-data of an agent", value="SPEC"),
    option("--list-options", "list what can be set: primitive or fencing", value="TYPE"),
    option("--all", "with --list-options: advanced ones, too"),
    option("-q --query-xml", "show the definition of a resource"),
    option("-w --query-xml-raw", "show the definition of a resource as it is written"),
    option("-W --locate", "show where a resource is active"),
    option("-a --constraints", "show the constraints of a resource"),
    option("-A --stack", "show them also of what it runs with"),
    option("-Y --why", "show why resources run or do not"),
    option("-g --get-parameter", "show a parameter", value="NAME"),
    option("-p --set-parameter", "set a parameter to the value of -v", value="NAME"),
    option("-d --delete-parameter", "delete a parameter", value="NAME"),
    option("-G --get-property", "show an attribute of the definition", value="NAME", advanced=True),
    option("-S --set-property", "set an attribute of the definition", value="NAME", advanced=True),
    option("-D --delete", "delete a resource (needs -t)"),
    option("--validate", "let an agent check parameters"),
    option("-C --cleanup", "forget failures, then probe again"),
    option("-R --refresh", "forget all history, then probe again"),
    option("-M --move", "move a resource to a node, or off the one where it is"),
    option("-B --ban", "keep a resource off a node, or off the one where it is"),
    option("-U --clear", "take back what --move and --ban did"),
    option("-e --expired", "with --clear: only what is over"),
    option("-u --lifetime", "with --move and --ban: for how long (ISO 8601)", value="PERIOD"),
    option("--master --promoted", "with --move, --ban and --clear: of the promoted role only"),
    option("--restart", "stop a resource and start it again"),
    option("--wait", "wait until the cluster has nothing left to do"),
    option("-F --fail", "not supported", advanced=True),
    option("--force-check", "run an agent's monitor here, past the cluster"),
    option("--force-start", "run an agent's start here, past the cluster"),
    option("--force-stop", "run an agent's stop here, past the cluster"),
    option("--force-promote", "run an agent's promote here, past the cluster"),
    option("--force-demote", "run an agent's demote here, past the cluster"),
    option("--digests", "show the digests of the parameters of an operation", advanced=True),
    option("-H --host-uname", advanced=True, value="NODE"),
    option("-N --node", "the node", value="NODE"),
    option("-r --resource", "the resource", value="RSC"),
    option("--recursive", "with -p: also of what must run with the resource"),
    option("-m --meta", "with -p, -d and -g: a meta-attribute"),
    option("-z --utilization", "with -p, -d and -g: a utilization attribute"),
    option("--element", "with -p, -d and -g: an attribute of the definition itself"),
    option("-v --parameter-value", "the value", value="VALUE"),
    option("-s --set-name", "the id of the set of the value", value="ID"),
    option("-i --nvpair", "the id of the value", value="ID"),
    option("-n --operation", "with --cleanup: only of this operation", value="OP"),
    option("-I --interval", "with --operation: the one with this interval", value="TIME"),
    option("-t --resource-type", "with --delete: the kind of resource", value="TAG"),
    option("--class", "class of an agent", value="CLASS"),
    option("--provider", "provider of an agent", value="PROVIDER"),
    option("--agent", "an agent", value="AGENT"),
    option("--option", "a parameter for --validate: NAME=VALUE", value="PAIR"),
    option("-T --timeout", "time limit for --wait, --restart and --force-*", value="TIME"),
    option("-f --force", "do it although something speaks against it"),
    option("-Q --quiet", "show the values only"),
)  # fmt: skip
_FORCED = ("force-check", "force-start", "force-stop", "force-promote", "force-demote", "validate")
_COMMANDS = [
    "list",
    "list-raw",
    "list-operations",
    "list-all-operations",
    "list-standards",
    "list-ocf-providers",
    "list-ocf-alternatives",
    "list-agents",
    "show-metadata",
    "list-options",
    "query-xml",
    "query-xml-raw",
    "locate",
    "constraints",
    "stack",
    "why",
    "get-parameter",
    "set-parameter",
    "delete-parameter",
    "get-property",
    "set-property",
    "delete",
    "cleanup",
    "refresh",
    "move",
    "ban",
    "clear",
    "restart",
    "wait",
    "fail",
    "digests",
]
_NEEDS_RESOURCE = frozenset(
    [
        "query-xml",
        "query-xml-raw",
        "locate",
        "constraints",
        "stack",
        "get-parameter",
        "set-parameter",
        "delete-parameter",
        "get-property",
        "set-property",
        "delete",
        "move",
        "ban",
        "restart",
        "digests",
    ]
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)


def _main(call: Call) -> int:
    options = call.options
    command = options.last_of((*_COMMANDS, *_FORCED)) or "list"
    _check(call, command)
    name = options.get("resource")
    node = options.get("node") or options.get("host-uname")
    simple = _without_state(call, command, name, node)
    if simple is not None:
        return simple
    from engine.tools.resource.state import read_state

    state = read_state(call.environment)
    if node and command not in {"clear", "list-operations", "list-all-operations"}:
        state.node(node)
    return _with_state(call, command, state, name, node)


def _check(call: Call, command: str) -> None:
    options = call.options
    if options.words and command not in {*_FORCED, "digests"}:
        words = [f"[{i} of {len(options.words)}] {w}" for i, w in enumerate(options.words, 1)]
        raise _usage("\n".join(("non-option ARGV-elements:", *words)))
    if any(name in options for name in ("class", "provider", "agent")):
        if "resource" in options:
            raise _usage("--class, --agent, and --provider cannot be used with -r/--resource")
        if command not in _FORCED:
            text = "--class, --agent, and --provider can only be used with --validate and --force-*"
            raise _usage(text)
    if command in _NEEDS_RESOURCE and "resource" not in options:
        raise _usage(f"--{command} needs --resource: which one is meant?")
    if command == "fail":
        text = "--fail is not supported: make the service fail, or use crm_simulate --op-inject"
        raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    if command in {"set-parameter", "set-property"} and "parameter-value" not in options:
        raise _usage(f"--{command} needs a value: --parameter-value")
    if command == "digests" and not options.get("node"):
        raise _usage("--digests needs --node: where would the operation run?")


def _without_state(call: Call, command: str, name: str, node: str) -> int | None:
    """What needs no CIB; None for everything else."""
    options, out, environment = call.options, call.out, call.environment
    if command == "list-options":
        from engine.tools.resource.meta_lists import show_options

        return show_options(out, options.get(command), everything="all" in options)
    if command in {"cleanup", "refresh"}:
        from engine.tools.resource.live import forget

        return forget(call, name, node, failures_only=command == "cleanup")
    if command == "wait":
        from engine.tools.resource.live import wait

        return wait(call, _seconds(call))
    if not command.startswith("list-") and command not in {"show-metadata", *_FORCED}:
        return None
    from engine.tools.resource import agents

    shown: dict[str, Callable[[], int]] = {
        "list-standards": lambda: agents.show_standards(out),
        "list-agents": lambda: agents.show_agents(out, environment, options.get(command)),
        "show-metadata": lambda: agents.show_metadata(out, environment, options.get(command)),
    }
    if command in shown:
        return shown[command]()
    if command in {"list-ocf-providers", "list-ocf-alternatives"}:
        return agents.show_providers(out, environment, options.get(command))
    if command in _FORCED and "resource" not in options:
        agent = agents.named_agent(
            options.get("class"), options.get("provider"), options.get("agent")
        )
        pairs = _pairs([*options.all("option"), *options.words])
        limit, verbose = _seconds(call), "verbose" in options
        return agents.act_now(
            out, environment, command, agent, "", pairs, seconds=limit, verbose=verbose
        )
    return None


def _with_state(call: Call, command: str, state: State, name: str, node: str) -> int:
    options, out = call.options, call.out
    if command in {"list", "list-raw", "query-xml", "query-xml-raw", "locate"} or (
        command.startswith("list-")
    ):
        return _show(call, command, state, name, node)
    if command in {"constraints", "stack"}:
        from engine.tools.resource.stack import meant, show_constraints

        resource = meant(state.resource(name), exactly="force" in options)
        show_constraints(out, state.model, resource, recursive=command == "stack")
        return ExitStatus.OK
    if command == "why":
        from engine.tools.resource.why import show_reasons

        show_reasons(out, state, name, node)
        return ExitStatus.OK
    if command in {"move", "ban", "clear"}:
        return _move(call, command, state, name, node)
    if command == "restart":
        from engine.tools.resource.live import restart

        return restart(call, state, name, node, _seconds(call))
    if command == "delete":
        return _delete(call, state, name)
    if command == "digests":
        from engine.tools.resource.digests import show_digests

        return show_digests(out, state, name, node, _pairs(options.words))
    if command in _FORCED:
        return _force(call, command, state, name)
    return _value(call, command, state, name, node)


def _show(call: Call, command: str, state: State, name: str, node: str) -> int:
    from engine.tools.resource import listing

    out, options = call.out, call.options
    if command == "list":
        listing.show_list(out, state, detail="verbose" in options)
    elif command == "list-raw":
        listing.show_names(out, state)
    elif command == "locate":
        return listing.show_places(out, state, name, quiet="quiet" in options)
    elif command.endswith("operations"):
        everything = command == "list-all-operations"
        listing.show_operations(out, state, name, node, everything=everything)
    else:
        listing.show_definition(out, state, name, raw=command == "query-xml-raw")
    return ExitStatus.OK


def _value(call: Call, command: str, state: State, name: str, node: str) -> int:
    from engine.tools.frame.change import Caller, change
    from engine.tools.resource.values import ELEMENT, Change, Target, show_settings, show_value

    options, out = call.options, call.out
    kind = options.last_of(("meta", "utilization", "element"))
    kind = {"meta": "meta_attributes"}.get(kind, kind) or "instance_attributes"
    if command.endswith("property"):
        kind = ELEMENT
    target = Target(
        name,
        kind,
        options.get(command),
        options.get("set-name"),
        options.get("nvpair"),
        forced="force" in options,
        recursive="recursive" in options,
    )
    if command.startswith("get"):
        return show_value(out, state, target, node)
    value = None if command.startswith("delete") else options.get("parameter-value")
    edit = Change(state, target, value, [], [])
    change(Caller(call.environment, "crm_resource"), edit)
    for line in edit.told:
        out.line(line)
    show_settings(out, edit.made)
    return ExitStatus.OK


def _move(call: Call, command: str, state: State, name: str, node: str) -> int:
    from engine.tools.frame.change import Caller, change
    from engine.tools.resource import moving

    options, out = call.options, call.out
    caller = Caller(call.environment, "crm_resource")
    if command == "clear":
        gone: list[str] = []
        whole = moving.clear_edit(name, node, gone)
        if "expired" in options:
            whole = moving.expired_edit(name, node, time.time(), gone)
        elif not name:
            raise _usage("--clear needs --resource (or --expired)")
        change(caller, whole)
        for id_ in gone:
            out.line(f"Removing constraint: {id_}")
        return ExitStatus.OK
    resource = moving.movable(state, name)
    promoted = "promoted" in options
    role = "Promoted" if promoted else "Started"
    until = moving.end_of(options.get("lifetime"))
    if until:
        out.line(f"Migration will take effect until: {until}")
    if command == "move" and node:
        change(caller, moving.move_edit(name, node, role, until))
        return ExitStatus.OK
    place = node or moving.place_now(state, resource, promoted=promoted)
    change(caller, moving.ban_edit(name, place, role, until))
    if "quiet" not in options:
        moving.warn_of_ban(out, name, place)
    return ExitStatus.OK


def _delete(call: Call, state: State, name: str) -> int:
    from lxml import etree

    from engine.tools.frame.change import Caller, change

    tag = call.options.get("resource-type")
    if not tag:
        raise _usage("--delete needs --resource-type: primitive, group, clone or bundle")

    def edit(root: etree._Element) -> etree._Element:
        for each in root.iterfind("configuration/resources//*"):
            parent = each.getparent()
            if each.tag == tag and each.get("id") == name and parent is not None:
                parent.remove(each)
                break
        return root

    change(Caller(call.environment, "crm_resource"), edit)
    return ExitStatus.OK


def _force(call: Call, command: str, state: State, name: str) -> int:
    from engine.scheduler.reading.parameters import parameters
    from engine.tools.resource import agents

    resource = state.resource(name)
    if resource.children:
        text = f"{name} is no primitive: name the primitive whose agent is to run"
        raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    agent = agents.named_agent(resource.agent_class, resource.agent_provider, resource.agent_type)
    pairs = parameters(state.model, resource) | _pairs(call.options.words)
    limit, verbose = _seconds(call), "verbose" in call.options
    return agents.act_now(
        call.out, call.environment, command, agent, name, pairs, seconds=limit, verbose=verbose
    )


def _pairs(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark or not name:
            raise _usage(f"'{word}' is not of the form NAME=VALUE")
        found[name] = value
    return found


def _seconds(call: Call) -> float:
    text = call.options.get("timeout")
    return milliseconds_from_text(text) / 1000 if text else 0.0


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


PROGRAM = Program(
    "crm_resource",
    "Show resources, change their values, move them, clean up after them.",
    OPTIONS,
    _main,
    usage="[COMMAND] [-r RSC] [OPTIONS] [NAME=VALUE...]",
)

if __name__ == "__main__":
    sys.exit(main())
