"""`make run`: an interactive cluster that shows addresses and servers, and of which nothing is left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from conftest import needs_namespaces
from patience import wait_until

from engine.tools import demo_hosts

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.long,
    pytest.mark.timeout(300),
]

PROJECT = Path(__file__).resolve().parents[2]
PROMPT = r"crm\(live\)\w*#\x1b"  # a new one: what is typed behind it comes with a blank
DEMO = ["-m", "engine.tools.demo", "--interactive"]


def network() -> str:
    """Addresses, names of namespaces and listening ports of this machine."""
    told = [
        subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        for argv in (["ip", "-br", "address"], ["ip", "netns"])
    ]
    return "\n".join(told)


def of_the_demo(folder: str) -> list[str]:
    """Processes of this machine that have to do with a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if folder in words:
                found.append(words)
    return found


@pytest.fixture
def session() -> pexpect.spawn[str]:
    if why := demo_hosts.why_not():
        pytest.skip(f"NOT TESTED: make run on hosts: {why}")
    return pexpect.spawn(
        sys.executable,
        DEMO,
        cwd=str(PROJECT),
        encoding="utf-8",
        timeout=90,
        dimensions=(50, 200),
        env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"},
    )


def folder_of(session: pexpect.spawn[str]) -> str:
    session.expect(r"Logs: (/\S+)/node\*/agent\.log")
    assert session.match is not None
    return str(session.match.group(1))  # type: ignore[union-attr]


def add(session: pexpect.spawn[str], statement: str) -> None:
    """Type a statement at the prompt and commit it."""
    session.sendline(f"configure {statement}")
    session.expect(r"\(y/n/c\)\?\x1b")
    session.sendline("y")
    session.expect(PROMPT)


def test_it_shows_an_address_and_nothing_of_it_is_left(session: pexpect.spawn[str]) -> None:
    before = network()
    folder = folder_of(session)
    session.expect(PROMPT)
    add(session, "primitive ip ocf:heartbeat:IPaddr2 params ip=10.0.0.100 cidr_netmask=24")
    session.sendline("cluster wait 60")
    session.expect(PROMPT)
    session.sendline("status")
    session.expect(r"ip\s+\(ocf:heartbeat:IPaddr2\):\s+Started node\d")
    session.expect(PROMPT)
    assert network() == before
    # Ctrl-C ends the command only: the prompt is back, and the cluster is as it was.
    add(session, "primitive slow ocf:pacemaker:Dummy params op_sleep=8 op start timeout=30s")
    session.sendline("cluster wait 60")
    session.sendintr()
    session.expect(PROMPT)
    session.sendline("status")
    session.expect(r"Online: \[ node1 node2 node3 \]")
    session.expect(PROMPT)
    session.sendline("quit")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 0
    assert not Path(folder).exists()
    assert of_the_demo(folder) == []
    assert network() == before


@pytest.mark.parametrize("hang_up", [False, True])
def test_all_ends_with_the_demo_however_it_ends(session: pexpect.spawn[str], hang_up: bool) -> None:
    before = network()
    folder = folder_of(session)
    session.expect(PROMPT)
    assert of_the_demo(folder)
    if hang_up:
        session.close(force=True)
    else:
        os.kill(session.pid, 9)
        session.close(force=True)
    assert wait_until(lambda: not of_the_demo(folder), 30, 0.1) is not None
    assert network() == before


def test_a_user_is_told_what_cannot_be_shown(tmp_path: Path) -> None:
    nobody = 65534
    argv = [sys.executable, "-c", "import engine.tools.demo"]
    try:
        subprocess.run(argv, check=True, capture_output=True, user=nobody, cwd=PROJECT)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NOT TESTED: make run as a user: this checkout can be read by root only")
    said = subprocess.run(
        [sys.executable, *DEMO],
        check=False,
        capture_output=True,
        text=True,
        user=nobody,
        group=nobody,
        extra_groups=[],
        cwd=PROJECT,
        input="status\n",
        env={**os.environ, "HOME": "/nonexistent"},
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "not root" in said.stdout
    assert "IPaddr2" in said.stdout
    assert re.search(r"server\s+\(ocf:pacemaker:Dummy\):\s+Started", said.stdout)
