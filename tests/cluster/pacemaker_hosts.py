"""Hosts that run Corosync and Pacemaker, with file systems of their own laid over the machine's.

Pacemaker comes from the machine, or from a folder of unpacked packages (`PACEMAKER_ROOT`) that is laid
over /usr in the hosts alone, so that nothing is installed and no other test meets it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import testhosts
from harness import CRM, PROJECT
from patience import wait_until

ROOT = os.environ.get("PACEMAKER_ROOT", "")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "NO_COLOR": "1", "TERM": "xterm"}
# What is written to a host's file systems stays in its memory; the folders below it are read.
# What is mounted below them and what the tests run is bound into them again.
LAY_OVER = """set -e
cp /etc/hosts /run/hosts; cp /etc/hostname /run/hostname
number=0
for kept in {kept}; do
    number=$((number + 1)); mkdir -p /run/kept/$number
    mount --rbind $kept /run/kept/$number
done
for name in {folders}; do
    mkdir -p /run/over/$name/new /run/over/$name/work
    below=/$name
    if [ $name = usr ] && [ -n "{root}" ]; then below={root}/usr:/usr; fi
    mount -t overlay overlay \
        -o lowerdir=$below,upperdir=/run/over/$name/new,workdir=/run/over/$name/work /$name
done
cp /run/hosts /etc/hosts; cp /run/hostname /etc/hostname
number=0
for kept in {kept}; do
    number=$((number + 1)); mkdir -p $kept
    mount --rbind /run/kept/$number $kept
done
"""
PREPARE_PACEMAKER = """set -e
ldconfig
getent group haclient > /dev/null || groupadd -r haclient
getent passwd hacluster > /dev/null || useradd -r -g haclient -d /var/lib/pacemaker hacluster
cd /var/lib; mkdir -p pacemaker/cib pacemaker/pengine pacemaker/blackbox pacemaker/cores
mkdir -p /var/log/pacemaker /etc/pacemaker /var/lib/corosync
chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker
"""
COROSYNC = """\
totem {{
    version: 2
    cluster_name: live
    transport: udpu
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
}}
logging {{
    to_logfile: yes
    logfile: /var/log/corosync.log
    to_syslog: no
}}
"""
NODE = """\
    node {{
        ring0_addr: {host.ip}
        name: {host.name}
        nodeid: {host.num}
    }}
"""


def overlays_usable() -> bool:
    """Whether a file system may be laid over another one here (a kernel that can, and root who may
    also be other users: not the root of a user namespace with one user)."""
    script = (
        "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b && "
        "mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/a,workdir=/mnt/b /etc"
    )
    argv = ["unshare", "--mount", "sh", "-c", script]
    users = sum(
        int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()
    )
    return (
        os.geteuid() == 0
        and users >= 65534
        and subprocess.run(argv, stderr=subprocess.DEVNULL, check=False).returncode == 0
    )


def not_tested(what: str) -> NoReturn:
    """Skip the module that is being collected, loudly."""
    pytest.skip(f"NOT TESTED: {what}", allow_module_level=True)


def needs_hosts_of_their_own(what: str) -> None:
    """Skip the module where hosts cannot have networks and file systems of their own."""
    if not testhosts.namespaces_usable() or not overlays_usable():
        not_tested(f"{what} (needs root, network namespaces and overlay file systems)")


def is_pacemaker_here() -> bool:
    """Whether Pacemaker's daemons are installed or unpacked, and Corosync is installed."""
    unpacked = bool(ROOT) and os.path.exists(f"{ROOT}/usr/sbin/pacemakerd")
    installed = shutil.which("pacemakerd", path=PATH) is not None
    return (unpacked or installed) and shutil.which("corosync", path=PATH) is not None


def lay_over(host: Any, folders: str = "etc var root", root: str = "") -> None:
    """Give a host its own writable file systems, the machine's as they are below."""
    kept = [shlex.quote(path) for path in (PROJECT, sys.prefix, sys.base_prefix)]
    # /usr itself is laid over, so a Python of the system's is in it already.
    paths = " ".join(path for path in kept if path not in ("/usr", "/usr/local"))
    run(host, LAY_OVER.format(folders=folders, root=root, kept=paths))


def run(host: Any, script: str, timeout: float = 60) -> str:
    """A shell script in a host that must succeed; its output."""
    done = host.run(script, env=ENVIRONMENT, timeout=timeout, wd="/")
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


def start_corosync(hosts: list[Any]) -> None:
    """Write the same corosync.conf on the hosts and start the daemon on each."""
    text = COROSYNC.format(nodes="".join(NODE.format(host=host) for host in hosts))
    for host in hosts:
        run(host, f"mkdir -p /etc/corosync; cat > /etc/corosync/corosync.conf <<'E'\n{text}E")
        run(host, "corosync")


class LiveCluster:
    """Two hosts with Corosync and Pacemaker; `crm` is typed on them."""

    def __init__(self, lab: testhosts.Lab) -> None:
        self.lab = lab
        self.hosts = lab.hosts

    def start(self) -> LiveCluster:
        unpacked = ROOT if os.path.exists(f"{ROOT}/usr/sbin/pacemakerd") else ""
        for host in self.hosts:
            lay_over(host, "usr etc var root", os.path.abspath(unpacked) if unpacked else "")
            run(host, PREPARE_PACEMAKER)
        start_corosync(self.hosts)
        for host in self.hosts:
            self.start_pacemaker(host)
        self.eventually("both nodes online", self.is_whole, 90)
        return self

    def start_pacemaker(self, host: Any) -> None:
        host.spawn(["pacemakerd", "-f"], log=f"{self.lab.dir}/{host.name}.log", env=ENVIRONMENT)

    def stop_pacemaker(self, host: Any) -> None:
        run(host, "pkill -TERM -x pacemakerd; while pgrep -x pacemakerd; do sleep 0.1; done")

    def is_whole(self) -> bool:
        """As Pacemaker's own monitor sees it."""
        names = " ".join(host.name for host in self.hosts)
        done = self.hosts[0].run(["crm_mon", "-1"], env=ENVIRONMENT, wd="/")
        return f"Online: [ {names} ]" in done.stdout

    def eventually(self, what: str, check: Callable[[], Any], seconds: float) -> None:
        """Wait for something; fails with Pacemaker's last words."""
        if wait_until(check, seconds, 0.2) is None:
            logs = sorted(Path(self.lab.dir).glob("h*.log"))
            words = [f"--- {log.name}\n{log.read_text()[-2000:]}" for log in logs]
            raise AssertionError(f"{what}\n" + "\n".join(words))

    def tool(self, *words: str) -> str:
        """One of Pacemaker's own tools on the first host; its output."""
        done = self.hosts[0].run(list(words), env=ENVIRONMENT, wd="/")
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    def crm(self, *words: str, text: str | None = None, host: int = 0) -> str:
        """A `crm` command that must succeed; its output."""
        done = self.try_crm(*words, text=text, host=host)
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    def try_crm(
        self, *words: str, text: str | None = None, host: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """A `crm` command that may fail."""
        done: subprocess.CompletedProcess[str] = self.hosts[host].run(
            [CRM, *words], input=text, env=ENVIRONMENT, wd=PROJECT, timeout=180
        )
        return done

    def settle(self) -> None:
        self.crm("cluster", "wait", "60")

    def version(self) -> str:
        """The configuration's version, without the count of the status."""
        text = self.tool("cibadmin", "--query")
        words = dict(word.split("=", 1) for word in text.split(">", 1)[0].split() if "=" in word)
        return f"{words['admin_epoch']} {words['epoch']}"
