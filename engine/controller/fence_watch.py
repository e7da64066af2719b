"""Who waits for the fencing of a node, and how often it failed: the pause before the next attempt. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.exitcodes import ExitStatus
from engine.controller.events import Effect, FenceFinished, Story, Tell
from engine.controller.messages import Told
from engine.controller.requests import refused

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class FenceWatch:
    """The memory of the DC about fencing requests."""

    _waiters: list[tuple[str, int, int]] = field(default_factory=list)
    _failures: dict[str, int] = field(default_factory=dict)
    _lives: dict[str, str] = field(default_factory=dict)
    _ended_lives: dict[str, str] = field(default_factory=dict)

    def wait(self, target: str, node: int, number: int) -> None:
        """The question `number` of a node is answered when the fencing of `target` is over."""
        self._waiters.append((target, node, number))

    def met(self, node: str, life: str) -> list[Effect]:
        """A node told its state; `life` names the time since its machine started."""
        self._lives[node] = life
        if self._ended_lives.pop(node, None) != life:
            return []
        text = f"fencing of {node} was reported as done, but its machine was never off: check its devices"
        return [Story(text, {"node": node}, True)]

    def finished(self, event: FenceFinished) -> list[Effect]:
        """Count, and answer who waits."""
        reply: dict[str, object] = {"ok": True}
        if event.ok:
            self._failures.pop(event.target, None)
            if event.action != "on" and event.target in self._lives:
                self._ended_lives[event.target] = self._lives[event.target]
        else:
            self._failures[event.target] = self.failures(event.target) + 1
            text = f"fencing of {event.target} failed: {event.error}"
            reply = refused(text, ExitStatus.ERROR)
        told = [waiter for waiter in self._waiters if waiter[0] == event.target]
        self._waiters = [waiter for waiter in self._waiters if waiter[0] != event.target]
        return [Tell(node, Told(number, dict(reply))) for _, node, number in told]

    def failures(self, target: str) -> int:
        """How often fencing of a node failed in a row."""
        return self._failures.get(target, 0)

    def pause(self) -> float:
        """How long to wait before the next attempt: longer after each failure, 0 without one."""
        worst = max(self._failures.values(), default=0)
        if worst == 0:
            return 0.0
        return float(min(FIRST_PAUSE_SECONDS * 2 ** (worst - 1), LONGEST_PAUSE_SECONDS))

    def forget_waiters(self) -> None:
        """Another node is DC: who waited was told so by its own node."""
        self._waiters = []
