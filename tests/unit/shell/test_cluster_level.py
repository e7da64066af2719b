"""Making a cluster: node files and keys on several machines that are folders, ssh that is a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_runner import Said, Shell

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.levels.work.membership import (
    as_peer,
    first_node,
    joining_node,
    with_node,
    without_node,
)
from engine.base.nodeconf import Address, load_node_config

# Runs the command here, in the folder of that node instead of ours, and writes down what it was.
SSH = """#!/bin/sh
node=$1
echo "$node: $2" >> {folder}/log
line=$(printf '%s' "$2" | sed "s#{folder}/me#{folder}/$node#g")
case "$line" in crm*) exit 0;; esac
exec sh -c "$line"
"""


class Machines:
    """A seed with a cluster of its own, and this machine, which has none."""

    def __init__(self, folder: Path, shell: Shell) -> None:
        self.folder = folder
        self._shell = shell
        ssh = folder / "ssh"
        ssh.write_text(SSH.format(folder=folder))
        ssh.chmod(0o755)
        for name in ("me", "seed"):
            place = folder / name / "etc/crmshell"
            place.mkdir(parents=True)
            (place / "cluster.key").write_text(f"secret of {name}")

    def crm(self, root: str, *words: str, **more: str) -> Said:
        where = {"CRMSHELL_ROOT": str(self.folder / root), "CRM_SSH": str(self.folder / "ssh")}
        return self._shell(*words, **where, **more)

    def node_file(self, root: str) -> str:
        return (self.folder / root / "etc/crmshell/node.conf").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def machines(tmp_path: Path, shell: Shell) -> Machines:
    return Machines(tmp_path, shell)


def init_seed(machines: Machines) -> None:
    words = ("--name", "web", "--addr", "10.0.0.1", "--node", "seed", "--no-start")
    assert machines.crm("seed", "cluster", "init", *words).status == 0


def test_init_writes_the_node_file(machines: Machines) -> None:
    init_seed(machines)
    config = load_node_config(machines.node_file("seed"))
    assert (config.name, config.id, config.cluster) == ("seed", 1, "web")
    assert config.addresses == (Address("10.0.0.1"),)


def test_init_is_refused_where_there_is_a_cluster(machines: Machines) -> None:
    init_seed(machines)
    said = machines.crm("seed", "cluster", "init", "--addr", "10.0.0.9", "--no-start")
    assert said.status == 1
    assert "already" in said.err


def test_init_asks_for_the_address_where_there_are_several(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Environment, "own_addresses", lambda self: ["10.0.0.1", "10.1.0.1"])
    said = machines.crm("me", "cluster", "init", "--no-start")
    assert said.status == 1
    assert "--addr ADDRESS (this machine has 10.0.0.1, 10.1.0.1)" in said.err


def test_the_only_address_is_taken(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environment, "own_addresses", lambda self: ["10.0.0.7"])
    assert machines.crm("seed", "cluster", "init", "--no-start").status == 0
    assert load_node_config(machines.node_file("seed")).addresses == (Address("10.0.0.7"),)


def test_joining_takes_the_address_that_leads_to_the_seed(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_seed(machines)
    asked: list[str] = []

    def towards(self: Environment, host: str) -> str:
        asked.append(host)
        return "10.0.0.5"

    monkeypatch.setattr(Environment, "own_addresses", lambda self: ["10.9.9.9", "10.0.0.5"])
    monkeypatch.setattr(Environment, "address_towards", towards)
    said = machines.crm("me", "cluster", "join", "seed", "--node", "me", "--no-start")
    assert said.status == 0, said.err
    assert load_node_config(machines.node_file("me")).addresses == (Address("10.0.0.5"),)
    assert set(asked) == {"10.0.0.1"}


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (("--adr", "10.0.0.1"), "no option --adr"),
        (("--addr",), "needs a value"),
        (("--addr", "10.0.0.1", "--port", "x"), "no port"),
        (("word",), "not an option"),
    ],
)
def test_wrong_options_are_refused(machines: Machines, words: tuple[str, ...], say: str) -> None:
    said = machines.crm("me", "cluster", "init", *words)
    assert said.status == 1
    assert say in said.err


def test_join_takes_key_and_nodes_and_tells_the_members(machines: Machines) -> None:
    init_seed(machines)
    words = ("seed", "--addr", "10.0.0.2", "--node", "me")
    said = machines.crm("me", "cluster", "join", *words, "--no-start")
    assert said.status == 0, said.err
    mine = load_node_config(machines.node_file("me"))
    theirs = load_node_config(machines.node_file("seed"))
    assert (mine.id, mine.cluster, [peer.name for peer in mine.peers]) == (2, "web", ["seed"])
    assert [peer.name for peer in theirs.peers] == ["me"]
    assert mine.two_node
    assert theirs.two_node
    key = machines.folder / "me/etc/crmshell/cluster.key"
    assert key.read_text() == "secret of seed"
    assert key.stat().st_mode & 0o077 == 0


def test_a_seed_that_is_no_node_is_one_line(machines: Machines) -> None:
    said = machines.crm("me", "cluster", "join", "seed", "--addr", "10.0.0.2", "--no-start")
    assert said.status == 1
    assert said.err.count("\n") == 1
    assert "node.conf" in said.err


@pytest.mark.parametrize("name", ["-oProxyCommand=x", "a b", "$(x)", ""])
def test_a_name_that_is_none_never_reaches_ssh(machines: Machines, name: str) -> None:
    said = machines.crm("me", "cluster", "join", name, "--addr", "10.0.0.2")
    assert said.status == 1
    assert not (machines.folder / "log").exists()


def test_a_stopped_agent_is_said_by_health_with_what_to_do(machines: Machines) -> None:
    init_seed(machines)
    said = machines.crm("seed", "cluster", "health")
    assert said.status == 1
    assert "FAIL agent" in said.out
    assert "crm cluster start" in said.err


def test_the_units_are_written_below_the_root(machines: Machines) -> None:
    agent = machines.folder / "crm-agent"
    agent.write_text("")
    agent.chmod(0o755)
    said = machines.crm("me", "cluster", "install-units", PATH=str(machines.folder))
    assert said.status == 0, said.err
    unit = (machines.folder / "me/etc/systemd/system/crm-agent.service").read_text()
    assert "Type=notify" in unit
    assert "KillMode=process" in unit
    assert "@AGENT@" not in unit
    start = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    assert start.endswith("/crm-agent")
    assert (machines.folder / "me/etc/sysusers.d/crmshell.conf").exists()
    assert (machines.folder / "me/etc/tmpfiles.d/crmshell.conf").exists()


def test_commands_run_on_the_named_nodes(machines: Machines) -> None:
    said = machines.crm("me", "cluster", "run", "echo hello", "seed", "other")
    assert said.out == "seed:\n  hello\nother:\n  hello\n"
    failed = machines.crm("me", "cluster", "run", "exit 3", "seed")
    assert (failed.status, failed.out) == (1, "seed (status 3):\n")


def test_start_on_all_nodes_is_the_same_command_there(machines: Machines) -> None:
    init_seed(machines)
    machines.crm(
        "me", "cluster", "join", "seed", "--addr", "10.0.0.2", "--node", "me", "--no-start"
    )
    machines.crm("me", "cluster", "enable", "seed")
    assert "seed: crm -F cluster enable" in machines.log


def test_numbers_grow_and_two_nodes_have_their_rule() -> None:
    one = first_node("n1", "c", (Address("10.0.0.1"),))
    two = joining_node(one, "n2", (Address("10.0.0.2"),))
    one = with_node(one, as_peer(two))
    three = joining_node(one, "n3", (Address("10.0.0.3"),))
    assert (two.id, three.id) == (2, 3)
    assert (one.two_node, three.two_node) == (True, False)
    assert [peer.name for peer in without_node(three, "n1").peers] == ["n2"]
    assert without_node(three, "n1").two_node


def test_a_taken_name_or_address_is_refused() -> None:
    one = first_node("n1", "c", (Address("10.0.0.1"),))
    with pytest.raises(ShellError, match="node n1 already"):
        joining_node(one, "n1", (Address("10.0.0.2"),))
    with pytest.raises(ShellError, match=r"10\.0\.0\.1 already"):
        joining_node(one, "n2", (Address("10.0.0.1"),))
    with pytest.raises(ShellError, match="did you mean"):
        without_node(joining_node(one, "node2", (Address("10.0.0.2"),)), "n11")
