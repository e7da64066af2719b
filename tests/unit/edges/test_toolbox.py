"""The commands that resource agents find in HA_SBIN_DIR."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from engine.edges.toolbox import TOOLS, write_tools
from engine.lrm.command import AgentPaths, base_environment


def test_each_command_starts_and_needs_nothing_of_the_agents_environment(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    write_tools(str(folder), str(tmp_path / "a root"))
    write_tools(str(folder), str(tmp_path / "a root"))
    assert sorted(os.listdir(folder)) == sorted(TOOLS)
    done = subprocess.run(
        [folder / "crm_master", "-v", "1"],
        env={"PATH": "/usr/bin:/bin", "OCF_RESOURCE_INSTANCE": "db"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 102
    assert done.stderr.startswith("crm_master: cannot reach the node agent")
    assert "a root" in done.stderr


def test_agents_are_told_where_the_commands_are() -> None:
    assert base_environment(AgentPaths(tools="/x"))["HA_SBIN_DIR"] == "/x"
    assert "HA_SBIN_DIR" not in base_environment(AgentPaths())
