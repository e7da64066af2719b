"""Old constructs of configurations brought into today's form, in memory (section 3).

Configurations written for older clusters use elements and names that no longer exist. `upgraded`
answers a configuration without them. It never changes its input: where there is nothing to do, it
answers the very same element, else a changed copy, and says what it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from engine.base.reports import Report, Severity
from engine.base.values import version_key

_PREFIX: Final = "pcmk__upgrade-"
_GONE_CLASSES: Final = frozenset(("nagios", "upstart"))
_RENAMED_OPTIONS: Final = {
    "crmd-transition-delay": "transition-delay",
    "crmd-integration-timeout": "join-integration-timeout",
    "crmd-finalization-timeout": "join-finalization-timeout",
}
_UNDERSCORED: Final = frozenset(
    (
        "no_quorum_policy",
        "symmetric_cluster",
        "stonith_enabled",
        "stonith_action",
        "startup_fencing",
        "stop_orphan_resources",
        "stop_orphan_actions",
        "cluster_recheck_interval",
        "dc_deadtime",
        "election_timeout",
        "shutdown_escalation",
    )
)
_TO_DEFAULTS: Final = {
    "default-action-timeout": ("op_defaults", "timeout"),
    "default-resource-stickiness": ("rsc_defaults", "resource-stickiness"),
    "is-managed-default": ("rsc_defaults", "is-managed"),
}
_FAILURE_STICKINESS: Final = frozenset(
    ("resource-failure-stickiness", "default-resource-failure-stickiness")
)
_OP_OPTIONS: Final = frozenset(
    (
        "enabled",
        "interval-origin",
        "on-fail",
        "record-pending",
        "role",
        "start-delay",
        "timeout",
    )
)
_REPLACED: Final = {
    **{name: name.replace("_", "-") for name in sorted(_UNDERSCORED)},
    "default-action-timeout": "op_defaults timeout",
    "default_action_timeout": "op_defaults timeout",
    "default-resource-stickiness": "rsc_defaults resource-stickiness",
    "default_resource_stickiness": "rsc_defaults resource-stickiness",
    "default-migration-threshold": "rsc_defaults migration-threshold",
    "default_migration_threshold": "rsc_defaults migration-threshold",
    "is-managed-default": "rsc_defaults is-managed",
    "is_managed_default": "rsc_defaults is-managed",
    "default-resource-failure-stickiness": "rsc_defaults migration-threshold",
    "default_resource_failure_stickiness": "rsc_defaults migration-threshold",
    "notification-agent": "an alert",
    "notification-recipient": "an alert",
    "expected-quorum-votes": "",
    "remove_after_stop": "",
    "transition_idle_timeout": "",
}
_OLD_INFRASTRUCTURES: Final = frozenset(
    ("classic openais", "classic openais (with plugin)", "cman", "heartbeat", "openais")
)
_CONSTRAINT_REFS: Final = ("rsc", "with-rsc", "first", "then")


@dataclass(slots=True)
class Upgrade:
    """A configuration in today's form, and what had to be changed for it, one line each."""

    configuration: etree._Element
    changes: list[str] = field(default_factory=list)


def in_todays_form(configuration: etree._Element, schema: str) -> Upgrade:
    """As `upgraded`; the schema `none` means that the configuration is to be left alone."""
    return Upgrade(configuration) if schema == "none" else upgraded(configuration, schema)


def has_old_options(configuration: etree._Element) -> bool:
    """Whether an upgrade might change a cluster option; quick, for who reads nothing else."""
    return any(
        _old_option(pair.get("name", "")) or _is_old_form(pair) for pair in _pairs(configuration)
    )


def upgraded(configuration: etree._Element, schema: str) -> Upgrade:
    """The configuration in today's form. `schema`: the root's `validate-with`."""
    version = version_key(schema.removeprefix("pacemaker-"))
    steps: list[Callable[[Upgrade], None]] = []
    if version and version < (3,) and _needs_names(configuration):
        steps.append(_modern_names)
    if _needs_forms(configuration):
        steps.append(_modern_forms)
    if not steps:
        return Upgrade(configuration)
    result = Upgrade(deepcopy(configuration))
    for step in steps:
        step(result)
    return result


def _section(result: Upgrade, tag: str) -> etree._Element:
    found = result.configuration.find(tag)
    return found if found is not None else etree.SubElement(result.configuration, tag)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _pairs(configuration: etree._Element) -> Iterator[etree._Element]:
    """The pairs of all cluster options."""
    return configuration.iterfind("crm_config/cluster_property_set/nvpair")


# -- names of the time before 3.0 (3.5) --------------------------------------------------------


def _old_option(name: str) -> bool:
    return name in _UNDERSCORED or name in _TO_DEFAULTS or name in _FAILURE_STICKINESS


def _needs_names(configuration: etree._Element) -> bool:
    return (
        any(_old_option(pair.get("name", "")) for pair in _pairs(configuration))
        or configuration.find("nodes/node[@type='normal']") is not None
        or any(True for _ in configuration.iterfind(".//op[@requires]"))
        or any(True for _ in _op_options(configuration))
        or any(True for _ in _fence_parameters(configuration))
    )


def _modern_names(result: Upgrade) -> None:
    for pair in list(_pairs(result.configuration)):
        _modern_option(result, pair)
    for node in result.configuration.iterfind("nodes/node[@type='normal']"):
        node.set("type", "member")
        result.changes.append(f"node {node.get('id')}: type normal is member")
    for op in list(result.configuration.iterfind(".//op[@requires]")):
        _move_requires(result, op)
    for pair in list(_op_options(result.configuration)):
        _op_option_to_meta(result, pair)
    for pair in list(_fence_parameters(result.configuration)):
        _modern_fence_parameter(result, pair)


def _modern_option(result: Upgrade, pair: etree._Element) -> None:
    name, value = pair.get("name", ""), pair.get("value", "")
    if name in _UNDERSCORED:
        pair.set("name", name.replace("_", "-"))
        result.changes.append(f"option {name} is {pair.get('name')}")
    elif name in _TO_DEFAULTS:
        section, modern = _TO_DEFAULTS[name]
        _add_default(result, section, modern, value)
        _remove(pair)
        result.changes.append(f"option {name} is {modern} in {section}")
    elif name in _FAILURE_STICKINESS:
        if value == "-INFINITY":
            _add_default(result, "rsc_defaults", "migration-threshold", "1")
        _remove(pair)
        result.changes.append(f"option {name} is gone")


def _add_default(result: Upgrade, section: str, name: str, value: str) -> None:
    """A default that what is configured already overrides."""
    parent = _section(result, section)
    block = etree.SubElement(parent, "meta_attributes", id=f"{_PREFIX}{section}-{name}")
    block.set("score", "-INFINITY")
    etree.SubElement(block, "nvpair", id=f"{_PREFIX}{name}", name=name, value=value)


def _move_requires(result: Upgrade, op: etree._Element) -> None:
    """`requires` of an operation is a meta attribute of its resource."""
    value = op.attrib.pop("requires")
    operations = op.getparent()
    owner = operations.getparent() if operations is not None else None
    if owner is not None:
        _add_meta(owner, "requires", value)
        result.changes.append(f"{owner.get('id')}: requires is a meta attribute")


def _add_meta(owner: etree._Element, name: str, value: str, *, score: str = "") -> None:
    set_id = f"{_PREFIX}{owner.get('id')}-{name}"
    block = etree.Element("meta_attributes", id=set_id)
    if score:
        block.set("score", score)
    etree.SubElement(block, "nvpair", id=f"{set_id}-value", name=name, value=value)
    owner.insert(0, block)


def _op_options(configuration: etree._Element) -> Iterator[etree._Element]:
    """Options of operations that were written as their instance attributes."""
    for pair in configuration.iterfind(".//op/instance_attributes/nvpair"):
        if pair.get("name") in _OP_OPTIONS:
            yield pair


def _op_option_to_meta(result: Upgrade, pair: etree._Element) -> None:
    block = pair.getparent()
    op = block.getparent() if block is not None else None
    if op is not None:
        _remove(pair)
        _add_meta(op, pair.get("name", ""), pair.get("value", ""))
        result.changes.append(f"operation {op.get('id')}: {pair.get('name')} is an option")


def _fence_parameters(configuration: etree._Element) -> Iterator[etree._Element]:
    """`pcmk_*_cmd` and `pcmk_arg_map` of fence devices."""
    for device in configuration.iterfind("resources//primitive[@class='stonith']"):
        for pair in device.iterfind("instance_attributes/nvpair"):
            name = pair.get("name", "")
            if name == "pcmk_arg_map" or (name.startswith("pcmk_") and name.endswith("_cmd")):
                yield pair


def _modern_fence_parameter(result: Upgrade, pair: etree._Element) -> None:
    name, value = pair.get("name", ""), pair.get("value", "")
    if name == "pcmk_arg_map":
        port = next((p for p in value.split(",") if p.startswith("port:")), None)
        if port is None:
            return
        pair.set("name", "pcmk_host_argument")
        pair.set("value", port.removeprefix("port:"))
    else:
        pair.set("name", name.removesuffix("_cmd") + "_action")
    result.changes.append(f"fence parameter {name} is {pair.get('name')}")


# -- forms of the time before 4.0 (3.4) --------------------------------------------------------


def _needs_forms(configuration: etree._Element) -> bool:
    return any(True for _ in _old_forms(configuration))


def _old_forms(configuration: etree._Element) -> Iterator[etree._Element]:
    """Elements that today's form does not have."""
    for section in configuration:
        if section.tag == "resources":
            for element in section.iter("master", "rkt"):
                yield element
            for element in section.iter("primitive", "template"):
                if element.get("class") in _GONE_CLASSES:
                    yield element
        elif section.tag == "constraints":
            for constraint in section:
                if constraint.find("lifetime") is not None or len(constraint.findall("rule")) > 1:
                    yield constraint
        elif section.tag == "nodes":
            yield from section.iterfind("node[@type='ping']")
        elif section.tag == "crm_config":
            yield from filter(_is_old_form, section.iterfind("cluster_property_set/nvpair"))


def _is_old_form(option: etree._Element) -> bool:
    name = option.get("name")
    return name in _RENAMED_OPTIONS or (
        name == "stonith-action" and option.get("value") == "poweroff"
    )


def _modern_forms(result: Upgrade) -> None:
    for pair in _pairs(result.configuration):
        name = pair.get("name", "")
        if name in _RENAMED_OPTIONS:
            pair.set("name", _RENAMED_OPTIONS[name])
            result.changes.append(f"option {name} is {_RENAMED_OPTIONS[name]}")
        elif name == "stonith-action" and pair.get("value") == "poweroff":
            pair.set("value", "off")
            result.changes.append("stonith-action poweroff is off")
    for node in list(result.configuration.iterfind("nodes/node[@type='ping']")):
        _ping_to_member(result, node)
    for element in list(result.configuration.iterfind("resources//master")):
        _master_to_clone(result, element)
    _drop_gone_agents(result)
    for constraint in list(result.configuration.iterfind("constraints/*")):
        _modern_constraint(result, constraint)


def _ping_to_member(result: Upgrade, node: etree._Element) -> None:
    """A node that only answers pings is a member on which nothing may run."""
    node.set("type", "member")
    location = etree.SubElement(_section(result, "constraints"), "rsc_location")
    location.set("id", f"{_PREFIX}ping-{node.get('id')}")
    location.set("rsc-pattern", ".*")
    location.set("node", node.get("uname", ""))
    location.set("score", "-INFINITY")
    location.set("resource-discovery", "never")
    result.changes.append(f"node {node.get('id')}: a ping node is a member without resources")


def _master_to_clone(result: Upgrade, element: etree._Element) -> None:
    element.tag = "clone"
    _add_meta(element, "promotable", "true", score="INFINITY")
    result.changes.append(f"master {element.get('id')} is a promotable clone")


def _drop_gone_agents(result: Upgrade) -> None:
    """Resources of classes that no longer exist, empty collectives, and what refers to them."""
    resources = result.configuration.find("resources")
    if resources is None:
        return
    gone: set[str] = set()
    templates = {
        element.get("id")
        for element in resources.iterfind("template")
        if element.get("class") in _GONE_CLASSES
    }
    for element in list(resources.iter("primitive", "template", "bundle")):
        is_gone = (
            element.get("class") in _GONE_CLASSES
            or (element.get("template") in templates and element.get("template") is not None)
            or element.find("rkt") is not None
        )
        if is_gone:
            gone.add(element.get("id", ""))
            _remove(element)
    for element in list(resources.iter("group", "clone")):
        if not any(child.tag in {"primitive", "group"} for child in element):
            gone.add(element.get("id", ""))
            _remove(element)
    if gone:
        result.changes.append(
            f"resources of unsupported agents are gone: {', '.join(sorted(gone))}"
        )
        _drop_references(result.configuration, gone)


def _drop_references(configuration: etree._Element, gone: set[str]) -> None:
    for constraint in list(configuration.iterfind("constraints/*")):
        if any(constraint.get(name) in gone for name in _CONSTRAINT_REFS):
            _remove(constraint)
            continue
        blocks = constraint.findall("resource_set")
        for block in blocks:
            for ref in list(block):
                if ref.get("id") in gone:
                    block.remove(ref)
            if len(block) == 0:
                constraint.remove(block)
        if blocks and constraint.find("resource_set") is None:
            _remove(constraint)


def _modern_constraint(result: Upgrade, constraint: etree._Element) -> None:
    """No `lifetime`, and one rule for each location."""
    owner = constraint.get("id", "")
    lifetimes = constraint.findall("lifetime")
    limits = [rule for lifetime in lifetimes for rule in lifetime.findall("rule")]
    for lifetime in lifetimes:
        constraint.remove(lifetime)
    if constraint.tag != "rsc_location":
        if lifetimes:
            result.changes.append(f"{owner}: its lifetime is gone")
        return
    rules = constraint.findall("rule")
    if limits:
        rules = _limited_rules(constraint, rules, limits)
        result.changes.append(f"{owner}: its lifetime is part of the rule")
    for number, rule in enumerate(rules[1:], 2):
        copy = deepcopy(constraint)
        copy.set("id", f"{_PREFIX}{owner}-{number}")
        for other in copy.findall("rule"):
            copy.remove(other)
        constraint.remove(rule)
        copy.append(rule)
        constraint.addnext(copy)
        result.changes.append(f"{owner}: rule {number} is a constraint of its own")


def _limited_rules(
    constraint: etree._Element, rules: list[etree._Element], limits: list[etree._Element]
) -> list[etree._Element]:
    """The rules, each holding only while the lifetime lasts; a plain location becomes a rule."""
    owner = constraint.get("id", "")
    if not rules:
        rule = etree.SubElement(constraint, "rule", id=f"{_PREFIX}{owner}-rule")
        rule.set("score", constraint.attrib.pop("score", "0"))
        node = constraint.attrib.pop("node", "")
        test = etree.SubElement(rule, "expression", id=f"{_PREFIX}{owner}-node")
        for name, value in (("attribute", "#uname"), ("operation", "eq"), ("value", node)):
            test.set(name, value)
        rules = [rule]
    limited: list[etree._Element] = []
    for number, rule in enumerate(rules, 1):
        outer = etree.Element("rule", id=f"{_PREFIX}{owner}-limit-{number}")
        for name in ("score", "score-attribute", "role"):
            if name in rule.attrib:
                outer.set(name, rule.attrib.pop(name))
        constraint.replace(rule, outer)
        outer.append(rule)
        either = etree.SubElement(outer, "rule", id=f"{_PREFIX}{owner}-lifetime-{number}")
        either.set("boolean-op", "or")
        either.extend(deepcopy(limit) for limit in limits)
        limited.append(outer)
    return limited


# -- options that may not stand in a CIB of a newer schema ------------------------------------------


def removed_option(name: str, value: str, schema: str) -> str:
    """Why a cluster option may not stand in a CIB of this schema, "" when it may.

    `schema`: the root's `validate-with`.
    """
    version = version_key(schema.removeprefix("pacemaker-"))
    if not schema.startswith("pacemaker-") or not version or version < (3,):
        return ""
    if name == "cluster-infrastructure" and value.lower() in _OLD_INFRASTRUCTURES:
        return f"{name}: '{value}' was removed in pacemaker-3.0, expected corosync"
    modern = _REPLACED.get(name)
    if modern is None:
        return ""
    instead = f"use {modern}" if modern else "leave it out"
    return f"option '{name}' was removed in pacemaker-3.0, {instead}"


def removed_option_findings(root: etree._Element) -> Iterator[Report]:
    """An error for each option of a CIB that its schema has removed."""
    schema = root.get("validate-with", "")
    for pair in root.iterfind("configuration/crm_config/cluster_property_set/nvpair"):
        why = removed_option(pair.get("name", ""), pair.get("value", ""), schema)
        if why:
            yield Report("removed-option", Severity.ERROR, why, subject=pair.get("id", ""))
