"""The command `stonith_admin`: fence a node, confirm that it is down, show devices and what was fenced."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.values import interval_milliseconds
from engine.tools.frame.change import agent, patiently
from engine.tools.frame.cib import read_cib
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from engine.fencing.devices import Device

OPTIONS = (
    option("-F --fence", "switch a node off", value="NODE"),
    option("-B --reboot", "reboot a node", value="NODE"),
    option("-U --unfence", "let a node in", value="NODE"),
    option("-C --confirm", "confirm that a node is down: nothing is done to it", value="NODE"),
    option("-H --history", "show what was fenced; '*' for all nodes", value="NODE"),
    option("-h --last", "show when a node was fenced last", value="NODE"),
    option("-L --list-registered", "show the fence devices"),
    option("-l --list", "show the fence devices that the configuration names for a node", value="NODE"),
    option("-s --list-targets", "show the nodes that a device is configured for", value="DEVICE"),
    option("-I --list-installed", "show the installed fence agents"),
    option("-M --metadata", "show the meta-data of the agent given with -a"),
    option("-a --agent", "a fence agent", value="AGENT"),
    option("-t --timeout", "how long to wait for the result (10min unless given)", value="TIME"),
    option("-c --cleanup", "with --history: forget it"),
    option("-b --broadcast", "without effect: every member is asked always", advanced=True),
    option("--tag", "who asks for it, in the history and in alerts", value="TEXT", advanced=True),
    option("-q --quiet", "show less"),
)  # fmt: skip
_ACTIONS = {"fence": "off", "reboot": "reboot", "unfence": "on"}
_WORDS = {"off": "turning off", "reboot": "reboot", "on": "unfencing"}
_FENCE_SECONDS = 600.0
_VERBS = (*_ACTIONS, "confirm", "history", "last", "list-registered", "list", "list-targets",
          "list-installed", "metadata")  # fmt: skip


def _main(call: Call) -> int:
    verb = call.options.last_of(_VERBS)
    node = call.options.get(verb) if verb else ""
    match verb:
        case "fence" | "reboot" | "unfence":
            return _fence(call, node, _ACTIONS[verb])
        case "confirm":
            with agent(call.environment) as client:
                patiently(client, "confirm-fenced", node=node)
            return ExitStatus.OK
        case "history":
            return _history(call, "" if node == "*" else node)
        case "last":
            return _last(call, node)
        case "list-registered" | "list":
            return _devices(call, node)
        case "list-targets":
            return _targets(call, node)
        case "list-installed":
            return _installed(call)
        case "metadata":
            return _metadata(call)
    raise EngineError("name what to do, --help lists it", status=ExitStatus.USAGE)


def _fence(call: Call, node: str, action: str) -> int:
    limit = _limit(call)
    fields = {"node": node, "action": action, "tag": call.options.get("tag") or ""}
    try:
        with agent(call.environment) as client:
            client.demand("fence", limit, **fields)
    except EngineError as problem:
        if "no fence device" in str(problem):
            text = f"{problem}"
            raise EngineError(text, status=ExitStatus.NOSUCH) from None
        raise
    return ExitStatus.OK


def _limit(call: Call) -> float:
    """How many seconds the result is waited for."""
    text = call.options.get("timeout")
    if not text:
        return _FENCE_SECONDS
    milliseconds = interval_milliseconds(text)
    if milliseconds is None or milliseconds <= 0:
        raise EngineError(
            f"--timeout: '{text}' is no time, expected 60s or 2min", status=ExitStatus.USAGE
        )
    return milliseconds / 1000


# -- what was fenced -----------------------------------------------------------------------------


def _events(call: Call, node: str, *, forget: bool = False) -> dict[str, Any]:
    with agent(call.environment) as client:
        return patiently(client, "fence-history", node=node, forget=forget)


def _history(call: Call, node: str) -> int:
    forget = "cleanup" in call.options
    told = _events(call, node, forget=forget)
    if forget:
        if "quiet" not in call.options:
            call.out.line(f"cleaning up fencing-history{f' for node {node}' if node else ''}")
        return ExitStatus.OK
    events = list(reversed(told["events"]))
    if not _is_verbose(call):
        events = _newest(events)
    if "quiet" in call.options:
        for event in events[:1]:
            call.out.line(str(int(event["when"])))
        return ExitStatus.OK
    count = len(events) + len(told["pending"])
    holder = call.out.element("list", {"name": "fencing history", "count": str(count)})
    for event in told["pending"]:
        call.out.line(_pending_line(event))
        call.out.element("fence_event", _pending_values(event), parent=holder)
    for event in events:
        call.out.line(_line(event, is_last=not _is_verbose(call)))
        call.out.element("fence_event", _values(event), parent=holder)
    call.out.line(f"{count} event{'' if count == 1 else 's'} found")
    return ExitStatus.OK


def _is_verbose(call: Call) -> bool:
    return "verbose" in call.options


def _newest(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The newest success and the newest failure for each node and action."""
    seen: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for event in events:
        seen.setdefault((event["target"], event["action"], event["ok"]), event)
    return list(seen.values())


def _line(event: Mapping[str, Any], *, is_last: bool) -> str:
    result = "successful" if event["ok"] else "failed"
    when = "last-successful" if event["ok"] else "last-failed"
    stamp = f"{when if is_last else 'completed'}='{_moment(event['when'])}'"
    reason = f" ({event['error']})" if event["error"] else ""
    return (
        f"{_WORDS.get(event['action'], event['action'])} of {event['target']} {result}{reason}: "
        f"delegate={event['delegate']}, client={event['origin']}, "
        f"origin={event.get('coordinator', '')}, {stamp}"
    )


def _pending_line(event: Mapping[str, Any]) -> str:
    words = _WORDS.get(event["action"], event["action"])
    return f"{words} of {event['target']} pending: client={event['origin']}, origin={event['node']}"


def _values(event: Mapping[str, Any]) -> dict[str, str]:
    values = {
        "action": event["action"],
        "target": event["target"],
        "client": event["origin"],
        "origin": event.get("coordinator", ""),
        "status": "success" if event["ok"] else "failed",
        "delegate": event["delegate"],
        "completed": _moment(event["when"]),
    }
    return values | ({"exit-reason": event["error"]} if event["error"] else {})


def _pending_values(event: Mapping[str, Any]) -> dict[str, str]:
    return {
        "action": event["action"],
        "target": event["target"],
        "client": event["origin"],
        "origin": event["node"],
        "status": "pending",
        "extended-status": "pending",
    }


def _moment(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(when))


def _last(call: Call, node: str) -> int:
    done = [
        event for event in _events(call, node)["events"] if event["ok"] and event["action"] != "on"
    ]
    when = time.ctime(done[-1]["when"]) if done else "never"
    call.out.line(
        f"Node {node} last fenced at: {when}" if done else f"Node {node} was never fenced"
    )
    call.out.element("last-fenced", {"target": node, "when": when})
    return ExitStatus.OK


# -- devices -------------------------------------------------------------------------------------


def _all_devices(call: Call) -> tuple[Device, ...]:
    from engine.fencing.topology import devices_in

    return devices_in(read_cib(call.environment).root)


def _devices(call: Call, node: str) -> int:
    devices = _all_devices(call)
    if node:
        devices = tuple(d for d in devices if d.host_check != "static-list" or d.lists(node))
    _list(call, "Registered fence devices", [device.id for device in devices], "fence device")
    return ExitStatus.OK


def _targets(call: Call, name: str) -> int:
    device = next((each for each in _all_devices(call) if each.id == name), None)
    if device is None:
        raise EngineError(f"there is no fence device '{name}'", status=ExitStatus.NOSUCH)
    listed = device.parameters.get("pcmk_host_list", "").replace(",", " ").replace(";", " ").split()
    names = list(dict.fromkeys([*listed, *device.host_map]))
    _list(call, "Fence Targets", names, "fence target")
    return ExitStatus.OK


def _list(call: Call, title: str, names: Sequence[str], noun: str) -> None:
    holder = call.out.element("list", {"name": title, "count": str(len(names))})
    for name in names:
        call.out.line(name)
        call.out.element("item", text=name, parent=holder)
    if "quiet" not in call.options:
        call.out.line(f"{len(names)} {noun}{'' if len(names) == 1 else 's'} found")


def _installed(call: Call) -> int:
    from engine.agents.catalog import Catalog, folders_from_environment

    names = Catalog(folders_from_environment(call.environment)).types("stonith", "")
    _list(call, "Installed fence devices", names, "fence device")
    return ExitStatus.OK


def _metadata(call: Call) -> int:
    from engine.agents.catalog import Catalog, folders_from_environment
    from engine.agents.names import AgentName
    from engine.agents.run import read_metadata

    name = call.options.get("agent")
    if not name:
        raise EngineError("--metadata needs --agent", status=ExitStatus.USAGE)
    catalog = Catalog(folders_from_environment(call.environment))
    text = read_metadata(catalog, AgentName("stonith", "", name), dict(call.environment)).decode()
    if call.out.is_xml:
        call.out.document("metadata", text)
    else:
        call.out.line(text.rstrip("\n"))
    return ExitStatus.OK


PROGRAM = Program(
    "stonith_admin",
    "Fence nodes, confirm that they are down, and show fence devices and what was fenced.",
    OPTIONS,
    _main,
    usage="COMMAND [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
