"""The life of a node agent: how it ends after a bug, and how it goes on after its disk failed.

A real agent of a cluster of one, in this process and in a folder of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import EngineError
from engine.base.events import Submission
from engine.base.exitcodes import ExitStatus
from engine.base.nodeconf import NodeConfig, load_node_config
from engine.cib.patch import diff, patch_to_bytes
from engine.controller.messages import CancelOp
from engine.lrm.command import AgentPaths
from engine.node.agent import Node
from engine.node.paths import Places

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.node.agent.DISK_RETRY_SECONDS", 0.05)


def config() -> NodeConfig:
    return load_node_config("", "test", name="n1", id=1, cluster="one")


def places(root: Path) -> Places:
    paths = AgentPaths(
        resource_state=str(root / "run/resource-agents"),
        var_run=str(root / "run"),
        tools=str(root / "bin"),
    )
    return Places(str(root), str(root / "no.key"), paths)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def change(node: Node, request: str) -> Submission:
    """A change of the configuration that says who asked for it."""
    wanted = node.cib.copy()
    wanted.root.set("validate-with", f"pacemaker-3.{request[1:]}")
    patch = patch_to_bytes(diff(node.cib.root, wanted.root))
    return Submission(request, node.cib.version, patch=patch, user="test")


def live(root: Path, story: Callable[[Node], Any], *, renew: bool = False) -> int:
    """Let an agent live while `story` is told about it; its exit status."""

    async def both() -> int:
        node = Node(config(), places(root), renew=renew)
        running = asyncio.ensure_future(node.run())
        await until(lambda: running.done() or (hasattr(node, "member") and node.member.view))
        await story(node)
        async with asyncio.timeout(PATIENCE):
            return await running

    return asyncio.run(both())


def test_a_bug_in_a_core_ends_the_agent_and_the_next_life_knows_what_was_acknowledged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    after_the_bug: list[object] = []

    async def story(node: Node) -> None:
        node.submit(change(node, "r1"))
        await until(lambda: node.member.outcome("r1"))

        def broken(event: object, now: float) -> list[Any]:
            after_the_bug.append(event)
            raise KeyError("surprise")

        node.member.handle = broken  # type: ignore[method-assign]  # a core with a bug
        node.submit(change(node, "r2"))
        node.submit(change(node, "r3"))

    assert live(tmp_path, story) == ExitStatus.SOFTWARE
    assert len(after_the_bug) == 1, "a core that failed gets no other event"
    assert "event failed part=member event=Submit" in caplog.text
    known = []

    async def look(node: Node) -> None:
        known.extend([node.member.outcome("r1"), node.member.outcome("r2")])
        node._end(ExitStatus.OK)

    assert live(tmp_path, look) == ExitStatus.OK
    assert known[0] is not None
    assert known[0].ok
    assert known[1] is None


def test_a_bug_in_what_follows_from_an_event_ends_the_agent(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        def broken(effect: object) -> None:
            raise ValueError("surprise")

        node._execute = broken  # type: ignore[method-assign]  # an edge with a bug
        node.submit(change(node, "r1"))

    assert live(tmp_path, story) == ExitStatus.SOFTWARE


def test_a_bug_while_an_order_is_carried_out_ends_the_agent(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        def broken(*order: object) -> None:
            raise KeyError("surprise")

        node.operations.cancel = broken  # type: ignore[method-assign]  # an edge with a bug
        assert node.member.view is not None
        node._received(1, 1, CancelOp(node.member.view.term, 0, "a", "monitor", 1000))

    assert live(tmp_path, story) == ExitStatus.SOFTWARE


def test_a_bug_in_a_timer_ends_the_agent(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        node.clock.call_later(0.0, lambda: {}["surprise"])

    assert live(tmp_path, story) == ExitStatus.SOFTWARE


def test_an_agent_whose_disk_failed_begins_anew_when_it_works_again(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        node.submit(change(node, "r1"))
        await until(lambda: node.member.outcome("r1"))
        fsync = node._disk.fsync

        def full(path: str) -> None:
            raise OSError(28, "No space left on device")

        node._disk.fsync = full  # type: ignore[method-assign]  # a disk that is full
        node.submit(change(node, "r2"))
        await until(lambda: "No space left" in str(node.member.describe(0.0)["disk"]))
        await asyncio.sleep(0.2)
        assert node._done is not None
        assert not node._done.done(), "it waits for the disk"
        node._disk.fsync = fsync  # type: ignore[method-assign]  # somebody made room

    assert live(tmp_path, story) == ExitStatus.IOERR
    known = []

    async def look(node: Node) -> None:
        node.submit(change(node, "r3"))
        await until(lambda: node.member.outcome("r3"))
        known.append(node.member.outcome("r1"))
        node._end(ExitStatus.OK)

    assert live(tmp_path, look, renew=True) == ExitStatus.OK
    assert known[0] is not None


def test_a_store_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/crmshell"
    folder.mkdir(parents=True)
    (folder / "cib").write_text("in the way")

    async def start() -> int:
        return await Node(config(), places(tmp_path)).run()

    with pytest.raises(EngineError, match="cib: "):
        asyncio.run(start())
    assert os.listdir(folder) == ["cib"]
