"""The description of an agent as text, as crmsh prints it: what an administrator needs to configure it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from engine.agents.fence_parameters import FENCE_PARAMETERS
from engine.agents.metadata import AgentAction, AgentMetadata, Parameter

INDENT = "    "
_LONG_LINE = 100
_SHOWN_ACTIONS = frozenset(
    {
        "start",
        "stop",
        "status",
        "monitor",
        "promote",
        "demote",
        "notify",
        "migrate_to",
        "migrate_from",
        "reload",
        "reload-agent",
    }
)


def describe_agent(data: AgentMetadata, width: int = 80) -> str:
    """The whole description; parameters: required ones first, deprecated ones last."""
    short = " ".join(data.shortdesc.split())
    lines = [f"{short} ({data.name})" if short else str(data.name), ""]
    if data.longdesc:
        lines += [*_paragraphs(data.longdesc, width), ""]
    if data.parameters:
        lines += ["Parameters (*: required, []: default):", ""]
        for parameter in ordered_parameters(data.parameters):
            lines += [*describe_parameter(parameter, width), ""]
    if data.name.standard == "stonith":
        lines += ["Parameters of every fencing resource ([]: default):", ""]
        lines += [_head(parameter) for parameter in FENCE_PARAMETERS]
        lines.append("")
    shown = [action for action in data.actions if action.name in _SHOWN_ACTIONS]
    if shown:
        lines += ["Operations' defaults (advised minimum):", ""]
        lines += [INDENT + _describe_action(action) for action in shown]
    return "\n".join(lines).rstrip("\n") + "\n"


def ordered_parameters(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Required ones first, deprecated ones last, otherwise in the agent's order."""
    return sorted(parameters, key=lambda each: (each.deprecated, not each.required))


def describe_parameter(parameter: Parameter, width: int = 80) -> list[str]:
    """`NAME* (TYPE, [DEFAULT]): SHORT`, then the long text and the legal values, indented."""
    lines = [_head(parameter)]
    text = parameter.longdesc.strip()
    if text and " ".join(text.split()) != " ".join(parameter.shortdesc.split()):
        lines += [INDENT + line if line else "" for line in _paragraphs(text, width - len(INDENT))]
    if parameter.values:
        lines.append(f"{INDENT}Allowed values: {', '.join(parameter.values)}")
    if parameter.replaced_with:
        lines.append(f"{INDENT}Use instead: {', '.join(parameter.replaced_with)}")
    return lines


def _head(parameter: Parameter) -> str:
    name = parameter.name + ("*" if parameter.required else "")
    kinds = []
    if parameter.unique:
        kinds.append("unique")
    kinds.append(parameter.type)
    if parameter.default:
        kinds.append(f"[{parameter.default}]")
    short = " ".join(parameter.shortdesc.split())
    deprecated = "(deprecated) " if parameter.deprecated else ""
    return f"{name} ({', '.join(kinds)}): {deprecated}{short}".rstrip(": ").rstrip()


def _describe_action(action: AgentAction) -> str:
    parts = [f"{action.name:<13}"]
    for label, value in (
        ("timeout", action.timeout),
        ("interval", action.interval),
        ("role", action.role),
        ("depth", action.depth if action.depth not in {"", "0"} else ""),
    ):
        if value:
            parts.append(f"{label}={value}")
    return " ".join(parts).rstrip()


def _paragraphs(text: str, width: int) -> list[str]:
    """The text with its own line breaks, lines longer than the width folded."""
    lines: list[str] = []
    for raw in textwrap.dedent(text).strip("\n").splitlines():
        line = raw.rstrip()
        if len(line) <= max(width, _LONG_LINE):
            lines.append(line)
            continue
        lead = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=lead,
            subsequent_indent=lead,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
