"""The protocol of fence agents: `key=value` lines on stdin, an exit code, for some actions text.

Plug-ins of cluster-glue (`external/ipmi`, `meatware`) are run by its program `stonith`, with their parameters
in the environment. Pure (engine 11.2). `pcmk_*` and meta keys steer the cluster and are not passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.base.digits import is_digits, is_whole
from engine.base.errors import BadInput
from engine.base.programs import PATH, REASON_LIMIT, Command, is_safe_name
from engine.base.timespec import milliseconds_from_text

PLUGIN_PROGRAM = "stonith"
_PLUGIN_POWER = {"off": "off", "on": "on", "reboot": "reset"}
_PLUGIN = re.compile(r"(external/|rhcs/)?[A-Za-z0-9][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN_VARIABLES = ("LD_", "BASH", "PATH", "IFS", "ENV", "SHELL", "PYTHON", "PERL", "HOME")
_SPLIT = re.compile(r"[,;\s]+")
NOT_PASSED = ("pcmk_", "CRM_meta_", "crm_feature_set", "action", "provides", "stonith-timeout")


@dataclass(frozen=True, slots=True)
class Device:
    """A fence device of the configuration: its id, its agent and its parameters.

    `runs_on` are the nodes on which it is monitored at present, `never` those it may not be used from.
    """

    id: str
    agent: str
    parameters: dict[str, str] = field(default_factory=dict)
    runs_on: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    @property
    def host_check(self) -> str:
        """How to find out whom the device can fence: static-list, dynamic-list, status or none."""
        said = self.parameters.get("pcmk_host_check", "")
        if said in ("static-list", "dynamic-list", "status", "none"):
            return said
        is_listed = "pcmk_host_list" in self.parameters or "pcmk_host_map" in self.parameters
        return "static-list" if is_listed else "dynamic-list"

    def lists(self, target: str) -> bool:
        """Whether the configuration says that the device can fence this node."""
        listed = _SPLIT.split(self.parameters.get("pcmk_host_list", "").lower())
        return target.lower() in self.host_map or target.lower() in listed

    @property
    def host_map(self) -> dict[str, str]:
        """Node name in small letters → the name (plug, port) under which the device knows it."""
        found = {}
        for item in re.split(r"[;\s]+", self.parameters.get("pcmk_host_map", "")):
            name, port = [*re.split("[:=]", item, maxsplit=1), ""][:2]
            if name and port:
                found[name.lower()] = port
        return found

    def plug(self, target: str) -> str:
        """The name under which the device knows a node."""
        return self.host_map.get(target.lower(), target)

    @property
    def priority(self) -> int:
        text = self.parameters.get("priority", "0")
        return int(text) if is_whole(text) else 0

    def attempts(self, action: str) -> int:
        text = self.parameters.get(f"pcmk_{action}_retries", "2")
        return max(1, int(text)) if is_digits(text) else 2

    def timeout_ms(self, action: str, default_ms: int) -> int:
        return _milliseconds(self.parameters.get(f"pcmk_{action}_timeout", ""), default_ms)

    def agent_action(self, action: str) -> str:
        """The action under the name that this agent wants."""
        return self.parameters.get(f"pcmk_{action}_action", action)

    def delay_base_ms(self, target: str) -> int:
        """The fixed delay before this device fences a node, plain or by `node:time;…`."""
        text = self.parameters.get("pcmk_delay_base", "")
        if ":" not in text:
            return _milliseconds(text, 0)
        for item in re.split(r"[;\s]+", text):
            name, _, delay = item.partition(":")
            if name == target:
                return _milliseconds(delay, 0)
        return 0

    def delay_max_ms(self) -> int:
        return _milliseconds(self.parameters.get("pcmk_delay_max", ""), 0)


def command(
    agent: str, action: str, target: str, parameters: Mapping[str, str], directory: str
) -> Command:
    """The program that carries out an action of a device; `target` is "" when it concerns no node.

    `BadInput` says why there can be none.
    """
    if not agent.startswith("fence_"):
        return _plugin_command(agent, action, target, parameters, directory)
    if not is_safe_name(agent):
        raise BadInput(f"'{agent}' is not the name of a fence agent")
    device = Device("", agent, dict(parameters))
    lines = [f"action={device.agent_action(action)}"]
    if target:
        argument = parameters.get("pcmk_host_argument", "port")
        lines.append(f"nodename={target}")
        if argument != "none" and argument not in parameters:
            lines.append(f"{argument}={device.plug(target)}")
            if argument == "port" and "plug" not in parameters:
                lines.append(f"plug={device.plug(target)}")
    for name, value in parameters.items():
        if name.startswith(NOT_PASSED):
            continue
        if "\n" in value or "\0" in value:
            raise BadInput(f"parameter {name} holds a line break")
        lines.append(f"{name}={value}")
    env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root"}
    text = "\n".join(lines) + "\n"
    return Command((f"{directory}/{agent}",), directory, env, text.encode())


def _plugin_command(
    plugin: str, action: str, target: str, parameters: Mapping[str, str], directory: str
) -> Command:
    """The call of a cluster-glue plug-in; it gets no other parameters than those configured."""
    if _PLUGIN.fullmatch(plugin) is None or ".." in plugin:
        raise BadInput(f"'{plugin}' is not the name of a fence agent (fence_…) or plug-in")
    env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root"}
    for name, value in parameters.items():
        if name.startswith(NOT_PASSED):
            continue
        if _VARIABLE.fullmatch(name) is None or name.startswith(_TAKEN_VARIABLES) or "\0" in value:
            raise BadInput(f"parameter {name} cannot be handed to the plug-in {plugin}")
        env[name] = value
    device = Device("", plugin, dict(parameters))
    asked = device.agent_action(action)
    argv = [f"{directory}/{PLUGIN_PROGRAM}", "-t", plugin, "-E"]
    match asked:
        case "list":
            argv.append("-l")
        case "monitor" | "status":
            argv.append("-S")
        case _ if not target:
            raise BadInput(f"the plug-in {plugin} needs a node for '{asked}'")
        case _:
            argv += ["-T", _PLUGIN_POWER.get(asked, asked), device.plug(target)]
    return Command(tuple(argv), directory, env)


def last_words(stderr: bytes) -> str:
    """The last line that a fence agent wrote to stderr."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:REASON_LIMIT] if lines else ""


def listed_hosts(text: str) -> tuple[str, ...]:
    """The names in the output of `list`: one per line, before a comma, blank or bracket."""
    names = [re.split(r"[,;\s\]\[]+", line.strip("[ \t"))[0] for line in text.splitlines()]
    return tuple(name for name in names if name)


def _milliseconds(text: str, default: int) -> int:
    if not text:
        return default
    try:
        return max(0, milliseconds_from_text(text))
    except BadInput:
        return default
