"""Resources as data, in the shape that readers of `pcs ... --output-format json` know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from crmshell.pcs.frame.book import CLONES, Element, ids_of, members_of
from crmshell.pcs.resource.operations import ops_of
from crmshell.pcs.show.parts import container_of
from engine.base.digits import is_digits
from engine.base.values import bool_from_text

Data: TypeAlias = dict[str, object]


def data_of(elements: Sequence[Element]) -> Data:
    """All resources by kind."""
    return {
        "primitives": [_primitive(each) for each in elements if each.tag == "primitive"],
        "clones": [_clone(each) for each in elements if each.tag in CLONES],
        "groups": [_group(each) for each in elements if each.tag == "group"],
        "bundles": [_bundle(each) for each in elements if each.tag == "bundle"],
    }


def _sets(element: Element, tag: str) -> list[Data]:
    return [
        {
            "id": each.get("id"),
            "options": {"score": each.get("score")} if each.get("score") else {},
            "rule": None,
            "nvpairs": [
                {"id": one.get("id"), "name": one.get("name"), "value": one.get("value")}
                for one in each.iterchildren("nvpair")
            ],
        }
        for each in element.iterchildren(tag)
    ]


def _primitive(element: Element) -> Data:
    return {
        "id": element.get("id"),
        "agent_name": {
            "standard": element.get("class"),
            "provider": element.get("provider"),
            "type": element.get("type"),
        },
        "description": element.get("description"),
        "operations": [_op(op) for op in ops_of(element)],
        "meta_attributes": _sets(element, "meta_attributes"),
        "instance_attributes": _sets(element, "instance_attributes"),
        "utilization": _sets(element, "utilization"),
    }


def _op(op: Element) -> Data:
    names = ("description", "start-delay", "interval-origin", "timeout")
    found: Data = {"id": op.get("id"), "name": op.get("name"), "interval": op.get("interval")}
    found.update({name.replace("-", "_"): op.get(name) for name in names})
    found["enabled"] = _boolean(op.get("enabled"))
    found["record_pending"] = _boolean(op.get("record-pending"))
    found["role"] = op.get("role")
    found["on_fail"] = op.get("on-fail")
    found["meta_attributes"] = _sets(op, "meta_attributes")
    found["instance_attributes"] = _sets(op, "instance_attributes")
    return found


def _boolean(text: str | None) -> bool | None:
    return None if text is None else bool_from_text(text)


def _clone(element: Element) -> Data:
    inside = ids_of(members_of(element))
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_id": inside[0] if inside else None,
        "meta_attributes": _sets(element, "meta_attributes"),
        "instance_attributes": _sets(element, "instance_attributes"),
    }


def _group(element: Element) -> Data:
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_ids": ids_of(members_of(element)),
        "meta_attributes": _sets(element, "meta_attributes"),
        "instance_attributes": _sets(element, "instance_attributes"),
    }


_NUMBERS = ("replicas", "replicas-per-host", "promoted-max", "control-port", "host-netmask", "port",
            "internal-port")  # fmt: skip


def _attributes(element: Element, names: str) -> Data:
    found: Data = {}
    for name in names.split():
        value = element.get(name)
        number = name in _NUMBERS and value is not None and is_digits(value)
        found[name.replace("-", "_")] = int(value or "0") if number else value
    return found


def _bundle(element: Element) -> Data:
    container, network = container_of(element), element.find("network")
    ports = [] if network is None else list(network.iterchildren("port-mapping"))
    inside = ids_of(members_of(element))
    options = "image replicas replicas-per-host promoted-max run-command network options"
    links = "ip-range-start control-port host-interface host-netmask add-host"
    parts = _attributes(network, links) if network is not None else None
    if parts is not None:
        parts["add_host"] = _boolean(network.get("add-host")) if network is not None else None
    return {
        "id": element.get("id"),
        "description": element.get("description"),
        "member_id": inside[0] if inside else None,
        "container_type": str(container.tag) if container is not None else None,
        "container_options": _attributes(container, options) if container is not None else None,
        "network": parts,
        "port_mappings": [_attributes(each, "id port internal-port range") for each in ports],
        "storage_mappings": [
            _attributes(each, "id source-dir source-dir-root target-dir options")
            for each in element.iterfind("storage/storage-mapping")
        ],
        "meta_attributes": _sets(element, "meta_attributes"),
        "instance_attributes": _sets(element, "instance_attributes"),
    }
