"""What can be set on resources: meta-attributes of primitives, parameters of fencing resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

if TYPE_CHECKING:
    from engine.agents.metadata import Parameter
    from engine.tools.frame.output import Output

KINDS = ("primitive", "fencing")
_TITLES = {
    "primitive": ("primitive-meta", "Meta-attributes of primitives"),
    "fencing": ("fence-attributes", "Parameters that every fencing resource takes"),
}


def show_options(out: Output, kind: str, *, everything: bool) -> int:
    """The list of one kind; raises `EngineError` (USAGE) for another."""
    if kind not in KINDS:
        text = f"Invalid --list-options value '{kind}'. Allowed values: {', '.join(KINDS)}"
        raise EngineError(text, status=ExitStatus.USAGE)
    rows = _rows(kind)
    name, title = _TITLES[kind]
    out.line(title)
    agent = out.element("resource-agent", {"name": name})
    out.element("version", text="1.1", parent=agent)
    out.element("longdesc", {"lang": "en"}, title, parent=agent)
    out.element("shortdesc", {"lang": "en"}, title, parent=agent)
    block = out.element("parameters", parent=agent)
    for row in rows:
        is_advanced = (
            row.name.startswith("pcmk_")
            and row.name.count("_") == 2
            and (row.name.rpartition("_")[2] in {"action", "timeout", "retries"})
        )
        if is_advanced and not everything and not out.is_xml:
            continue
        default = f"(default: {row.default})" if row.default else "(no default)"
        out.line("")
        out.line(f"  * {row.name}: {row.shortdesc}")
        out.line(f"    * Possible values: {', '.join(row.values) or row.type} {default}")
        values = {"name": row.name, "advanced": str(int(is_advanced)), "generated": "0"}
        made = out.element("parameter", values, parent=block)
        for tag in ("longdesc", "shortdesc"):
            out.element(tag, {"lang": "en"}, row.shortdesc, parent=made)
        content = {"type": "select" if row.values else row.type}
        content |= {"default": row.default} if row.default else {}
        holder = out.element("content", content, parent=made)
        for value in row.values:
            out.element("option", {"value": value}, parent=holder)
    return ExitStatus.OK


def _rows(kind: str) -> tuple[Parameter, ...]:
    if kind == "fencing":
        from engine.agents.fence_parameters import FENCE_PARAMETERS

        return FENCE_PARAMETERS
    return _meta()


def _meta() -> tuple[Parameter, ...]:
    from engine.agents.metadata import Parameter

    def row(name: str, type_: str, default: str, text: str, values: str = "") -> Parameter:
        return Parameter(
            name, type=type_, default=default, shortdesc=text, values=tuple(values.split())
        )

    roles = "Stopped Started Unpromoted Promoted"
    return (
        row("priority", "score", "0", "which resources stop first where not all can run"),
        row("critical", "boolean", "true", "default of influence in colocations"),
        row("target-role", "select", "Started", "the state to keep the resource in", roles),
        row("is-managed", "boolean", "true", "whether the cluster starts and stops it"),
        row("maintenance", "boolean", "false", "leave it alone, without monitors"),
        row("resource-stickiness", "score", "", "how much it prefers to stay where it is"),
        row("requires", "select", "", "when it may start", "nothing quorum fencing unfencing"),
        row("migration-threshold", "score", "INFINITY", "failures after which a node is avoided"),
        row("failure-timeout", "duration", "0", "after which time a failure is forgotten"),
        row(
            "multiple-active",
            "select",
            "stop_start",
            "what to do if it is active on several nodes",
            "block stop_only stop_start stop_unexpected",
        ),
        row("allow-migrate", "boolean", "", "move it live where its agent can"),
        row("allow-unhealthy-nodes", "boolean", "false", "let it run on unhealthy nodes"),
        row("container-attribute-target", "string", "", "whose node attributes a container uses"),
        row("remote-node", "string", "", "the guest node that this resource makes"),
        row("remote-addr", "string", "", "address of the guest node"),
        row("remote-port", "port", "3121", "port of the guest node"),
        row("remote-connect-timeout", "timeout", "60s", "time limit for the guest's connection"),
        row("remote-allow-migrate", "boolean", "true", "whether that connection moves live"),
    )
