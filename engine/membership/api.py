"""What a membership backend offers the node, and what the view core needs of the log.

Two backends exist in the design: `embedded` (own heartbeats and streams) and `corosync`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from engine.base.events import Entry, Snapshot


class Transport(Protocol):
    """Carries messages between nodes; everything that arrives is authenticated.

    `received(frm, incarnation, message)` is called for each message, `lost(peer)` when a control
    stream broke. Both are given to the constructor.
    """

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def beat(self, to: int, message: Any) -> None:
        """Heartbeat: unreliable, on every link."""
        ...

    def send(self, to: int, message: Any) -> bool:
        """Control message: in order while connected; False when there is no stream at present."""
        ...

    def describe(self) -> dict[str, Any]:
        """Links and counters, for status output."""
        ...


ReceivedHandler = Callable[[int, int, Any], None]
LostHandler = Callable[[int], None]


class LogHolder(Protocol):
    """The part of the replicated log that a view change reads and replaces."""

    @property
    def base(self) -> int:
        """Entries up to this index are only in the snapshot."""
        ...

    @property
    def last(self) -> int: ...

    @property
    def commit(self) -> int: ...

    def digest_at(self, index: int) -> bytes | None:
        """Chained digest after that entry; None when the log does not reach it or dropped it."""
        ...

    def tail(self, after: int) -> tuple[Entry, ...]: ...

    def snapshot(self) -> Snapshot:
        """The state at `base`."""
        ...

    def adopt(self, base: int, entries: tuple[Entry, ...], snapshot: Snapshot | None) -> None:
        """The log is now: the snapshot or what was up to `base`, then the entries."""
        ...
