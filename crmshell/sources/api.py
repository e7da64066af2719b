"""Where a CIB comes from and goes to: a node agent, a file, a shadow CIB, Pacemaker's tools.

The shell sees only `CibSource`. `live` sources have a cluster behind them; the others hold a
document, and requests to a running cluster change its status section or are refused in one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.base.reports import Report
from engine.cib.document import Cib, CibVersion


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that has been taken: the version now, findings, on how many nodes it is durable."""

    version: CibVersion
    reports: tuple[Report, ...] = ()
    durable: tuple[str, ...] = ()
    members: int = 0


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What to forget: an empty field means all; `interval_ms` None means every interval."""

    resource: str = ""
    node: str = ""
    operation: str = ""
    interval_ms: int | None = None
    failures_only: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What a source knows beyond its CIB; None: it knows no better than the CIB."""

    stack: str
    dc: str | None = None
    quorate: bool | None = None
    durable: tuple[str, ...] = ()


class CibSource(Protocol):
    """A place that a CIB is read from and handed over to. Every call may raise `ShellError`."""

    @property
    def name(self) -> str:
        """What the prompt shows: `live`, or the name of the shadow CIB."""
        ...

    @property
    def live(self) -> bool:
        """Whether a running cluster is behind it."""
        ...

    @property
    def identity(self) -> str:
        """What pending changes belong to: `live`, or the real path of the file."""
        ...

    def local_node(self) -> str:
        """Name of the node that this machine is."""
        ...

    def describe(self) -> Facts:
        """What is known of the cluster beyond the CIB."""
        ...

    def read(self, *, sync: bool = False) -> Cib:
        """The CIB with its status; `sync`: as the cluster has agreed on it, for a base to edit."""
        ...

    def commit(
        self,
        base: Cib,
        new: Cib,
        *,
        replace: bool = False,
        force: bool = False,
        strict: bool = False,
    ) -> Committed:
        """Hand over the difference from `base` to `new`.

        What others changed since `base` stays; where both changed the same thing it raises
        `CommitConflict`, unless `replace` says to overwrite the other's edit of these objects.
        With `strict` any change of the configuration since `base` is a conflict: compare and set.
        """
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the cluster has nothing more to do; False when time ran out first."""
        ...

    def set_attribute(self, node: str, name: str, value: str | None) -> None:
        """Set or (None) delete a transient attribute of a node."""
        ...

    def cleanup(self, what: Cleanup) -> None:
        """Forget failures (or the whole history, so that it is probed again)."""
        ...

    def fence(self, node: str, action: str) -> None:
        """Fence a node now (`off`, `on`, `reboot`)."""
        ...

    def confirm_fenced(self, node: str) -> None:
        """The user vouches that the node is down."""
        ...

    def forget_node(self, node: str) -> None:
        """Let the running cluster forget a node that has been taken out of the configuration."""
        ...
