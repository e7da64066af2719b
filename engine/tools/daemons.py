"""What some tools and agents ask Pacemaker's daemons for: their meta-data, version and features.

The daemons' work is done by the node agent; these programs answer questions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.api_version import COMPATIBLE_WITH
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

FEATURES = ("generated-manpages", "lsb", "remote", "systemd")
_BASED = ("enable-acl", "cluster-ipc-limit")
_CONTROLD = (
    *("dc-version", "cluster-infrastructure", "cluster-name", "dc-deadtime"),
    *("cluster-recheck-interval", "fencing-reaction", "election-timeout", "shutdown-escalation"),
    *("join-integration-timeout", "join-finalization-timeout", "transition-delay"),
    *("fencing-watchdog-timeout", "fencing-max-attempts", "load-threshold", "node-action-limit"),
)
_ABOUT = {
    "pacemaker-based": "Cluster options about the configuration store",
    "pacemaker-controld": "Cluster options about the controller",
    "pacemaker-fenced": "Parameters that every fencing resource takes",
    "pacemaker-schedulerd": "Cluster options about placement and recovery",
}


def _metadata(call: Call) -> int:
    name = call.out.program
    if call.options.words not in (["metadata"], []) or not call.options.words:
        text = f"expected '{name} metadata'; the work of this daemon is done by crm-agent"
        raise EngineError(text, status=ExitStatus.USAGE)
    call.out.line(metadata_of(name).removesuffix("\n"))
    return ExitStatus.OK


def metadata_of(daemon: str) -> str:
    """The meta-data of a daemon as XML text."""
    from lxml import etree

    root = etree.Element("resource-agent", {"name": daemon, "version": COMPATIBLE_WITH})
    etree.SubElement(root, "version").text = "1.1"
    for tag in ("longdesc", "shortdesc"):
        etree.SubElement(root, tag, {"lang": "en"}).text = _ABOUT[daemon]
    parameters = etree.SubElement(root, "parameters")
    if daemon == "pacemaker-fenced":
        _add_fence_parameters(parameters)
    else:
        _add_options(parameters, daemon)
    head = '<?xml version="1.0"?>\n'
    return head + etree.tostring(root, pretty_print=True, encoding="unicode")


def _add_fence_parameters(parameters: etree._Element) -> None:
    from engine.agents.fence_parameters import FENCE_PARAMETERS

    for each in FENCE_PARAMETERS:
        _add(parameters, each.name, each.shortdesc, each.type, each.default or "", each.values)


def _add_options(parameters: etree._Element, daemon: str) -> None:
    from engine.cib.options import CLUSTER_OPTIONS
    from engine.tools.frame.option_lists import TYPES

    apart = {"pacemaker-based": _BASED, "pacemaker-controld": _CONTROLD}
    others = set(CLUSTER_OPTIONS) - {*_BASED, *_CONTROLD}
    for name, each in CLUSTER_OPTIONS.items():
        if name in apart.get(daemon, others):
            kind = TYPES.get(each.kind, each.kind)
            _add(parameters, name, each.summary, kind, each.default, each.words)


def _add(
    parameters: etree._Element,
    name: str,
    text: str,
    kind: str,
    default: str,
    words: Sequence[str],
) -> None:
    from lxml import etree

    parameter = etree.SubElement(parameters, "parameter", {"name": name})
    for tag in ("longdesc", "shortdesc"):
        etree.SubElement(parameter, tag, {"lang": "en"}).text = text
    content = etree.SubElement(parameter, "content", {"type": kind})
    if default:
        content.set("default", default)
    for word in words:
        etree.SubElement(content, "option", {"value": word})


def _daemon(name: str) -> Program:
    summary = f"{_ABOUT[name]}; asked for its meta-data only."
    return Program(name, summary, (), _metadata, usage="metadata", formatted=False)


PROGRAMS = {name: _daemon(name) for name in _ABOUT}


def based(argv: Sequence[str] | None = None) -> int:
    """Run `pacemaker-based`."""
    return run(PROGRAMS["pacemaker-based"], argv)


def controld(argv: Sequence[str] | None = None) -> int:
    """Run `pacemaker-controld`."""
    return run(PROGRAMS["pacemaker-controld"], argv)


def fenced(argv: Sequence[str] | None = None) -> int:
    """Run `pacemaker-fenced`."""
    return run(PROGRAMS["pacemaker-fenced"], argv)


def schedulerd(argv: Sequence[str] | None = None) -> int:
    """Run `pacemaker-schedulerd`."""
    return run(PROGRAMS["pacemaker-schedulerd"], argv)
