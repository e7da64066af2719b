"""cibadmin, crm_diff and crm_shadow on files and on a cluster."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree

from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.tools import cibadmin, crm_diff, crm_shadow
from tests.unit.tools.stand_in import Agent

Capture = pytest.CaptureFixture[str]
NODE = '<node id="7" uname="n7"/>'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cib.xml"
    path.write_bytes(empty_cib().to_bytes())
    monkeypatch.setenv("CIB_file", str(path))
    monkeypatch.setenv("CIB_shadow_dir", str(tmp_path / "shadows"))
    monkeypatch.delenv("CIB_shadow", raising=False)
    return path


def test_what_was_made_can_be_shown_changed_and_deleted(file: Path, capsys: Capture) -> None:
    assert cibadmin.main(["-C", "-o", "nodes", "-X", NODE]) == 0
    assert cibadmin.main(["-C", "-o", "nodes", "-X", NODE]) == ExitStatus.EXISTS
    assert 'reason="File exists"' in capsys.readouterr().out
    assert cibadmin.main(["-M", "-X", '<node id="7" description="x"/>']) == 0
    assert cibadmin.main(["-Q", "-A", "//node"]) == 0
    assert capsys.readouterr().out == '<node id="7" uname="n7" description="x"/>\n'
    assert cibadmin.main(["-Q", "-A", "//@uname", "-e"]) == 0
    assert capsys.readouterr().out == "/cib/configuration/nodes/node[@id='7']\n"
    assert cibadmin.main(["-D", "-A", "//node"]) == 0
    assert cibadmin.main(["-Q", "-A", "//node"]) == ExitStatus.NOSUCH
    assert cibadmin.main(["-M", "-o", "nodes", "-X", NODE]) == ExitStatus.NOSUCH
    assert cibadmin.main(["-Mc", "-o", "nodes", "-X", NODE]) == 0
    assert Cib.from_bytes(file.read_bytes()).version == (0, 4, 0)


def test_what_does_not_conform_is_not_written(file: Path, capsys: Capture) -> None:
    before = file.read_bytes()
    assert cibadmin.main(["-C", "-o", "nodes", "-X", '<node uname="x"/>']) == ExitStatus.CONFIG
    assert "does not conform" in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 64),
        (["-C"], 64),
        (["-E"], 107),
        (["-Q", "-o", "nix"], 64),
        (["-Q", "-o", "nodes", "-A", "//x"], 64),
        (["-Q", "-A", "//["], 65),
        (["-Q", "-o", "tags"], 105),
        (["-C", "-X", "<node"], 65),
        (["-C", "-x", "/nowhere"], 66),
        (["-P", "-X", "<nix/>"], 65),
        (["--show-access", "-Q"], 64),
        (["--wat"], 64),
    ],
)
def test_refusals(file: Path, words: list[str], status: int, capsys: Capture) -> None:
    assert cibadmin.main(words) == status
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("cibadmin: ")
    assert said.err.count("\n") == 1


def test_a_user_without_rights_reads_nothing(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    acls = '<acls><acl_role id="r"><acl_permission id="p" kind="read" xpath="//nodes"/></acl_role>'
    acls += '<acl_target id="tom"><role id="r"/></acl_target></acls>'
    option = '<crm_config><cluster_property_set id="s"><nvpair id="e" name="enable-acl" value="1"/>'
    assert cibadmin.main(["-M", "-o", "acls", "-X", acls]) == 0
    assert (
        cibadmin.main(
            ["-R", "-o", "crm_config", "-X", f"{option}</cluster_property_set></crm_config>"]
        )
        == 0
    )
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert cibadmin.main(["-Q", "-U", "eve"]) == ExitStatus.INSUFFICIENT_PRIV
    assert cibadmin.main(["-C", "-o", "nodes", "-X", NODE, "-U", "tom"]) == 4
    capsys.readouterr()
    assert cibadmin.main(["-Q", "-U", "tom"]) == 0
    seen = etree.fromstring(capsys.readouterr().out)
    assert [each.tag for each in seen.iter()] == ["cib", "configuration", "nodes"]
    assert cibadmin.main(["-Q", "-U", "tom", "-S", "text", "-f"]) == 0
    assert "vvv---[ READABLE ]---vvv\n    <nodes/>" in capsys.readouterr().out


def test_a_patch_of_crm_diff_is_taken_by_cibadmin(
    file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Cib.from_bytes(file.read_bytes())
    new.section("nodes").append(etree.fromstring(NODE))
    other = tmp_path / "new.xml"
    other.write_bytes(new.to_bytes())
    assert crm_diff.main(["-o", str(file), "-n", str(file)]) == 0
    assert crm_diff.main(["-o", str(file), "-n", str(other)]) == 1
    patch = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(patch.encode())))
    assert cibadmin.main(["--patch", "--xml-pipe"]) == 0
    assert b'uname="n7"' in file.read_bytes()


def test_a_shadow_is_changed_instead_of_the_cluster(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crm_shadow.main(["-c", "try", "-b"]) == 0
    monkeypatch.setenv("CIB_shadow", "try")
    assert cibadmin.main(["-C", "-o", "nodes", "-X", NODE]) == 0
    assert b"n7" not in file.read_bytes()
    capsys.readouterr()
    assert crm_shadow.main(["--diff"]) == 1
    assert "++ /cib/configuration/nodes:" in capsys.readouterr().out
    assert crm_shadow.main(["--commit", "try"]) == ExitStatus.USAGE
    assert crm_shadow.main(["--commit", "try", "--force"]) == 0
    assert b"n7" in file.read_bytes()
    assert crm_shadow.main(["--delete", "try", "--force"]) == 0
    assert crm_shadow.main(["--display"]) == ExitStatus.NOSUCH


def test_the_cluster_gets_what_was_changed(agent: Agent, capsys: Capture) -> None:
    assert cibadmin.main(["-D", "-X", '<node id="2"/>']) == 0
    assert cibadmin.main(["-C", "-o", "nodes", "-X", NODE]) == 0
    assert cibadmin.main(["-Ql", "-o", "nodes", "-n"]) == 0
    assert capsys.readouterr().out == "<nodes/>\n"
    names = [each.get("uname") for each in agent.cib.section("nodes")]
    assert names == ["n1", "n7"]
    assert cibadmin.main(["-M", "-o", "acls", "-X", '<acls><acl_role id="r"/></acls>']) == 0
    assert cibadmin.main(["--erase", "--force"]) == 0
    assert [each.tag for each in agent.cib.configuration] == [
        *("crm_config", "nodes", "resources", "constraints"),
    ]
    assert len(agent.cib.section("nodes")) == 2
