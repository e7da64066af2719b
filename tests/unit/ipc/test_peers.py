"""Names of users come from the system, which may be slow: the event loop is not."""

from __future__ import annotations

import asyncio
import threading

from engine.ipc.peers import Peer, PeerNames

GENEROUS_SECONDS = 60.0


def test_a_directory_service_that_hangs_stops_only_who_needs_it() -> None:
    answers = threading.Event()
    asked: list[int] = []

    def look_up(uid: int, gid: int) -> Peer:
        asked.append(uid)
        answers.wait(GENEROUS_SECONDS)
        return Peer(uid, "alice", ("haclient",))

    async def run() -> None:
        names = PeerNames(look_up)
        waiting = [asyncio.ensure_future(names.peer(1234, 100)) for _ in range(3)]
        assert await names.peer(0, 0) == Peer(0, "root", ())
        assert not any(task.done() for task in waiting)
        answers.set()
        assert await asyncio.gather(*waiting) == [Peer(1234, "alice", ("haclient",))] * 3
        names.close()

    asyncio.run(run())
    assert asked == [1234]


def test_a_user_that_the_system_does_not_know_is_a_number_without_groups() -> None:
    async def run() -> Peer:
        names = PeerNames()
        try:
            return await names.peer(4_000_000_001, 4_000_000_001)
        finally:
            names.close()

    assert asyncio.run(run()) == Peer(4_000_000_001, "uid 4000000001", ())
