"""Timers with names: setting one again replaces it, and all of them end together."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from engine.base.seams import Clock, Handle


class Timers:
    """The timers of one owner; a name is anything that can be a key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handles: dict[Hashable, Handle] = {}

    def set(self, name: Hashable, delay: float, callback: Callable[[], object]) -> None:
        """Call back after `delay` seconds."""
        self.stop(name)

        def fired() -> None:
            self._handles.pop(name, None)
            callback()

        self._handles[name] = self._clock.call_later(delay, fired)

    def stop(self, name: Hashable) -> None:
        """The timer is not wanted any more."""
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def is_set(self, name: Hashable) -> bool:
        return name in self._handles

    def stop_all(self) -> None:
        """None of them will call back."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
