import random

import msgpack

from engine.base.events import (
    Answer,
    Committed,
    LeaveView,
    Persist,
    Persisted,
    Submission,
    Submit,
    Tick,
    ViewInstalled,
    ViewLost,
    WriteEntry,
    WriteView,
)
from engine.membership.attempt import Standing
from engine.membership.view import Votes, timing_for
from engine.replica.entries import Log
from engine.replica.image import StoreState
from engine.replica.member import Member
from tests.sim.listmachine import ListMachine


def lone_member() -> Member:
    votes = Votes(((1, 1),))
    return Member(1, votes, timing_for(1), StoreState(), ListMachine(), random.Random(1))


def run(member: Member, effects, now: float) -> list:
    """Let every write succeed until nothing more is written."""
    seen = list(effects)
    for effect in seen:
        if isinstance(effect, Persist):
            seen += member.handle(Persisted(effect.token), now)
    return seen


def up(member: Member) -> list:
    seen = []
    for step in range(10):
        seen += run(member, member.handle(Tick(), step * 0.125), step * 0.125)
    return seen


def test_a_single_node_forms_a_quorate_view_at_once():
    member = lone_member()
    views = [effect.view for effect in up(member) if isinstance(effect, ViewInstalled)]
    assert [(view.members, view.dc, view.quorate) for view in views] == [((1,), 1, True)]
    assert member.is_dc
    assert member.has_authority(1.2)


def test_the_view_is_written_before_it_is_active():
    member = lone_member()
    seen = up(member)
    kinds = [type(effect) for effect in seen]
    written = [
        place
        for place, effect in enumerate(seen)
        if isinstance(effect, Persist) and isinstance(effect.writes[0], WriteView)
    ]
    assert written[0] < kinds.index(ViewInstalled)


def test_a_commit_is_answered_only_after_its_write():
    member = lone_member()
    up(member)
    effects = member.handle(Submit(Submission("r1", (0, 0, 0), patch=b"hello")), 2.0)
    writes = [effect for effect in effects if isinstance(effect, Persist)]
    assert isinstance(writes[0].writes[0], WriteEntry)
    assert not any(isinstance(effect, Answer | Committed) for effect in effects)
    effects = member.handle(Persisted(writes[0].token), 2.01)
    answers = [effect.outcome for effect in effects if isinstance(effect, Answer)]
    assert [(a.ok, a.index, a.durable, a.of) for a in answers] == [(True, 1, (1,), 1)]


def test_the_same_request_id_happens_once():
    member = lone_member()
    up(member)
    request = Submit(Submission("r1", (0, 0, 0), patch=b"hello"))
    run(member, member.handle(request, 2.0), 2.0)
    again = member.handle(request, 3.0)
    assert [effect.outcome.index for effect in again if isinstance(effect, Answer)] == [1]
    assert member.commit == 1


def test_a_node_that_starts_alone_shows_what_was_known_to_be_committed():
    entries = Log()
    for number in range(3):
        entries.append(64, msgpack.packb([f"r{number}", b"item %d" % number]))
    votes = Votes(((1, 1), (2, 1), (3, 1)))
    start = StoreState(standing=Standing(64, 64, False), log=entries, commit=2)
    machine = ListMachine()
    member = Member(1, votes, timing_for(3), start, machine, random.Random(1))
    assert member.view is None
    assert machine.items == [b"item 0", b"item 1"]
    assert member.commit == 2


def test_a_member_that_left_forms_no_view_again():
    member = lone_member()
    up(member)
    effects = member.handle(LeaveView(), 2.0)
    assert any(isinstance(effect, ViewLost) for effect in effects)
    assert member.view is None
    assert [member.handle(Tick(), 2.0 + step / 10) for step in range(100)] == [[]] * 100
    assert member.handle(Submit(Submission("r1", (0, 0, 0), patch=b"hello")), 13.0) == []
    assert member.view is None
