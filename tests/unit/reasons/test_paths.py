"""Chains of actions: which one takes longest, and what an action truly waits for."""

from __future__ import annotations

import pytest

from engine.reasons.paths import critical_path, waits_for
from engine.scheduler.model.transition import (
    PSEUDO_EVENT,
    RSC_OP,
    GraphAction,
    Synapse,
    Transition,
)


def transition(
    *actions: tuple[int, str, tuple[int, ...]], pseudo: tuple[int, ...] = ()
) -> Transition:
    made = []
    for number, name, inputs in actions:
        tag = PSEUDO_EVENT if number in pseudo else RSC_OP
        made.append(Synapse(number, 0, GraphAction(number, tag, "start", name, node="n1"), inputs))
    return Transition({}, tuple(made))


# a and b before the pseudo event g, g before c, c before d; d also names a itself
CHAIN = transition(
    (1, "a", ()), (2, "b", ()), (3, "g", (1, 2)), (4, "c", (3,)), (5, "d", (4, 1)), pseudo=(3,)
)


def keys(actions: tuple[GraphAction, ...]) -> list[str]:
    return [action.key for action in actions]


def test_the_longest_chain_is_that_of_most_actions_where_no_times_are_known() -> None:
    chain, seconds = critical_path(CHAIN)
    assert keys(chain) == ["a", "c", "d"]
    assert seconds == 3.0


def test_recorded_times_decide_which_chain_is_longest() -> None:
    chain, seconds = critical_path(CHAIN, {"b@n1": 10.0, "c@n1": 2.5})
    assert keys(chain) == ["b", "c", "d"]
    assert seconds == 13.5


def test_a_transition_without_actions_has_no_chain() -> None:
    assert critical_path(Transition({}, ())) == ((), 0)


@pytest.mark.parametrize(("number", "wanted"), [(1, []), (4, ["a", "b"]), (5, ["c"]), (99, [])])
def test_an_action_waits_for_what_nothing_else_waits_for_on_its_way(
    number: int, wanted: list[str]
) -> None:
    assert keys(waits_for(CHAIN, number)) == wanted
