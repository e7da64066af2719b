"""A guest node: a resource that is a node itself. What runs in it goes down with it and comes back with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import PROJECT, PYTHON, Cluster
from services.acks import cut_power

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(600),
]

# The guest is a process with files of its own; it listens on the loopback address of whichever host runs it.
SCRIPT = """\
property stonith-enabled=false
primitive vm ocf:heartbeat:anything params binfile=/srv/guest pidfile=/run/guest.pid \\
  meta remote-node=g1 remote-addr=127.0.0.1 op monitor interval=2s timeout=20s
primitive db ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
location db-in-guest db inf: g1
commit
"""
GUEST = """\
#!/bin/sh
cd {project} && exec {python} -m engine --remote --name g1 --root /run/g1 --bind 127.0.0.1 --key {key}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(3, dir=str(tmp_path / "lab"), private=["/var/lib", "/srv"]).up()
    try:
        made = Cluster(lab).start()
        text = GUEST.format(project=PROJECT, python=PYTHON, key=made.key)
        for host in made.hosts:
            host.run(
                f"mkdir -p /run/g1; printf %s '{text}' > /srv/guest; chmod 755 /srv/guest",
                check=True,
            )
        yield made
    finally:
        lab.down()


def inside(cluster: Cluster) -> list[Any]:
    """The hosts whose guest has the resource started."""
    state = "run/g1/run/resource-agents/Dummy-db.state"
    return [host for host in cluster.alive() if Path(f"/proc/{host.pid}/root", state).exists()]


def test_a_guest_goes_down_and_comes_back_with_what_runs_in_it(cluster: Cluster) -> None:
    cluster.crm(cluster.hosts[0], "-F", "configure", text=SCRIPT)
    cluster.eventually("it runs in the guest", lambda: len(inside(cluster)) == 1, 40)
    cluster.eventually("idle", cluster.is_idle, 30)
    assert "GuestOnline: [ g1" in cluster.crm(cluster.hosts[0], "status")
    [host] = inside(cluster)

    # The guest dies: its files go with it, as the memory of a machine does.
    host.run("rm -rf /run/g1/run; kill -KILL $(cat /run/guest.pid)", check=True)
    cluster.eventually("it runs again", lambda: inside(cluster) != [], 40)
    cluster.eventually("idle", cluster.is_idle, 30)

    # Its host dies.
    [host] = inside(cluster)
    cut_power(cluster, host)
    cluster.eventually("it runs elsewhere", lambda: inside(cluster) not in ([], [host]), 40)
    cluster.eventually("idle", cluster.is_idle, 30)

    cluster.crm(cluster.alive()[0], "resource", "stop", "vm")
    cluster.eventually("all is stopped", lambda: inside(cluster) == [], 40)
    cluster.eventually("idle", cluster.is_idle, 30)
