"""Meta-data of agents in the shell: kept on disk, read anew when the agent changes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crmshell.environment import Environment
from crmshell.ra.meta import AgentShelf
from engine.agents.names import AgentName
from engine.base.errors import EngineError

NAME = AgentName("ocf", "test", "Thing")
SCRIPT = """#!/bin/sh
echo run >> {log}
echo '<resource-agent name="Thing"><shortdesc>{text}</shortdesc></resource-agent>'
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "ocf/resource.d/test/Thing"
    path.parent.mkdir(parents=True)
    _write(path, tmp_path, "one")
    return path


def _write(path: Path, folder: Path, text: str) -> None:
    path.write_text(SCRIPT.format(log=folder / "log", text=text))
    path.chmod(0o755)


def _shelf(folder: Path, home: str = "") -> AgentShelf:
    variables = {"HOME": home or str(folder), "OCF_ROOT": str(folder / "ocf"), "PATH": "/bin"}
    return AgentShelf(
        Environment(io.StringIO(), io.StringIO(), io.StringIO(), variables), timeout=0.5
    )


def _runs(folder: Path) -> int:
    return len((folder / "log").read_text().splitlines())


def test_an_agent_is_asked_once_and_then_never_again(agent: Path, tmp_path: Path) -> None:
    assert _shelf(tmp_path).metadata(NAME).shortdesc == "one"
    assert _shelf(tmp_path).metadata(NAME).shortdesc == "one"
    assert _runs(tmp_path) == 1
    assert (tmp_path / ".cache/crm/agents/ocf:test:Thing").is_file()


def test_a_changed_agent_is_asked_again(agent: Path, tmp_path: Path) -> None:
    _shelf(tmp_path).metadata(NAME)
    _write(agent, tmp_path, "two, and longer")
    assert _shelf(tmp_path).metadata(NAME).shortdesc == "two, and longer"


def test_a_damaged_cache_is_no_reason_to_fail(agent: Path, tmp_path: Path) -> None:
    _shelf(tmp_path).metadata(NAME)
    kept = tmp_path / ".cache/crm/agents/ocf:test:Thing"
    kept.write_bytes(kept.read_bytes().split(b"\n")[0] + b"\n<broken")
    assert _shelf(tmp_path).metadata(NAME).shortdesc == "one"


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(agent: Path, tmp_path: Path) -> None:
    assert _shelf(tmp_path, home="/proc/self").metadata(NAME).shortdesc == "one"


def test_a_hanging_agent_costs_its_time_once(agent: Path, tmp_path: Path) -> None:
    agent.write_text(f"#!/bin/sh\necho run >> {tmp_path / 'log'}\nsleep 60\n")
    shelf = _shelf(tmp_path)
    for _ in range(3):
        with pytest.raises(EngineError, match="hangs"):
            shelf.metadata(NAME)
    assert _runs(tmp_path) == 1
    assert shelf.metadata_or_none(NAME) is None


@pytest.mark.parametrize("name", [AgentName("ocf", "test", "../x"), AgentName("ocf", "..", "x")])
def test_an_unsafe_name_is_refused(agent: Path, tmp_path: Path, name: AgentName) -> None:
    with pytest.raises(EngineError):
        _shelf(tmp_path).metadata(name)
    assert not (tmp_path / ".cache").exists()
