"""Seeing and steering a running node with the shell: every command that talks to the agent.

One agent on loopback with agents of its own (small shell scripts), so neither root, nor namespaces,
nor installed resource agents are needed.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from crmshell.environment import Environment
from crmshell.errors import CommitConflict
from crmshell.sources.agent import AgentSource

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PROJECT = Path(__file__).resolve().parents[2]
CRM = str(Path(sys.executable).with_name("crm"))
PATIENCE = 120.0
AGENT = """#!/bin/sh
state="{folder}/$OCF_RESKEY_name"
case "$1" in
meta-data) cat <<END
<?xml version="1.0"?><resource-agent name="File" version="1.0"><version>1.0</version>
<shortdesc lang="en">A file that stands for a service</shortdesc><parameters>
<parameter name="name" unique="1" required="1"><shortdesc lang="en">name</shortdesc>
<content type="string"/></parameter></parameters><actions><action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/>
</actions></resource-agent>
END
;;
start) touch "$state";;
stop) rm -f "$state";;
monitor) test -e "$state" || exit 7;;
esac
exit 0
"""
ROLES = """#!/bin/sh
state="{folder}/role"
case "$1" in
meta-data) cat <<END
<?xml version="1.0"?><resource-agent name="Roles" version="1.0"><version>1.0</version>
<shortdesc lang="en">A file with a role in it</shortdesc><parameters/><actions>
<action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="promote" timeout="20s"/>
<action name="demote" timeout="20s"/></actions></resource-agent>
END
exit 0;;
start|demote) echo unpromoted > "$state"; "$HA_SBIN_DIR/crm_master" -l reboot -v 10;;
promote) echo promoted > "$state"; crm_attribute --promotion -v 20;;
stop) rm -f "$state"; "$HA_SBIN_DIR/crm_master" -l reboot -D;;
monitor)
    test -e "$state" || exit 7
    grep -q ^promoted "$state" && exit 8
    exit 0;;
esac
"""
SCRIPT = """property stonith-enabled=false
primitive a ocf:test:File params name=a op monitor interval=1s timeout=20s
primitive b ocf:test:File params name=b
group g a b
commit
"""


class OneNode:
    """An agent with its folder, and the shell that talks to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        agent = folder / "ocf/resource.d/test/File"
        agent.parent.mkdir(parents=True)
        agent.write_text(AGENT.format(folder=folder))
        agent.chmod(0o755)
        roles = agent.with_name("Roles")
        roles.write_text(ROLES.format(folder=folder))
        roles.chmod(0o755)
        self.variables = {
            **os.environ,
            "CRMSHELL_ROOT": str(folder / "root"),
            "OCF_ROOT": str(folder / "ocf"),
            "HOME": str(folder / "home"),
            "TERM": "dumb",
        }
        self.variables.pop("CIB_file", None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        root = self.folder / "root"
        key = self.folder / "cluster.key"
        engine = [sys.executable, "-m", "engine"]
        if not key.exists():
            root.mkdir()
            subprocess.run([*engine, "--make-key", str(key)], check=True, cwd=PROJECT)
        address = f"127.0.0.1:{self._port}"
        argv = [*engine, "--foreground", "--root", str(root), "--key", str(key), "--name", "n1"]
        argv += ["--id", "1", "--cluster", "steering", "--peers", f"n1=1@{address}"]
        argv += ["--ocf-root", str(self.folder / "ocf")]
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=PROJECT, env=self.variables, stdout=log, stderr=log
            )
        self.until("the node is online", lambda: "Online: [ n1 ]" in self.crm("status").stdout)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def crm(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CRM, *words],
            env=self.variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def do(self, *words: str, stdin: str = "") -> str:
        done = self.crm(*words, stdin=stdin)
        assert done.returncode == 0, f"crm {' '.join(words)}: {done.stderr}"
        return done.stdout

    def runs(self, name: str) -> bool:
        return (self.folder / name).exists()

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
            time.sleep(0.1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OneNode]:
    made = OneNode(tmp_path)
    made.start()
    yield made
    made.kill()


def test_a_node_is_configured_watched_and_steered(node: OneNode) -> None:
    node.do("-w", "configure", stdin=SCRIPT)
    node.until("the group runs", lambda: node.runs("a") and node.runs("b"))
    status = node.do("status")
    assert "Stack: crmshell" in status
    assert "a\t(ocf:test:File):\t Started n1" in status
    assert "resource g is running on: n1" in node.do("resource", "locate", "g")
    assert node.do("status", "simple").startswith("CLUSTER OK: 1 node online")

    node.do("-w", "node", "standby")
    assert not node.runs("a")
    assert "Node n1: standby" in node.do("status")
    node.do("-w", "node", "online", "n1")
    node.until("the group is back", lambda: node.runs("b"))

    node.do("-w", "resource", "stop", "b")
    assert node.runs("a")
    assert not node.runs("b")
    assert "target-role=Stopped" in node.do("resource", "why", "b")
    node.do("-w", "resource", "start", "b")
    node.until("b runs", lambda: node.runs("b"))
    before = (node.folder / "a").stat().st_mtime_ns
    node.do("resource", "restart", "g")
    node.until("a runs again", lambda: node.runs("a") and node.runs("b"))
    assert (node.folder / "a").stat().st_mtime_ns > before

    node.do("-w", "resource", "ban", "g", "n1")
    assert not node.runs("a")
    assert "cli-ban-g-on-n1" in node.do("resource", "why", "a")
    node.do("-w", "resource", "clear", "g")
    node.until("the group is back", lambda: node.runs("b"))


def test_a_failure_is_seen_counted_and_forgotten(node: OneNode) -> None:
    node.do("-w", "configure", stdin=SCRIPT)
    node.until("the group runs", lambda: node.runs("b"))
    (node.folder / "a").unlink()
    count = ("resource", "failcount", "a", "show", "n1")
    node.until("the failure is counted", lambda: "value=1" in node.do(*count))
    node.until("it is recovered", lambda: node.runs("a"))
    status = node.do("status", "failcounts")
    assert "a_monitor_1000 on n1 'not running' (7)" in status
    assert "fail-count=1" in status
    node.do("-w", "resource", "cleanup", "a")
    assert "value=0" in node.do(*count)
    assert "Failed Resource Actions" not in node.do("status")

    node.do("maintenance", "on", "g")
    node.do("maintenance", "action", "a", "stop")
    assert not node.runs("a")
    time.sleep(2.5)
    assert not node.runs("a")
    node.do("maintenance", "off", "g")
    node.until("it is taken care of again", lambda: node.runs("a"))


def test_an_agent_sets_its_promotion_score_and_is_promoted(node: OneNode) -> None:
    role = node.folder / "role"

    def has_role(wanted: str) -> bool:
        return role.exists() and role.read_text().strip() == wanted

    script = (
        "property stonith-enabled=false\nprimitive r ocf:test:Roles op monitor interval=5s\n"
        "clone c r meta promotable=true\n"
    )
    node.do("-w", "configure", stdin=script)
    node.until("it is promoted", lambda: has_role("promoted"))
    assert "master-r (until reboot)=20" in node.do("node", "show")
    assert "    * Promoted: [ n1 ]" in node.do("status")
    node.do("-w", "resource", "demote", "c")
    node.until("it is demoted", lambda: has_role("unpromoted"))
    node.do("-w", "resource", "promote", "c")
    node.until("it is promoted again", lambda: has_role("promoted"))
    node.do("-w", "resource", "stop", "c")
    assert not role.exists()
    assert "master-r" not in node.do("node", "show")


def test_a_service_runs_while_the_site_has_its_ticket(node: OneNode) -> None:
    def program(*words: str) -> subprocess.CompletedProcess[str]:
        tool = node.folder / "root/run/crmshell/bin" / words[0]
        return subprocess.run(
            [tool, *words[1:]], capture_output=True, text=True, timeout=60, check=False
        )

    constraint = '<rsc_ticket id="c" rsc="g" ticket="T" loss-policy="stop"/>'
    node.do("-w", "configure", stdin=SCRIPT)
    node.until("the group runs", lambda: node.runs("b"))
    assert program("cibadmin", "-C", "-o", "constraints", "-X", constraint).returncode == 0
    node.until("nothing runs without the ticket", lambda: not node.runs("a"))
    granted = program("crm_ticket", "-t", "T", "-g", "--force", "-S", "owner", "-v1")
    assert granted.returncode == 0, granted.stderr
    node.until("the group runs with it", lambda: node.runs("b"))
    assert program("crm_ticket", "-t", "T", "-G", "owner").stdout == "1\n"
    assert program("crm_ticket", "-t", "T", "-s").returncode == 0
    node.until("standby stops the group", lambda: not node.runs("a"))
    assert program("crm_ticket", "-t", "T", "-a").returncode == 0
    node.until("the group is back", lambda: node.runs("b"))
    assert program("crm_ticket", "-t", "T", "-r").returncode == 107
    assert node.runs("a")
    assert program("crm_ticket", "-t", "T", "-r", "--force").returncode == 0
    node.until("a revoked ticket stops the group", lambda: not node.runs("a"))


def test_edits_of_two_users_are_merged_or_shown(node: OneNode) -> None:
    node.do("configure", "property", "batch-limit=1", "stonith-enabled=false")
    with subprocess.Popen(
        [CRM],
        env=node.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as mine:
        assert mine.stdin is not None
        assert mine.stdout is not None
        mine.stdin.write("configure property batch-limit=5\n".replace(" property", "\nproperty"))
        mine.stdin.write("show type:property\n")
        mine.stdin.flush()
        while "batch-limit=5" not in mine.stdout.readline():
            pass
        node.do("configure", "property", "batch-limit=9")
        node.do("node", "attribute", "n1", "set", "rack", "7")
        _, said = mine.communicate("commit\n", timeout=240)
    assert mine.returncode == 1
    assert "conflict" in said
    assert "'9' now" in said
    text = node.do("configure", "show")
    assert "batch-limit=9" in text
    assert "rack=7" in text


def test_a_cluster_that_goes_away_loses_no_edits(node: OneNode) -> None:
    node.do("configure", "property", "stonith-enabled=false")
    node.kill()
    done = node.crm("configure", "property", "batch-limit=3")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot reach the node agent" in done.stderr
    node.start()
    assert "batch-limit" not in node.do("configure", "show")
    assert "stonith-enabled=false" in node.do("configure", "show")


def test_a_shadow_is_tried_and_made_live_and_taken_back(node: OneNode) -> None:
    node.do("configure", stdin=SCRIPT)
    node.variables["CIB_shadow_dir"] = str(node.folder / "shadows")
    node.do("cib", "new", "try")
    node.do("-c", "try", "configure", "property", "maintenance-mode=true")
    assert "maintenance-mode" not in node.do("configure", "show")
    assert "maintenance-mode=true" in node.do("-c", "try", "cib", "diff")
    node.do("cib", "commit", "try")
    assert "maintenance-mode=true" in node.do("configure", "show")
    node.until(
        "the version before is stored", lambda: len(node.do("cib", "history").splitlines()) > 2
    )
    versions = [line.split()[0] for line in node.do("cib", "history").splitlines()[1:]]
    node.do("-F", "cib", "rollback", versions[1])
    assert "maintenance-mode" not in node.do("configure", "show")
    node.do("cib", "delete", "try")


def test_of_two_editors_the_second_sees_the_conflict_and_overwrites_no_more_than_it(
    node: OneNode,
) -> None:
    node.do("configure", stdin=SCRIPT)
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), node.variables)
    source = AgentSource(environment, str(node.folder / "root/run/crmshell/admin.sock"))
    base = source.read(sync=True)
    mine = base.copy()
    for path, value in (("a-instance_attributes-name", "mine"), ("a-monitor-1s", "2s")):
        element = mine.configuration.xpath(f"//*[@id='{path}']")[0]
        element.set("value" if element.tag == "nvpair" else "interval", value)
    node.do("configure", "set", "a.name", "theirs")
    node.do("configure", "property", "batch-limit=7")
    with pytest.raises(CommitConflict, match=r"primitive a: name is 'theirs' now, changed by \S+"):
        source.commit(base, mine)
    source.commit(base, mine, replace=True)
    shown = node.do("configure", "show")
    assert "params name=mine" in shown
    assert "interval=2s" in shown
    assert "batch-limit=7" in shown
    source.close()


def typing(node: OneNode, *lines: str) -> pexpect.spawn:
    """An interactive shell in level configure in which these lines have been typed."""
    crm = pexpect.spawn(
        CRM,
        ["configure"],
        env={**node.variables, "NO_COLOR": "1"},  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(40, 160),
    )
    for line in lines:
        crm.expect("configure#")
        crm.send(f"{line}\r")
    return crm


def test_an_agent_that_dies_between_edit_and_commit_costs_nothing(node: OneNode) -> None:
    crm = typing(node, "property batch-limit=7", "show")
    crm.expect("batch-limit=7")
    node.kill()
    crm.send("commit\r")
    crm.expect("ERROR: cannot reach the node agent")
    crm.expect("the pending changes are kept in .*pending-live.* and offered at the next start")
    crm.send("show\r")
    crm.expect("batch-limit=7")
    crm.close(force=True)

    node.start()
    assert "batch-limit" not in node.do("configure", "show")
    crm = pexpect.spawn(
        CRM,
        env=node.variables,  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(40, 160),
    )
    crm.expect("could not be committed. Go on with them")
    crm.send("y\r")
    crm.expect("configure#")
    crm.send("commit\r")
    crm.expect("configure#")
    crm.send("quit\r")
    crm.expect("bye")
    crm.expect(pexpect.EOF)
    crm.close()
    assert crm.exitstatus == 0
    assert "batch-limit=7" in node.do("configure", "show")
    assert not list((node.folder / "home").rglob("pending-*"))
