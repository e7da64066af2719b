"""Starting agents: time limits hold, output is limited, the environment is small."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.agents.catalog import AgentFolders, Catalog
from engine.agents.names import AgentName
from engine.agents.run import agent_variables, metadata_from_bytes, read_metadata, run_program
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus

NAME = AgentName("ocf", "test", "Thing")


def _catalog(folder: Path, script: str) -> Catalog:
    path = folder / "resource.d/test/Thing"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Catalog(AgentFolders(ocf_root=str(folder)))


def test_metadata_is_what_the_agent_prints(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, 'echo "<resource-agent name=\\"$1\\"/>"')
    data = read_metadata(catalog, NAME, {})
    assert metadata_from_bytes(data, NAME, "").name == NAME
    assert b"meta-data" in data


def test_a_hanging_agent_costs_the_time_limit_and_one_line(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, "sleep 60 & sleep 60")
    start = time.monotonic()
    with pytest.raises(EngineError, match="hangs") as refusal:
        read_metadata(catalog, NAME, {"PATH": "/usr/bin:/bin"}, timeout=0.2)
    assert refusal.value.status is ExitStatus.TIMEOUT
    assert time.monotonic() - start < 5


def test_an_agent_that_leaves_a_child_with_the_pipe_does_not_hold_us(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, "sleep 60 &\nexit 0")
    with pytest.raises(EngineError):
        read_metadata(catalog, NAME, {"PATH": "/usr/bin:/bin"}, timeout=0.2)


def test_an_agent_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, "echo first; echo broken >&2; echo more >&2; exit 5")
    with pytest.raises(EngineError, match=r"status 5.*broken") as refusal:
        read_metadata(catalog, NAME, {})
    assert "\n" not in str(refusal.value)


def test_output_beyond_the_limit_is_dropped_and_input_is_fed() -> None:
    done = run_program(["/bin/cat"], {}, timeout=10, stdin=b"x" * 300_000, limit=1000)
    assert done.status == 0
    assert len(done.stdout) == 1001


def test_parameters_reach_the_agent_with_a_prefix_and_nothing_else_does() -> None:
    variables = agent_variables(
        {"PATH": "/bin", "LD_PRELOAD": "x", "OCF_EVIL": "y"}, "/ocf", NAME, {"ip": "1", "a\0b": "2"}
    )
    assert variables["OCF_RESKEY_ip"] == "1"
    assert variables["OCF_ROOT"] == "/ocf"
    assert "LD_PRELOAD" not in variables
    assert "OCF_EVIL" not in variables
    assert not any("\0" in key for key in variables)
