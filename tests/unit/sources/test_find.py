"""Which source serves a session: a file, our agent, Pacemaker's tools, or none."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crmshell.environment import Environment
from crmshell.errors import ConnectionLost
from crmshell.sources.file import FileSource
from crmshell.sources.find import NODE_FILE, open_live
from crmshell.sources.pacemaker import PacemakerSource


@dataclass(slots=True)
class Machine(Environment):
    """A machine with these files of ours."""

    files: set[str] = field(default_factory=set)

    def exists(self, path: str) -> bool:
        return path in self.files


def machine(*files: str, **variables: str) -> Machine:
    made = Machine(io.StringIO(), io.StringIO(), io.StringIO(), {"HOME": "/", **variables})
    made.files = set(files)
    return made


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A folder with programs of Pacemaker's."""
    for name in ("cibadmin", "crm_diff"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


def test_where_only_pacemaker_is_its_tools_serve(tools: str) -> None:
    assert isinstance(open_live(machine(PATH=tools)), PacemakerSource)


def test_programs_of_ours_make_no_pacemaker(tools: str) -> None:
    Path(tools, "cibadmin").write_text(
        "#!/usr/bin/python3\nfrom engine.tools.cibadmin import main\n"
    )
    with pytest.raises(ConnectionLost):
        open_live(machine(PATH=tools))


def test_a_node_of_ours_is_ours_also_while_its_agent_is_stopped(tools: str) -> None:
    with pytest.raises(ConnectionLost, match="crm cluster start"):
        open_live(machine(NODE_FILE, PATH=tools))


def test_below_another_root_there_is_no_pacemaker(tools: str) -> None:
    with pytest.raises(ConnectionLost):
        open_live(machine(CRMSHELL_ROOT="/somewhere", PATH=tools))


def test_a_file_that_is_named_comes_first() -> None:
    assert isinstance(open_live(machine(CIB_file="/x.xml")), FileSource)
