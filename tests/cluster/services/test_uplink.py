"""nginx and its address leave a host that cannot reach the clients' gateway any more, though the cluster sees it well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import testhosts
from conftest import needs_namespaces
from harness import ADDRESS, Cluster

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(600),
]

SCRIPT = """\
property stonith-enabled=false
primitive gateway ocf:pacemaker:ping params host_list={gateway} multiplier=100 dampen=1s attempts=2 timeout=1 \\
  use_fping=false op monitor interval=2s timeout=20s
clone gateways gateway
primitive webip ocf:heartbeat:IPaddr2 params ip={address} cidr_netmask=24 op monitor interval=5s timeout=20s
primitive webserver ocf:heartbeat:nginx params configfile=/srv/nginx.conf op monitor interval=5s timeout=30s
group web webip webserver
location web-needs-gateway web rule -inf: not_defined pingd or pingd lte 0
commit
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    lab = testhosts.Lab(4, dir=str(tmp_path / "lab"), net="soft", private=["/var/lib", "/srv"]).up()
    try:
        yield Cluster(lab).start()
    finally:
        lab.down()


def test_the_service_follows_the_uplink_and_an_idle_cluster_stays_idle(cluster: Cluster) -> None:
    gateway = cluster.client
    assert gateway is not None
    text = SCRIPT.format(gateway=gateway.ip, address=ADDRESS)
    cluster.crm(cluster.hosts[0], "-F", "configure", text=text)
    cluster.eventually("served", cluster.answer, 30)
    cluster.eventually("idle", cluster.is_idle, 30)

    # Pings that say the same as before are no news.
    before = cluster.ask(cluster.hosts[0], "status")["controller"]["transition"]
    time.sleep(8)
    assert cluster.ask(cluster.hosts[0], "status")["controller"]["transition"] == before

    first = cluster.answer()
    host = next(each for each in cluster.hosts if each.name == first)
    moment = time.monotonic()
    cluster.lab.shape(host, gateway, down=True)
    cluster.lab.shape(gateway, host, down=True)
    cluster.eventually("moved", lambda: cluster.answer() not in ("", first), 40)
    print(f"uplink cut: served from elsewhere after {time.monotonic() - moment:.2f} s")
    members = cluster.status(cluster.hosts[0])["members"]
    assert members == [each.name for each in cluster.hosts]
