"""What an action of a transition truly waits for, and the chain of actions that decides how long it all takes.

networkx answers both: the synapses of a transition are a graph without loops. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from engine.scheduler.model.transition import PSEUDO_EVENT, GraphAction, Transition

# Of an action whose duration nobody has recorded: chains are compared by the number of their actions.
UNKNOWN_SECONDS = 1.0


def _graph(transition: Transition) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    for synapse in transition.synapses:
        graph.add_node(synapse.action.id)
        graph.add_edges_from((number, synapse.action.id) for number in synapse.inputs)
    return graph


def critical_path(
    transition: Transition, seconds: Mapping[str, float] | None = None
) -> tuple[tuple[GraphAction, ...], float]:
    """The chain of real actions that takes longest, and how long; `seconds` are durations by key and node.

    Keys are `KEY@NODE`. Empty for a transition without actions.
    """
    actions = {synapse.action.id: synapse.action for synapse in transition.synapses}
    known = seconds or {}
    graph = _graph(transition)

    def cost(action: GraphAction) -> float:
        if action.tag == PSEUDO_EVENT:
            return 0.0
        return known.get(f"{action.key}@{action.node}", UNKNOWN_SECONDS)

    for before, after in graph.edges:
        graph.edges[before, after]["weight"] = cost(actions[after]) if after in actions else 0.0
    # A start for all, so that the first action of a chain counts too.
    start = min(actions, default=0) - 1
    for number in [number for number, degree in graph.in_degree() if degree == 0]:
        first = actions.get(number)
        graph.add_edge(start, number, weight=cost(first) if first is not None else 0.0)
    path = nx.dag_longest_path(graph, weight="weight") if actions else []
    chain = tuple(
        actions[number]
        for number in path
        if number in actions and actions[number].tag != PSEUDO_EVENT
    )
    return chain, sum(cost(action) for action in chain)


def waits_for(transition: Transition, number: int) -> tuple[GraphAction, ...]:
    """The real actions that an action truly waits for: what others of them wait for already is left out."""
    actions = {synapse.action.id: synapse.action for synapse in transition.synapses}
    graph = _graph(transition)
    if number not in graph:
        return ()
    before = graph.subgraph(nx.ancestors(graph, number) | {number})
    closure = nx.transitive_closure_dag(before)
    real = [n for n in closure if n == number or actions[n].tag != PSEUDO_EVENT]
    reduced = nx.transitive_reduction(closure.subgraph(real))
    return tuple(actions[n] for n in sorted(reduced.predecessors(number)))
