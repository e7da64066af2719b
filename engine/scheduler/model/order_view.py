"""Orderings as graphs of networkx, for what is reasoned about: loops, components, explanations.

Import this module where such a question comes up: networkx takes longer to load than a small cluster
takes to schedule.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

import networkx as nx

from engine.scheduler.model.order_graph import OrderGraph

N = TypeVar("N", bound=Hashable)


def digraph(orders: OrderGraph) -> nx.DiGraph[int]:
    """The orderings as they are now, over the same rows: for reading, and nothing is copied."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    rows: Any = graph  # the protected rows of networkx 3; a property test holds them to its own
    rows._adj = orders.succ
    rows._pred = orders.pred
    rows._node = {number: {} for number in orders.succ}
    return graph


def loops_of(followers: Mapping[N, Iterable[N]]) -> list[set[N]]:
    """The strong components of more than one element."""
    graph: nx.DiGraph[N] = nx.DiGraph()
    for first, thens in followers.items():
        graph.add_edges_from((first, then) for then in thens)
    return [part for part in nx.strongly_connected_components(graph) if len(part) > 1]
