"""cibsecret, and what the executor makes of the values it keeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from engine.base.exitcodes import ExitStatus, OcfStatus
from engine.cib.document import empty_cib
from engine.edges.secrets import with_secrets
from engine.lrm.api import LrmOp
from engine.lrm.command import SECRETS_FOLDER, Outcome
from engine.tools.cibsecret import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cib = empty_cib()
    cib.section("resources").append(
        etree.fromstring(
            '<primitive id="db" class="ocf" provider="x" type="y"><instance_attributes id="i">'
            '<nvpair id="i-p" name="password" value="tiger"/></instance_attributes></primitive>'
        )
    )
    path = tmp_path / "cib.xml"
    path.write_bytes(cib.to_bytes())
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.delenv("CIB_shadow", raising=False)
    monkeypatch.setenv("CRMSHELL_ROOT", str(tmp_path))
    return path


def operation(action: str = "start", **values: str) -> LrmOp:
    return LrmOp("db", "ocf", "x", "y", action, parameters=values)


def test_a_value_is_stashed_used_and_put_back(file: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / SECRETS_FOLDER
    assert main(["set", "db", "password", "other"]) == ExitStatus.EXISTS
    assert main(["stash", "db", "password"]) == 0
    assert b'value="lrm://"' in file.read_bytes()
    assert b"tiger" not in file.read_bytes()
    assert os.stat(folder / "db/password").st_mode & 0o777 == 0o600
    assert main(["check", "db", "password"]) == 0
    told = with_secrets(operation(password="lrm://", ip="1"), str(folder))
    assert isinstance(told, LrmOp)
    assert told.parameters == {"password": "tiger", "ip": "1"}
    assert main(["get", "db", "password"]) == 0
    assert main(["stash", "db", "password"]) == ExitStatus.EXISTS
    assert main(["unstash", "db", "password"]) == 0
    assert capsys.readouterr().out == "tiger\n"
    assert b'value="tiger"' in file.read_bytes()
    assert main(["get", "db", "password"]) == ExitStatus.NOSUCH


def test_a_value_that_was_changed_by_hand_is_not_used(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / SECRETS_FOLDER
    assert main(["-C", "set", "db", "key", "k"]) == 0
    assert b"lrm://" not in file.read_bytes()
    (folder / "db/key").write_text("forged\n")
    assert main(["check", "db", "key"]) == ExitStatus.DIGEST
    told = with_secrets(operation(key="lrm://"), str(folder))
    assert isinstance(told, Outcome)
    assert told.rc == OcfStatus.NOT_CONFIGURED
    assert "key of db" in told.reason


def test_a_stop_is_possible_without_the_secret(tmp_path: Path) -> None:
    stop = operation("stop", key="lrm://")
    assert with_secrets(stop, str(tmp_path)) is stop
    assert isinstance(with_secrets(operation("monitor", key="lrm://"), str(tmp_path)), Outcome)
    plain = operation(key="x")
    assert with_secrets(plain, str(tmp_path)) is plain


def test_a_fence_device_with_a_secret_is_refused(tmp_path: Path) -> None:
    device = LrmOp("f", "stonith", "", "fence_x", "start", parameters={"passwd": "lrm://"})
    told = with_secrets(device, str(tmp_path))
    assert isinstance(told, Outcome)
    assert "fence devices" in told.reason


def test_deleting_forgets_value_and_parameter(file: Path) -> None:
    assert main(["stash", "db", "password"]) == 0
    assert main(["delete", "db", "password"]) == 0
    assert b"password" not in file.read_bytes()


@pytest.mark.parametrize(
    "words", ["", "wat", "get db", "set db a", "-C stash db a", "get ../x a", "get db a/b", "--wat"]
)
def test_wrong_usage_is_status_64(file: Path, words: str) -> None:
    assert main(words.split()) == ExitStatus.USAGE
