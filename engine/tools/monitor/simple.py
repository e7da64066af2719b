"""The status in one line, for monitoring programs."""

from __future__ import annotations

from engine.scheduler.model.model import Model


def simple_line(model: Model) -> tuple[str, bool]:
    """The line, and whether the cluster is fine: a controller, quorum, no node that is offline."""
    problems: list[str] = []
    if model.dc_node is None:
        problems.append("No DC")
    elif not model.quorate:
        problems.append("No quorum")
    problems += [f"offline node: {node.name}" for node in model.nodes if not node.online]
    if problems:
        return f"CLUSTER WARN: {', '.join(problems)}", False
    standby = sum(node.standby for node in model.nodes)
    maintenance = sum(node.maintenance and not node.standby for node in model.nodes)
    online = len(model.nodes) - standby - maintenance
    words = [f"{online} node{'' if online == 1 else 's'} online"]
    words += [f"{standby} standby"] if standby else []
    words += [f"{maintenance} maintenance"] if maintenance else []
    count = model.resource_count
    words.append(f"{count} resource instance{'' if count == 1 else 's'} configured")
    return f"CLUSTER OK: {', '.join(words)}", True
