"""Who votes and with how much, and how fast the membership reacts: frozen values.

`View` itself is an effect's content and lives in `engine.base.events`.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.events import View
from engine.base.nodeconf import NodeConfig

__all__ = ["Timing", "View", "Votes", "timing_for", "timing_of", "votes_of"]

DEAD_TIME_BASE = 3.0
DEAD_TIME_PER_NODE = 0.65


@dataclass(frozen=True, slots=True)
class Votes:
    """The static vote configuration (engine 5.1): (node id, votes) in the order of ids.

    `names` gives the names for messages. `tie_breaker` is the node that decides at exactly half.
    """

    votes: tuple[tuple[int, int], ...]
    names: tuple[tuple[int, str], ...] = ()
    tie_breaker: int | None = None
    two_node: bool = False
    wait_for_all: bool = False
    witnesses: tuple[int, ...] = ()

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(node for node, _ in self.votes)

    def name(self, node: int) -> str:
        return dict(self.names).get(node, str(node))

    def slot(self, node: int) -> int:
        """The node's place in the order of ids (0..62): makes terms unique."""
        return self.nodes.index(node)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `dead_time` without a heartbeat means not heard (engine 4.2, 15)."""

    dead_time: float = 3.0
    heartbeat: float = 0.25
    prepare: float = 1.0
    install: float = 2.0
    resend: float = 0.5
    sync: float = 2.0

    @property
    def tick(self) -> float:
        """How often a `Tick` must come."""
        return min(self.heartbeat / 2, 0.25)


def timing_for(nodes: int) -> Timing:
    """The defaults for a cluster of that many nodes: Corosync's token figures."""
    dead = DEAD_TIME_BASE + DEAD_TIME_PER_NODE * max(0, nodes - 2)
    return Timing(dead_time=dead, heartbeat=dead / 12)


def votes_of(config: NodeConfig) -> Votes:
    """The votes that the node file gives; in force until the log says otherwise."""
    nodes = config.everyone()
    return Votes(
        tuple([(node.id, node.votes) for node in nodes]),
        tuple([(node.id, node.name) for node in nodes]),
        config.node_id(config.tie_breaker) if config.tie_breaker else None,
        config.two_node,
        config.wait_for_all,
        tuple([node.id for node in nodes if node.role == "witness"]),
    )


def timing_of(config: NodeConfig) -> Timing:
    """The defaults for the size of the cluster, with what the node file says otherwise."""
    default = timing_for(len(config.peers) + 1)
    dead = config.dead_time / 1000 or default.dead_time
    return Timing(
        dead_time=dead,
        heartbeat=config.heartbeat / 1000 or dead / 12,
        prepare=config.prepare / 1000 or default.prepare,
        install=config.install / 1000 or default.install,
        resend=config.resend / 1000 or default.resend,
        sync=config.sync / 1000 or default.sync,
    )
