"""Where the cores of one node leave their effects, and what waits for the disk.

Messages to the node itself are not effects: they wait in `local` and are handled in order after
the event at hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from engine.base.events import Beat, Effect, Note, Persist, Send, Write

# How many times the patience a disk must have been quick before a view is changed to trust it again.
CALM = 10


class Outbox:
    """Effects of the event at hand, and continuations of writes that are under way."""

    __slots__ = (
        "_failed",
        "_patience",
        "_slow_at",
        "_token",
        "_waiting",
        "effects",
        "local",
        "me",
        "now",
    )

    def __init__(self, me: int, patience: float) -> None:
        self.me = me
        self.now = 0.0
        self.effects: list[Effect] = []
        self.local: deque[Any] = deque()
        self._patience = patience
        self._token = 0
        self._slow_at = float("-inf")
        self._failed = ""
        self._waiting: deque[tuple[int, float, Callable[[], None] | None]] = deque()

    def add(self, effect: Effect) -> None:
        self.effects.append(effect)

    def note(self, kind: str, **fields: Any) -> None:
        self.effects.append(Note(kind, fields))

    def send(self, to: int, message: Any) -> None:
        if to == self.me:
            self.local.append(message)
        else:
            self.effects.append(Send(to, message))

    def beat(self, to: int, message: Any) -> None:
        self.effects.append(Beat(to, message))

    def persist(self, writes: tuple[Write, ...], then: Callable[[], None] | None = None) -> None:
        """Write and, once it is on stable storage (rules R1, R2), go on with `then`.

        With a failed disk nothing is written any more and `then` never runs.
        """
        if self._failed:
            return
        self._token += 1
        self._waiting.append((self._token, self.now, then))
        self.effects.append(Persist(self._token, writes))

    def persisted(self, token: int) -> None:
        """The writes up to `token` are durable: run what waited for them, in order."""
        while self._waiting and self._waiting[0][0] <= token:
            _, since, then = self._waiting.popleft()
            if self.now - since > self._patience:
                self._slow_at = self.now
            if then is not None:
                then()

    def fail(self, reason: str) -> None:
        """Rule R9: nothing is written again in this life of the process."""
        self._failed = reason or "write failed"
        self._waiting.clear()

    @property
    def failure(self) -> str:
        return self._failed

    @property
    def is_durable(self) -> bool:
        """The disk works, and nothing has waited for it longer than the patience (seconds)."""
        if self._failed:
            return False
        return not self._waiting or self.now - self._waiting[0][1] <= self._patience

    @property
    def is_calm(self) -> bool:
        """Durable, and the disk has not been slow for a while."""
        return self.is_durable and self.now - self._slow_at >= CALM * self._patience
