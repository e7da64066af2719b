"""`crm report`: what is in the archive, what is masked, what a lost node costs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from lxml import etree
from shell_runner import Shell

from crmshell.views.masking import patterns_from_option
from crmshell.views.secrets import Secrets, is_secret_name


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


def secrets(*patterns: str, private: tuple[str, ...] = ()) -> Secrets:
    return Secrets(patterns, lambda *_agent: frozenset(private))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=abc x", "password=****** x"),
        ('params passwd="a b" ip=1', 'params passwd="******" ip=1'),
        (
            '<nvpair id="p" name="password" value="abc"/>',
            '<nvpair id="p" name="password" value="******"/>',
        ),
        (
            "<nvpair value='abc' name='login_secret' id='p'/>",
            "<nvpair value=\"******\" name='login_secret' id='p'/>",
        ),
        ('{"api_token": "abc", "ip": "1"}', '{"api_token": "******", "ip": "1"}'),
        ("--ssh-private-key=/k -x", "--ssh-private-key=****** -x"),
        ("compass=north", "compass=north"),
        (
            "operation_key=db_start_0 transition-key=1:2",
            "operation_key=db_start_0 transition-key=1:2",
        ),
    ],
)
def test_secrets_are_masked_in_texts(text: str, masked: str) -> None:
    assert secrets().hide_in_text(text) == masked


@pytest.mark.parametrize(
    "name",
    "snmp_priv_passwd login_secret private_key token api_key community apiKey SNMP_COMMUNITY "
    "db-password credentials passphrase ipmi_pass psk accessToken".split(),
)
def test_a_parameter_with_such_a_name_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", "ip compass user port bypass_check operation_key node".split())
def test_a_parameter_with_another_name_is_not(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_are_masked_in_trees_by_option_name_and_agent() -> None:
    root = etree.fromstring(
        '<r><primitive id="p" class="ocf" provider="x" type="y"><instance_attributes id="i">'
        '<nvpair name="pin" value="1"/><nvpair name="ip" value="2"/><nvpair name="where" value="3"/>'
        '</instance_attributes></primitive><nvpair name="where" value="4"/></r>'
    )
    found = secrets(*patterns_from_option("passw*|p?n"), private=("where",))
    assert found.hide_in_tree(root) == 2
    assert [pair.get("value") for pair in root.iter("nvpair")] == ["******", "2", "******", "4"]


def test_a_secret_value_is_masked_where_it_stands_without_its_name() -> None:
    root = etree.fromstring('<r><nvpair name="passwd" value="hunter2"/></r>')
    found = secrets()
    found.learn(root)
    text = "fence agent said: login as admin with hunter2 failed; hunter22 is something else"
    assert found.hide_in_text(text) == text.replace("hunter2 ", "****** ")


def test_a_report_replaces_no_file_and_follows_no_link(shell: Shell, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "r.tar.gz").symlink_to(victim)
    said = shell("report", "-S", str(tmp_path / "r"), CRMSHELL_ROOT=str(tmp_path))
    assert said.status == 1
    assert "r.tar.gz exists" in said.err
    assert victim.read_text() == "mine"


def test_the_name_of_a_report_cannot_be_guessed(shell: Shell, tmp_path: Path) -> None:
    for _ in range(2):
        said = shell("report", "-S", "-d", str(tmp_path), CRMSHELL_ROOT=str(tmp_path))
        assert said.status == 0, said.err
    assert len(list(tmp_path.glob("crm-report-*-????????.tar.gz"))) == 2
