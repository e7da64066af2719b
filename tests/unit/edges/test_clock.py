"""Timers go by the monotonic clock: whoever sets the machine's time moves none of them."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.edges.clock import RealClock


def test_a_jump_of_the_wall_clock_moves_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time

    async def jump() -> tuple[float, float]:
        clock = RealClock(asyncio.get_running_loop())
        before, wall = clock.now(), clock.wall()
        monkeypatch.setattr(time, "time", lambda: real() + 86_400)
        return clock.now() - before, clock.wall() - wall

    moved, shown = asyncio.run(jump())
    assert moved < 3600 < shown
