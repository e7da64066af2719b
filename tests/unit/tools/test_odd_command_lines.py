"""Whatever a command line holds, a program answers with a status, and with a line where it refuses."""

from __future__ import annotations

import importlib
import io
import random
from pathlib import Path

import pytest

from engine.cib.document import empty_cib
from engine.cib.operations import create
from engine.tools.frame.options import Option
from engine.tools.frame.program import Program

PROGRAMS = (
    *("attrd_updater", "cibadmin", "cibsecret", "crm_attribute", "crm_diff", "crm_error"),
    *("crm_failcount", "crm_master", "crm_node", "crm_rule", "crm_shadow", "crm_standby"),
    *("crm_ticket", "iso8601", "pacemakerd"),
)
VALUES = (
    *("", "1", "-1", "x", "true", "reboot", "status", "tickets", "n1", "value++", "value+=x"),
    *("value+=9999999999999999999999", "<a/>", "<cib/>", "<nodes/>", '<node id="1"/>', "<x"),
    *("//nvpair", "//@id", "//[", "count(//x)", "string(//x)", "/", "/cib", "2020-01-01", "P1M"),
    *("2005-040/P1M", "99999999999999", "\x01", "\udcff", "a\nb", "é", "a b", "%s", "-", "10s"),
    *('<cib epoch="x"/>', '<cib epoch="99" admin_epoch="0" num_updates="0"/>', "<!-- c -->"),
    '<diff format="2"><change operation="create" path="/cib" position="99"><a/></change></diff>',
    '<diff format="2"><change operation="move" path="/cib/status" position="-5"/></diff>',
    *("T", "set", "get", "stash", "sync", "metadata", "cluster"),
)
SKIPPED = {"help", "help-all", "version", "output-to"}


def words_by_chance(source: random.Random, table: tuple[Option, ...]) -> list[str]:
    words: list[str] = []
    for _ in range(source.randrange(1, 6)):
        each = source.choice(table)
        if each.key in SKIPPED:
            continue
        words.append(source.choice(each.names))
        if each.value and (not each.optional or source.random() < 0.5):
            words.append(source.choice(VALUES))
    if source.random() < 0.3:
        words.append(source.choice(VALUES))
    return [*words, "--output-as=xml"] if source.random() < 0.2 else words


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_command_line_ends_in_an_exception(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cib = empty_cib()
    create(cib.root, "nodes", cib.root.makeelement("node", {"id": "1", "uname": "n1"}))
    path = tmp_path / "cib.xml"
    monkeypatch.chdir(tmp_path)
    for variable, value in (
        *(("CIB_file", str(path)), ("CIB_shadow_dir", str(tmp_path / "shadows"))),
        *(("CRMSHELL_ROOT", str(tmp_path)), ("EDITOR", "true"), ("PATH", "")),
    ):
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("CIB_shadow", raising=False)
    module = importlib.import_module(f"engine.tools.{name}")
    program: Program = module.PROGRAM
    source = random.Random(name)
    for number in range(60):
        if number % 20 == 0:
            path.write_bytes(cib.to_bytes())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"<nodes/>")))
        words = words_by_chance(source, program.table)
        status = module.main(words)
        said = capsys.readouterr()
        assert status == 0 or said.out or said.err, words
