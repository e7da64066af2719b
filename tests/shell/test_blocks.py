"""Every block of the documents is executed on a file, or its lines are checked by the real parsers.

A block is one of: statements of the configuration, what was typed (after prompts, or bare) with what
was answered, or lines of /etc/hosts. A program that is not ours must be in `FOREIGN`; nothing is left
out without a word. What needs hosts is typed on hosts by tests/cluster/test_recovery.py.
"""

from __future__ import annotations

import io
import ipaddress
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from crmshell.app import run, wishes_from_words
from crmshell.environment import Environment
from crmshell.levels.frame.registry import Command, Level, Registry
from crmshell.pcs.lookup import find_command
from engine.cib.document import Cib

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for folder in ("user", "admin", "coming-from")
    for path in (ROOT / "doc" / folder).glob("*.md")
) + [ROOT / "README.md"]
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INSIDE = re.compile(r"^crm\(\w+\)(\w*)# (.+)$")
TYPED = re.compile(r"^(?:n\d)?# (.+)$")
REMARK = re.compile(r"\s{3,}\S.*$")
STATEMENT = re.compile(
    r"(primitive|group|clone|ms|location|order|colocation|property|rsc_defaults|op_defaults|alert|"
    r"fencing_topology|rsc_ticket|tag|node|monitor) "
)
# Other people's programs, which a reader types as well.
FOREIGN = frozenset(
    "apt-get make tar rm mv sed cat cp scp echo printf firewall-cmd ufw nft chronyc journalctl curl python3 ln man pipx "
    "fence_ipmilan /opt/crmshell/bin/pip".split()
)  # fmt: skip
OTHERS = frozenset(
    "crm_simulate crm_verify stonith_admin crm-agent crm_mon crm_resource cibadmin".split()
)
FENCE = "stonith:fence_ipmilan params ip=10.0.9.1 op monitor interval=1h"
NODES = '<node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/>'
STATES = "".join(
    f'<node_state id="{number}" uname="n{number}" in_ccm="true" crmd="online" join="member" '
    f'expected="member"><lrm id="{number}"><lrm_resources/></lrm></node_state>'
    for number in (1, 2, 3)
)
EMPTY = (
    '<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1">'
    f"<configuration><crm_config/><nodes>{NODES}</nodes><resources/><constraints/></configuration>"
    f"<status>{STATES}</status></cib>"
)


@dataclass(frozen=True)
class Block:
    page: Path
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}-{self.number}"

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip()]

    @property
    def kind(self) -> str:
        if any(INSIDE.match(line) or TYPED.match(line) for line in self.lines[:1]):
            return "typed"
        if all(STATEMENT.match(line) for line in self.lines):
            return "statements"
        if all(re.match(r"[0-9a-f.:]+\s+\w", line) for line in self.lines):
            return "hosts"
        return "bare"

    def commands(self) -> list[str]:
        """What stands after the prompts of a system's shell, or the lines themselves; no remarks."""
        if self.kind == "bare":
            typed = self.lines
        else:
            typed = [match[1] for line in self.lines if (match := TYPED.match(line))]
        return [re.sub(r"\s+# .*$", "", REMARK.sub("", line)) for line in typed]


BLOCKS = [
    Block(page, number, text)
    for page in PAGES
    for number, text in enumerate(FENCED.findall(page.read_text()), 1)
]
OF_KIND = {
    kind: [block for block in BLOCKS if block.kind == kind]
    for kind in ("typed", "bare", "statements", "hosts")
}


def shell(tmp_path: Path, text: str, *arguments: str) -> tuple[int, str, str]:
    """`crm` on a file with three nodes that are online; status, output and errors."""
    path = tmp_path / "cib.xml"
    if not path.exists():
        path.write_text(EMPTY)
    out, err = io.StringIO(), io.StringIO()
    environment = Environment(
        io.TextIOWrapper(io.BytesIO(text.encode())),
        out,
        err,
        {"CIB_file": str(path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    return run(list(arguments), environment), out.getvalue(), err.getvalue()


def own(said: str) -> list[str]:
    """Errors and warnings that are about the lines, not about what this machine or file lacks."""
    lacking = re.compile(
        r"not installed|is not here|no agent|there is no fencing resource|cannot read meta-data"
    )
    found = [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))]
    return [line for line in found if not lacking.search(line)]


def test_all_pages_have_blocks_of_all_kinds() -> None:
    assert {kind for kind, blocks in OF_KIND.items() if blocks} == set(OF_KIND)
    assert len(BLOCKS) > 40


@pytest.mark.parametrize("block", OF_KIND["typed"] + OF_KIND["bare"], ids=str)
def test_a_shell_reads_every_command(block: Block) -> None:
    for line in block.commands():
        done = subprocess.run(["sh", "-n", "-c", line], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: {done.stderr}"


def programs_of(line: str) -> list[list[str]]:
    """The commands of a line of shell, without what sets variables and without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>;&")
    lexer.whitespace_split = True
    words = list(lexer)
    found: list[list[str]] = [[]]
    is_file = False
    for word in words:
        if word in ("|", ";", "&&", "||"):
            found.append([])
        elif word[0] in "<>":
            is_file = True
        elif is_file:
            is_file = False
        elif found[-1] or not re.match(r"\w+=", word):
            found[-1].append(word)
    return [command for command in found if command]


def crm_resolves(words: list[str]) -> bool:
    """Whether the words lead through levels to a command, or end in a level."""
    registry = Registry()
    level = "root"
    for word in wishes_from_words(words).words:
        found = registry.find(level, word)
        if not isinstance(found, Level):
            return isinstance(found, Command)
        level = found.name
    return True


@pytest.mark.parametrize("block", OF_KIND["typed"] + OF_KIND["bare"], ids=str)
def test_every_program_is_known_and_understands_its_words(block: Block, tmp_path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in block.commands():
        for program, *words in programs_of(line):
            if program == "crm":
                assert crm_resolves(words), line
            elif program == "pcs":
                assert find_command(words), line
            elif program == "make":
                assert set(words) <= targets, line
            elif program in OTHERS:
                page = (ROOT / f"doc/man/{program}.8").read_text().replace("\\-", "-")
                options = [word for word in words if word.startswith("-")]
                assert [option for option in options if option not in page] == [], line
            else:
                assert program in FOREIGN, f"{line}: {program} is neither ours nor in FOREIGN"


@pytest.mark.parametrize("block", OF_KIND["statements"], ids=str)
def test_statements_are_taken_without_a_word(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "script.crm"
    known = "".join(
        f"primitive {name} {'ocf:pacemaker:Dummy' if name == 'db' else FENCE}\n"
        for name in set(re.findall(r"\b(db|pdu-n1|fence-n1)\b", block.text))
        if f"primitive {name} " not in block.text
    )
    script.write_text(known + block.text)
    status, out, err = shell(tmp_path, "", "-F", "configure", "load", "update", str(script))
    assert (status, own(out + err)) == (0, [])
    _, shown, _ = shell(tmp_path, "", "configure", "show")
    for line in block.lines:
        assert line.split()[1].rstrip(":") in shown


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "\ncrm(" in page.read_text()], ids=lambda page: page.stem
)
def test_what_is_typed_in_crm_works_in_its_order(page: Path, tmp_path: Path) -> None:
    """All that is typed at the prompts of a page, on one file, from its first line to its last."""
    for block in (block for block in OF_KIND["typed"] if block.page == page):
        lines = []
        for line in block.lines:
            if not (match := INSIDE.match(line)):
                continue
            if not lines and match[1]:
                lines.append(match[1])
            lines.append(REMARK.sub("", match[2]))
        if not lines:
            continue
        status, out, err = shell(tmp_path, "\n".join(lines) + "\n", "-F")
        assert own(err) == [], f"{block}: {err}"
        assert status == 0, f"{block}: {out}{err}"
    typed = re.findall(r"^crm.*# primitive (\S+)", page.read_text(), re.MULTILINE)
    root = Cib.from_bytes((tmp_path / "cib.xml").read_bytes()).root
    assert {each.get("id") for each in root.iterfind(".//primitive")} >= set(typed)


@pytest.mark.parametrize("block", OF_KIND["hosts"], ids=str)
def test_lines_of_hosts_are_an_address_and_a_name(block: Block) -> None:
    for line in block.lines:
        address, name = line.split()
        assert ipaddress.ip_address(address)
        assert name.isidentifier()


def test_one_name_for_fencing_is_used_everywhere() -> None:
    """The reader's: `stonith-enabled`, which all versions and both shells know."""
    for page in PAGES:
        if page.name != "with-pacemaker.md":
            assert "fencing-enabled" not in page.read_text(), page
