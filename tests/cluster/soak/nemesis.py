"""What happens to the hosts while clients work: one fault at a time or several, drawn by a seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Cluster


class Nemesis:
    """Faults on the hosts of a cluster; `is_off` is called when a host has lost its power."""

    def __init__(self, cluster: Cluster, seed: str, is_off: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._is_off = is_off
        self.done: list[str] = []

    def strike(self) -> str:
        """One fault by chance; what it was."""
        fault = self._chance.choice(
            [
                self._kill_agent,
                self._kill_agent,
                self._kill_dc,
                self._freeze_agent,
                self._freeze_host,
                self._lose_power,
                self._lose_power_of_dc,
                self._lose_power_of_all,
                self._cut_one,
                self._split,
                self._stop_cleanly,
                self._flap,
            ]
        )
        words = fault()
        self.done.append(words)
        return words

    def mend(self) -> None:
        """All links up, all hosts on, all agents running."""
        self._cluster.lab.heal()
        for host in self._cluster.hosts:
            if not host.pid:
                self._cluster.boot(host)
                continue
            host.thaw()
            if self._cluster.log[host.name].poll() is not None:
                self._cluster.start_agent(host)

    def _pick(self) -> Any:
        return self._chance.choice(self._cluster.alive() or self._cluster.hosts)

    def _dc(self) -> Any:
        for host in self._cluster.alive():
            name = self._cluster.status(host).get("dc")
            found = [h for h in self._cluster.hosts if h.name == name and h.pid]
            if found:
                return found[0]
        return self._pick()

    def _signal_agent(self, host: Any, sig: signal.Signals) -> None:
        for pid in host.pids():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"engine" in command and b"--foreground" in command:
                os.kill(pid, sig)

    def _kill_agent(self) -> str:
        host = self._pick()
        self._signal_agent(host, signal.SIGKILL)
        if self._chance.random() < 0.5:
            time.sleep(self._chance.uniform(0.1, 1.0))
            self._restart(host)
        return f"agent of {host.name} killed"

    def _restart(self, host: Any) -> None:
        process = self._cluster.log[host.name]
        for _ in range(100):
            if process.poll() is not None:
                break
            time.sleep(0.05)
        if host.pid:
            self._cluster.start_agent(host)

    def _kill_dc(self) -> str:
        host = self._dc()
        self._signal_agent(host, signal.SIGKILL)
        return f"agent of the DC {host.name} killed"

    def _freeze_agent(self) -> str:
        host = self._pick()
        self._signal_agent(host, signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.5, 8.0))
        if host.pid:
            host.thaw()
        return f"agent of {host.name} frozen"

    def _freeze_host(self) -> str:
        host = self._pick()
        host.freeze()
        time.sleep(self._chance.uniform(0.5, 8.0))
        if host.pid:
            host.thaw()
        return f"{host.name} frozen"

    def _off(self, host: Any) -> None:
        host.kill()
        self._is_off(host.name)

    def _lose_power(self) -> str:
        host = self._pick()
        self._off(host)
        return f"{host.name} lost its power"

    def _lose_power_of_dc(self) -> str:
        host = self._dc()
        self._off(host)
        return f"the DC {host.name} lost its power"

    def _lose_power_of_all(self) -> str:
        for host in self._chance.sample(self._cluster.hosts, len(self._cluster.hosts)):
            self._off(host)
        return "all lost their power"

    def _cut_one(self) -> str:
        host = self._pick()
        self._cluster.lab.cut(host)
        return f"{host.name} cut off"

    def _split(self) -> str:
        hosts = self._chance.sample(self._cluster.hosts, len(self._cluster.hosts))
        place = self._chance.randint(1, len(hosts) - 1)
        self._cluster.lab.partition(hosts[:place], hosts[place:])
        return "split in " + "|".join(
            ",".join(h.name for h in part) for part in (hosts[:place], hosts[place:])
        )

    def _flap(self) -> str:
        host = self._pick()
        for _ in range(self._chance.randint(2, 4)):
            self._cluster.lab.cut(host)
            time.sleep(self._chance.uniform(0.3, 4.0))
            self._cluster.lab.heal()
            time.sleep(self._chance.uniform(0.1, 1.0))
        return f"the link of {host.name} went and came"

    def _stop_cleanly(self) -> str:
        host = self._pick()
        self._signal_agent(host, signal.SIGTERM)
        return f"agent of {host.name} stopped"
