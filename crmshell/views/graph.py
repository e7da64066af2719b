"""The configuration as graphviz text: hosts, resources, and the constraints between them. Pure.

Resources are rounded boxes, containers boxes around their members; orders are arrows, colocations
lines without heads, locations dashed lines to hosts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmshell.views.names import CONTAINERS

if TYPE_CHECKING:
    from lxml import etree

_LABELS = {
    "primitive": "",
    "group": "group ",
    "clone": "clone ",
    "master": "clone ",
    "bundle": "bundle ",
}


def dot_from_cib(root: etree._Element) -> str:
    """The text of a digraph; empty containers and dangling references do no harm."""
    lines = [
        "digraph configuration {",
        '  graph [rankdir=LR, compound=true, fontname="sans-serif"];',
        '  node [fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    configuration = root.find("configuration")
    if configuration is not None:
        lines += _hosts(configuration)
        resources = configuration.find("resources")
        for resource in resources if resources is not None else ():
            lines += _resource(resource, 1)
        anchors = _anchors(configuration)
        constraints = configuration.find("constraints")
        for constraint in constraints if constraints is not None else ():
            lines += _constraint(constraint, anchors)
    return "\n".join([*lines, "}"]) + "\n"


def quote(text: str) -> str:
    """A string of the dot language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _hosts(configuration: etree._Element) -> Iterator[str]:
    for node in configuration.findall("nodes/node"):
        name = node.get("uname") or node.get("id") or ""
        yield f"  {quote('node ' + name)} [shape=box3d, label={quote(name)}];"


def _resource(resource: etree._Element, depth: int) -> Iterator[str]:
    name, kind = resource.get("id", ""), str(resource.tag)
    indent = "  " * depth
    if kind == "primitive":
        agent = ":".join(p for p in (resource.get("provider"), resource.get("type")) if p)
        label = f"{name}\n{agent or '@' + (resource.get('template') or '')}"
        yield f"{indent}{quote(name)} [shape=box, style=rounded, label={quote(label)}];"
    elif kind in CONTAINERS:
        style = "rounded" if kind == "group" else "bold"
        yield f"{indent}subgraph {quote('cluster_' + name)} {{"
        yield f"{indent}  graph [label={quote(_LABELS[kind] + name)}, style={style}];"
        before = ""
        for member in resource:
            yield from _resource(member, depth + 1)
            if kind == "group" and member.tag == "primitive":
                if before:
                    yield f"{indent}  {quote(before)} -> {quote(member.get('id', ''))};"
                before = member.get("id", "")
        if not any(member.tag in _LABELS for member in resource):
            yield f"{indent}  {quote(name)} [shape=box, style=rounded];"
        yield f"{indent}}}"


def _anchors(configuration: etree._Element) -> dict[str, tuple[str, str]]:
    """For each resource: the dot node that edges touch, and the box they are clipped at."""
    anchors: dict[str, tuple[str, str]] = {}
    resources = configuration.find("resources")
    for resource in resources.iter(*_LABELS) if resources is not None else ():
        name = resource.get("id", "")
        inner = next(iter(resource.iter("primitive")), None)
        if resource.tag == "primitive" or inner is None:
            anchors[name] = (name, "" if resource.tag == "primitive" else f"cluster_{name}")
        else:
            anchors[name] = (inner.get("id", ""), f"cluster_{name}")
    return anchors


def _constraint(constraint: etree._Element, anchors: dict[str, tuple[str, str]]) -> Iterator[str]:
    name = constraint.get("id", "")
    if constraint.tag == "rsc_location":
        yield from _location(constraint, name, anchors)
        return
    is_order = constraint.tag == "rsc_order"
    if constraint.tag not in ("rsc_order", "rsc_colocation"):
        return
    ends = ("first", "then") if is_order else ("rsc", "with-rsc")
    pairs = [(constraint.get(ends[0]), constraint.get(ends[1]))]
    members = [one.get("id", "") for one in constraint.iter("resource_ref")]
    if members:
        pairs = list(itertools.pairwise(members))
    label = name if is_order else f"{name} {_score(constraint)}"
    style = "" if is_order else "dir=none, style=dotted, color=blue, constraint=false, "
    if is_order and constraint.get("kind") == "Optional":
        style = "style=dashed, "
    for first, then in pairs:
        if first and then:
            yield _edge(first, then, f"{style}label={quote(label)}", anchors)


def _location(
    constraint: etree._Element, name: str, anchors: dict[str, tuple[str, str]]
) -> Iterator[str]:
    targets = [(constraint.get("node", ""), constraint.get("score", "INFINITY"))]
    for rule in constraint.iter("rule"):
        for test in rule.iter("expression"):
            if test.get("attribute") == "#uname" and test.get("operation") == "eq":
                targets.append((test.get("value", ""), rule.get("score", "INFINITY")))
    resources = [constraint.get("rsc", "")]
    resources += [one.get("id", "") for one in constraint.iter("resource_ref")]
    for resource in resources:
        for host, score in targets:
            if resource and host:
                colour = "red" if score.startswith("-") else "darkgreen"
                style = f"style=dashed, color={colour}, label={quote(f'{name} {score}')}"
                yield _edge(resource, f"node {host}", style, anchors)


def _score(constraint: etree._Element) -> str:
    return constraint.get("score") or constraint.get("score-attribute") or ""


def _edge(tail: str, head: str, style: str, anchors: dict[str, tuple[str, str]]) -> str:
    start, clipped_tail = anchors.get(tail, (tail, ""))
    end, clipped_head = anchors.get(head, (head, ""))
    clips = [f"ltail={quote(clipped_tail)}"] if clipped_tail else []
    clips += [f"lhead={quote(clipped_head)}"] if clipped_head else []
    return f"  {quote(start)} -> {quote(end)} [{', '.join([style, *clips])}];"
