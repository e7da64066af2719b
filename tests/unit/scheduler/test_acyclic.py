"""The quick answer must be the one that the graph algorithms give."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from engine.scheduler.model.acyclic import every_turn_comes
from engine.scheduler.model.order_view import loops_of

INPUTS = st.dictionaries(
    st.integers(0, 9), st.lists(st.integers(0, 9), max_size=3, unique=True), max_size=10
)


@given(INPUTS)
def test_every_turn_comes_if_there_is_no_loop_and_nothing_is_missing(
    inputs: dict[int, list[int]],
) -> None:
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(inputs)
    graph.add_edges_from((first, then) for then, firsts in inputs.items() for first in firsts)

    assert every_turn_comes(inputs) == (
        nx.is_directed_acyclic_graph(graph) and set(graph) == set(inputs)
    )


@given(INPUTS)
def test_loops_are_the_components_of_more_than_one(inputs: dict[int, list[int]]) -> None:
    graph = nx.DiGraph((first, then) for first, thens in inputs.items() for then in thens)
    expected = {frozenset(c) for c in nx.strongly_connected_components(graph) if len(c) > 1}

    assert {frozenset(loop) for loop in loops_of(inputs)} == expected


def test_nothing_to_do_is_done() -> None:
    assert every_turn_comes({})
    assert every_turn_comes({1: [], 2: []})
    assert not every_turn_comes({1: [1]})
    assert not every_turn_comes({1: [2]})
