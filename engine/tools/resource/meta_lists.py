"""What can be set on resources: meta-attributes of primitives, parameters of fencing resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.option_lists import TYPES

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
    from engine.agents.metadata import Parameter
    from engine.cib.options import RESOURCE_META

    return tuple(
        Parameter(
            each.name,
            type=TYPES.get(each.kind, each.kind),
            default=each.default,
            shortdesc=each.summary,
            values=each.words,
        )
        for each in RESOURCE_META.values()
    )
