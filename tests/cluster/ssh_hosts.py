"""Hosts with an ssh daemon each and file systems of their own: a cluster made as an administrator makes it.

Root of each host may log in on every other one with a key made for the test. `crm` is in /usr/local/bin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import testhosts
from harness import CRM
from pacemaker_hosts import ENVIRONMENT, PATH, lay_over, run
from patience import wait_until

SSHD = shutil.which("sshd", path=PATH) or ""
PREPARE = """set -e
for name in crm crm-agent pcs stonith_admin; do
    [ -e /usr/local/bin/$name ] || ln -s {programs}/$name /usr/local/bin/$name
done
usermod -p '*' root
rm -rf /root/.ssh; mkdir -m 700 /root/.ssh /run/sshd
cp {keys}/id_ed25519 {keys}/id_ed25519.pub /root/.ssh/; cp {keys}/id_ed25519.pub /root/.ssh/authorized_keys
chmod 600 /root/.ssh/*
rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
rm -rf /etc/crmshell /var/lib/crmshell /var/log/crmshell
"""


class SshHosts:
    """Hosts h1... that reach each other over ssh."""

    def __init__(self, lab: testhosts.Lab) -> None:
        self.lab = lab
        self.hosts = lab.hosts

    def start(self) -> SshHosts:
        keys = f"{self.lab.dir}/keys"
        os.makedirs(keys)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{keys}/id_ed25519"]
        subprocess.run(argv, check=True)
        text = PREPARE.format(keys=keys, programs=Path(CRM).parent)
        for host in self.hosts:
            lay_over(host, "etc var root usr/local")
            run(host, text)
            self.start_sshd(host.num)
        return self

    def start_sshd(self, number: int) -> None:
        options = "-o UsePAM=no -o PermitRootLogin=prohibit-password -o PidFile=/run/sshd.pid"
        run(self.hosts[number - 1], f"{SSHD} {options}")

    def stop_sshd(self, number: int) -> None:
        run(self.hosts[number - 1], "kill $(cat /run/sshd.pid)")

    def crm(self, host: int, *words: str) -> str:
        """A `crm` command on h<host> that must succeed; its output."""
        done = self.try_crm(host, *words)
        assert done.returncode == 0, f"{done.stdout}\n{self.last_words()}"
        return str(done.stdout)

    def try_crm(self, host: int, *words: str) -> subprocess.CompletedProcess[str]:
        """A `crm` command on h<host>."""
        done: subprocess.CompletedProcess[str] = self.hosts[host - 1].run(
            ["/usr/local/bin/crm", *words], env=ENVIRONMENT, wd="/", timeout=240
        )
        return done

    def file(self, host: int, path: str) -> Path:
        """A file of h<host>, from outside."""
        return Path(f"/proc/{self.hosts[host - 1].pid}/root{path}")

    def agents(self) -> list[str]:
        """The hosts on which an agent runs, from outside."""
        return [host.name for host in self.hosts if any(is_agent(pid) for pid in host.pids())]

    def eventually(self, what: str, check: Callable[[], Any], seconds: float) -> None:
        assert wait_until(check, seconds, 0.1) is not None, f"{what}\n{self.last_words()}"

    def last_words(self) -> str:
        parts = []
        for number, host in enumerate(self.hosts, 1):
            log = self.file(number, "/var/log/crmshell/agent.log")
            if log.exists():
                parts.append(f"--- {host.name}\n" + log.read_text()[-2000:])
        return "\n".join(parts)

    def reads(self, number: int, path: str) -> str:
        return self.file(number, path).read_text()


def is_agent(pid: int) -> bool:
    """Whether a process is the node agent (and none of its workers)."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word.endswith(b"/crm-agent") for word in words)
