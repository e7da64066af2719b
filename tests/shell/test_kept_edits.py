"""Edits of a CIB file that cannot be written: kept, offered at the next start, the file untouched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from terminal import CIB, Terminal

from crmshell import repl

EDIT = "property batch-limit=7"
# A mount namespace of our own, as root or as an ordinary user who may have one.
PRIVATE = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-Urm")


def kept_files(folder: Path) -> list[Path]:
    return sorted((folder / ".local/state/crm").glob("pending-*"))


def edited(crm: Terminal) -> Terminal:
    crm.prompt("configure")
    crm.type(EDIT)
    return crm


def mounted(disk: Path, script: str) -> tuple[str, ...]:
    """A program that runs another one after `script` in a mount namespace; skips where none may be."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    command = ("sh", "-c", f'disk=$1; shift; {script} && exec "$@"', "sh", str(disk))
    tried = subprocess.run([*PRIVATE, *command, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"mounts are not permitted here: {tried.stderr.decode().strip()}")
    return (*PRIVATE, *command)


def goes_on_with_the_edit(crm: Terminal) -> None:
    """The next start offers the edit; a commit stores it and leaves nothing kept behind."""
    crm.sees("could not be committed. Go on with them (Y/n)?")
    crm.keys("\r")
    crm.prompt("configure")
    assert "batch-limit=7" in crm.type("show")
    crm.keys("commit\r")
    crm.prompt("configure")
    crm.keys("quit\r")
    assert crm.ends() == 0
    assert 'value="7"' in crm.cib.read_text()
    assert kept_files(crm.folder) == []


def test_a_hang_up_keeps_the_edit_of_a_file(tmp_path: Path) -> None:
    crm = edited(Terminal(tmp_path, "configure"))
    crm.child.kill(signal.SIGHUP)
    assert crm.ends() == 129
    assert crm.cib.read_text() == CIB
    assert len(kept_files(tmp_path)) == 1
    goes_on_with_the_edit(Terminal(tmp_path))


def test_a_killed_edit_that_failed_to_commit_is_offered_again(tmp_path: Path) -> None:
    crm = edited(Terminal(tmp_path, "configure"))
    crm.cib.unlink()
    said = crm.type("commit")
    assert "no such file" in said
    assert "offered at the next start" in said
    assert "batch-limit=7" in crm.type("show")
    crm.child.kill(signal.SIGKILL)
    crm.ends()
    goes_on_with_the_edit(Terminal(tmp_path))


def test_a_file_on_a_full_disk_stays_as_it_is_and_the_edit_is_kept(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    big = CIB.replace("<resources/>", f"<resources><!-- {'x' * 20000} --></resources>")
    (disk / "cib.xml").write_text(big)
    (tmp_path / "cib.xml").write_text(big)
    under = mounted(
        disk,
        'cp "$disk/cib.xml" "$disk.xml" && mount -t tmpfs -o size=40k none "$disk"'
        ' && cp "$disk.xml" "$disk/cib.xml"',
    )
    crm = Terminal(tmp_path, "configure", under=under, CIB_file=str(disk / "cib.xml"))
    said = edited(crm).type("commit")
    assert "No space left on device" in said
    assert "offered at the next start" in said
    crm.type(f"save {tmp_path}/saved")
    there = Path(f"/proc/{crm.child.pid}/root{disk}")
    assert sorted(path.name for path in there.iterdir()) == ["cib.xml"]
    assert (there / "cib.xml").read_text() == big
    crm.child.close(force=True)
    second = Terminal(tmp_path, CIB_file=str(disk / "cib.xml"))
    second.cib = disk / "cib.xml"
    goes_on_with_the_edit(second)


def test_a_read_only_file_stays_as_it_is_and_the_edit_is_kept(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "cib.xml").write_text(CIB)
    under = mounted(disk, 'mount --bind "$disk" "$disk" && mount -o remount,ro,bind "$disk"')
    crm = Terminal(tmp_path, "configure", under=under, CIB_file=str(disk / "cib.xml"))
    said = edited(crm).type("commit")
    assert "cib.xml: " in said
    assert "offered at the next start" in said
    assert (disk / "cib.xml").read_text() == CIB
    crm.child.close(force=True)
    second = Terminal(tmp_path, CIB_file=str(disk / "cib.xml"))
    second.cib = disk / "cib.xml"
    goes_on_with_the_edit(second)


def test_the_edit_of_a_shadow_is_offered_for_that_shadow_only(tmp_path: Path) -> None:
    crm = Terminal(tmp_path)
    crm.prompt()
    crm.type("cib new try")
    crm.sees("crm(try)#")
    crm.type("configure")
    crm.type(EDIT)
    crm.child.kill(signal.SIGHUP)
    crm.ends()
    live = Terminal(tmp_path, "configure")
    live.prompt("configure")
    assert "batch-limit" not in live.type("show")
    live.child.close(force=True)
    shadow = Terminal(tmp_path, "-c", "try")
    shadow.sees("Go on with them (Y/n)?")
    shadow.keys("n\r")
    shadow.sees("Throw them away (y/n)?")
    shadow.keys("y\r")
    shadow.sees("crm(try)#")
    assert kept_files(tmp_path) == []


def test_an_edit_that_is_in_the_file_already_is_not_offered(tmp_path: Path) -> None:
    crm = edited(Terminal(tmp_path, "configure"))
    crm.child.kill(signal.SIGHUP)
    crm.ends()
    again = Terminal(tmp_path, XDG_STATE_HOME=str(tmp_path / "elsewhere"))
    again.prompt()
    again.type(f"configure {EDIT}")
    again.keys("y\r")
    again.prompt()
    again.child.close(force=True)
    third = Terminal(tmp_path)
    assert "Go on" not in third.prompt()
    third.child.close(force=True)
    assert kept_files(tmp_path) == []


def test_two_editors_of_one_file_see_each_others_edit_in_conflict(tmp_path: Path) -> None:
    first = Terminal(tmp_path, "configure", USER="alice", LOGNAME="alice")
    first.prompt("configure")
    first.type("property batch-limit=7")
    first.type("property node-health-red=5")
    second = Terminal(tmp_path, "configure", USER="bob", LOGNAME="bob")
    second.prompt("configure")
    second.type("property batch-limit=8")
    second.type("node n1 attributes rack=r1")
    second.type("commit")
    second.child.close(force=True)
    said = first.type("commit")
    assert "conflict: cluster_property_set cib-bootstrap-options" in said
    assert "last written by bob" in said
    assert "theirs: property cib-bootstrap-options: batch-limit=8" in said
    assert "yours: property cib-bootstrap-options: batch-limit=7" in said
    assert "'commit replace' overwrites" in said
    assert "ERROR" not in first.type("commit replace")
    text = first.cib.read_text()
    assert 'value="7"' in text
    assert 'name="node-health-red"' in text
    assert 'name="rack"' in text
    first.child.close(force=True)
    assert kept_files(tmp_path) == []


@pytest.mark.parametrize("moment", ["before", "start", "callback", "task", "later"])
def test_a_hang_up_ends_the_reading_of_a_line_whatever_the_event_loop_does(moment: str) -> None:
    hang_ups = repl._HangUps()
    before = signal.signal(signal.SIGHUP, hang_ups.handle)

    def hang_up() -> None:
        os.kill(os.getpid(), signal.SIGHUP)

    async def task() -> None:
        hang_up()

    def begin() -> None:
        app = get_app()
        assert app.loop is not None
        if moment == "start":
            hang_up()
        elif moment == "callback":
            app.loop.call_soon(hang_up)
        elif moment == "task":
            app.create_background_task(task())
        elif moment == "later":
            app.loop.call_later(0.05, hang_up)

    try:
        with create_pipe_input() as keys, pytest.raises(repl._HungUp):
            if moment == "before":
                hang_up()
            hang_ups.read(PromptSession[str](input=keys, output=DummyOutput()), "", begin)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_pager_shows_something_keeps_the_edit(
    tmp_path: Path, number: signal.Signals
) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGER IS THERE\nexec sleep 300\n")
    pager.chmod(0o755)
    crm = edited(Terminal(tmp_path, "configure", PAGER=str(pager)))
    crm.keys("help\r")
    crm.sees("PAGER IS THERE")
    crm.child.kill(number)
    assert crm.ends() == 129
    assert len(kept_files(tmp_path)) == 1


def test_several_signals_at_once_keep_the_edit(tmp_path: Path) -> None:
    crm = edited(Terminal(tmp_path, "configure"))
    crm.keys("show\r")
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        crm.child.kill(number)
    assert crm.ends() == 129
    assert len(kept_files(tmp_path)) == 1
