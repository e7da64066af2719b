"""How a transition is carried out."""

from engine.base.score import INFINITY
from engine.controller.executor import Completion, Executor
from engine.scheduler.model.transition import (
    CRM_EVENT,
    PSEUDO_EVENT,
    RSC_OP,
    GraphAction,
    Synapse,
    Transition,
)


def action(
    number: int, tag: str = RSC_OP, operation: str = "start", node: str = "n1"
) -> GraphAction:
    return GraphAction(number, tag, operation, f"r{number}_{operation}_0", node=node)


def transition(*synapses: tuple[GraphAction, tuple[int, ...]], priority: int = 0) -> Transition:
    made = [Synapse(n, priority, a, inputs) for n, (a, inputs) in enumerate(synapses)]
    return Transition({}, tuple(made))


def ids(actions: list[GraphAction]) -> list[int]:
    return [a.id for a in actions]


def test_an_action_starts_when_all_its_inputs_are_confirmed() -> None:
    run = Executor(transition((action(1), ()), (action(2), ()), (action(3), (1, 2))))
    assert ids(run.start()) == [1, 2]
    assert run.confirm(1) == []
    assert ids(run.confirm(2)) == [3]
    assert not run.is_over
    run.confirm(3)
    assert run.is_over
    assert run.is_complete


def test_pseudo_events_are_done_at_once() -> None:
    run = Executor(transition((action(1, PSEUDO_EVENT), ()), (action(2), (1,))))
    assert ids(run.start()) == [2]


def test_what_waits_for_a_failed_action_never_starts() -> None:
    run = Executor(transition((action(1), ()), (action(2), (1,)), (action(3), ())))
    assert ids(run.start()) == [1, 3]
    run.fail(1)
    run.confirm(3)
    assert run.is_over
    assert not run.is_complete
    assert run.counts() == {"done": 1, "failed": 1, "pending": 0, "skipped": 1}


def test_an_abort_lets_running_actions_finish_and_starts_nothing_new() -> None:
    run = Executor(transition((action(1), ()), (action(2), (1,))))
    run.start()
    assert run.abort(INFINITY, Completion.RESTART, "change")
    assert not run.is_over
    assert run.confirm(1) == []
    assert run.is_over
    assert run.completion is Completion.RESTART


def test_a_synapse_of_the_highest_priority_survives_an_abort() -> None:
    first, second = action(1), action(2)
    graph = Transition({}, (Synapse(0, 0, first, ()), Synapse(1, INFINITY, second, (1,))))
    run = Executor(graph)
    run.start()
    run.abort(INFINITY, Completion.RESTART, "change")
    assert ids(run.confirm(1)) == [2]


def test_the_batch_limit_holds_actions_back() -> None:
    run = Executor(transition((action(1), ()), (action(2), ()), (action(3), ())), batch_limit=2)
    assert ids(run.start()) == [1, 2]
    assert ids(run.confirm(1)) == [3]


def test_migrations_are_limited_per_node() -> None:
    moves = [(action(n, operation="migrate_to"), ()) for n in (1, 2)]
    run = Executor(transition(*moves), migration_limit=1)
    assert ids(run.start()) == [1]
    assert ids(run.confirm(1)) == [2]


def test_a_result_that_nobody_waits_for_changes_nothing() -> None:
    run = Executor(transition((action(1, CRM_EVENT), ())))
    run.start()
    assert run.confirm(9) == []
    run.confirm(1)
    assert run.confirm(1) == []
    assert run.is_complete


def test_an_empty_transition_is_over_at_once() -> None:
    run = Executor(transition())
    assert run.start() == []
    assert run.is_over
    assert run.is_complete
