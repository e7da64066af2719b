"""Reads of what is newest: answered after a quorum obeyed the DC, else refused by name."""

import pytest

from engine.base.events import ReadPoint, Send, View
from engine.base.exitcodes import ExitStatus
from engine.base.outbox import Outbox
from engine.membership.view import Timing, Votes
from engine.replica.messages import Follow, Following
from engine.replica.reads import PATIENCE, Reads

VIEW = View(64, (1, 2, 3), (1, 2, 3), 1, True)


class Dc:
    def __init__(self, view: View = VIEW) -> None:
        self.out = Outbox(1, 1.0)
        votes = Votes(((1, 1), (2, 1), (3, 1)))
        self.reads = Reads(1, votes, Timing(), self.out)
        self.reads.view_began(view)

    def take(self, kind: type) -> list:
        found = [e for e in self.out.effects if isinstance(e, kind)]
        self.out.effects = [e for e in self.out.effects if not isinstance(e, kind)]
        return found


def test_a_read_is_answered_when_a_quorum_obeyed_after_it_came():
    dc = Dc()
    dc.reads.ask(7, 12)
    asked = [(e.to, e.message) for e in dc.take(Send)]
    assert asked == [(2, Follow(64, 1)), (3, Follow(64, 1))]
    assert dc.take(ReadPoint) == []
    dc.reads.on_following(3, Following(64, 1))
    assert dc.take(ReadPoint) == [ReadPoint(7, 12)]


def test_who_obeyed_before_a_read_came_says_nothing_about_it():
    dc = Dc()
    dc.reads.ask(7, 12)
    dc.reads.ask(8, 13)
    dc.reads.on_following(2, Following(64, 1))
    assert dc.take(ReadPoint) == [ReadPoint(7, 12)]
    dc.reads.on_following(2, Following(64, 2))
    assert dc.take(ReadPoint) == [ReadPoint(8, 13)]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(64, (1,), (), 1, False, "1 of 3 votes"), "no quorum: 1 of 3 votes"),
        (View(64, (1, 2), (), 1, True), "not fenced"),
    ],
)
def test_a_dc_without_a_quorum_or_without_the_log_refuses(view, words):
    dc = Dc(view)
    dc.reads.ask(7, 12)
    [point] = dc.take(ReadPoint)
    assert (point.status, words in point.error) == (ExitStatus.QUORUM, True)


def test_a_read_that_nobody_confirms_is_asked_again_and_then_refused():
    dc = Dc()
    dc.reads.ask(7, 12)
    dc.take(Send)
    dc.out.now = 1.0
    dc.reads.tick()
    assert [e.to for e in dc.take(Send)] == [2, 3]
    dc.out.now = PATIENCE + 0.1
    dc.reads.tick()
    [point] = dc.take(ReadPoint)
    assert "not sure of its quorum" in point.error


def test_the_end_of_the_view_sends_its_readers_to_the_next_one():
    dc = Dc()
    dc.reads.ask(7, 12)
    dc.reads.view_ended()
    assert [point.status for point in dc.take(ReadPoint)] == [ExitStatus.TEMPFAIL]


def test_a_member_follows_the_dc_of_the_view_it_obeys_and_nobody_else():
    out = Outbox(2, 1.0)
    member = Reads(2, Votes(((1, 1), (2, 1), (3, 1))), Timing(), out)
    member.on_follow(1, Follow(64, 1), None)
    member.on_follow(3, Follow(64, 1), VIEW)
    member.on_follow(1, Follow(63, 1), VIEW)
    assert out.effects == []
    member.on_follow(1, Follow(64, 1), VIEW)
    assert out.effects == [Send(1, Following(64, 1))]
