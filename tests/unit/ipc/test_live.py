"""Where the commands with -L read the cluster's CIB."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc import live


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine without an agent, on which `cibadmin` is a script; files of ours are below a folder."""
    monkeypatch.setattr(live, "socket_path", lambda root: str(tmp_path / "no.sock"))
    monkeypatch.setattr(live, "NODE_FILE", str(tmp_path / "node.conf"))
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def cibadmin(folder: Path, text: str) -> None:
    path = folder / "cibadmin"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_where_only_pacemaker_is_it_is_asked(tmp_path: Path, variables: dict[str, str]) -> None:
    cibadmin(tmp_path, '[ "$1" = --query ] && echo "<cib/>"')
    assert live.live_cib(variables) == b"<cib/>\n"


def test_a_pacemaker_that_does_not_run_is_said(tmp_path: Path, variables: dict[str, str]) -> None:
    cibadmin(tmp_path, "echo Connection refused >&2; exit 102")
    with pytest.raises(EngineError, match="Connection refused") as caught:
        live.live_cib(variables)
    assert caught.value.status == ExitStatus.DISCONNECT


def test_on_a_node_of_ours_only_our_agent_is_asked(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    cibadmin(tmp_path, 'echo "<cib/>"')
    (tmp_path / "node.conf").touch()
    with pytest.raises(EngineError, match=r"no\.sock"):
        live.live_cib(variables)


def test_programs_of_ours_are_not_taken_for_pacemakers(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    for name, text in (
        ("a", "#!/usr/bin/python3\nfrom engine.tools.cibadmin import main\n"),
        ("b", "#!/bin/sh\nexec python3 -c 'from engine.tools.cibadmin import main'\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cibadmin").write_text(text)
        (tmp_path / name / "cibadmin").chmod(0o755)
    ours = f"{tmp_path}/a:{tmp_path}/b"
    assert live.pacemakers_program("cibadmin", ours) == ""
    with pytest.raises(EngineError, match=r"no\.sock"):
        live.live_cib({"PATH": ours})
    cibadmin(tmp_path, 'echo "<cib/>"')
    assert live.pacemakers_program("cibadmin", f"{ours}:{tmp_path}") == f"{tmp_path}/cibadmin"
    assert live.live_cib({"PATH": f"{ours}:{tmp_path}"}) == b"<cib/>\n"


def test_where_pacemaker_is_alone_its_programs_are_run(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    cibadmin(tmp_path, "exit 0")
    assert live.program_instead("cibadmin", variables) == f"{tmp_path}/cibadmin"
    assert live.program_instead("crm_nothing", variables) == ""
    assert live.program_instead("cibadmin", {**variables, "CRMSHELL_ROOT": "/x"}) == ""
    (tmp_path / "node.conf").touch()
    assert live.program_instead("cibadmin", variables) == ""
