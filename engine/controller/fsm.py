"""States of the designated controller and what moves it from one to the next. Pure, one table."""

from __future__ import annotations

from enum import Enum


class DcState(Enum):
    """Where the controller of this node stands; the values are Pacemaker's names."""

    NOT_DC = "S_NOT_DC"
    INTEGRATION = "S_INTEGRATION"
    IDLE = "S_IDLE"
    SCHEDULING = "S_POLICY_ENGINE"
    TRANSITION = "S_TRANSITION_ENGINE"


class DcInput(Enum):
    """What happens to it."""

    APPOINTED = "appointed"
    DISMISSED = "dismissed"
    JOINED = "all members joined"
    SCHEDULE = "time to schedule"
    SCHEDULED = "a transition was made"
    STALE = "the transition made is out of date"
    FINISHED = "the transition is over"


_MOVES = {
    (DcState.INTEGRATION, DcInput.JOINED): DcState.IDLE,
    (DcState.IDLE, DcInput.SCHEDULE): DcState.SCHEDULING,
    (DcState.SCHEDULING, DcInput.SCHEDULED): DcState.TRANSITION,
    (DcState.SCHEDULING, DcInput.STALE): DcState.IDLE,
    (DcState.TRANSITION, DcInput.FINISHED): DcState.IDLE,
}


def step(state: DcState, event: DcInput) -> DcState:
    """The next state; an input that means nothing in this state changes nothing."""
    if event is DcInput.APPOINTED:
        return DcState.INTEGRATION
    if event is DcInput.DISMISSED:
        return DcState.NOT_DC
    return _MOVES.get((state, event), state)
