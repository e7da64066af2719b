"""The session of a two-node web server as tutorials type it with `pcs`: from `cluster auth` to the page.

Two hosts with an ssh daemon each; every line is typed on the first one, in the order of the tutorial.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import testhosts
from harness import ADDRESS, CRM, NGINX
from pacemaker_hosts import ENVIRONMENT, needs_hosts_of_their_own, not_tested, run
from ssh_hosts import SSHD, SshHosts

if not SSHD:
    not_tested("a cluster made by pcs over ssh: Debian's openssh-server is not installed")
needs_hosts_of_their_own("a cluster made by pcs over ssh")

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    lab = testhosts.Lab(3, dir=f"{tmp_path_factory.mktemp('pcs')}/lab").up()
    try:
        made = SshHosts(lab).start()
        pcs = Path(CRM).with_name("pcs")
        for host in made.hosts:
            run(host, f"ln -sf {pcs} /usr/local/bin/pcs; mkdir -p /srv")
            conf = NGINX.format(name=host.name)
            run(host, f"cat > /etc/web.conf <<'E'\n{conf}E")
        yield made
    finally:
        lab.down()


def pcs(hosts: SshHosts, line: str) -> str:
    """A line of the tutorial on h1 that must succeed; its output."""
    done: subprocess.CompletedProcess[str] = hosts.hosts[0].run(
        ["/usr/local/bin/pcs", *line.split()], env=ENVIRONMENT, wd="/", timeout=240
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}\n{hosts.last_words()}"
    return str(done.stdout) + str(done.stderr or "")


def page(hosts: SshHosts) -> str:
    """Which node answers at the floating address, asked from the third host."""
    return str(hosts.hosts[2].run(f"curl -s -m 1 http://{ADDRESS}/").stdout).strip()


def test_the_whole_session_from_auth_to_the_page(hosts: SshHosts) -> None:
    assert "h2: Authorized" in pcs(hosts, "cluster auth h1 h2")
    pcs(hosts, "cluster setup --start --name my_cluster h1 h2")
    hosts.eventually("both nodes", lambda: "h1 h2" in pcs(hosts, "status nodes"), 60)
    pcs(hosts, "cluster status")
    pcs(hosts, "property set stonith-enabled=false")
    agent = f"ocf:heartbeat:IPaddr2 ip={ADDRESS} cidr_netmask=24"
    pcs(hosts, f"resource create VIP {agent} op monitor interval=30s")
    web = "ocf:heartbeat:nginx configfile=/etc/web.conf"
    pcs(hosts, f"resource create WEB {web} op monitor interval=30s")
    assert "VIP" in pcs(hosts, "resource show")
    pcs(hosts, "resource group add MyGroup VIP")
    pcs(hosts, "resource group add MyGroup WEB")
    assert "like this already" in pcs(hosts, "constraint order start VIP then start WEB")
    pcs(hosts, "constraint location WEB prefers h1=60")
    pcs(hosts, "constraint location WEB prefers h2=45")
    pcs(hosts, "resource defaults resource-stickiness=100")
    hosts.eventually("the page of the one that holds the address", lambda: page(hosts) != "", 60)
    first = page(hosts)
    assert "pcs node standby" in pcs(hosts, f"cluster standby {first}")
    other = {"h1": "h2", "h2": "h1"}[first]
    hosts.eventually("the page of the other node", lambda: page(hosts) == other, 60)
    pcs(hosts, f"cluster unstandby {first}")
    assert "my_cluster" in pcs(hosts, "status") + pcs(hosts, "config")
