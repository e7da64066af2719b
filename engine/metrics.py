"""Numbers of a node as Prometheus text, made from the snapshots of its parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "crmshell_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number; `labels` are pairs in their order."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    kind: str = "gauge"


def metrics_text(metrics: Iterable[Metric]) -> str:
    """The exposition format: help and type once for each name, in the order of first appearance."""
    lines: list[str] = []
    known: set[str] = set()
    for metric in metrics:
        name = PREFIX + metric.name
        if name not in known:
            known.add(name)
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in metric.labels)
        inside = f"{{{labels}}}" if labels else ""
        lines.append(f"{name}{inside} {metric.value:g}")
    return "\n".join(lines) + "\n"


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


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
