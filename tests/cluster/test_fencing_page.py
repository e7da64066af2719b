"""The pages on a first cluster and on fencing, typed as they stand: the real fence_ipmilan, boards by ipmi_sim.

The boards are a host of their own with the addresses of the page. What they are told to do with the
power of a node is done to its agent.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import testhosts
from pacemaker_hosts import ENVIRONMENT, needs_hosts_of_their_own, not_tested
from ssh_hosts import SSHD, SshHosts, is_agent

needed = {"ipmi_sim": "openipmi", "ipmitool": "ipmitool", "fence_ipmilan": "fence-agents"}
if not SSHD:
    not_tested("fencing with IPMI: Debian's openssh-server is not installed")
for program, package in needed.items():
    if not shutil.which(program, path=ENVIRONMENT["PATH"]):
        not_tested(f"fencing with IPMI: Debian's {package} is not installed")
needs_hosts_of_their_own("fencing with IPMI")

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]

DOC = Path(__file__).resolve().parents[2] / "doc"
BOARD = """\
name "{name}"
set_working_mc 0x20
  startlan 1
    addr {address} 623
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcde{number}
  endlan
  chassis_control "{folder}/chassis {name}"
  user 2 true "admin" "secret" admin 10 none md2 md5 straight
"""
EMULATION = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n"
CHASSIS = """#!/bin/sh
node=$1; action=$2; shift 2
while [ $# -gt 0 ]; do
    case $action-$1 in
        get-power) echo "power:$(cat {folder}/$node.power)" ;;
        get-*) echo "$1:0" ;;
        set-power) echo "$2" > {folder}/$node.power; echo "$2" >> {folder}/$node.log; shift ;;
        set-*) shift ;;
    esac
    shift
done
"""


def typed(page: str, heading: str) -> list[list[tuple[str, str]]]:
    """What is typed in the blocks of a section: lists of (node, command)."""
    text = (DOC / page).read_text()
    [part] = [part for part in text.split("\n## ") if part.startswith(heading)]
    blocks = re.findall(r"```\n(.*?)```", part, re.DOTALL)
    return [re.findall(r"^(n\d|)# (.+)$", block, re.MULTILINE) for block in blocks]


class Boards:
    """A management board for each of three nodes, on a host beside them."""

    def __init__(self, hosts: SshHosts, folder: Path) -> None:
        self.hosts = hosts
        self.folder = folder
        self._ends = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def start(self) -> None:
        self.folder.mkdir()
        chassis = self.folder / "chassis"
        chassis.write_text(CHASSIS.format(folder=self.folder))
        chassis.chmod(0o755)
        (self.folder / "emulation").write_text(EMULATION)
        place = self.hosts.hosts[3]
        for host in self.hosts.hosts[:3]:
            host.run("ip route add 10.0.9.0/24 dev eth0", check=True)
        for number in (1, 2, 3):
            name, address = f"n{number}", f"10.0.9.{number}"
            (self.folder / f"{name}.power").write_text("1\n")
            (self.folder / f"{name}.log").write_text("")
            lan = self.folder / f"{name}.conf"
            lan.write_text(
                BOARD.format(name=name, address=address, number=number, folder=self.folder)
            )
            place.run(f"ip address add {address}/24 dev eth0", check=True)
            state = self.folder / f"{name}.state"
            state.mkdir()
            argv = ["ipmi_sim", "-n", "-c", str(lan), "-f", str(self.folder / "emulation")]
            place.spawn([*argv, "-s", str(state)], log=str(self.folder / f"{name}.out"))
        self._watcher.start()

    def told(self, name: str) -> list[str]:
        """What the board of a node was told: 0 is off, 1 is on."""
        return (self.folder / f"{name}.log").read_text().split()

    def _watch(self) -> None:
        """A node without power has no agent; one that gets it again starts it, as its unit would."""
        done = dict.fromkeys(("n1", "n2", "n3"), 0)
        while not self._ends.wait(0.05):
            for name, count in done.items():
                told = self.told(name)
                if len(told) > count:
                    done[name] = count + 1
                    self._switch(name, told[count])

    def _switch(self, name: str, power: str) -> None:
        host = self.hosts.lab[name]
        if power == "1":
            host.run("crm cluster start", env=ENVIRONMENT, timeout=120)
            return
        for pid in host.pids():
            if is_agent(pid):
                os.kill(pid, signal.SIGKILL)
        host.run("rm -rf /run/crmshell", check=True)

    def close(self) -> None:
        self._ends.set()
        self._watcher.join()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """Three nodes made as the first page says, and a host for the boards."""
    folder = tmp_path_factory.mktemp("fencing")
    lab = testhosts.Lab(4, dir=f"{folder}/lab", prefix="n", subnet="10.0.0").up()
    try:
        hosts = SshHosts(lab).start()
        for lines in typed("user/first-cluster.md", "On three machines")[:2]:
            for node, line in lines:
                type_line(hosts, node, line)
                type_line(hosts, node, "crm cluster wait_for_startup 60")
        yield hosts
    finally:
        lab.down()


@pytest.fixture(scope="module")
def boards(hosts: SshHosts) -> Iterator[Boards]:
    boards = Boards(hosts, Path(hosts.lab.dir) / "boards")
    boards.start()
    yield boards
    boards.close()


def type_line(hosts: SshHosts, node: str, line: str) -> str:
    done = hosts.lab[node or "n1"].run(f"cd /root; {line}", env=ENVIRONMENT, wd="/", timeout=240)
    assert done.returncode == 0, f"{node}# {line}\n{done.stdout}\n{hosts.last_words()}"
    return str(done.stdout)


def test_each_board_is_asked_before_the_cluster_knows_of_it(
    hosts: SshHosts, boards: Boards
) -> None:
    [[(node, line)]] = typed("admin/fencing.md", "2. Does the board do it?")
    for number in (1, 2, 3):
        # The simulator does not tell its cipher suites: as the page says, the suite is named then.
        mine = line.replace("10.0.9.1", f"10.0.9.{number}").replace(
            "lanplus=1", "lanplus=1\\ncipher=3"
        )
        assert "Status: ON" in type_line(hosts, node, mine)


def test_the_devices_start_and_a_node_is_fenced_by_its_board(
    hosts: SshHosts, boards: Boards
) -> None:
    text = (DOC / "admin/fencing.md").read_text()
    [statements] = re.findall(r"```\n(primitive fence-n1.*?)```", text, re.DOTALL)
    hosts.file(1, "/root/fencing.crm").write_text(
        statements.replace("lanplus=1", "lanplus=1 cipher=3")
    )
    for node, line in typed("admin/fencing.md", "3. Into the configuration")[-1]:
        type_line(hosts, node, line)
    hosts.eventually("all devices run", lambda: running(hosts) == 3, 90)
    for lines in typed("admin/fencing.md", "4. A test of each device")[:1]:
        # What is typed on n2: it fences one node, and looks at what was done.
        for node, line in (each for each in lines if each[0] == "n2"):
            # At a terminal it asks; -F answers yes.
            said = type_line(hosts, node, line.replace("crm node fence", "crm -F node fence"))
            if "history n1" in line:
                assert "n1" in said
            if fenced := re.search(r"node fence (n\d)$", line):
                name = fenced[1]
                hosts.eventually(
                    f"{name} was switched", lambda n=name: boards.told(n) == ["0", "1"], 90
                )
                hosts.eventually("it is back", lambda: online(hosts) == ["n1", "n2", "n3"], 90)
                hosts.eventually("all devices run", lambda: running(hosts) == 3, 90)


def running(hosts: SshHosts) -> int:
    said = hosts.try_crm(2, "status").stdout
    return len(re.findall(r"\(stonith:fence_ipmilan\):\s+Started n\d", said))


def online(hosts: SshHosts) -> list[str]:
    said = hosts.try_crm(2, "cluster", "status").stdout
    return re.findall(r"^  (\S+): online", said, re.MULTILINE)
