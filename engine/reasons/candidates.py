"""What could have to do with where a resource runs: every constraint, value, failure and state near it, each as a change. Pure.

Whether one of them matters is found out by scheduling without it; this module only lists what is worth a try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from lxml import etree

from engine.base.digits import is_digits
from engine.base.values import bool_from_text, is_true
from engine.cib.cluster_options import options_in_force
from engine.cib.document import Cib
from engine.cib.edits import (
    RESOURCE_TAGS,
    drop_value,
    forget_history,
    resources,
    set_property,
    set_transient_attribute,
    set_value,
    value_of,
)
from engine.cib.status import change_ticket, tickets_of
from engine.reasons.changes import Change
from engine.reasons.described import constraint_fact
from engine.reasons.relatives import constraints, relatives, resources_of
from engine.simulator.status_tree import StatusTree

_PROMOTION = ("master-", "promotion-")


def candidates(cib: Cib, name: str, now: float) -> list[Change]:
    """The changes to try for a resource, what is nearest first; `now` is epoch seconds."""
    near = relatives(cib, name)
    found = [
        *_of_the_cluster(cib, now),
        *_of_values(cib, near),
        *_of_constraints(cib, near),
        *_of_tickets(cib, near),
        *_of_nodes(cib),
        *_of_failures(cib, near),
        *_of_promotion(cib, near),
        *_of_presence(cib, near),
    ]
    return sorted(found, key=lambda change: change.far)


def _of_the_cluster(cib: Cib, now: float) -> Iterator[Change]:
    options = options_in_force(cib.root, now)

    def otherwise(fact: str, name: str, value: str, far: int = 0) -> Change:
        command = f"crm configure property {name}={value}"
        return Change(fact, command, partial(set_property, name=name, value=value), far)

    if options.flag("maintenance-mode"):
        fact = "the whole cluster is in maintenance (maintenance-mode=true)"
        yield otherwise(fact, "maintenance-mode", "false")
    if options.flag("stop-all-resources"):
        fact = "all resources are stopped on purpose (stop-all-resources=true)"
        yield otherwise(fact, "stop-all-resources", "false")
    if not options.flag("symmetric-cluster"):
        fact = "resources run only where a location allows it (symmetric-cluster=false)"
        yield otherwise(fact, "symmetric-cluster", "true")
    strategy = options.text("placement-strategy")
    if strategy not in ("", "default"):
        fact = f"capacity decides as well (placement-strategy={strategy})"
        yield otherwise(fact, "placement-strategy", "default", 1)
    if options.flag("shutdown-lock"):
        fact = "what ran on a node that was shut down waits for it (shutdown-lock=true)"
        yield otherwise(fact, "shutdown-lock", "false")
    health = options.text("node-health-strategy")
    if health not in ("", "none"):
        fact = f"the health of nodes counts (node-health-strategy={health})"
        yield otherwise(fact, "node-health-strategy", "none")
    if options.flag("fencing-enabled") and not _has_fence_device(cib):
        fact = "no fence device is configured, and fencing is enabled: nothing may start"
        without = partial(set_property, name="stonith-enabled", value="false")
        yield Change(
            fact, "configure a fence device (crm configure primitive … stonith:…)", without
        )
    if not is_true(cib.root.get("have-quorum", "1")):
        policy = options.text("no-quorum-policy") or "stop"
        fact = f"this part of the cluster has no quorum (no-quorum-policy={policy})"
        yield Change(fact, "bring more nodes back", lambda copy: copy.root.set("have-quorum", "1"))


def _has_fence_device(cib: Cib) -> bool:
    return any(e.get("class") == "stonith" for e in cib.root.iterfind("configuration//primitive"))


# Values of resources.


def _of_values(cib: Cib, near: Mapping[str, int]) -> Iterator[Change]:
    for element in resources(cib):
        name = element.get("id", "")
        if name not in near:
            continue
        far = near[name]
        for meta, test, fact, command in _META:
            value = value_of(element, "meta_attributes", meta)
            if value is not None and test(value):
                yield Change(
                    fact.format(name=name, value=value),
                    command.format(name=name),
                    partial(_without_value, name=name, tag="meta_attributes", value=meta),
                    far,
                )
        stickiness = _stickiness(cib, element)
        if stickiness and element.tag == "primitive":
            yield Change(
                f"{name} prefers to stay where it is by {stickiness} (resource-stickiness)",
                f"crm resource meta {name} set resource-stickiness 0",
                partial(_set_meta, name=name, meta="resource-stickiness", value="0"),
                far,
            )
        if element.find("utilization") is not None:
            need = _pairs_of(element, "utilization")
            yield Change(
                f"{name} needs {need} on its node",
                f"crm resource utilization {name} (lower it), or crm node utilization (raise it)",
                partial(_without_all, name=name, tag="utilization"),
                far,
            )


_Test = Callable[[str], bool]
_META: tuple[tuple[str, _Test, str, str], ...] = (
    (
        "target-role",
        lambda value: value.lower() in ("stopped", "slave", "unpromoted"),
        "{name} has target-role={value}",
        "crm resource start {name}",
    ),
    (
        "is-managed",
        lambda value: bool_from_text(value) is False,
        "{name} is not managed (is-managed={value}): it is left as it is",
        "crm resource manage {name}",
    ),
    (
        "maintenance",
        is_true,
        "{name} is in maintenance: it is left as it is",
        "crm resource maintenance {name} off",
    ),
    (
        "migration-threshold",
        lambda value: is_digits(value) and int(value) > 0,
        "{name} has migration-threshold={value}: after that many failures it leaves a node",
        "crm resource meta {name} delete migration-threshold",
    ),
    (
        "priority",
        lambda value: value not in ("", "0"),
        "{name} has priority={value}",
        "crm resource meta {name} delete priority",
    ),
    (
        "clone-max",
        is_digits,
        "{name} has at most {value} instances (clone-max)",
        "crm resource meta {name} delete clone-max",
    ),
    (
        "promoted-max",
        is_digits,
        "{name} has at most {value} promoted instances (promoted-max)",
        "crm resource meta {name} delete promoted-max",
    ),
)


def _stickiness(cib: Cib, element: etree._Element) -> str:
    """The stickiness of a resource as it stands nearest to it; "" for none."""
    holders = [element, *(e for e in element.iterancestors() if e.tag in RESOURCE_TAGS)]
    holders += list(cib.root.iterfind("configuration/rsc_defaults"))
    for holder in holders:
        value = value_of(holder, "meta_attributes", "resource-stickiness")
        if value is not None:
            return "" if value == "0" else value
    # Instances of clones stay where they are by 1 without anybody having said so.
    return ""


def _pairs_of(element: etree._Element, tag: str) -> str:
    pairs = element.iterfind(f"{tag}/nvpair")
    return " ".join(f"{pair.get('name')}={pair.get('value')}" for pair in pairs)


def _find(cib: Cib, name: str) -> etree._Element | None:
    return next((e for e in resources(cib) if e.get("id") == name), None)


def _without_value(cib: Cib, name: str, tag: str, value: str) -> None:
    element = _find(cib, name)
    if element is not None:
        drop_value(element, tag, value)


def _without_all(cib: Cib, name: str, tag: str) -> None:
    element = _find(cib, name)
    for child in element.findall(tag) if element is not None else ():
        element.remove(child)  # type: ignore[union-attr]


def _set_meta(cib: Cib, name: str, meta: str, value: str) -> None:
    element = _find(cib, name)
    if element is not None:
        set_value(element, "meta_attributes", meta, value)


# Constraints and tickets.


def _of_constraints(cib: Cib, near: Mapping[str, int]) -> Iterator[Change]:
    for constraint in constraints(cib):
        touched = [near[one] for one in resources_of(constraint, cib) if one in near]
        pattern = constraint.get("rsc-pattern")
        if not touched and pattern is None:
            continue
        name = constraint.get("id", "")
        yield Change(
            constraint_fact(constraint),
            f"crm configure delete {name}",
            partial(_without_constraint, name=name),
            min(touched, default=0),
        )


def _without_constraint(cib: Cib, name: str) -> None:
    for constraint in list(constraints(cib)):
        if constraint.get("id") == name:
            cib.section("constraints").remove(constraint)


def _of_tickets(cib: Cib, near: Mapping[str, int]) -> Iterator[Change]:
    del near
    for ticket in tickets_of(cib.root):
        if not ticket.is_granted or ticket.is_standby:
            state = "in standby" if ticket.is_granted else "not granted here"
            values = {"granted": "true", "standby": "false"}
            yield Change(
                f"ticket {ticket.name} is {state}",
                f"crm_ticket --ticket {ticket.name} --grant --force",
                partial(_with_ticket, name=ticket.name, values=values),
            )


def _with_ticket(cib: Cib, name: str, values: Mapping[str, str]) -> None:
    change_ticket(cib.root, name, values, (), 0.0)


# Nodes.


def changes_of_node(cib: Cib, name: str) -> list[Change]:
    """Everything about one node that could be otherwise: its state, failures there, and locations that name it."""
    everything = {element.get("id", ""): 0 for element in resources(cib)}
    return [
        *_of_nodes(cib, name),
        *_of_failures(cib, everything, name),
        *_of_constraints_on(cib, name),
    ]


def _of_constraints_on(cib: Cib, node: str) -> Iterator[Change]:
    for constraint in constraints(cib):
        if constraint.tag == "rsc_location" and constraint.get("node") == node:
            name = constraint.get("id", "")
            yield Change(
                constraint_fact(constraint),
                f"crm configure delete {name}",
                partial(_without_constraint, name=name),
            )


def _of_nodes(cib: Cib, only: str = "") -> Iterator[Change]:
    states = {state.get("id", ""): state for state in cib.root.iterfind("status/node_state")}
    for node in cib.root.iterfind("configuration/nodes/node"):
        if only not in ("", node.get("uname", "")):
            continue
        node_id, name = node.get("id", ""), node.get("uname", "")
        state = states.get(node_id)
        own = _attributes(node) | (_attributes(state) if state is not None else {})
        if is_true(own.get("standby", "false")):
            without = partial(_without_attribute, node=name, name="standby")
            yield Change(f"node {name} is in standby", f"crm node online {name}", without)
        if own.get("shutdown", "0") not in ("", "0"):
            without = partial(_without_attribute, node=name, name="shutdown")
            yield Change(f"node {name} is being shut down", "", without)
        if is_true(own.get("maintenance", "false")):
            without = partial(_without_attribute, node=name, name="maintenance")
            yield Change(f"node {name} is in maintenance", f"crm node ready {name}", without)
        for key, value in own.items():
            if key.startswith("#health") and value.lower() in ("red", "yellow"):
                without = partial(_without_attribute, node=name, name=key)
                yield Change(
                    f"node {name} has {key}={value}",
                    f"crm_attribute -N {name} -n {key} -D",
                    without,
                )
        if state is None or not _is_up(state):
            up = partial(_take_up, name=name, node_id=node_id)
            yield Change(f"node {name} is not there", f"crm cluster start {name}", up)


def _attributes(holder: etree._Element) -> dict[str, str]:
    pairs = holder.iter("nvpair")
    return {pair.get("name", ""): pair.get("value", "") for pair in pairs}


def _is_up(state: etree._Element) -> bool:
    return state.get("crmd") in ("online", None) and state.get("in_ccm", "true") not in (
        "false",
        "0",
    )


def _without_attribute(cib: Cib, node: str, name: str) -> None:
    for element in cib.root.iterfind("configuration/nodes/node"):
        if element.get("uname") == node:
            drop_value(element, "instance_attributes", name)
    set_transient_attribute(cib, node, name, None)


def _take_up(cib: Cib, name: str, node_id: str) -> None:
    tree = StatusTree(cib)
    tree.take_up(tree.node_state(name, node_id))


# The past.


def _of_failures(cib: Cib, near: Mapping[str, int], only: str = "") -> Iterator[Change]:
    for state in cib.root.iterfind("status/node_state"):
        node = state.get("uname", "")
        if only not in ("", node):
            continue
        for name, (count, operation) in _failed_here(state).items():
            base = name.split(":")[0]
            if base not in near and name not in near:
                continue
            times = {"INFINITY": "too often to count", "1": "once"}.get(count, f"{count} times")
            what = f" ({operation})" if operation else ""
            failed = (
                f"{base} failed on {node} {times}{what}"
                if count
                else f"{base} failed on {node}{what}"
            )
            forget = partial(_forget, resource=base, node=node)
            yield Change(failed, f"crm resource cleanup {base} {node}", forget, near.get(base, 0))


def _failed_here(state: etree._Element) -> dict[str, tuple[str, str]]:
    """Fail count and operation of each resource that has failed on a node; no count where none is kept."""
    found: dict[str, tuple[str, str]] = {}
    for history in state.iterfind("lrm/lrm_resources/lrm_resource"):
        for record in history.iterfind("lrm_rsc_op"):
            if record.get("rc-code", "0") not in ("0", "7", "8", "190", "191", "193", "-1"):
                found[history.get("id", "")] = ("", record.get("operation", ""))
    for pair in state.iterfind("transient_attributes//nvpair"):
        who, is_count, what = pair.get("name", "").partition("fail-count-")
        if not is_count or who:
            continue
        name, _, operation = what.partition("#")
        found[name] = (pair.get("value", ""), operation.rpartition("_")[0])
    return found


def _forget(cib: Cib, resource: str, node: str) -> None:
    if _find(cib, resource) is not None:
        forget_history(cib, resource=resource, node=node)


def _of_promotion(cib: Cib, near: Mapping[str, int]) -> Iterator[Change]:
    for state in cib.root.iterfind("status/node_state"):
        node = state.get("uname", "")
        for name, value in _attributes(state).items():
            who = next((name.removeprefix(p) for p in _PROMOTION if name.startswith(p)), "")
            base = who.split(":")[0]
            if base in near and value not in ("", "0"):
                yield Change(
                    f"{base} asks to be promoted on {node} by {value} ({name})",
                    "",
                    partial(_without_attribute, node=node, name=name),
                    near[base],
                )


def _of_presence(cib: Cib, near: Mapping[str, int]) -> Iterator[Change]:
    """Where a resource runs has a say in where it will: without its history it could be anywhere."""
    for name, far in near.items():
        element = _find(cib, name)
        if element is not None and element.tag == "primitive" and _is_known(cib, name):
            yield Change(f"{name} is where it is now", "", partial(_unknown, name=name), far)


def _is_known(cib: Cib, name: str) -> bool:
    return any(
        history.get("id", "").split(":")[0] == name
        for history in cib.root.iterfind("status//lrm_resource")
    )


def _unknown(cib: Cib, name: str) -> None:
    for history in list(cib.root.iterfind("status//lrm_resource")):
        parent = history.getparent()
        if history.get("id", "").split(":")[0] == name and parent is not None:
            parent.remove(history)
