"""The command `crmadmin`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.tools.crmadmin import main

CIB = """\
<cib epoch="1" num_updates="0" admin_epoch="0" validate-with="pacemaker-3.9"><configuration>
 <crm_config/><nodes><node id="7" uname="n1"/></nodes>
 <resources>
  <primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
  <primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">
   <meta_attributes id="m"><nvpair id="m1" name="remote-node" value="inside"/></meta_attributes>
  </primitive>
 </resources><constraints/></configuration><status/></cib>
"""


@pytest.fixture(autouse=True)
def cib_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cib.xml").write_text(CIB)
    monkeypatch.setenv("CIB_file", str(tmp_path / "cib.xml"))
    monkeypatch.delenv("CIB_shadow", raising=False)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["-N"], ["cluster node: n1 (7)", "guest node: inside (inside)", "remote node: far (far)"]),
        (["-N", "guest,remote", "-q"], ["inside", "far"]),
        (["-BN"], ["export n1=7", "export inside=inside", "export far=far"]),
    ],
)
def test_nodes_are_listed_by_type(
    words: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_an_unknown_type_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-N", "guests"]) == 64
    assert "'guests'" in capsys.readouterr().err


def test_one_thing_is_asked_at_a_time() -> None:
    assert main([]) == 64
    assert main(["-N", "-D"]) == 64


def test_without_a_cluster_there_is_no_controller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSHELL_ROOT", str(tmp_path))
    assert main(["-D"]) == 102
