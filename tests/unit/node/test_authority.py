"""What a node may do only while a quorum follows, and whom it obeys: a real agent, looked at in its process.

With two peers that never come it is in no view with a quorum; alone in its cluster it is the DC.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base import events as replica
from engine.base.nodeconf import NodeConfig, load_node_config
from engine.controller.messages import RunOp, TellState
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.command import AgentPaths
from engine.lrm.state import ResourceRecords
from engine.node.agent import Node
from engine.node.paths import Places
from engine.router import Part

START = LrmOp("db", "ocf", "test", "none", "start")


class Dog:
    """A watchdog that counts how often it is fed."""

    def __init__(self, path: str) -> None:
        self.fed = 0

    def arm(self, timeout: float) -> None: ...

    def feed(self) -> None:
        self.fed += 1

    def disarm(self) -> None: ...

    def leave(self) -> None: ...


def alone() -> NodeConfig:
    return load_node_config("", "test", name="n1", id=1, cluster="one", watchdog="/dev/none")


def live(root: Path, config: NodeConfig, story: Callable[[Node], Any]) -> None:
    """Tell `story` about an agent that has just been built, and end it."""

    async def both() -> None:
        paths = AgentPaths(
            resource_state=str(root / "run/resource-agents"),
            var_run=str(root / "run"),
            tools=str(root / "bin"),
        )
        node = Node(config, Places(str(root), str(root / "no.key"), paths))
        running = asyncio.ensure_future(node.run())
        async with asyncio.timeout(30):
            while not hasattr(node, "transport"):
                await asyncio.sleep(0.01)
            await story(node)
            node._end(0)  # type: ignore[arg-type]  # any status
            await running

    asyncio.run(both())


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def lose_the_view(node: Node) -> None:
    """As if its peers were silent: it is in no view, so nobody follows it."""
    node.member._views.lose("test")
    node.member._views._over = 2**62
    node.member._views.consider = lambda: None  # type: ignore[method-assign]  # and stays so


@pytest.fixture(autouse=True)
def dog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.node.agent.HardwareWatchdog", Dog)


def test_the_watchdog_is_fed_with_authority_or_with_nothing_to_lose_and_never_else(
    tmp_path: Path,
) -> None:
    async def story(node: Node) -> None:
        await until(lambda: node.member.view)
        found = []
        for has_view, records in ((True, True), (True, False), (False, False), (False, True)):
            if not has_view and node.member.view is not None:
                lose_the_view(node)
            node.operations.history.resources = (
                {"db": ResourceRecords("db", "ocf", "test", "none")} if records else {}
            )
            before = node._watchdog.fed  # type: ignore[attr-defined]  # it is a Dog
            node._tick()
            found.append(node._watchdog.fed - before)  # type: ignore[attr-defined]
        assert found == [1, 1, 1, 0]

    live(tmp_path, alone(), story)


def test_without_authority_a_node_starts_nothing(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await until(lambda: node.member.view)
        lose_the_view(node)
        results: list[Any] = []
        node.operations._report = results.append
        node.operations.request(START)
        await until(lambda: results)
        assert results[0].status == OpStatus.ERROR
        assert "no authority" in results[0].reason

    live(tmp_path, alone(), story)


def test_without_authority_a_dc_orders_nothing(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await until(lambda: node.member.view)
        sent: list[Any] = []
        node.transport.send = lambda to, message: sent.append(message) or True  # type: ignore[method-assign]
        node.mail.tell(2, RunOp(1, START))
        assert len(sent) == 1
        lose_the_view(node)
        node.mail.tell(2, RunOp(1, START))
        assert len(sent) == 1
        node.mail.tell(2, TellState(1))
        assert sent[1:] == [TellState(1)]

    live(tmp_path, alone(), story)


def test_an_order_of_an_old_view_is_not_obeyed(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await until(lambda: node.member.view)
        view = node.member.view
        assert view is not None
        asked: list[LrmOp] = []
        node.operations.request = asked.append  # type: ignore[method-assign]  # nothing is started
        node.mail.deliver(1, RunOp(view.term - 64, START))
        node.mail.deliver(2, RunOp(view.term, START))
        assert asked == []
        node.mail.deliver(1, RunOp(view.term, START))
        assert asked == [START]

    live(tmp_path, alone(), story)


def test_a_pause_is_told_before_anything_that_came_meanwhile(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await until(lambda: node.member.view)
        seen: list[str] = []
        real = node.member.handle

        def handle(event: Any, now: float) -> Any:
            seen.append(type(event).__name__)
            return real(event, now)

        node.member.handle = handle  # type: ignore[method-assign]
        node._last_moment -= node.timing.dead_time
        node.post(Part.MEMBER, replica.Tick())
        assert seen[:2] == ["Paused", "Tick"]

    live(tmp_path, alone(), story)
