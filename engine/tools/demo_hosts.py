"""Hosts of the demonstration: one network namespace a node, with a bridge between them.

All of it is inside one outer set of namespaces (network, mounts, processes). When the first process of
that set ends, the kernel ends every other one and drops networks and mounts, so nothing is left behind
however the demonstration ends. The addresses are those of doc/user/first-cluster.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from engine.base.errors import EngineError

NEEDED = ("unshare", "nsenter", "ip", "mount")
# What servers write, a tmpfs for each node: one node's pid file or log is not the other's.
OWN_FOLDERS = ("/run", "/var/log", "/var/lib/nginx", "/var/lib/crmshell")
_HOST = """\
for folder in {folders}; do [ ! -d $folder ] || mount -t tmpfs tmpfs $folder; done
mkdir -p /var/log/nginx /run/lock /run/resource-agents
hostname "$1" 2> /dev/null || true
shift
exec "$@"
"""


def address(number: int) -> str:
    """The address of the node with this number, from 1."""
    return f"10.0.0.{number}"


def why_not() -> str:
    """Why there can be no hosts here, "" when there can."""
    if os.geteuid() != 0:
        return "not root"
    missing = [program for program in NEEDED if not shutil.which(program)]
    if missing:
        return f"{', '.join(missing)} not installed"
    tried = subprocess.run(
        [*_outer(), "ip", "link", "add", "probe", "type", "bridge"],
        check=False,
        capture_output=True,
        text=True,
    )
    return (
        ""
        if tried.returncode == 0
        else f"no namespaces ({_last(tried.stderr) or tried.returncode})"
    )


def in_own_namespaces(folder: str) -> int:
    """Run the interactive demonstration in namespaces of its own; its exit status."""
    argv = [*_outer(), sys.executable, "-m", "engine.tools.demo", "--interactive"]
    with subprocess.Popen([*argv, "--inside", folder]) as inside:
        while True:
            try:
                return inside.wait()
            except KeyboardInterrupt:
                continue  # it was meant for the command in the shell


def make_network(names: Sequence[str]) -> None:
    """Inside: a bridge, and a namespace behind it for each node. Raises `EngineError`."""
    _do("mount", "-t", "tmpfs", "tmpfs", "/run")
    _do("ip", "link", "set", "lo", "up")
    _do("ip", "link", "add", "bridge", "type", "bridge")
    _do("ip", "address", "add", f"{address(254)}/24", "dev", "bridge")
    _do("ip", "link", "set", "bridge", "up")
    for number, name in enumerate(names, 1):
        within = ("ip", "-netns", name)
        _do("ip", "netns", "add", name)
        _do("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "eth0", "netns", name)
        _do("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        _do(*within, "address", "add", f"{address(number)}/24", "dev", "eth0")
        _do(*within, "link", "set", "lo", "up")
        _do(*within, "link", "set", "eth0", "up")


def on_host(name: str, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` on the host of that name."""
    script = _HOST.format(folders=" ".join(OWN_FOLDERS))
    before = ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "--uts"]
    return [*before, "sh", "-c", script, "host", name, *argv]


def _outer() -> list[str]:
    return [
        *("unshare", "--net", "--mount", "--pid", "--uts", "--ipc"),
        *("--fork", "--kill-child", "--mount-proc"),
    ]


def _do(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise EngineError(f"{' '.join(argv)}: {_last(done.stderr) or done.returncode}")


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
