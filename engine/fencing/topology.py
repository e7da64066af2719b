"""Which devices fence which node, in what order: levels of the configuration, else the devices that can.

Pure, over the CIB; `fencing-level` targets a node by name, by pattern or by an attribute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from engine.base.digits import is_digits, is_whole
from engine.base.score import INFINITY
from engine.fencing.devices import Device

MAX_LEVEL = 9


@dataclass(frozen=True, slots=True)
class FencingLevel:
    """All these devices must succeed, one after the other."""

    index: int
    devices: tuple[str, ...]


def levels_for(root: etree._Element, target: str) -> tuple[FencingLevel, ...]:
    """The levels of a node in the order in which they are tried; empty when none is configured."""
    found: dict[int, list[str]] = {}
    for level in root.iterfind("configuration/fencing-topology/fencing-level"):
        text = level.get("index", "")
        if not is_digits(text) or not 1 <= int(text) <= MAX_LEVEL:
            continue
        if _is_meant(root, level, target):
            names = [n for n in re.split(r"[,\s]+", level.get("devices", "")) if n]
            found.setdefault(int(text), []).extend(names)
    return tuple(FencingLevel(index, tuple(found[index])) for index in sorted(found))


def devices_in(root: etree._Element) -> tuple[Device, ...]:
    """The fence devices of the configuration that are not switched off, in its order."""
    found = []
    for primitive in root.iterfind("configuration/resources//primitive"):
        if primitive.get("class") != "stonith" or _is_off(primitive):
            continue
        identity = primitive.get("id", "")
        found.append(
            Device(
                identity,
                primitive.get("type", ""),
                _pairs(primitive, "instance_attributes"),
                _running_on(root, identity),
                _banned_from(root, identity),
            )
        )
    return tuple(found)


def _is_meant(root: etree._Element, level: etree._Element, target: str) -> bool:
    if level.get("target") is not None:
        return level.get("target") == target
    pattern = level.get("target-pattern")
    if pattern is not None:
        try:
            return re.fullmatch(pattern, target) is not None
        except re.error:
            return False
    name, value = level.get("target-attribute"), level.get("target-value")
    return name is not None and _node_attribute(root, target, name) == value


def _node_attribute(root: etree._Element, target: str, name: str) -> str | None:
    for node in root.iterfind("configuration/nodes/node"):
        if node.get("uname") == target:
            return _pairs(node, "instance_attributes").get(name)
    return None


def _is_off(primitive: etree._Element) -> bool:
    return _pairs(primitive, "meta_attributes").get("target-role", "").lower() == "stopped"


def _pairs(element: etree._Element, tag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in element.iterfind(f"{tag}/nvpair"):
        found.setdefault(pair.get("name", ""), pair.get("value", ""))
    return found


def _running_on(root: etree._Element, device: str) -> tuple[str, ...]:
    found = []
    for state in root.iterfind("status/node_state"):
        for resource in state.iterfind("lrm/lrm_resources/lrm_resource"):
            last = [op for op in resource if op.get("id") == f"{device}_last_0"]
            if last and last[0].get("operation") != "stop" and last[0].get("rc-code") == "0":
                found.append(state.get("uname", ""))
    return tuple(found)


def _banned_from(root: etree._Element, device: str) -> tuple[str, ...]:
    found = []
    for rule in root.iterfind("configuration/constraints/rsc_location"):
        score = (rule.get("score") or "").lower()
        is_ban = score in ("-infinity", "-inf") or _is_below(score)
        if rule.get("rsc") == device and is_ban and rule.get("node"):
            found.append(rule.get("node", ""))
    return tuple(found)


def _is_below(score: str) -> bool:
    return is_whole(score) and int(score) <= -INFINITY
