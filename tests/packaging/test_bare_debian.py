"""The Debian package on a bare Debian: installed, used, upgraded, removed, purged.

Needs root, debootstrap and a mirror. `DEBIAN_TREE` may name a tree that debootstrap made, which is copied
then; `DEBIAN_MIRROR` the mirror.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
OLD, NEW = "0.0.9", "0.1.0"
MINUTES = 60
CIB = """primitive web ocf:pacemaker:Dummy op monitor interval=10s
property stonith-enabled=false
"""

pytestmark = [pytest.mark.deb, pytest.mark.timeout(20 * MINUTES)]


class Tree:
    """A bare Debian in a folder; commands run in network, process and mount namespaces of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, script: str, *, may_fail: bool = False) -> str:
        """Output of a shell script inside, standard error included."""
        before = "mount --bind /dev dev && mount -t proc proc proc && mount -t tmpfs tmpfs run"
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c"]
        argv.append(f'cd "$1" && {before} && exec chroot . /bin/sh -euc "$2"')
        done = subprocess.run(
            [*argv, "sh", str(self.folder), script],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=10 * MINUTES,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"},
        )  # fmt: skip
        assert may_fail or done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def alone(self, script: str) -> str:
        """The same without the network of this machine: only loopback."""
        self.write("root/script", script)
        return self.run("unshare --net sh -euc 'ip link set lo up; . /root/script'")

    def apt(self, words: str) -> str:
        return self.run(f"apt-get {words} 2>&1")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def has(self, path: str) -> bool:
        return os.path.lexists(self.folder / path)


@contextlib.contextmanager
def bare_tree(factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A bare Debian in which nothing starts, whatever is installed; skips where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("a bare Debian in a folder needs root")
    if not shutil.which("debootstrap"):
        pytest.skip("debootstrap is not installed: sh .ci/system-deps deb")
    folder = factory.mktemp("debian") / "tree"
    if made := os.environ.get("DEBIAN_TREE"):
        subprocess.run(["cp", "-a", made, str(folder)], check=True)
    else:
        argv = ["debootstrap", "--variant=minbase", "bookworm", str(folder), MIRROR]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    tree = Tree(folder)
    tree.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    (folder / "usr/sbin/policy-rc.d").chmod(0o755)
    tree.apt("update")
    try:
        yield tree
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(tree: Tree) -> None:
    """The package in two versions, in the tree's /root."""
    for version in (OLD, NEW):
        argv = [str(ROOT / "packaging/build-deb"), str(tree.folder / "root"), version]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with bare_tree(tmp_path_factory) as tree:
        build(tree)
        yield tree


def install(tree: Tree, version: str) -> str:
    return tree.apt(f"install -y --no-install-recommends /root/crmshell_{version}_all.deb")


def version_inside(tree: Tree) -> str:
    return tree.run("dpkg-query -W -f '${Version} ${Status}' crmshell", may_fail=True)


@pytest.fixture(scope="module")
def old(tree: Tree) -> Tree:
    """The older version is installed, with real agents and manual pages beside it."""
    install(tree, OLD)
    tree.apt("install -y --no-install-recommends pacemaker-resource-agents man-db")
    return tree


def test_it_is_installed_with_user_group_and_folders(old: Tree) -> None:
    assert version_inside(old) == f"{OLD} install ok installed"
    assert "hacluster" in old.run("id hacluster")
    assert old.run("stat -c '%a %U %G' /var/lib/crmshell").strip() == "750 root haclient"
    assert not old.has("etc/systemd/system/multi-user.target.wants/crm-agent.service")


def test_real_agents_need_no_pacemaker_beside_it(old: Tree) -> None:
    installed = old.run("dpkg-query -W -f '${Package}\\n'").split()
    assert "pacemaker-resource-agents" in installed
    assert not {"pacemaker", "pacemaker-cli-utils", "crmsh", "pcs"} & set(installed)


def test_the_shell_works_on_a_file(old: Tree) -> None:
    old.write("root/web.crm", CIB)
    assert "primitive" in old.run("crm help configure")
    old.run("crm cib create /root/cib.xml")
    old.run("CIB_file=/root/cib.xml crm configure < /root/web.crm")
    shown = old.run("CIB_file=/root/cib.xml crm configure show")
    assert "primitive web ocf:pacemaker:Dummy" in shown
    assert "web" in old.run("crm_simulate -x /root/cib.xml -S")
    assert old.run("crm_verify -x /root/cib.xml") == ""
    assert "web" in old.run("CIB_file=/root/cib.xml pcs resource status")
    assert "state" in old.run("crm ra info ocf:pacemaker:Dummy")


def test_every_program_starts_and_has_its_page(old: Tree) -> None:
    listed = old.run("dpkg -L crmshell").split()
    names = [path.rpartition("/")[2] for path in listed if path.startswith("/usr/bin/")]
    assert len(names) > 20
    for name in names:
        word = "--version" if name in ("crm", "pcs") else "--help"
        assert old.run(f"/usr/sbin/{name} {word}").strip()
        assert old.run(f"man -w {name}").strip() == f"/usr/share/man/man8/{name}.8.gz"


def test_a_cluster_of_one_node_is_made_and_runs_a_resource(old: Tree) -> None:
    said = old.alone("""
        crm cluster init --name one --addr 127.0.0.1 --node n1
        crm -w configure < /root/web.crm
        crm status
        crm cluster stop
    """)
    assert re.search(r"web\s+\(ocf::?pacemaker:Dummy\):\s+Started n1", said), said
    # There is no systemd inside, and so nothing that would start the node after a boot.
    assert "does not come back after a boot" in said


def test_an_upgrade_keeps_state_and_what_was_edited(old: Tree) -> None:
    before = old.run(
        "cat /etc/crmshell/node.conf; find /var/lib/crmshell -type f -exec md5sum {} +"
    )
    old.run("sed -i 's/^description=.*/description=edited here/' /etc/ufw/applications.d/crmshell")
    install(old, NEW)
    assert version_inside(old) == f"{NEW} install ok installed"
    assert "edited here" in old.run("cat /etc/ufw/applications.d/crmshell")
    after = old.run("cat /etc/crmshell/node.conf; find /var/lib/crmshell -type f -exec md5sum {} +")
    assert after == before
    said = old.alone("crm cluster start; crm configure show; crm cluster stop")
    assert "primitive web ocf:pacemaker:Dummy" in said


def test_pacemakers_packages_and_this_one_are_not_installed_together(old: Tree) -> None:
    for other in ("pacemaker", "pacemaker-cli-utils", "crmsh", "pcs"):
        plan = old.apt(f"-s install --no-install-recommends {other}")
        assert re.search(r"^Remv crmshell ", plan, re.MULTILINE), plan


def test_it_is_removed_and_purged_and_the_cluster_is_kept(old: Tree) -> None:
    old.apt("remove -y crmshell")
    assert version_inside(old) == f"{NEW} deinstall ok config-files"
    for path in ("usr/bin/crm", "usr/sbin/crm", "lib/systemd/system/crm-agent.service"):
        assert not old.has(path)
    left = old.run("find /usr/lib/python3/dist-packages/crmshell /usr/lib/python3/dist-packages/engine -print", may_fail=True)  # fmt: skip
    assert "No such file" in left
    said = old.apt("purge -y crmshell")
    assert "/var/lib/crmshell is kept" in said
    assert not old.has("etc/ufw/applications.d/crmshell")
    assert old.has("etc/crmshell/node.conf")
    assert old.has("etc/crmshell/cluster.key")
    assert old.has("var/lib/crmshell/cib")


def test_it_takes_the_place_of_pacemakers_packages(old: Tree) -> None:
    old.apt("install -y --no-install-recommends pacemaker-cli-utils crmsh")
    said = install(old, NEW)
    assert "Removing crmsh" in said
    assert version_inside(old) == f"{NEW} install ok installed"
    assert "/usr/bin/crm" in old.run("dpkg -S /usr/bin/crm")
    # What the cluster had is found again.
    shown = old.alone("crm cluster start; crm configure show; crm cluster stop")
    assert "primitive web ocf:pacemaker:Dummy" in shown
