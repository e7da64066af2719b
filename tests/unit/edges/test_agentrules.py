"""Agents are asked for their meta-data once, beside everything else, and anew when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from engine.base.seams import Handle
from engine.edges.agentrules import METADATA_SECONDS, AgentRules
from engine.lrm.api import LrmOp
from engine.lrm.command import AgentPaths
from engine.lrm.reloads import ReloadRules

META = b"""<resource-agent name="Db"><version>1.1</version><parameters>
<parameter name="state"/></parameters><actions><action name="reload-agent"/></actions>
</resource-agent>"""
RULES = ReloadRules("reload-agent", ("state",), ())
OP = LrmOp("db", "ocf", "test", "Db", "start", parameters={"state": "/x"})

Done = Callable[[int, bytes, bytes], None]


class Timer:
    def __init__(self, timers: list[Timer], callback: Callable[[], object]) -> None:
        self.timers, self.callback = timers, callback
        timers.append(self)

    def cancel(self) -> None:
        self.timers.remove(self)


class World:
    """A clock that stands, and programs that end when the test says so."""

    pid = 7

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.started: list[tuple[tuple[str, ...], Done]] = []
        self.signals: list[int] = []

    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0

    def call_later(self, delay: float, callback: Callable[[], object]) -> Handle:
        assert delay == METADATA_SECONDS
        return Timer(self.timers, callback)

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], stdin: bytes, done: Done) -> World:
        assert "OCF_RESKEY_state" not in env
        self.started.append((tuple(argv), done))
        return self

    def signal_group(self, number: int) -> None:
        self.signals.append(number)


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "resource.d/test/Db"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def table(agent: Path, world: World) -> AgentRules:
    return AgentRules(AgentPaths(ocf_root=str(agent.parents[2])), world, world)


def test_an_agent_is_asked_once_and_all_who_wait_are_told(
    table: AgentRules, world: World, agent: Path
) -> None:
    told: list[ReloadRules | None] = []
    table.ask(OP, told.append)
    table.ask(OP, told.append)
    assert table.known(OP) is None
    [(argv, done)] = world.started
    assert argv == (str(agent), "meta-data")
    assert told == []
    done(0, META, b"")
    assert told == [RULES, RULES]
    assert (table.known(OP), world.timers) == (RULES, [])
    table.ask(OP, told.append)
    assert (len(told), len(world.started)) == (3, 1)


def test_an_agent_that_was_replaced_is_asked_anew(
    table: AgentRules, world: World, agent: Path
) -> None:
    table.learn(OP)
    world.started[0][1](0, META, b"")
    os.utime(agent, ns=(1, 1))
    assert table.known(OP) is None
    table.learn(OP)
    assert len(world.started) == 2


def test_an_agent_that_hangs_is_killed_and_asked_again_later(
    table: AgentRules, world: World
) -> None:
    told: list[ReloadRules | None] = []
    table.ask(OP, told.append)
    world.timers[0].callback()
    assert world.signals == [9]
    world.started[0][1](-9, b"", b"")
    assert (told, table.known(OP)) == ([None], None)
    table.learn(OP)
    assert len(world.started) == 2


def test_what_is_no_meta_data_means_no_reload_until_the_agent_changes(
    table: AgentRules, world: World
) -> None:
    table.learn(OP)
    world.started[0][1](0, b"<resource-agent", b"")
    assert table.known(OP) == ReloadRules()


@pytest.mark.parametrize(
    "op",
    [
        LrmOp("db", "ocf", "test", "Missing", "start"),
        LrmOp("db", "ocf", "..", "Db", "start"),
        LrmOp("db", "systemd", "", "nginx", "start"),
    ],
    ids=["not installed", "not a name", "not OCF"],
)
def test_where_nobody_can_be_asked_the_answer_is_none_at_once(
    table: AgentRules, world: World, op: LrmOp
) -> None:
    told: list[ReloadRules | None] = []
    table.ask(op, told.append)
    assert (told, world.started) == ([None], [])
