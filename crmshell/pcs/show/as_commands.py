"""Resources as the `pcs` commands that would make them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from crmshell.pcs.frame.book import CLONES, Element, bundle_of, ids_of, members_of, pairs_in
from crmshell.pcs.resource.operations import ops_of, values_of
from crmshell.pcs.show.parts import container_of, option_pairs

_NEXT = " \\\n  "


def commands_for(elements: Sequence[Element], *, named: bool) -> list[str]:
    """Bundles first, then primitives (by name when some were asked for), groups and clones."""
    primitives = [each for each in elements if each.tag == "primitive"]
    if named:
        primitives.sort(key=lambda each: each.get("id", ""))
    found = [_bundle(each) for each in elements if each.tag == "bundle"]
    found += [_primitive(each) for each in primitives]
    found += [_group(each) for each in elements if each.tag == "group"]
    found += [_clone(each) for each in elements if each.tag in CLONES]
    return found


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(shlex.quote(f"{name}={value}") for name, value in pairs)


def _set(element: Element, tag: str) -> str:
    values: dict[str, str] = {}
    for each in element.iterchildren(tag):
        values.update(pairs_in(each))
    return _pairs(sorted(values.items()))


def _primitive(element: Element) -> str:
    fencing = element.get("class") == "stonith"
    names = ("class", "provider", "type")
    agent = ":".join(element.get(name, "") for name in names if element.get(name))
    if fencing:
        agent = element.get("type", "")
    kind = "stonith" if fencing else "resource"
    head = f"pcs {kind} create --no-default-ops --force -- {shlex.quote(element.get('id', ''))} {agent}"
    parts = [head]
    values = _set(element, "instance_attributes")
    if values:
        parts.append(values)
    ops = ops_of(element)
    if ops:
        parts.append("op")
        parts += [f"  {_op(op)}" for op in ops]
    metas = _set(element, "meta_attributes")
    if metas:
        parts.append(f"meta {metas}")
    bundle = bundle_of(element)
    if bundle is not None:
        parts.append(f"bundle {bundle.get('id')}")
    text = _NEXT.join(parts)
    utilization = _set(element, "utilization")
    if utilization:
        text += f";\npcs resource utilization {element.get('id')}{_NEXT}{utilization}"
    return text


def _op(op: Element) -> str:
    values = values_of(op)
    name = values.pop("name")
    interval = values.pop("interval")
    pairs = [("interval", interval), ("id", op.get("id", "")), *values.items()]
    return f"{name} {_pairs(pairs)}"


def _group(element: Element) -> str:
    members = " ".join(ids_of(members_of(element)))
    text = f"pcs resource group add {element.get('id')}{_NEXT}{members}"
    return text + _metas_behind(element)


def _metas_behind(element: Element) -> str:
    metas = _set(element, "meta_attributes")
    return f";\npcs resource meta {element.get('id')}{_NEXT}{metas}" if metas else ""


def _clone(element: Element) -> str:
    inside = ids_of(members_of(element))
    text = f"pcs resource clone {inside[0] if inside else ''} {element.get('id')}"
    metas = _set(element, "meta_attributes")
    return f"{text}{_NEXT}meta {metas}" if metas else text


def _bundle(element: Element) -> str:
    parts = [f"pcs resource bundle create {element.get('id')}"]
    container = container_of(element)
    if container is not None:
        parts += [f"container {container.tag!s}", f"  {_pairs(option_pairs(container))}"]
    network = element.find("network")
    if network is not None:
        if len(network.attrib):
            parts.append(f"network {_pairs(option_pairs(network))}")
        for each in network.iterchildren("port-mapping"):
            parts.append(f"port-map {_pairs(option_pairs(each))}")
    for each in element.iterfind("storage/storage-mapping"):
        parts.append(f"storage-map {_pairs(option_pairs(each))}")
    metas = _set(element, "meta_attributes")
    if metas:
        parts.append(f"meta {metas}")
    return _NEXT.join(parts)
