"""What a client saw: numbers that a server acknowledged, when, and how surely."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Cluster


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write that was acknowledged; `sure`: the server promised that it survives its own loss."""

    number: int
    moment: float
    sure: bool


class AckLog:
    """The log of a writer: lines `NUMBER SECONDS all|some`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Acknowledged]:
        """Everything so far; a line that is being written is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text().split("\n")[:-1]
        parts = [line.split() for line in lines]
        return [Acknowledged(int(p[0]), float(p[1]), p[2] == "all") for p in parts]

    def until_served(
        self, cluster: Cluster, since: float, over: Callable[[], Any], seconds: float
    ) -> float:
        """Wait until what began at `since` is over and writes go on; how long clients were not served."""
        cluster.eventually("over", over, seconds)
        after = time.monotonic()
        cluster.eventually("served again", lambda: self.read()[-1].moment > after, seconds)
        return self._gap(since)

    def _gap(self, since: float) -> float:
        """The longest time without an acknowledged write after `since`."""
        acks = [ack.moment for ack in self.read()]
        before = [moment for moment in acks if moment <= since]
        moments = [*before[-1:], *(moment for moment in acks if moment > since)]
        return max(b - a for a, b in itertools.pairwise(moments))

    def lost(self, kept: Callable[[], set[int]], *, sure_only: bool) -> list[int]:
        """Acknowledged numbers that the server does not know any more; it is asked after the log was read."""
        acknowledged = self.read()
        known = kept()
        return [
            a.number for a in acknowledged if (a.sure or not sure_only) and a.number not in known
        ]


def cut_power(cluster: Cluster, host: Any) -> float:
    """Power loss as the network sees it: silence first, then no more processes. When it happened."""
    moment = time.monotonic()
    cluster.lab.cut(host)
    host.kill()
    cluster.lab.heal()
    return moment
