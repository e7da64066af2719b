"""The machine's watchdog: fed while the agent is able to act, disarmed only by a clean stop.

The real form of the `Watchdog` seam, on `/dev/watchdog` (Linux watchdog API).
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

_WDIOC_SETTIMEOUT = 0xC0045706
_MAGIC_CLOSE = b"V"

_log = logging.getLogger(__name__)


class HardwareWatchdog:
    """A watchdog device; after `arm` the machine is reset unless `feed` comes in time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def arm(self, timeout: float) -> None:
        """Open the device and set its time; `EngineError` when there is none."""
        try:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            seconds = struct.pack("i", max(1, int(timeout)))
            fcntl.ioctl(self._descriptor, _WDIOC_SETTIMEOUT, seconds)
        except OSError as problem:
            self.disarm()
            raise EngineError(
                f"watchdog {self._path}: {problem.strerror}", status=ExitStatus.UNAVAILABLE
            ) from None
        _log.info("watchdog armed device=%s seconds=%s", self._path, timeout)

    def feed(self) -> None:
        """Say that all is well."""
        if self._descriptor >= 0:
            os.write(self._descriptor, b"\0")

    def disarm(self) -> None:
        """Close the device so that it does not reset the machine."""
        if self._descriptor < 0:
            return
        os.write(self._descriptor, _MAGIC_CLOSE)
        self.leave()

    def leave(self) -> None:
        """Close the device without the word that stops it: the next life must feed it in time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class NoWatchdog:
    """A machine without one."""

    def arm(self, timeout: float) -> None:
        """Nothing to arm."""

    def feed(self) -> None:
        """Nothing to feed."""

    def disarm(self) -> None:
        """Nothing to disarm."""

    def leave(self) -> None:
        """Nothing to leave."""
