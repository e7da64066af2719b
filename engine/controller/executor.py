"""Carries out a transition: which actions may start now, what a result means, when it is over.

Pure. A synapse fires when all its inputs are confirmed; an abort of priority P lets only synapses of
at least that priority fire, and the transition ends when nothing is pending any more
(Pacemaker's graph execution; C16 and C20.1).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from engine.base.digits import is_digits, is_whole
from engine.base.score import INFINITY
from engine.scheduler.model.transition import PSEUDO_EVENT, RSC_OP, GraphAction, Synapse, Transition

ABORT_ALL = INFINITY
GUEST_FENCE = "stonith"


class Completion(IntEnum):
    """What follows the end of a transition; the higher one wins."""

    DONE = 0
    WAIT = 1
    RESTART = 2
    SHUTDOWN = 3


@dataclass(slots=True)
class Executor:
    """One transition on its way.

    `batch_limit` bounds the actions that are pending at once (0: no bound), `migration_limit` the
    migrations per node (-1: none). `start()` and every result return the actions to dispatch, in
    the order of the graph.
    """

    transition: Transition
    batch_limit: int = 0
    migration_limit: int = -1
    node_limits: Mapping[str, int] = field(default_factory=dict)
    """Resource actions at a time by the name of the node that carries them out; no bound for others."""
    abort_priority: int = 0
    completion: Completion = Completion.DONE
    abort_reason: str = ""
    downed: list[str] = field(default_factory=list)
    """Ids of guest nodes that went down with their container, as pseudo actions said: for the caller to take."""
    _waiting: dict[int, int] = field(default_factory=dict)
    _followers: dict[int, list[int]] = field(default_factory=dict)
    _synapses: dict[int, Synapse] = field(default_factory=dict)
    _ready: deque[int] = field(default_factory=deque)
    _pending: dict[int, GraphAction] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)  # pending resource actions of each node
    _confirmed: set[int] = field(default_factory=set)
    _failed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for synapse in self.transition.synapses:
            number = synapse.action.id
            self._synapses[number] = synapse
            self._waiting[number] = len(set(synapse.inputs))
            for needed in dict.fromkeys(synapse.inputs):
                self._followers.setdefault(needed, []).append(number)

    def limit(
        self, batch_limit: int, migration_limit: int, node_limits: Mapping[str, int]
    ) -> list[GraphAction]:
        """Set the bounds; what may start because they are wider now."""
        self.batch_limit, self.migration_limit = batch_limit, migration_limit
        self.node_limits = node_limits
        return self._fire()

    def start(self) -> list[GraphAction]:
        """The actions that wait for nothing."""
        self._ready.extend(n for n, count in self._waiting.items() if count == 0)
        return self._fire()

    def confirm(self, number: int) -> list[GraphAction]:
        """The action had the result that was expected; what may start because of it."""
        if number not in self._pending:
            return []
        self._settle(number)
        return self._fire()

    def fail(self, number: int) -> list[GraphAction]:
        """The action went wrong: nothing that waits for it will start.

        The transition itself goes on until it is aborted, which the caller does with the priority
        that fits.
        """
        if number not in self._pending:
            return []
        self._end(number)
        self._failed.add(number)
        return self._fire()

    def abort(self, priority: int, completion: Completion, reason: str) -> bool:
        """Let nothing below `priority` start any more; whether this changed anything."""
        changed = False
        if priority > self.abort_priority:
            self.abort_priority = priority
            self.abort_reason = reason
            changed = True
        if completion > self.completion:
            self.completion = completion
            changed = True
        return changed

    def action(self, number: int) -> GraphAction | None:
        """The action with this number, if it is in the graph."""
        synapse = self._synapses.get(number)
        return synapse.action if synapse else None

    def is_pending(self, number: int) -> bool:
        return number in self._pending

    @property
    def pending(self) -> tuple[GraphAction, ...]:
        """The actions that were dispatched and have no result."""
        return tuple(self._pending.values())

    @property
    def is_over(self) -> bool:
        """Nothing is pending: whatever could start was started when the last one ended."""
        return not self._pending

    @property
    def is_complete(self) -> bool:
        """Every action was confirmed."""
        return len(self._confirmed) == len(self._synapses)

    def counts(self) -> dict[str, int]:
        """How many actions were done, failed, are pending, and were never begun."""
        done, failed, pending = len(self._confirmed), len(self._failed), len(self._pending)
        left = len(self._synapses) - done - failed - pending
        return {"done": done, "failed": failed, "pending": pending, "skipped": left}

    def _settle(self, number: int) -> None:
        self._end(number)
        self._confirmed.add(number)
        for follower in self._followers.get(number, ()):
            self._waiting[follower] -= 1
            if self._waiting[follower] == 0:
                self._ready.append(follower)

    def _begin(self, action: GraphAction) -> None:
        self._pending[action.id] = action
        if action.tag == RSC_OP:
            self._busy[_carrier(action)] += 1

    def _end(self, number: int) -> None:
        action = self._pending.pop(number, None)
        if action is not None and action.tag == RSC_OP:
            self._busy[_carrier(action)] -= 1

    def _fire(self) -> list[GraphAction]:
        """Start what may start. Pseudo actions are done at once and may make others ready."""
        held: list[int] = []
        fired: list[GraphAction] = []
        while self._ready and not self._is_full():
            number = self._ready.popleft()
            synapse = self._synapses[number]
            if synapse.priority < self.abort_priority:
                continue
            if synapse.action.tag == PSEUDO_EVENT:
                if synapse.action.operation == GUEST_FENCE:
                    self.downed.extend(synapse.action.downed)
                self._settle(number)
            elif self._has_room(synapse.action):
                self._begin(synapse.action)
                fired.append(synapse.action)
            else:
                held.append(number)
        self._ready.extendleft(reversed(held))
        return fired

    def _is_full(self) -> bool:
        return self.batch_limit > 0 and len(self._pending) >= self.batch_limit

    def _has_room(self, action: GraphAction) -> bool:
        return self._has_room_on_node(action) and self._has_room_to_migrate(action)

    def _has_room_on_node(self, action: GraphAction) -> bool:
        if action.tag != RSC_OP:
            return True
        limit = self.node_limits.get(_carrier(action))
        return limit is None or self._busy[_carrier(action)] < limit

    def _has_room_to_migrate(self, action: GraphAction) -> bool:
        if self.migration_limit < 0 or action.operation not in ("migrate_to", "migrate_from"):
            return True
        busy = Counter(
            other.node for other in self._pending.values() if other.operation == action.operation
        )
        return busy[action.node] < self.migration_limit


def _carrier(action: GraphAction) -> str:
    """The node that carries an action out: for a remote node the one that is connected to it."""
    return action.router_node or action.node


def expected_rc(action: GraphAction) -> int:
    """The exit code that the scheduler counts on."""
    text = action.meta("op_target_rc", "0")
    return int(text) if is_whole(text) else 0


def waits_for_nothing(action: GraphAction) -> bool:
    """Whether the action is confirmed as soon as it was sent off."""
    return action.meta("op_no_wait") in ("true", "1", "yes", "on")


def allowance_ms(action: GraphAction, cluster_delay_ms: int) -> int:
    """How long the DC waits for the result of an action before it counts as lost."""
    own = action.timeout_ms if action.tag == RSC_OP else 0
    delay = action.meta("start_delay", "0")
    return own + cluster_delay_ms + (int(delay) if is_digits(delay) else 0)
