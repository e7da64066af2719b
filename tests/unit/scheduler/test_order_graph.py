"""The rows of the order graph must be those of the graph that networkx would have built."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from engine.scheduler.model.order_graph import BLOCKS, FIRST_THEN, ORDERED, OrderGraph
from engine.scheduler.model.order_view import digraph

EDGES = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.integers(1, 12),
        st.sampled_from([ORDERED, BLOCKS, FIRST_THEN | BLOCKS]),
    ),
    max_size=60,
)


def both(edges: list[tuple[int, int, int]]) -> tuple[nx.DiGraph, nx.DiGraph]:
    ours, plain = OrderGraph(), nx.DiGraph()
    for first, then, relation in edges:
        ours.add_order(first, then, relation)
        if first != then:
            plain.add_edge(first, then)
            known = plain.edges[first, then].setdefault("relations", ())
            if not any(old & relation for old in known):
                plain.edges[first, then]["relations"] = (*known, relation)
    return digraph(ours), plain


@given(EDGES)
def test_own_rows_hold_the_same_graph_as_add_edge(edges: list[tuple[int, int, int]]) -> None:
    ours, plain = both(edges)
    assert set(ours.nodes) == set(plain.nodes)
    assert dict(ours.edges) == dict(plain.edges)
    assert nx.utils.graphs_equal(ours, plain)
    assert {n: list(ours.pred[n]) for n in ours} == {n: list(plain.pred[n]) for n in plain}


@given(EDGES)
def test_algorithms_answer_the_same(edges: list[tuple[int, int, int]]) -> None:
    ours, plain = both(edges)
    components = {frozenset(c) for c in nx.strongly_connected_components(plain)}
    assert {frozenset(c) for c in nx.strongly_connected_components(ours)} == components
    assert nx.condensation(ours).number_of_edges() == nx.condensation(plain).number_of_edges()
    for node in plain:
        assert nx.ancestors(ours, node) == nx.ancestors(plain, node)
        assert nx.descendants(ours, node) == nx.descendants(plain, node)
    assert ours.number_of_edges() == plain.number_of_edges()


@given(EDGES)
def test_copies_and_removals_do_not_touch_the_original(edges: list[tuple[int, int, int]]) -> None:
    ours, plain = both(edges)
    part = ours.copy()
    part.remove_nodes_from(list(ours)[:3])
    assert nx.utils.graphs_equal(ours, plain)
    kept = list(ours)[3:]
    assert nx.utils.graphs_equal(part, plain.subgraph(kept))
    assert nx.utils.graphs_equal(ours.reverse(), plain.reverse())


def test_an_edge_that_shares_a_relation_adds_nothing() -> None:
    graph = OrderGraph()
    assert graph.add_order(1, 2, ORDERED)
    assert not graph.add_order(1, 2, ORDERED | BLOCKS)
    assert graph.add_order(1, 2, BLOCKS)
    assert graph.relations(1, 2) == (ORDERED, BLOCKS)


def test_disabling_one_relation_leaves_other_edges_alone() -> None:
    graph = OrderGraph()
    graph.add_order(1, 2, ORDERED)
    graph.add_order(3, 2, ORDERED)
    graph.add_order(1, 2, BLOCKS)
    graph.replace(1, 2, ORDERED, 0)
    assert graph.relations(1, 2) == (0, BLOCKS)
    assert graph.relations(3, 2) == (ORDERED,)
    assert graph.before(2) == [(3, (ORDERED,)), (1, (0, BLOCKS))]
