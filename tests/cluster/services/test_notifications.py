"""Who is told what, and when: the log of an agent that writes down every call that it gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import testhosts
from conftest import needs_namespaces
from harness import Cluster, set_property
from lxml import etree

from engine.cib.document import Cib

pytestmark = [
    needs_namespaces,
    pytest.mark.cluster,
    pytest.mark.services,
    pytest.mark.timeout(300),
]

AGENT = """\
#!/bin/sh
state="/run/herald"
what="$OCF_RESKEY_CRM_meta_notify_type-$OCF_RESKEY_CRM_meta_notify_operation"
names=""
for list in start stop promote demote active master slave; do
    eval "value=\\$OCF_RESKEY_CRM_meta_notify_${{list}}_uname"
    names="$names $list=$(echo $value | tr ' ' ,)"
done
case "$1" in
    notify) echo "$(hostname) $what$names" >> {log};;
    start|stop|promote|demote) echo "$(hostname) $1" >> {log};;
esac
case "$1" in
meta-data)
    echo '<resource-agent name="Herald" version="1.0"><version>1.1</version><parameters/><actions>'
    for action in start stop promote demote notify monitor; do echo "<action name=\\"$action\\" timeout=\\"20s\\"/>"; done
    echo '</actions></resource-agent>';;
start|demote) echo unpromoted > $state; crm_attribute --promotion -v $(hostname | tr -d h);;
promote) echo promoted > $state;;
stop) rm -f $state;;
monitor) [ -e $state ] || exit 7; grep -q ^promoted $state && exit 8; exit 0;;
esac
exit 0
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    made = tmp_path / "calls"
    made.touch()
    made.chmod(0o666)
    return made


@pytest.fixture
def cluster(tmp_path: Path, log: Path) -> Iterator[Cluster]:
    agent = tmp_path / "ocf/resource.d/test/Herald"
    agent.parent.mkdir(parents=True)
    agent.write_text(AGENT.format(log=log))
    agent.chmod(0o755)
    lab = testhosts.Lab(3, dir=str(tmp_path / "lab"), private=["/var/lib", "/srv"]).up()
    try:
        yield Cluster(lab, options=("--ocf-root", str(tmp_path / "ocf"))).start()
    finally:
        lab.down()


def configure(cib: Cib) -> None:
    set_property(cib, "stonith-enabled", "false")
    cib.section("resources").append(
        etree.fromstring(
            '<clone id="c"><meta_attributes id="c-m"><nvpair id="c-p" name="promotable" value="true"/>'
            '<nvpair id="c-n" name="notify" value="true"/></meta_attributes>'
            '<primitive id="h" class="ocf" provider="test" type="Herald"><operations>'
            '<op id="h-u" name="monitor" interval="10s" role="Unpromoted"/>'
            '<op id="h-p" name="monitor" interval="11s" role="Promoted"/></operations></primitive></clone>'
        )
    )


def calls(log: Path) -> list[tuple[str, str, dict[str, list[str]]]]:
    """Host, what was called, and the lists that came with a notification."""
    found = []
    for line in log.read_text().splitlines():
        host, what, *lists = line.split()
        pairs = [item.partition("=") for item in lists]
        found.append(
            (host, what, {name: value.split(",") if value else [] for name, _, value in pairs})
        )
    return found


def check_order(found: list[tuple[str, str, dict[str, list[str]]]], action: str) -> None:
    """All are told before it begins anywhere, and again when it is over everywhere."""
    places = [n for n, (_, what, _) in enumerate(found) if what == action]
    before = [n for n, (_, what, _) in enumerate(found) if what == f"pre-{action}"]
    after = [n for n, (_, what, _) in enumerate(found) if what == f"post-{action}"]
    assert places
    assert after
    assert all(n < places[0] for n in before)
    assert all(n > places[-1] for n in after)


def test_everybody_is_told_before_and_after_and_what_is_told_is_true(
    cluster: Cluster, log: Path
) -> None:
    cluster.configure(cluster.hosts[0], configure)
    cluster.eventually("promoted", lambda: "promote" in log.read_text(), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    began = calls(log)
    check_order(began, "start")
    check_order(began, "promote")
    told = [lists for _, what, lists in began if what == "post-promote"]
    assert [sorted(lists["promote"]) for lists in told] == [["h3"]] * 3
    assert [sorted(lists["slave"]) for lists in told] == [["h1", "h2", "h3"]] * 3

    log.write_text("")
    cluster.crm(cluster.hosts[0], "node", "standby", "h3")
    cluster.eventually("moved", lambda: "h2 promote" in log.read_text(), 30)
    cluster.eventually("idle", cluster.is_idle, 30)
    moved = calls(log)
    for action in ("demote", "stop", "promote"):
        check_order(moved, action)
    order = [what for _, what, _ in moved if what in ("demote", "stop", "promote")]
    assert order == ["demote", "stop", "promote"]
    asked = {host: lists for host, what, lists in moved if what == "pre-demote"}
    assert set(asked) == {"h1", "h2", "h3"}
    assert all(lists["demote"] == ["h3"] and lists["master"] == ["h3"] for lists in asked.values())
    # Who is stopped hears nothing of it afterwards.
    assert {host for host, what, _ in moved if what == "post-stop"} == {"h1", "h2"}
