"""The state of a cluster as numbers, with the names, labels and types of ha_cluster_exporter (ecosystem 3).

Dashboards and alert rules made for that exporter work on them. Each status of a node or a resource has a line: 1 where it
holds, 0 where it does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime

from lxml import etree

from engine.base.exposition import Metric
from engine.base.score import INFINITY
from engine.base.values import score_or_none
from engine.cib.document import Cib
from engine.scheduler.model.model import Model, Node, Resource, Role, Variant, leaves
from engine.scheduler.reading.activity import active_nodes
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.views.node_details import node_attributes
from engine.scheduler.views.status_parts import printed_id

_FAMILY = "ha_cluster_pacemaker"
_WRITTEN = "%a %b %d %H:%M:%S %Y"


def cluster_metrics(model: Model, cib: Cib) -> Iterator[Metric]:
    """The numbers of a state that was read from a CIB; of alike ones (instances of a clone) the largest."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Metric] = {}
    for metric in _every_metric(model, cib):
        known = found.setdefault((metric.name, metric.labels), metric)
        if metric.value > known.value:
            found[metric.name, metric.labels] = metric
    yield from found.values()


def _every_metric(model: Model, cib: Cib) -> Iterator[Metric]:
    yield from _about_the_configuration(model, cib)
    for node in model.nodes:
        yield from _about_node(node)
    primitives = [leaf for resource in model.resources for leaf in leaves(resource)]
    for leaf in primitives:
        yield from _about_resource(leaf)
    for leaf in primitives:
        yield from _about_failures(model, leaf)
    yield from _about_attributes(model)
    for location in cib.root.iterfind("configuration/constraints/rsc_location"):
        yield from _about_location(location)


def _metric(name: str, text: str, value: float, labels: Mapping[str, str] | None = None) -> Metric:
    return Metric(name, text, value, tuple((labels or {}).items()), family=_FAMILY)


def _about_the_configuration(model: Model, cib: Cib) -> Iterator[Metric]:
    enabled = model.options.fencing_enabled
    yield _metric("stonith_enabled", "Whether or not stonith is enabled.", enabled)
    try:
        written = datetime.strptime(cib.root.get("cib-last-written", ""), _WRITTEN).timestamp()
    except ValueError:
        return
    text = "When the configuration was changed last, in seconds since the epoch."
    yield _metric("config_last_change", text, written)


def _about_node(node: Node) -> Iterator[Metric]:
    kind = "remote" if node.is_remote_type else "member"
    states = {
        "online": node.online,
        "standby": node.standby,
        "standby_onfail": node.standby_on_fail,
        "maintenance": node.maintenance,
        "pending": node.pending,
        "unclean": node.unclean,
        "shutdown": node.shutdown,
        "expected_up": node.expected_up,
        "dc": node.is_dc,
    }
    text = "The nodes in the cluster; one line per name, per status."
    for status, holds in states.items():
        yield _metric("nodes", text, holds, {"node": node.name, "status": status, "type": kind})


def _about_attributes(model: Model) -> Iterator[Metric]:
    text = "The attributes of the nodes; always 1."
    for node, attributes in node_attributes(model):
        for each in attributes:
            labels = {"node": node.name, "name": each.name, "value": each.value}
            yield _metric("node_attributes", text, 1, labels)


def _about_resource(leaf: Resource) -> Iterator[Metric]:
    here = active_nodes(leaf)
    states = {
        "active": bool(here),
        "orphaned": leaf.removed,
        "blocked": leaf.blocked,
        "failed": leaf.failed,
        "failure_ignored": leaf.failure_ignored,
    }
    group = next((up for up in _above(leaf) if up.variant is Variant.GROUP), None)
    clone = next((up for up in _above(leaf) if up.variant is Variant.CLONE), None)
    agent = [leaf.agent_class, leaf.agent_provider, leaf.agent_type]
    labels = {
        "agent": ":".join(part for part in agent if part),
        "clone": printed_id(clone) if clone is not None else "",
        "group": printed_id(group) if group is not None else "",
        "managed": "true" if leaf.managed else "false",
        "resource": printed_id(leaf),
        "role": (leaf.role if here else Role.STOPPED).text.lower(),
    }
    text = "The resources in the cluster; one line per id, per status."
    for node in [each.name for each in here] or [""]:
        for status, holds in states.items():
            yield _metric("resources", text, holds, {**labels, "node": node, "status": status})


def _above(leaf: Resource) -> Iterator[Resource]:
    parent = leaf.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _about_failures(model: Model, leaf: Resource) -> Iterator[Metric]:
    for node in model.nodes:
        if model.history_of(node, leaf.history_id or leaf.id) is None:
            continue
        count, _ = fail_count(model, leaf, node, effective=False)
        labels = {"node": node.name, "resource": printed_id(leaf)}
        text = "How often a resource failed on a node."
        yield _metric("fail_count", text, _bounded(count), labels)
        text = "After how many failures a resource leaves a node."
        threshold = leaf.migration_threshold
        yield _metric("migration_threshold", text, _bounded(threshold), labels)


def _about_location(location: etree._Element) -> Iterator[Metric]:
    resource, node = location.get("rsc"), location.get("node")
    score = score_or_none(location.get("score"))
    if resource is None or node is None or score is None:
        return  # a rule or a set: no one score on one node
    labels = {
        "constraint": location.get("id", ""),
        "node": node,
        "resource": resource,
        "role": location.get("role", "").lower(),
    }
    text = "Scores of resources on nodes by the locations of the configuration."
    yield _metric("location_constraints", text, _bounded(score), labels)


def _bounded(score: int) -> float:
    """INFINITY is a number in the cluster and infinite for whoever reads it."""
    return math.copysign(math.inf, score) if abs(score) >= INFINITY else score
