"""The power switch behind the lab's fence agent."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class PowerSwitch:
    """Switches hosts off when the fence agent asks for it, and remembers when.

    `is_off` is called before the agent is told that it is done.
    """

    def __init__(
        self, folder: str, hosts: list[Any], is_off: Callable[[str], None] = lambda name: None
    ) -> None:
        self.folder = folder
        self._is_off = is_off
        self.switched: list[tuple[str, float]] = []
        self._hosts = {host.name: host for host in hosts}
        self._stop = threading.Event()
        os.makedirs(f"{folder}/hosts")
        for name in self._hosts:
            Path(f"{folder}/hosts/{name}").touch()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def break_down(self, is_broken: bool) -> None:
        path = Path(self.folder, "broken")
        if is_broken:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            for name, host in self._hosts.items():
                ask = Path(self.folder, f"ask-{name}")
                if ask.exists():
                    host.kill()
                    self._is_off(name)
                    self.switched.append((name, time.monotonic()))
                    ask.unlink()
                    Path(self.folder, f"done-{name}").touch()
