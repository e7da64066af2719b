"""Nodes: the configured ones, their state in the status section, fencing and health (7 to 10)."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from lxml import etree

from engine.base.digits import is_digits
from engine.base.score import add_scores
from engine.base.values import bool_from_text, int_from_text, is_true, name_key, score_or_none
from engine.cib.nvsets import apply_sets, read_sets
from engine.scheduler.model.model import MINUS_INFINITY, Model, Node, QuorumPolicy
from engine.scheduler.reading.context import Reading, rule_context
from engine.scheduler.reading.requests import ActionRequests

_HEALTH_PREFIX: Final = "#health"


def unpack_nodes(reading: Reading, section: etree._Element | None) -> None:
    """Read the `nodes` section (7.1)."""
    model = reading.model
    for element in section if section is not None else ():
        if element.tag != "node":
            continue
        node_id = element.get("id")
        kind = element.get("type", "member").lower()
        if not node_id:
            reading.config_error("node-without-id", "a node has no id and is ignored")
            continue
        if kind not in {"member", "remote"}:
            message = f"node {node_id} has type '{kind}', expected member or remote"
            reading.config_error("node-type", message, node_id)
            return
        name = element.get("uname", "")
        node = create_node(model, node_id, name, remote=kind == "remote")
        node.base_score = _node_score(model, element.get("score"))
        apply_start_fencing(model, node)
        sets = read_sets((element,), "instance_attributes", reading.refs)
        apply_sets(sets, node.attributes, rule_context(model))
        _add_site_name(model, node)
        sets = read_sets((element,), "utilization", reading.refs)
        apply_sets(sets, node.utilization, rule_context(model))


def _node_score(model: Model, text: str | None) -> int:
    score = score_with_words(model, text)
    return score if score is not None else 0


def score_with_words(model: Model, text: str | None) -> int | None:
    """Score, the health words included (1.4); None if unreadable."""
    if text is None:
        return None
    options = model.options
    words = {
        "red": options.health_red,
        "yellow": options.health_yellow,
        "green": options.health_green,
    }
    known = words.get(text.lower())
    return known if known is not None else score_or_none(text)


def create_node(
    model: Model, node_id: str, name: str, *, remote: bool = False, builtin: bool = True
) -> Node:
    """A new node at its place in the list (7.3); bundle nodes lack the built-in attributes."""
    node = Node(len(model.node_table), node_id, name, remote)
    model.node_table.append(node)
    place = bisect_left(model.nodes, name_key(name), key=_name_key)
    model.nodes.insert(place, node)
    model.base_table_cache = None
    model.node_by_id.setdefault(node_id.lower(), node)
    model.node_by_name.setdefault(name.lower(), node)
    node.attributes["#kind"] = "remote" if remote else "cluster"
    if remote:
        model.has_remote_nodes = True
    if builtin:
        add_builtin_attributes(model, node)
    return node


def add_builtin_attributes(model: Model, node: Node) -> None:
    """Attributes that every configured node and every node with a state has (7.6)."""
    attributes = node.attributes
    attributes["#uname"] = node.name
    attributes["#id"] = node.id
    dc_id = model.root_attributes.get("dc-uuid", "")
    if dc_id and model.dc_node is None and dc_id.lower() == node.id.lower():
        model.dc_node = node
        node.is_dc = True
    attributes["#is_dc"] = "true" if node.is_dc else "false"
    if model.options.cluster_name:
        attributes["#cluster-name"] = model.options.cluster_name


def _name_key(node: Node) -> tuple[tuple[int, int, int, str], ...]:
    return name_key(node.name)


def _add_site_name(model: Model, node: Node) -> None:
    if "#site-name" in node.attributes:
        return
    site = node.attributes.get("site-name") or model.options.cluster_name
    if site:
        node.attributes["#site-name"] = site


def apply_start_fencing(model: Model, node: Node) -> None:
    """Unseen nodes are unclean with start-up fencing, but remote ones only once linked (7.5)."""
    if node.is_remote_type and node.connection is None:
        return
    node.unclean = model.options.startup_fencing


# -- node states -------------------------------------------------------------------------------


def find_node(model: Model, node_id: str | None, name: str | None) -> Node | None:
    """Node with the id, else with the name (8.1)."""
    if node_id:
        found = model.node_by_id.get(node_id.lower())
        if found is not None:
            return found
    return model.node_by_name.get(name.lower()) if name else None


def unpack_node_state(reading: Reading, state: etree._Element) -> None:
    """First pass over a `node_state`: what the node itself is like (8.1 to 8.10)."""
    model = reading.model
    node_id = state.get("id")
    if not node_id:
        reading.config_error("state-without-id", "a node_state has no id and is ignored")
        return
    node = find_node(model, node_id, state.get("uname"))
    if node is None:
        return
    if node.is_remote_type:
        node.remote_fenced = bool(int_from_text(state.get("node_fenced")) or 0)
        return
    read_transient_attributes(reading, node, state)
    node.unclean = False
    node.seen = True
    if is_true(node.attributes.get("standby")):
        node.standby = True
    if is_true(node.attributes.get("maintenance")):
        node.maintenance = True
    node.probes_allowed = True
    _determine_online(reading, node, state)
    if not model.quorate and node.online and model.options.no_quorum_policy is QuorumPolicy.FENCE:
        mark_for_fencing(model, reading.requests, node, "cluster does not have quorum")


def read_transient_attributes(reading: Reading, node: Node, state: etree._Element) -> None:
    """Transient attributes replace permanent ones; utilization only adds to it (7.7, 7.8)."""
    model = reading.model
    if "#uname" not in node.attributes:
        add_builtin_attributes(model, node)
    parents = [child for child in state if child.tag == "transient_attributes"]
    if not parents:
        return
    context = rule_context(model)
    found: dict[str, str] = {}
    apply_sets(read_sets(parents, "instance_attributes", reading.refs), found, context)
    node.attributes.update(found)
    node.fail_counts = None
    apply_sets(read_sets(parents, "utilization", reading.refs), node.utilization, context)
    _add_site_name(model, node)
    node.feature_set = node.attributes.get("#feature-set", "")


def shutdown_requested(node: Node) -> bool:
    """Attribute `shutdown` present and not exactly `0` (8.4)."""
    return node.attributes.get("shutdown", "0") != "0"


def _member_time(model: Model, text: str | None) -> int:
    """Since when the node is a member: -1 unknown, 0 not a member (8.2)."""
    if text is None:
        return -1
    word = bool_from_text(text) if not is_digits(text) or text in {"0", "1"} else None
    if word is not None:
        return int(model.now) if word else 0
    number = int_from_text(text)
    return number if number is not None and number >= 0 else -1


def _online_time(text: str | None) -> int:
    """Since when the node's process group is online; 0 = it is not (8.2)."""
    if text is None or text == "offline":
        return 0
    if text == "online":
        return 1
    number = int_from_text(text)
    return number if number is not None and number > 0 else 0


def _termination_requested(node: Node) -> bool:
    """Attribute `terminate`: true, or a number above 0 (8.7)."""
    text = node.attributes.get("terminate")
    if text is None:
        return False
    word = bool_from_text(text)
    if word is not None:
        return word
    return (int_from_text(text) or 0) > 0


def _determine_online(reading: Reading, node: Node, state: etree._Element) -> None:
    model = reading.model
    member = _member_time(model, state.get("in_ccm"))
    online = _online_time(state.get("crmd"))
    expected = state.get("expected")
    if shutdown_requested(node):
        node.shutdown = True
    elif expected == "member":
        node.expected_up = True
    join = state.get("join", "")
    if model.options.fencing_enabled:
        node.online = _online_with_fencing(reading, node, member, online, join, expected)
    else:
        node.online = member > 0 and online > 0 and join == "member"
        if member > 0 and not online and node.expected_up:
            reason = "peer is unexpectedly down"
            mark_for_fencing(model, reading.requests, node, reason)
    if not node.online or node.shutdown:
        node.base_score = MINUS_INFINITY


def _online_with_fencing(
    reading: Reading, node: Node, member: int, online: int, join: str, expected: str | None
) -> bool:
    """Table 8.6, first matching row; answers whether the node is online."""
    model = reading.model
    is_member = member > 0

    def mark(reason: str, *, delay: bool = False) -> None:
        mark_for_fencing(model, reading.requests, node, reason, priority_delay=delay)

    if node.shutdown:
        return online > 0
    if member < 0:
        mark("peer has not been seen by the cluster")
        return False
    if join == "banned":
        mark("peer failed Pacemaker membership criteria")
    elif _termination_requested(node):
        if not is_member and not online and join == "down":
            return False
        mark("fencing was requested")
    elif expected in {None, "down"}:
        if _pending_too_long(model, member, online):
            mark("peer pending timed out on joining the process group")
        elif is_member or online:
            node.standby = True
            node.pending = True
    elif not is_member:
        mark("peer is no longer part of the cluster", delay=True)
    elif not online:
        mark("peer process is no longer available")
    elif join == "member":
        pass
    elif join in {"pending", "down"}:
        node.standby = True
        node.pending = True
    else:
        mark("peer was in an unknown state")
    return is_member


def _pending_too_long(model: Model, member: int, online: int) -> bool:
    """Joining for longer than `node-pending-timeout`; if not yet, a recheck then (8.8)."""
    timeout = model.options.node_pending_timeout
    if timeout <= 0 or member <= 0 or online > 0:
        return False
    limit = member + timeout // 1000
    if model.now >= limit:
        return True
    model.want_recheck(limit)
    return False


# -- fencing -----------------------------------------------------------------------------------


def can_fence(model: Model, node: Node | None) -> bool:
    """Whether the cluster is able to fence the node (9.2)."""
    options = model.options
    if node is not None and node.is_guest:
        connection = node.connection
        launcher = connection.launcher if connection is not None else None
        hosts = launcher.running_on if launcher is not None else ()
        return all(host.online or can_fence(model, host) for host in hosts)
    if not options.fencing_enabled or not model.has_fence_device:
        return False
    if model.quorate or options.no_quorum_policy is QuorumPolicy.IGNORE:
        return True
    if node is None or not node.online:
        return False
    if node.is_remote and not options.fence_remote_without_quorum and node.connection is not None:
        table = model.node_table
        return all(table[index].online for index in node.connection.allowed)
    return True


def mark_for_fencing(
    model: Model,
    requests: ActionRequests,
    node: Node,
    reason: str,
    *,
    priority_delay: bool = False,
) -> None:
    """The node must be fenced (9.3); a guest is recovered through its launcher instead."""
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        launcher = connection.launcher
        if not launcher.failed and launcher.managed:
            node.remote_reset = True
            launcher.failed = True
            launcher.stop_if_failed = True
        return
    if node.is_remote_type:
        if connection is not None and connection.removed_launched and connection.launcher is None:
            connection.failed = True
            connection.stop_if_failed = True
            return
        if connection is None or connection.managed:
            node.remote_reset = True
        node.unclean = True
        requests.fence(node, None, optional=True, reason=reason, priority_delay=False)
    elif not node.unclean:
        node.unclean = True
        requests.fence(node, None, optional=True, reason=reason, priority_delay=priority_delay)


def priority_fencing_delay(model: Model, node: Node) -> int:
    """Seconds of head start that fencing this node grants to it; 0 = none (9.6)."""
    if node.is_remote_type or node.online:
        return 0
    members = [other for other in model.nodes if not other.is_remote_type]
    if sum(other.online for other in members) > len(members) // 2:
        return 0
    priorities = [other.priority for other in members]
    top = max(priorities)
    if min(priorities) == top or node.priority < top:
        return 0
    return model.options.priority_fencing_delay // 1000


# -- health and attributes ---------------------------------------------------------------------


def node_health(model: Model, node: Node) -> int:
    """Sum of the node's health scores (10.3)."""
    options = model.options
    total = options.health_base if options.health_strategy == "progressive" else 0
    if options.health_strategy == "none":
        return 0
    for name, value in node.attributes.items():
        if name.startswith(_HEALTH_PREFIX):
            score = score_with_words(model, value)
            if score is not None:
                total = add_scores(total, score)
    return total


def health_colour(model: Model, node: Node) -> str:
    """`red`, `yellow` or `green` as shown (10.5)."""
    options = model.options
    colour = "green"
    if options.health_strategy == "none":
        return colour
    for name, value in node.attributes.items():
        if not name.startswith(_HEALTH_PREFIX):
            continue
        word = value.lower()
        if word == "yellow":
            colour = "yellow"
            continue
        score = score_with_words(model, value)
        if word == "red" or (score is not None and score <= options.health_red):
            return "red"
        is_low = score is not None and score <= options.health_yellow
        if is_low and options.health_yellow != options.health_green:
            colour = "yellow"
    return colour


def resource_attribute(
    node: Node, name: str, attribute_target: str | None, *, assigned: bool = False
) -> str | None:
    """Attribute of a node as a resource with that `container-attribute-target` sees it (7.9).

    With target `host` a guest or bundle node answers for the host of its launcher: where that is
    active, or with `assigned` where it is going to be.
    """
    connection = node.connection
    if attribute_target is None or attribute_target.lower() != "host" or not node.is_guest:
        return node.attributes.get(name)
    launcher = connection.launcher if connection is not None else None
    if launcher is None:
        return None
    if assigned:
        host = launcher.assigned
    else:
        host = launcher.running_on[0] if launcher.running_on else None
    return host.attributes.get(name) if host is not None else None
