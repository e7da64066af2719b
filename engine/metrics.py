"""Numbers of a node as Prometheus text, made from the snapshots of its parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.base.exposition import Metric


def node_metrics(
    member: Mapping[str, Any],
    controller: Mapping[str, Any],
    operations: Mapping[str, Any],
    names: Mapping[int, str],
    longest_stand_ms: float = 0.0,
) -> tuple[Metric, ...]:
    """The metrics of one node from the snapshots of its membership, controller and operations."""
    found = [
        Metric("quorate", "1 while the view of this node has quorum.", bool(member["quorate"])),
        Metric("term", "Number of the newest view that this node promised.", member["term"]),
        Metric("commit_index", "Index of the newest committed record.", member["commit"]),
        Metric("members", "Nodes in the view of this node.", len(member["members"])),
        Metric("durable", "Members with stable storage.", len(member["durable"])),
        Metric("transition", "Number of the newest transition.", controller["transition"]),
        Metric("operations_running", "Agents that run now.", len(operations["running"])),
        Metric("operations_queued", "Operations that wait.", len(operations["queued"])),
        Metric("operations_recurring", "Operations that repeat.", len(operations["recurring"])),
    ]
    text = "Longest time that the event loop stood since the last query, in seconds."
    found.append(Metric("loop_stand_seconds", text, longest_stand_ms / 1000))
    heard = set(member["heard"])
    text = "1 for each node that is heard."
    for node, name in sorted(names.items()):
        found.append(Metric("node_heard", text, node in heard, (("node", name),)))
    return tuple(found)


def quorum_metrics(
    member: Mapping[str, Any], names: Mapping[int, str], votes: Mapping[int, int], me: int
) -> Iterator[Metric]:
    """Votes and quorum under the names that ha_cluster_exporter has for Corosync's; `votes` by number of node."""
    family = "ha_cluster_corosync"
    text = "Whether or not the cluster is quorate."
    yield Metric("quorate", text, bool(member["quorate"]), family=family)
    expected, present = sum(votes.values()), set(member["members"])
    here = sum(count for node, count in votes.items() if node in present)
    counts = {
        "expected_votes": expected,
        "highest_expected": expected,
        "total_votes": here,
        "quorum": expected // 2 + 1,
    }
    text = "Cluster quorum votes; one line per type."
    for kind, count in counts.items():
        yield Metric("quorum_votes", text, count, (("type", kind),), family=family)
    text = "How many votes each member has."
    for node in sorted(present):
        labels = (
            ("local", "true" if node == me else "false"),
            ("node", names.get(node, str(node))),
            ("node_id", str(node)),
        )
        yield Metric("member_votes", text, votes.get(node, 0), labels, family=family)


def ring_metrics(
    me: int, addresses: tuple[str, ...], links: Mapping[str, bool]
) -> Iterator[Metric]:
    """The links of this node: faulty while a peer is not connected; `links` by name of the peer."""
    family = "ha_cluster_corosync"
    is_well = all(links.values())
    text = "The links of this node; 1 while every peer is connected."
    for number, address in enumerate(addresses):
        labels = (
            ("ring_id", str(me)),
            ("node_id", str(me)),
            ("number", str(number)),
            ("address", address),
        )
        yield Metric("rings", text, is_well, labels, family=family)
    faulty = sum(1 for is_up in links.values() if not is_up)
    yield Metric("ring_errors", "How many peers are not connected.", faulty, family=family)
