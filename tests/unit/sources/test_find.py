"""Which source serves a session: a file, our agent, Pacemaker's tools, or none."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest

from crmshell.environment import Environment
from crmshell.errors import ConnectionLost
from crmshell.sources.file import FileSource
from crmshell.sources.find import NODE_FILE, open_live
from crmshell.sources.pacemaker import PacemakerSource


@dataclass(slots=True)
class Machine(Environment):
    """A machine on which Pacemaker's tools are installed, with these files of ours."""

    files: set[str] = field(default_factory=set)

    def find_program(self, name: str) -> str:
        return f"/usr/sbin/{name}"

    def exists(self, path: str) -> bool:
        return path in self.files


def machine(*files: str, **variables: str) -> Machine:
    made = Machine(io.StringIO(), io.StringIO(), io.StringIO(), {"HOME": "/", **variables})
    made.files = set(files)
    return made


def test_where_only_pacemaker_is_its_tools_serve() -> None:
    assert isinstance(open_live(machine()), PacemakerSource)


def test_a_node_of_ours_is_ours_also_while_its_agent_is_stopped() -> None:
    with pytest.raises(ConnectionLost, match="crm cluster start"):
        open_live(machine(NODE_FILE))


def test_below_another_root_there_is_no_pacemaker() -> None:
    with pytest.raises(ConnectionLost):
        open_live(machine(CRMSHELL_ROOT="/somewhere"))


def test_a_file_that_is_named_comes_first() -> None:
    assert isinstance(open_live(machine(CIB_file="/x.xml")), FileSource)
