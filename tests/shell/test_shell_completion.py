"""Programmable completion: the calling shell hands its line over and gets words back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "crmshell/levels/shells"
CIB = """<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config/><nodes><node id="1" uname="n1"/></nodes><resources>
<primitive id="vip" class="ocf" provider="heartbeat" type="Dummy"/></resources><constraints/>
</configuration><status/></cib>"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "cib.xml").write_text(CIB)
    folder = tmp_path / "bin"
    folder.mkdir()
    crm = folder / "crm"
    crm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crmshell "$@"\n')
    crm.chmod(0o755)
    return {
        "PATH": f"{folder}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CIB_file": str(tmp_path / "cib.xml"),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }


def bash_offers(line: str, variables: dict[str, str]) -> list[str]:
    """What bash would insert behind the last break of the word under the cursor."""
    script = (
        f"source '{SCRIPTS}/bash/crm'; COMP_WORDS=(crm); COMP_LINE=$1; COMP_POINT=${{#1}};"
        ' _crm; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", line],
        env=variables,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("crm opt", ["options"]),
        ("crm options set core.check_f", ["core.check_frequency"]),
        ("crm options set core.check_mode str", ["strict"]),
        ("crm node standby n", ["n1"]),
        ("crm --out", ["--output-as"]),
        ("crm --output-as json node standby n", ["n1"]),
        ("crm -F node standby n", ["n1"]),
        ("crm -o core.pager=more node standby ", ["n1"]),
        ("crm help rul", ["rules"]),
        ("crm nosuchlevel x", []),
    ],
)
def test_bash_completes(line: str, words: list[str], variables: dict[str, str]) -> None:
    assert bash_offers(line, variables) == words


def test_a_broken_cib_costs_candidates_and_nothing_else(variables: dict[str, str]) -> None:
    Path(variables["CIB_file"]).write_text("<cib")
    assert bash_offers("crm node standby ", variables) == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "words"),
    [("crm opt", ["options"]), ("crm node standby ", ["n1"]), ("crm help rul", ["rules"])],
)
def test_fish_completes(line: str, words: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {SCRIPTS}/fish/crm.fish; complete -C '{line}'"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == words, done.stderr
    if line == "crm opt":
        assert lines[0][1] == "settings of this shell"


@pytest.mark.parametrize(
    ("shell", "file"), [("zsh", "_crm"), ("fish", "crm.fish"), ("bash", "crm")]
)
def test_the_script_is_accepted_by_its_shell(shell: str, file: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [program, "-n", str(SCRIPTS / shell / file)], capture_output=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize("sourced", [True, False], ids=["sourced", "in fpath"])
def test_zsh_completes_and_shows_what_words_mean(sourced: bool, variables: dict[str, str]) -> None:
    zsh = pexpect.spawn(
        "zsh",
        ["-f"],
        env={**variables, "TERM": "dumb", "PS1": "READY> "},  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 100),
    )
    zsh.expect("READY> ")
    if sourced:
        zsh.sendline(
            "autoload -U compinit; compinit -u -D; source <(crm completion zsh); echo DO''NE"
        )
    else:
        folder = SCRIPTS / "zsh"
        zsh.sendline(f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; echo DO''NE")
    zsh.expect("DONE")
    zsh.expect("READY> ")
    zsh.send("crm node standby \t")
    zsh.expect("standby n1 ")
    zsh.send("\x15crm options s\t\t")
    zsh.expect("sort-elements +sort the output of show")
    zsh.close(force=True)


def test_the_script_for_a_shell_is_printed(variables: dict[str, str]) -> None:
    for shell, file in (("bash", "crm"), ("zsh", "_crm"), ("fish", "crm.fish")):
        done = subprocess.run(
            ["crm", "completion", shell], env=variables, capture_output=True, check=True, timeout=60
        )
        assert done.stdout == (SCRIPTS / shell / file).read_bytes()
    done = subprocess.run(
        ["crm", "completion", "tcsh"], env=variables, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert b"expected bash, zsh, fish" in done.stderr
