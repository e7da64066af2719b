"""The command `attrd_updater`: transient attributes of nodes, kept by the cluster's controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.client import Client
from engine.tools.frame.change import agent, patiently
from engine.tools.frame.node import target_node
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

OPTIONS = (
    option("-n --name", "the attribute", value="NAME"),
    option("-P --pattern", "all attributes whose names match (with -U, -B and -D)", value="REGEX"),
    option("-v -U --update", "set the value; value++ and value+=N count", value="VALUE"),
    option(
        "-B --update-both", "set the value and, with --delay, when it is written", value="VALUE"
    ),
    option("-Y --update-delay", "change only when values are written"),
    option("-Q --query", "show the value (the default)"),
    option("-D --delete", "delete it"),
    option("-R --refresh", "write all values again (they always are: nothing is done)"),
    option("-d --delay", "how long to wait for further changes before writing", value="TIME"),
    option("-s --set", "the set in which the value stands", value="ID"),
    option("-N --node", "the node (default: this one)", value="NODE"),
    option("-A --all", "with --query: show the values of all nodes"),
    option("-S -l --lifetime", "reboot; others are accepted without effect", value="LIFETIME"),
    option("-p --private", "a new attribute that never comes into the CIB"),
    option("-z --utilization", "a new attribute that is a utilization attribute"),
    option("-W --wait", "no, local or cluster: an answer always means cluster", value="UNTIL"),
    option("-q --quiet", "without effect", advanced=True),
)
_ACTIONS = ("update", "update-both", "update-delay", "query", "delete", "refresh")
_LIFETIMES = ("reboot", "status", "forever", "nodes")


def _main(call: Call) -> int:
    options = call.options
    action = options.last_of(_ACTIONS) or "query"
    _refuse_wrong(call, action)
    if action == "refresh":
        return ExitStatus.OK
    with agent(call.environment) as client:
        if action == "query":
            return _query(call, client)
        node = target_node(call.environment, options.get("node"))
        value = None if action == "delete" else options.get(action)
        for name in _names(call, client, node):
            _update(call, client, node, name, value)
    return ExitStatus.OK


def _refuse_wrong(call: Call, action: str) -> None:
    options = call.options
    name, pattern = options.get("name"), options.get("pattern")
    if name and pattern:
        raise _usage("--name and --pattern cannot be used together")
    if pattern and action == "query":
        raise _usage("--query takes --name, not --pattern")
    if not name and not pattern and action != "refresh":
        raise _usage("Command requires --name or --pattern argument")
    if options.get("lifetime", "reboot") not in _LIFETIMES:
        expected = ", ".join(_LIFETIMES)
        raise _usage(
            f"invalid value '{options.get('lifetime')}' of --lifetime, expected {expected}"
        )
    if options.get("wait", "no") not in ("no", "local", "cluster"):
        raise _usage(
            f"invalid value '{options.get('wait')}' of --wait, expected no, local or cluster"
        )
    for key in ("set", "utilization"):
        if key in options and action in ("update", "update-both"):
            text = (
                f"--{key} is not carried out: transient attributes stand in the set of their node"
            )
            raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    if action == "update-delay" and _seconds(options.get("delay")) > 0:
        text = "--update-delay is not carried out: give --delay with each value instead"
        raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    if pattern:
        from engine.tools.crm_attribute import refuse_bad_pattern

        refuse_bad_pattern(pattern)


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _seconds(text: str) -> float:
    """A time as agents give it: seconds, or with a unit."""
    from engine.base.values import interval_milliseconds

    if not text:
        return 0.0
    found = interval_milliseconds(text)
    if found is None:
        raise _usage(f"'{text}' is not a time, expected seconds or a number with ms, s, min or h")
    return found / 1000


def _names(call: Call, client: Client, node: str) -> list[str]:
    if not call.options.get("pattern"):
        return [call.options.get("name")]
    from engine.cib.attributes import Place, Wanted, node_of, pairs_at

    root = _cib(client)
    node_id, _ = node_of(root, node)
    wanted = Wanted(pattern=call.options.get("pattern"))
    found = pairs_at(root, Place("status", node_id), wanted)
    return [pair.get("name") or "" for pair in found]


def _update(call: Call, client: Client, node: str, name: str, value: str | None) -> None:
    if "update-delay" in call.options and value == "":
        present = patiently(client, "attribute-value", node=node, name=name).get("value")
        if present is None:
            return
        value = str(present)
    fields: dict[str, Any] = {"node": node, "name": name, "value": value}
    if "private" in call.options:
        fields["private"] = True
    patiently(client, "attribute", delay=_seconds(call.options.get("delay")), **fields)


# -- showing ------------------------------------------------------------------------------------------


def _query(call: Call, client: Client) -> int:
    name = call.options.get("name")
    nodes = (
        _all_nodes(client)
        if "all" in call.options
        else [target_node(call.environment, call.options.get("node"))]
    )
    found: list[tuple[str, str]] = []
    for node in nodes:
        value = patiently(client, "attribute-value", node=node, name=name).get("value")
        if value is not None:
            found.append((node, str(value)))
    if not found:
        text = f"Could not query value of {name}: attribute does not exist"
        raise EngineError(text, status=ExitStatus.CONFIG)
    for node, value in found:
        from xml.sax.saxutils import escape

        shown = [escape(text, {'"': "&quot;"}) for text in (name, node, value)]
        call.out.line('name="{}" host="{}" value="{}"'.format(*shown))
        call.out.element("attribute", {"name": name, "value": value, "host": node})
    return ExitStatus.OK


def _all_nodes(client: Client) -> list[str]:
    from engine.cib.edits import remote_names

    root = _cib(client)
    nodes = [node.get("uname") or "" for node in root.iterfind("configuration/nodes/node")]
    return list(dict.fromkeys([*nodes, *remote_names(root)]))


def _cib(client: Client) -> etree._Element:
    from engine.cib.document import Cib

    reply = client.demand("cib", scope="all", sync=False)
    return Cib.from_bytes(bytes(reply["cib"]), "the cluster's CIB").root


PROGRAM = Program(
    "attrd_updater",
    "Show and change transient attributes of nodes.",
    OPTIONS,
    _main,
    usage="-n NAME [-U VALUE | -B VALUE | -D | -Q] [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
