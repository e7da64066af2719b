"""Views: what ends one for good, and who is waited for before the next."""

from dataclasses import replace

from engine.base.events import Persist, Send, View, ViewInstalled, ViewLost, WriteTerm
from engine.base.outbox import Outbox
from engine.membership.attempt import Standing
from engine.membership.detector import Detector
from engine.membership.messages import Install, Prepare, Promise
from engine.membership.view import Timing, Votes
from engine.membership.views import Views
from engine.replica.core import Replica
from engine.replica.entries import Log
from tests.sim.listmachine import ListMachine

VOTES = Votes(((1, 1), (2, 1), (3, 1)))
TIMING = Timing(dead_time=2.0, heartbeat=0.25)
EMPTY = Log().digest_at(0) or b""
VIEW = View(64, (1, 2, 3), (1, 2, 3), 1, True)


class NoChance:
    def uniform(self, low: float, high: float) -> float:
        return low


def member() -> tuple[Views, Outbox]:
    """Node 2 of three, with view 64 installed and not active yet."""
    out = Outbox(2, 1.0)
    detector = Detector(2, VOTES, TIMING)
    replica = Replica(2, TIMING, Log(), ListMachine(), out, lambda applied: None)
    views = Views(
        2,
        VOTES,
        TIMING,
        Standing(),
        replica,
        detector,
        out,
        NoChance(),
        lambda view, acks: None,
    )
    views.promised = 64
    views.on_install(1, Install(VIEW, 0, EMPTY, (), 0, EMPTY))
    return views, out


def test_a_view_that_a_restart_has_ended_never_becomes_active_again():
    views, out = member()
    assert views.view == VIEW
    assert views.on_active(1, 64)
    views.restart_of(3)
    assert views.current is None
    assert not views.on_active(1, 64)
    kinds = [type(e) for e in out.effects if isinstance(e, ViewInstalled | ViewLost)]
    assert kinds == [ViewInstalled, ViewLost]


def test_a_restart_before_a_view_is_active_ends_it_as_well():
    views, _ = member()
    views.restart_of(3)
    assert not views.on_active(1, 64)


def test_a_promise_is_given_when_it_is_on_the_disk_and_not_before():
    views, out = member()
    out.effects = []
    views.on_prepare(1, Prepare(129, (1, 2, 3), True))
    assert [e for e in out.effects if isinstance(e, Send)] == []
    [written] = [e for e in out.effects if isinstance(e, Persist)]
    assert written.writes == (WriteTerm(129),)
    out.persisted(written.token)
    [sent] = [e for e in out.effects if isinstance(e, Send)]
    assert isinstance(sent.message, Promise)


def test_the_dc_stays_else_who_is_longest_there_and_a_witness_comes_last():
    views, _ = member()
    assert views._appoint(2, [3, 2, 1]) == 2
    assert views._appoint(4, [3, 2, 1]) == 3
    views._votes = replace(VOTES, witnesses=(3,))
    assert views._appoint(3, [3, 2, 1]) == 2
    assert views._appoint(3, [3]) == 3
