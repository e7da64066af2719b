"""The three ends of a request: applied, refused and never applied, outcome unknown."""

import pytest

from engine.base.events import Answer, Outcome, Send, Submission, View
from engine.base.exitcodes import ExitStatus
from engine.base.outbox import Outbox
from engine.membership.view import Votes, timing_for
from engine.replica.messages import Ask, Told
from engine.replica.requests import PATIENCE, Requests
from tests.sim.listmachine import ListMachine

VIEW = View(64, (1, 2, 3), (1, 2, 3), 2, True)
LONELY = View(129, (1,), (), 1, False, "1 of 3 votes")
REQUEST = Submission("r1", (0, 0, 0), patch=b"x")


class Side:
    """The requests of node 1, and what leaves it."""

    def __init__(self) -> None:
        self.out = Outbox(1, 1.0)
        votes = Votes(((1, 1), (2, 1), (3, 1)))
        self.requests = Requests(1, votes, timing_for(3), ListMachine(), self.out)

    def sent(self) -> list:
        found = [e.message for e in self.out.effects if isinstance(e, Send)]
        self.out.effects = [e for e in self.out.effects if not isinstance(e, Send)]
        return found

    def answers(self) -> list[Outcome]:
        found = [e.outcome for e in self.out.effects if isinstance(e, Answer)]
        self.out.effects = []
        return found


@pytest.fixture
def side() -> Side:
    return Side()


def test_what_was_sent_to_a_dc_is_not_refused_by_a_view_without_quorum(side):
    side.requests.view_began(VIEW)
    side.requests.submit(REQUEST)
    assert len(side.sent()) == 1
    side.requests.view_began(LONELY)
    assert side.answers() == []
    side.out.now = PATIENCE + 1
    side.requests.tick()
    [answer] = side.answers()
    assert (answer.status, "unknown" in answer.error) == (ExitStatus.TIMEOUT, True)


def test_what_was_sent_to_nobody_is_refused_for_certain(side):
    side.requests.view_began(LONELY)
    side.requests.submit(REQUEST)
    assert [(a.ok, a.status) for a in side.answers()] == [(False, ExitStatus.QUORUM)]


def test_without_any_view_for_long_it_is_said_that_nothing_was_changed(side):
    side.requests.submit(REQUEST)
    side.out.now = PATIENCE + 1
    side.requests.tick()
    [answer] = side.answers()
    assert answer.status == ExitStatus.QUORUM
    assert "nothing was changed" in answer.error


def test_a_refusal_of_an_earlier_copy_counts_for_nothing_while_a_later_one_is_under_way(side):
    side.requests.view_began(VIEW)
    side.requests.submit(REQUEST)
    [first] = side.sent()
    side.out.now = 5.0
    side.requests.tick()
    [second] = side.sent()
    assert second.serial > first.serial
    refused = Outcome("r1", False, "busy", ExitStatus.UNAVAILABLE)
    side.requests.on_told(Told(refused, 64, first.serial))
    assert side.answers() == []
    side.requests.on_told(Told(refused, 64, second.serial))
    assert [a.error for a in side.answers()] == ["busy"]


@pytest.mark.parametrize("late", [Ask(REQUEST, 64, 3), Ask(REQUEST, 63, 9)])
def test_the_dc_takes_no_copy_that_is_late_or_for_another_dc(side, late):
    side.requests.view_began(View(64, (1, 2, 3), (1, 2, 3), 1, True))
    other = Submission("r0", (0, 0, 0), patch=b"bad")
    side.requests.on_ask(3, Ask(other, 64, 4))
    queued = len(side.requests.waiting)
    side.requests.on_ask(3, late)
    assert len(side.requests.waiting) == queued
    side.requests.on_ask(3, Ask(REQUEST, 64, 5))
    assert side.requests.waiting == ("r0", "r1")


@pytest.mark.parametrize(("size", "seconds"), [(1, 0.0), (8_000_000, 3.9)])
def test_a_request_is_repeated_when_it_had_the_time_to_arrive(side, size, seconds):
    """A large one would only be in its own way."""
    side.requests.view_began(VIEW)
    side.requests.submit(Submission("r1", (0, 0, 0), replace=b"x" * size))
    assert len(side.sent()) == 1
    ordinary = 4 * timing_for(3).resend
    side.out.now = ordinary * 0.9 + seconds
    side.requests.tick()
    assert side.sent() == []
    side.out.now = ordinary * 1.1 + seconds + 0.2
    side.requests.tick()
    assert len(side.sent()) == 1
