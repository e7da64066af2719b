"""A node that is shut down keeps what ran on it, for the time it is away: `shutdown-lock`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import testhosts
from conftest import needs_namespaces
from harness import Cluster, add_primitive, set_property

from engine.cib.document import Cib

pytestmark = [needs_namespaces, pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = str(tmp_path_factory.mktemp("lab"))
    lab = testhosts.Lab(3, dir=f"{folder}/lab", private=["/var/lib", "/srv"]).up()
    try:
        cluster = Cluster(lab).start()
        cluster.configure(cluster.hosts[0], configure)
        cluster.eventually("running", lambda: cluster.runners("db") and cluster.is_idle(), 30)
        yield cluster
    finally:
        lab.down()


def configure(cib: Cib) -> None:
    set_property(cib, "stonith-enabled", "false")
    set_property(cib, "shutdown-lock", "true")
    set_property(cib, "shutdown-lock-limit", "0")
    add_primitive(cib, "db", "ocf:heartbeat:Dummy")


def shut_down(cluster: Cluster) -> Any:
    """The host of the resource leaves in order; that host."""
    [name] = cluster.runners("db")
    host = next(host for host in cluster.hosts if host.name == name)
    cluster.ask(host, "shutdown")
    process = cluster.log[name]
    cluster.eventually("ended", lambda: process.poll() is not None, 30)
    others = [other for other in cluster.hosts if other is not host]
    gone = [other.name for other in others]
    cluster.eventually("left", lambda: cluster.status(others[0]).get("members") == gone, 20)
    cluster.eventually("idle", lambda: cluster.ask(others[0], "wait", timeout=1).get("idle"), 20)
    return host


def test_a_resource_waits_for_its_node_and_starts_there_again(cluster: Cluster) -> None:
    host = shut_down(cluster)
    assert cluster.runners("db") == []
    cluster.start_agent(host)
    cluster.eventually("whole", cluster.is_whole, 30)
    cluster.eventually("back", lambda: cluster.runners("db") == [host.name], 20)
    [lock] = {r.get("shutdown-lock") for r in cluster.cib().root.iter("lrm_resource")} - {None}
    assert lock == "0"


def test_a_refresh_by_hand_sets_it_free(cluster: Cluster) -> None:
    host = shut_down(cluster)
    other = next(other for other in cluster.hosts if other is not host)
    cluster.crm(other, "resource", "refresh", "db", host.name)
    cluster.eventually("elsewhere", lambda: cluster.runners("db") not in ([], [host.name]), 20)


def test_a_limit_ends_the_wait(cluster: Cluster) -> None:
    cluster.configure(cluster.hosts[0], lambda cib: set_property(cib, "shutdown-lock-limit", "5s"))
    host = shut_down(cluster)
    assert cluster.runners("db") == []
    cluster.eventually("elsewhere", lambda: cluster.runners("db") not in ([], [host.name]), 30)
