"""Programmable completion: the calling shell hands its line over and gets words back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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
        f"source '{ROOT}/completion/crm.bash'; COMP_WORDS=(crm); COMP_LINE=$1; COMP_POINT=${{#1}};"
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
        ["fish", "--no-config", "-c", f"source {ROOT}/completion/crm.fish; complete -C '{line}'"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == words, done.stderr


@pytest.mark.parametrize(
    ("shell", "file"), [("zsh", "_crm"), ("fish", "crm.fish"), ("bash", "crm.bash")]
)
def test_the_script_is_accepted_by_its_shell(shell: str, file: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [program, "-n", str(ROOT / "completion" / file)], capture_output=True, check=False
    )
    assert done.returncode == 0
