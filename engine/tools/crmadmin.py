"""The command `crmadmin`: the designated controller, states of nodes, names of nodes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.timespec import milliseconds_from_text
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

OPTIONS = (
    option("-S --status", "show the state of the controller of a node", value="NODE"),
    option("-P --pacemakerd", "show whether the cluster software of this node runs"),
    option("-D --dc-lookup", "show the designated controller"),
    option("-N --nodes", "list the nodes: all, cluster, guest, remote", value="TYPES", optional=True),
    option("-H --health", "the same as --status", value="NODE", advanced=True),
    option("-B --bash-export", "with --nodes: as lines 'export NAME=ID'"),
    option("-i --ipc-name", "without effect", value="NAME", advanced=True),
    option("-t --timeout", "time limit (default 30s)", value="TIME"),
    option("-q --quiet", "show the essential word only"),
)  # fmt: skip
_COMMANDS = ("status", "health", "pacemakerd", "dc-lookup", "nodes")
_KINDS = ("cluster", "guest", "remote")
_SECONDS = 30.0
_PAUSE = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)


def _main(call: Call) -> int:
    options = call.options
    given = {name for name, _ in options.given if name in _COMMANDS}
    if len(given) != 1:
        text = "name one of --status, --pacemakerd, --dc-lookup, --nodes"
        raise EngineError(text, status=ExitStatus.USAGE)
    limit = options.get("timeout")
    seconds = milliseconds_from_text(limit) / 1000 if limit else _SECONDS
    command = given.pop()
    if command == "nodes":
        return _nodes(call, options.get("nodes") or "all")
    if command == "dc-lookup":
        return _controller(call, seconds)
    if command == "pacemakerd":
        return _software(call, seconds)
    return _state(call, options.get(command), seconds)


def _nodes(call: Call, wanted: str) -> int:
    from engine.tools.frame.cib import read_cib

    kinds = _KINDS if wanted == "all" else tuple(wanted.split(","))
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown:
        text = f"'{unknown[0]}' is not a type of nodes, expected all, cluster, guest or remote"
        raise EngineError(text, status=ExitStatus.USAGE)
    out, options = call.out, call.options
    root = read_cib(call.environment).root
    block = out.element("nodes")
    for kind, name, id_ in _named(root):
        if kind not in kinds:
            continue
        if "bash-export" in options:
            out.line(f"export {name}={id_}")
        else:
            out.line(name if "quiet" in options else f"{kind} node: {name} ({id_})")
        out.element("node", {"type": kind, "name": name, "id": id_}, parent=block)
    return ExitStatus.OK


def _named(root: etree._Element) -> Iterator[tuple[str, str, str]]:
    """Type, name and id of every node that the configuration names."""
    for node in root.iterfind("configuration/nodes/node"):
        if node.get("type", "member") in {"member", "normal"}:
            yield "cluster", node.get("uname", ""), node.get("id", "")
    for pair in root.iterfind("configuration/resources//meta_attributes/nvpair"):
        if pair.get("name") == "remote-node" and pair.get("value"):
            yield "guest", pair.get("value", ""), pair.get("value", "")
    for resource in root.iterfind("configuration/resources//primitive"):
        agent = (resource.get("provider"), resource.get("type"))
        if agent == ("pacemaker", "remote"):
            yield "remote", resource.get("id", ""), resource.get("id", "")


def _status(call: Call, seconds: float) -> dict[str, object]:
    from engine.tools.frame.change import agent

    with agent(call.environment) as client:
        return dict(client.demand("status", seconds))


def _controller(call: Call, seconds: float) -> int:
    out = call.out
    dc = str(_status(call, seconds).get("dc") or "")
    if not dc:
        raise EngineError("there is no designated controller now", status=ExitStatus.NOHOST)
    out.line(dc if "quiet" in call.options else f"Designated Controller is: {dc}")
    out.element("dc", {"node_name": dc})
    return ExitStatus.OK


def _software(call: Call, seconds: float) -> int:
    out = call.out
    _status(call, seconds)
    now = time.localtime()
    shown = "running" if "quiet" in call.options else "Pacemaker is running"
    line = f"Status of pacemakerd: '{shown}' (last updated {time.strftime('%c', now)})"
    out.line(shown if "quiet" in call.options else line)
    values = {
        "sys_from": "pacemakerd",
        "state": "running",
        "last_updated": time.strftime("%Y-%m-%d %H:%M:%S %z", now),
    }
    out.element("pacemakerd", values)
    return ExitStatus.OK


def _state(call: Call, node: str, seconds: float) -> int:
    """The state of a member; who waits for one that does not answer waits until the time is over."""
    out = call.out
    deadline = time.monotonic() + seconds
    while True:
        status = _status(call, max(0.1, deadline - time.monotonic()))
        members = status.get("members")
        if isinstance(members, (list, tuple)) and node in map(str, members):
            break
        if time.monotonic() + _PAUSE >= deadline:
            text = f"no answer from the controller of {node} within {seconds:g} s"
            raise EngineError(text, status=ExitStatus.TIMEOUT)
        time.sleep(_PAUSE)
    state = "S_IDLE" if status.get("dc") == node else "S_NOT_DC"
    line = f"Controller on {node} in state {state}: ok"
    out.line(state if "quiet" in call.options else line)
    out.element("crmd", {"node_name": node, "state": state, "result": "ok"})
    return ExitStatus.OK


PROGRAM = Program(
    "crmadmin",
    "Show the designated controller, states of nodes, and names of nodes.",
    OPTIONS,
    _main,
    usage="--status=NODE | --pacemakerd | --dc-lookup | --nodes[=TYPES] [OPTIONS]",
)

if __name__ == "__main__":
    sys.exit(main())
