"""Installed agents, their meta-data, and actions that are carried out on this node right now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.agents.catalog import Catalog, folders_from_environment
from engine.agents.names import AgentName, agent_name_from_text, check_agent_name
from engine.agents.run import agent_variables, metadata_source, read_metadata, run_program
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.scheduler.views.result_words import exit_text

if TYPE_CHECKING:
    from engine.tools.frame.output import Output

STANDARDS = ("ocf", "lsb", "service", "systemd", "stonith")
FORCED = {
    "force-start": "start",
    "force-stop": "stop",
    "force-check": "monitor",
    "force-promote": "promote",
    "force-demote": "demote",
    "validate": "validate-all",
}
_SECONDS = 20.0


def show_standards(out: Output) -> int:
    """The classes of agents."""
    return _show(out, "standards", "item", STANDARDS)


def show_providers(out: Output, environment: Mapping[str, str], type_: str) -> int:
    """The providers of OCF agents, of one agent if it is named."""
    catalog = Catalog(folders_from_environment(environment))
    found = catalog.providers_of(type_) if type_ else catalog.providers()
    return _show(out, "providers", "provider", found)


def show_agents(out: Output, environment: Mapping[str, str], spec: str) -> int:
    """The agents of a class, or of a provider: `ocf`, `ocf:heartbeat`, `stonith`."""
    standard, _, provider = spec.partition(":")
    catalog = Catalog(folders_from_environment(environment))
    found = catalog.types(standard, provider)
    if not found:
        raise EngineError(f"No agents found for {spec}", status=ExitStatus.NOSUCH)
    values = {"standard": standard} | ({"provider": provider} if provider else {})
    return _show(out, "agents", "agent", found, values)


def _show(
    out: Output, tag: str, item: str, names: Iterable[str], values: Mapping[str, str] | None = None
) -> int:
    block = out.element(tag, values)
    for name in names:
        out.line(name)
        out.element(item, text=name, parent=block)
    return ExitStatus.OK


def show_metadata(out: Output, environment: Mapping[str, str], spec: str) -> int:
    """The meta-data of an agent."""
    catalog = Catalog(folders_from_environment(environment))
    text = read_metadata(catalog, agent_name_from_text(spec), environment).decode(
        "utf-8", "replace"
    )
    if out.is_xml:
        from lxml import etree

        from engine.base.safexml import parse_xml

        out.root.append(parse_xml(text.encode(), spec))
        etree.indent(out.root)
    else:
        out.lines.append(text.rstrip("\n"))
    return ExitStatus.OK


def act_now(
    out: Output,
    environment: Mapping[str, str],
    what: str,
    name: AgentName,
    resource: str,
    parameters: Mapping[str, str],
    *,
    seconds: float = 0,
    verbose: bool = False,
) -> int:
    """Carry out an action of an agent here, behind the cluster's back; the agent's exit code."""
    action = FORCED[what]
    if name.standard not in {"ocf", "lsb"}:
        text = f"{what} is not supported for agents of class {name.standard}: expected ocf or lsb"
        raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    if name.standard == "lsb" and action not in {"start", "stop", "monitor"}:
        text = f"{what} is not supported for agents of class lsb"
        raise EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)
    catalog = Catalog(folders_from_environment(environment))
    path = metadata_source(catalog, name)
    variables = agent_variables(environment, catalog.folders.ocf_root, name, parameters)
    variables["OCF_RESOURCE_INSTANCE"] = resource or "test"
    word = "status" if name.standard == "lsb" and action == "monitor" else action
    done = run_program([path, word], variables, timeout=seconds or _SECONDS)
    rc = int(ExitStatus.TIMEOUT) if done.timed_out else max(done.status, 0) or done.status
    stdout, stderr = (each.decode("utf-8", "replace") for each in (done.stdout, done.stderr))
    _tell_result(out, what, name, resource, rc)
    for stream, text in (("stdout", stdout), ("stderr", stderr)):
        if text and (verbose or rc):
            for line in text.splitlines():
                out.line(f" >  {stream}: {line}")
    if out.is_xml:
        action_element = out.root[-1]
        for stream, text in (("stdout", stdout), ("stderr", stderr)):
            if text:
                out.element("output", {"source": stream}, text, parent=action_element)
    return rc


def _tell_result(out: Output, what: str, name: AgentName, resource: str, rc: int) -> None:
    subject = f"{resource} ({name})" if resource else str(name)
    out.line(f"Operation {what} for {subject} returned: '{exit_text(rc)}' ({rc})")
    values = {
        "action": FORCED[what],
        "class": name.standard,
        "type": name.type,
        "code": str(rc),
        "message": exit_text(rc),
    }
    values |= {"rsc": resource} if resource else {}
    out.element(
        "resource-agent-action", values | ({"provider": name.provider} if name.provider else {})
    )


def named_agent(standard: str, provider: str, type_: str) -> AgentName:
    """The agent of three options; raises `EngineError`."""
    if not standard or not type_:
        text = "name the agent with --class and --agent (and --provider for class ocf)"
        raise EngineError(text, status=ExitStatus.USAGE)
    return check_agent_name(standard, provider, type_)
