"""`crm report`: what is in the archive, what is masked, what a lost node costs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from lxml import etree
from shell_runner import Shell

from crmshell.views.masking import mask_text, mask_tree, patterns_from_option


def members(path: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name.partition("/")[2]] = stream.read().decode()
    return found


def test_the_archive_holds_configuration_logs_and_versions(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "root/var/log/crmshell/agent.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "2023-11-14T20:00:00 INFO old\n2023-11-14T22:00:00 INFO new password=geheim\n  more\n"
    )
    out = str(tmp_path / "r")
    words = ("report", "-S", "-f", "2023-11-14T21:00:00", out)
    said = shell(*words, CRMSHELL_ROOT=str(tmp_path / "root"), TZ="UTC")
    assert said.status == 0, said.err
    found = members(tmp_path / "r.tar.gz")
    names = {name.partition("/")[2] for name in found}
    assert {"cib.xml", "configuration.txt", "findings.txt", "versions.txt", "agent.log"} <= names
    text = next(text for name, text in found.items() if name.endswith("agent.log"))
    assert text == "2023-11-14T22:00:00 INFO new password=******\n  more\n"
    assert (tmp_path / "r.tar.gz").stat().st_mode & 0o077 == 0


def test_parts_of_other_nodes_come_over_ssh(shell: Shell, tmp_path: Path) -> None:
    part = shell("report", "--collect", CRMSHELL_ROOT=str(tmp_path)).out
    (tmp_path / "part").write_text(part)
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f"#!/bin/sh\n[ $1 = gone ] && {{ echo no route >&2; exit 255; }}\ncat {tmp_path}/part\n"
    )
    ssh.chmod(0o755)
    out = str(tmp_path / "all")
    where = {"CRMSHELL_ROOT": str(tmp_path), "CRM_SSH": str(ssh)}
    said = shell("report", "-n", "far gone", out, **where)
    assert said.status == 1
    assert "gone is left out: gone: crm: no route" in said.err
    found = members(tmp_path / "all.tar.gz")
    assert "far/cib.xml" in found
    assert "no route" in found["left-out.txt"]


@pytest.mark.parametrize(
    ("words", "say"),
    [(("-x",), "no option -x"), (("-f",), "needs a value"), (("-f", "soon"), "is no time")],
)
def test_wrong_usage_is_one_line(shell: Shell, words: tuple[str, ...], say: str) -> None:
    said = shell("report", *words)
    assert said.status == 1
    assert say in said.err


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=abc x", "password=****** x"),
        ('params passwd="a b" ip=1', "params passwd=****** ip=1"),
        (
            '<nvpair id="p" name="password" value="abc"/>',
            '<nvpair id="p" name="password" value="******"/>',
        ),
        ("compass=north", "compass=north"),
    ],
)
def test_secrets_are_masked_in_texts(text: str, masked: str) -> None:
    assert mask_text(text, ("passw*",)) == masked


def test_secrets_are_masked_in_trees() -> None:
    root = etree.fromstring('<a><nvpair name="pin" value="1"/><nvpair name="ip" value="2"/></a>')
    assert mask_tree(root, patterns_from_option("passw*|p?n")) == 1
    assert [pair.get("value") for pair in root] == ["******", "2"]
    assert mask_tree(root, ()) == 0
