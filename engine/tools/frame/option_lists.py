"""What can be set, listed with types and defaults: `crm_attribute --list-options`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.program import Call

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.options import Option

KINDS = ("cluster",)
_ABOUT = (
    "Options of the whole cluster. They stand in cluster_property_set elements in the section "
    "crm_config of the configuration."
)
TYPES = {"word": "select", "text": "string", "time": "duration"}
_SET_BY_THE_CLUSTER = frozenset({"dc-version", "cluster-infrastructure", "have-watchdog"})


def list_options(call: Call) -> int:
    """Show the cluster options; raises `EngineError` (USAGE) for another kind."""
    from engine.cib.options import CLUSTER_OPTIONS

    kind = call.options.get("list-options")
    if kind not in KINDS:
        text = f"Invalid --list-options value '{kind}'. Allowed values: {', '.join(KINDS)}"
        raise EngineError(text, status=ExitStatus.USAGE)
    if call.out.is_xml:  # a program that reads this chooses for itself
        _as_xml(call.out.root, "cluster-options", _ABOUT, CLUSTER_OPTIONS.values())
        return ExitStatus.OK
    everything = "all" in call.options
    shown = [
        each
        for each in CLUSTER_OPTIONS.values()
        if everything or not (each.advanced or each.deprecated)
    ]
    for line in _as_text(_ABOUT, shown):
        call.out.line(line)
    return ExitStatus.OK


def _as_text(about: str, options: Iterable[Option]) -> Iterable[str]:
    yield "Cluster options"
    yield ""
    yield about
    for each in options:
        yield ""
        yield f"  * {each.name}: {each.summary}"
        by = " (set by the cluster)" if each.name in _SET_BY_THE_CLUSTER else ""
        default = f"(default: {each.default})" if each.default else "(no default)"
        kinds = ", ".join(each.words) if each.words else TYPES.get(each.kind, each.kind)
        yield f"    * Possible values{by}: {kinds} {default}"
        if each.old_name:
            yield f"    * Older name: {each.old_name}"
        if each.deprecated:
            yield "    * Deprecated"


def _as_xml(root: etree._Element, name: str, about: str, options: Iterable[Option]) -> None:
    from lxml import etree

    from engine.cib.document import FEATURE_SET

    agent = etree.SubElement(root, "resource-agent", {"name": name, "version": FEATURE_SET})
    etree.SubElement(agent, "version").text = "1.1"
    etree.SubElement(agent, "longdesc", {"lang": "en"}).text = about
    etree.SubElement(agent, "shortdesc", {"lang": "en"}).text = "Cluster options"
    parameters = etree.SubElement(agent, "parameters")
    for each in options:
        _add_parameter(parameters, each)
        if each.old_name:
            _add_parameter(parameters, replace(each, name=each.old_name), each.name)


def _add_parameter(parameters: etree._Element, each: Option, successor: str = "") -> None:
    from lxml import etree

    values = {
        "name": each.name,
        "advanced": str(int(each.advanced)),
        "generated": str(int(each.name in _SET_BY_THE_CLUSTER)),
    }
    parameter = etree.SubElement(parameters, "parameter", values)
    if each.deprecated or successor:
        deprecated = etree.SubElement(parameter, "deprecated")
        if successor:
            etree.SubElement(deprecated, "replaced-with", {"name": successor})
    text = f"Older name of {successor}" if successor else each.summary
    for tag in ("longdesc", "shortdesc"):
        etree.SubElement(parameter, tag, {"lang": "en"}).text = text
    content = etree.SubElement(parameter, "content", {"type": TYPES.get(each.kind, each.kind)})
    if each.default:
        content.set("default", each.default)
    for word in each.words:
        etree.SubElement(content, "option", {"value": word})
