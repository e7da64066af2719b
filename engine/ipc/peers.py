"""Who is at the other end of a local connection: numbers from the kernel, names from the system.

Names may come from a directory service that does not answer: they are looked up by a thread and
remembered for a while. Root is known without asking anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

REMEMBERED_SECONDS = 30.0
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks: the numbers of the kernel, the names of the system."""

    uid: int
    user: str
    groups: tuple[str, ...]

    @property
    def is_root(self) -> bool:
        return self.uid == 0


def numbers_of(connection: Any) -> tuple[int, int]:
    """User and group of the process at the other end (SO_PEERCRED)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, gid = _CREDENTIALS.unpack(raw)
    return uid, gid


def look_up(uid: int, gid: int) -> Peer:
    """Ask the system; may take as long as its directory service takes."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Peer(uid, f"uid {uid}", ())
    groups = []
    for number in os.getgrouplist(entry.pw_name, gid):
        with contextlib.suppress(KeyError):
            groups.append(grp.getgrgid(number).gr_name)
    return Peer(uid, entry.pw_name, tuple(groups))


class PeerNames:
    """Looks names up beside the event loop; each question of a time is asked once."""

    def __init__(self, look_up: Callable[[int, int], Peer] = look_up) -> None:
        self._look_up = look_up
        self._thread = ThreadPoolExecutor(1, "names")
        self._known: dict[tuple[int, int], tuple[float, asyncio.Future[Peer]]] = {}

    async def peer(self, uid: int, gid: int) -> Peer:
        """The names of these numbers; the numbers themselves when the system fails to tell."""
        if uid == 0:
            return Peer(0, "root", ())
        now = time.monotonic()
        since, found = self._known.get((uid, gid), (0.0, None))
        if found is None or (found.done() and now - since > REMEMBERED_SECONDS):
            loop = asyncio.get_running_loop()
            found = loop.run_in_executor(self._thread, self._look_up, uid, gid)
            self._known[uid, gid] = (now, found)
        try:
            return await asyncio.shield(found)
        except (OSError, ValueError):
            return Peer(uid, f"uid {uid}", ())

    def close(self) -> None:
        """Nobody asks any more; an answer that still comes is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)
