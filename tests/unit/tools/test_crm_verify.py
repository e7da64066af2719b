"""The command crm_verify: sources, what is shown, exit statuses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree

from engine.tools.crm_verify import main

HEAD = (
    '<cib crm_feature_set="3.19.0" validate-with="pacemaker-3.9" epoch="1" num_updates="0" '
    'admin_epoch="0"><configuration><crm_config>{options}</crm_config>'
    '<nodes><node id="1" uname="n1"/></nodes><resources>'
    '<primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/></resources>'
    "<constraints>{constraints}</constraints></configuration><status/></cib>"
)
NO_FENCING = (
    '<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/>'
    "</cluster_property_set>"
)
GOOD = HEAD.format(options=NO_FENCING, constraints="")
NO_DEVICE = HEAD.format(options="", constraints="")
TO_NOTHING = HEAD.format(
    options=NO_FENCING,
    constraints='<rsc_location id="l" rsc="nix" node="n1" score="1"/>',
)


def test_a_valid_configuration_is_silent_and_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-X", GOOD]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", [NO_DEVICE, TO_NOTHING, GOOD.replace("<nodes>", "<nodes><x/>")])
def test_an_error_is_78_and_shown_with_v(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-VX", text]) == 78
    said = capsys.readouterr().err
    assert "   error: " in said
    assert "crm_verify: Errors found during check: config not valid\n" in said


def test_a_warning_is_78_as_well_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace(
        "<resources>",
        '<resources><primitive id="w" class="ocf" provider="heartbeat" type="Dummy">'
        '<meta_attributes id="w-m"><nvpair id="w-m-t" name="migration-threshold" value="x"/>'
        "</meta_attributes></primitive>",
    )
    assert main(["-V", "-X", text]) == 78
    said = capsys.readouterr().err
    assert "   warning: " in said
    assert "   error: " not in said
    assert "crm_verify: Warnings found during check: config may not be valid\n" in said


def test_no_quorum_at_present_is_no_fault_of_the_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["-VV", "-X", GOOD]) == 0
    assert "   info: fencing and resource management are disabled" in capsys.readouterr().err


def test_without_v_only_the_verdict_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-X", TO_NOTHING]) == 78
    assert "nix" not in capsys.readouterr().err


def test_quiet_says_nothing_but_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "-X", TO_NOTHING]) == 78
    assert capsys.readouterr() == ("", "")


def test_live_is_the_file_in_cib_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cib.xml").write_text(GOOD)
    monkeypatch.setenv("CIB_file", str(tmp_path / "cib.xml"))
    assert main(["-L", "-V"]) == 0


def test_without_a_cluster_live_is_102(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CIB_file", raising=False)
    monkeypatch.setenv("CRMSHELL_ROOT", str(tmp_path))
    assert main(["-L"]) == 102
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 64),
        (["-Z"], 64),
        (["-x"], 64),
        (["--output-as=yaml", "-p"], 64),
        (["-x", "/nonexistent/cib.xml"], 66),
        (["-X", "<cib"], 65),
        (["-X", "<!DOCTYPE cib><cib/>"], 65),
    ],
)
def test_what_cannot_be_checked_is_one_line(
    words: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == status
    assert capsys.readouterr().err.count("\n") == 1


def test_a_pipe_is_read_and_what_was_checked_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(GOOD.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    assert main(["-p", "-S", str(tmp_path / "saved.xml")]) == 0
    assert etree.parse(str(tmp_path / "saved.xml")).getroot().tag == "cib"


def test_xml_output_carries_findings_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--output-as", "xml", "-X", TO_NOTHING])
    root = etree.fromstring(capsys.readouterr().out)
    assert root.xpath("string(status/@code)") == "78"
    assert "nix" in root.xpath("string(status/errors/error)")
