"""The test hook of the transport: addresses whose packets are ignored, both ways.

The environment variable TESTHOST_DROP names a file with a JSON list of addresses. It cuts the
network where namespaces cannot; a missing file is an empty list.
"""

from __future__ import annotations

import json
import os
import time

CHECK_SECONDS = 0.02


class DropList:
    """Reads the file again when it changes; without a file nothing is ever dropped."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._checked = 0.0
        self._stamp: tuple[int, int] | None = None
        self._addresses: frozenset[str] = frozenset()

    @property
    def is_used(self) -> bool:
        return self._path is not None

    def drops(self, address: str) -> bool:
        """Whether packets to and from this address are to be ignored now."""
        if self._path is None:
            return False
        now = time.monotonic()
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._read(self._path)
        return address in self._addresses

    def _read(self, path: str) -> None:
        try:
            found = os.stat(path)
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            with open(path, encoding="utf-8") as file:
                self._addresses = frozenset(str(item) for item in json.load(file))
            self._stamp = stamp
        except FileNotFoundError:
            self._addresses, self._stamp = frozenset(), None
        except (OSError, ValueError):
            self._stamp = None  # half-written: read again at the next look
