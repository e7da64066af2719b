"""The Debian package on a booted Debian with a real systemd: after a boot the node is back by itself.

Needs root, debootstrap, systemd-nspawn and a mirror; see test_bare_debian.py for its variables.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.packaging.test_bare_debian import MINUTES, NEW, OLD, Tree, bare_tree, build, install

pytestmark = [pytest.mark.deb, pytest.mark.timeout(20 * MINUTES)]
SCRIPT = """primitive web ocf:pacemaker:Dummy op monitor interval=10s
property stonith-enabled=false
"""


def wait(what: str, is_true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.3)


class Machine:
    """A Debian that systemd-nspawn boots, without the network of this machine."""

    def __init__(self, tree: Tree, log: Path) -> None:
        self.tree = tree
        self.log = log
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        argv = ["systemd-nspawn", "-D", str(self.tree.folder), "--hostname=n1", "--boot"]
        argv += ["--private-network", "--register=no", "--keep-unit", "--console=pipe"]
        with self.log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        wait("the machine has booted", self._is_up)

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, self.log.read_text(errors="replace")
        said = self.run("systemctl is-active multi-user.target", may_fail=True)
        return said.strip() == "active"

    def _init(self) -> str:
        assert self._nspawn is not None
        said = subprocess.run(
            ["pgrep", "-P", str(self._nspawn.pid)], check=False, capture_output=True, text=True
        )
        return said.stdout.split()[0] if said.stdout.split() else ""

    def run(self, script: str, *, may_fail: bool = False) -> str:
        init = self._init()
        if not init and may_fail:
            return ""
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        done = subprocess.run(
            ["nsenter", "-t", init, "-m", "-u", "-i", "-n", "-p", "-r", "-w", *environment]
            + ["DEBIAN_FRONTEND=noninteractive", "/bin/sh", "-euc", script],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=10 * MINUTES,
        )
        assert may_fail or done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def power_off(self) -> None:
        """Without a word to anybody inside."""
        assert self._nspawn is not None
        init = self._init()
        if init:
            os.kill(int(init), signal.SIGKILL)
        self._nspawn.wait(60)

    def end(self) -> None:
        if self._nspawn is not None and self._nspawn.poll() is None:
            self.power_off()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if not shutil.which("systemd-nspawn"):
        pytest.skip("systemd-nspawn is not installed: sh .ci/system-deps deb")
    with bare_tree(tmp_path_factory) as tree:
        build(tree)
        install(tree, OLD)
        tree.apt("install -y --no-install-recommends systemd-sysv dbus pacemaker-resource-agents")
        (tree.folder / "usr/sbin/policy-rc.d").unlink()
        tree.write("root/web.crm", SCRIPT)
        machine = Machine(tree, tmp_path_factory.mktemp("log") / "console")
        try:
            machine.boot()
            yield machine
        finally:
            with contextlib.suppress(AssertionError):
                machine.end()


def is_started(machine: Machine) -> bool:
    said = machine.run("crm status", may_fail=True)
    return bool(re.search(r"web\s+\(ocf::?pacemaker:Dummy\):\s+Started n1", said))


def pid(machine: Machine) -> str:
    return machine.run("systemctl show -p MainPID --value crm-agent").strip()


def test_installing_starts_no_agent(machine: Machine) -> None:
    assert machine.run("systemctl is-active crm-agent", may_fail=True).strip() == "inactive"
    assert machine.run("systemctl is-enabled crm-agent", may_fail=True).strip() == "disabled"


def test_after_a_boot_the_node_and_its_resources_are_back(machine: Machine) -> None:
    said = machine.run("crm cluster init --name one --addr 127.0.0.1 --node n1")
    assert "crm-agent.service starts with the machine" in said
    assert machine.run("systemctl is-enabled crm-agent").strip() == "enabled"
    machine.run("crm -w configure < /root/web.crm")
    assert is_started(machine)
    machine.power_off()
    machine.boot()
    wait("the resource runs again", lambda: is_started(machine))
    assert "Dummy" in machine.run("crm configure show")


def test_an_upgrade_leaves_agent_and_resource_running(machine: Machine) -> None:
    before = pid(machine)
    said = machine.run(f"dpkg -i /root/crmshell_{NEW}_all.deb")
    assert f"still that of version {OLD}" in said
    assert pid(machine) == before
    assert is_started(machine)
    machine.run("crm cluster restart")
    assert pid(machine) != before
    wait("the resource runs", lambda: is_started(machine))


def test_removing_stops_the_resource_and_the_agent(machine: Machine) -> None:
    state = "/run/Dummy-web.state /run/resource-agents/Dummy-web.state"
    assert machine.run(f"ls {state} 2>/dev/null", may_fail=True).strip()
    machine.run("dpkg -r crmshell")
    assert not machine.run(f"ls {state} 2>/dev/null", may_fail=True).strip()
    assert machine.run("pgrep -x crm-agent", may_fail=True) == ""
    machine.run("dpkg -P crmshell")
    assert machine.run("ls /etc/crmshell/node.conf /var/lib/crmshell/cib")
