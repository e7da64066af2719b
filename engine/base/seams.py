"""The seven seams through which the engine touches the world; everything gets them by argument.

The real forms live in `engine/edges`, the simulated ones in `tests/sim`. Times are seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol


class Handle(Protocol):
    """A timer that can be taken back."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time; `now` is monotonic and for every decision, `wall` for display and date rules only."""

    def now(self) -> float: ...

    def wall(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], object]) -> Handle: ...


class Chance(Protocol):
    """One stream of randomness, as far as pure code needs it."""

    def uniform(self, low: float, high: float, /) -> float: ...


class Rng(Protocol):
    """Named independent streams of randomness: drawing from one never changes another."""

    def stream(self, name: str) -> random.Random: ...


class Stream(Protocol):
    """An ordered channel to a peer that can break: frames, not bytes. `send` never blocks."""

    def send(self, frame: bytes) -> None: ...

    def close(self) -> None: ...


class Net(Protocol):
    """Datagrams and streams to peers, both authenticated and encrypted below this seam."""

    def send_datagram(self, to: int, link: int, data: bytes) -> None: ...

    def send_stream(self, to: int, frame: bytes) -> bool:
        """Queue a frame on the control stream to a node; False when there is none at present."""
        ...

    def on_datagram(self, handler: Callable[[int, int, bytes], None]) -> None: ...

    def on_frame(self, handler: Callable[[int, bytes], None]) -> None: ...

    def on_link(self, handler: Callable[[int, bool], None]) -> None: ...


class Disk(Protocol):
    """The files that matter. Every call may raise `OSError`; nothing is durable before its fsync."""

    def read(self, path: str) -> bytes: ...

    def append(self, path: str, data: bytes) -> None: ...

    def pwrite(self, path: str, offset: int, data: bytes) -> None: ...

    def truncate(self, path: str, size: int) -> None: ...

    def fsync(self, path: str) -> None: ...

    def rename(self, old: str, new: str) -> None: ...

    def fsync_dir(self, path: str) -> None: ...

    def unlink(self, path: str) -> None: ...

    def listdir(self, path: str) -> list[str]: ...

    def exists(self, path: str) -> bool: ...

    def makedirs(self, path: str) -> None: ...

    def run(self, job: Callable[[], object], done: Callable[[Exception | None], None]) -> None:
        """Do a blocking job (append and fsync) off the loop, in order; then call `done` on the loop."""
        ...


class Child(Protocol):
    """A started program in a process group of its own."""

    pid: int

    def signal_group(self, number: int) -> None: ...


class Proc(Protocol):
    """Starts programs; `done(exit_code, stdout, stderr)` is called once, -N for death by signal N."""

    def spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes,
        done: Callable[[int, bytes, bytes], None],
    ) -> Child: ...


class Watchdog(Protocol):
    """The machine's dead man's handle."""

    def arm(self, timeout: float) -> None: ...

    def feed(self) -> None: ...

    def disarm(self) -> None:
        """A clean end: the machine goes on without the watchdog."""
        ...

    def leave(self) -> None:
        """This process ends, the watchdog goes on: who comes next must feed it in time."""
        ...


class Trace(Protocol):
    """What happened, for logs and for the oracle of the simulation."""

    def emit(self, kind: str, **fields: object) -> None: ...
