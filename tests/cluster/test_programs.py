"""Programs as the local resource manager runs them: real processes, time limits, output, a crash between."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.edges.clock import RealClock
from engine.edges.operations import Operations
from engine.edges.processes import KEPT_BYTES, Processes, check_program
from engine.lrm.api import LrmOp, LrmResult, OpStatus
from engine.lrm.command import AgentPaths
from engine.lrm.journal import bytes_from_inflight, inflight_from_bytes

AGENT = """#!/bin/sh
case "$1" in
    start) {start} ;;
    stop) exit 0 ;;
    monitor) [ -e "$OCF_RESKEY_flag" ] || exit 7 ;;
    env) env ;;
esac
"""


def _written(path: Path) -> bool:
    """Whether a file is there and no longer empty: a shell makes it before it writes."""
    return path.exists() and path.stat().st_size > 0


class Bench:
    """A resource manager of its own, with agents that the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: list[LrmResult] = []
        self.may_start = True
        agents = folder / "ocf" / "resource.d" / "test"
        agents.mkdir(parents=True, exist_ok=True)
        (folder / "run").mkdir(exist_ok=True)
        self.agents = agents

    def open(self) -> Operations:
        paths = AgentPaths(ocf_root=str(self.folder / "ocf"), resource_state=str(self.folder))
        clock = RealClock(asyncio.get_running_loop())
        made = Operations(
            "n1",
            str(self.folder / "run"),
            paths,
            Processes(),
            clock,
            self.results.append,
            lambda: self.may_start,
        )
        made.load()
        return made

    def agent(self, name: str, start: str) -> None:
        path = self.agents / name
        path.write_text(AGENT.format(start=start))
        path.chmod(0o755)

    def op(self, name: str, operation: str, timeout_ms: int = 60_000, **parameters: str) -> LrmOp:
        return LrmOp(
            "db", "ocf", "test", name, operation, timeout_ms=timeout_ms, parameters=parameters
        )

    async def until(self, check: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def result(self) -> LrmResult:
        await self.until(lambda: self.results)
        return self.results.pop(0)


def run(folder: Path, work: Callable[[Bench], Awaitable[None]]) -> None:
    asyncio.run(_run(Bench(folder), work))


async def _run(bench: Bench, work: Callable[[Bench], Awaitable[None]]) -> None:
    await work(bench)


def test_an_agent_runs_with_its_parameters_and_its_own_words_are_kept(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("a", 'echo "ocf-exit-reason:no $OCF_RESKEY_what" >&2; exit 5')
        operations = bench.open()
        operations.request(bench.op("a", "start", what="disk"))
        result = await bench.result()
        assert (result.rc, result.status, result.reason) == (5, OpStatus.DONE, "no disk")
        operations.close()

    run(tmp_path, work)


def test_a_slow_agent_is_killed_with_its_children(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("a", "sleep 77 & echo $! > $HA_RSCTMP/child; wait")
        operations = bench.open()
        operations.request(bench.op("a", "start", timeout_ms=2000))
        result = await bench.result()
        assert result.status == OpStatus.TIMED_OUT
        child = int((tmp_path / "child").read_text())
        await bench.until(lambda: not is_alive(child))
        operations.close()

    run(tmp_path, work)


def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_up_the_result(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("a", "setsid sleep 300 & echo $! > $HA_RSCTMP/daemon; exit 0")
        operations = bench.open()
        operations.request(bench.op("a", "start"))
        assert (await bench.result()).rc == 0
        daemon = int((tmp_path / "daemon").read_text())
        assert is_alive(daemon), "the result did not wait for it"
        os.kill(daemon, signal.SIGKILL)
        operations.close()

    run(tmp_path, work)


def test_a_flood_of_output_is_cut_in_the_middle(tmp_path: Path) -> None:
    kept: list[bytes] = []

    async def work(bench: Bench) -> None:
        done = asyncio.Event()

        def ended(code: int, stdout: bytes, stderr: bytes) -> None:
            kept.append(stdout)
            done.set()

        Processes().spawn(
            ["/bin/sh", "-c", "echo first; yes | head -c 5000000; echo last"], {}, b"", ended
        )
        await asyncio.wait_for(done.wait(), 60)

    run(tmp_path, work)
    assert kept[0].startswith(b"first\n")
    assert kept[0].endswith(b"last\n")
    assert len(kept[0]) < 2 * KEPT_BYTES + 100


def test_a_missing_agent_is_not_installed_and_a_name_with_dots_reaches_no_file(
    tmp_path: Path,
) -> None:
    async def work(bench: Bench) -> None:
        operations = bench.open()
        operations.request(bench.op("nothing", "monitor"))
        result = await bench.result()
        assert (result.rc, result.status) == (5, OpStatus.NOT_INSTALLED)
        operations.request(bench.op("../../../../bin/true", "monitor"))
        result = await bench.result()
        assert (result.rc, result.status) == (6, OpStatus.ERROR)
        operations.close()

    run(tmp_path, work)


def test_without_authority_nothing_is_started_but_a_stop_is_done(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("a", "exit 0")
        bench.may_start = False
        operations = bench.open()
        operations.request(bench.op("a", "start"))
        assert "no authority" in (await bench.result()).reason
        operations.request(bench.op("a", "stop"))
        assert (await bench.result()).is_success
        operations.close()

    run(tmp_path, work)


def test_after_a_crash_the_history_is_there_and_an_interrupted_operation_is_forgotten(
    tmp_path: Path,
) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("quick", "exit 0")
        bench.agent("slow", "echo $$ > $HA_RSCTMP/pid; sleep 77")
        (tmp_path / "flag").touch()
        first = bench.open()
        first.request(bench.op("quick", "start"))
        await bench.result()
        monitor = LrmOp(
            "db",
            "ocf",
            "test",
            "quick",
            "monitor",
            200,
            60_000,
            parameters={"flag": f"{tmp_path}/flag"},
        )
        first.request(monitor)
        await bench.result()
        first.request(
            LrmOp("web", "ocf", "test", "slow", "start", timeout_ms=4000, meta={}, parameters={})
        )
        await bench.until(lambda: _written(tmp_path / "pid"))
        first.save_now()
        first._timers.stop_all()  # the agent is gone, and with it what it would still have done

        second = bench.open()
        assert second.in_flight == ("web_start_0",)
        assert [op.operation for op in second.core.recurring] == ["monitor"]
        assert second.core.last_call >= 3
        (tmp_path / "flag").unlink()
        result = await bench.result()
        while result.rc == 0:
            result = await bench.result()
        assert (result.op.operation, result.rc) == ("monitor", 7)
        pid = int((tmp_path / "pid").read_text())
        await bench.until(lambda: not is_alive(pid))
        await bench.until(lambda: list(second.history.resources) == ["db"])
        second.close()

    run(tmp_path, work)


def test_nothing_is_done_to_a_resource_before_the_program_of_an_earlier_life_is_gone(
    tmp_path: Path,
) -> None:
    """Also when that life ended before it could note which process it was."""

    async def work(bench: Bench) -> None:
        bench.agent(
            "slow", "echo $$ > $HA_RSCTMP/pid; while [ -e $HA_RSCTMP/hold ]; do sleep 0.05; done"
        )
        (tmp_path / "hold").touch()
        first = bench.open()
        first.request(bench.op("slow", "start"))
        await bench.until(lambda: _written(tmp_path / "pid"))
        first._timers.stop_all()
        [note] = (tmp_path / "run/inflight").iterdir()
        known = inflight_from_bytes(note.read_bytes())
        assert known.pid == int((tmp_path / "pid").read_text())
        note.write_bytes(bytes_from_inflight(replace(known, pid=0, start_ticks=0)))
        bench.open()._timers.stop_all()  # a second life, just as short

        told: list[tuple[str, ...]] = []
        bench.results = []  # what the lives before still say here would have gone with them
        third = bench.open()
        third._renewed = lambda: told.append(third.in_flight)
        assert third.in_flight == ("db_start_0",)
        third.request(bench.op("slow", "monitor"))
        await asyncio.sleep(0.3)
        assert bench.results == []
        (tmp_path / "hold").unlink()
        await bench.until(lambda: told)
        assert third.history.resources == {}
        assert [result.is_cancelled for result in bench.results] == [True]
        third.request(bench.op("slow", "monitor"))
        await bench.until(lambda: len(bench.results) > 1)
        third.close()
        assert list((tmp_path / "run/inflight").iterdir()) == []

    run(tmp_path, work)


def test_a_program_outside_its_folder_or_writable_by_all_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    folder.mkdir()
    own = folder / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    check_program(str(own), str(folder))
    own.chmod(0o757)
    with pytest.raises(EngineError) as caught:
        check_program(str(own), str(folder))
    assert caught.value.status == ExitStatus.INSUFFICIENT_PRIV
    outside = tmp_path / "outside"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    (folder / "link").symlink_to(outside)
    with pytest.raises(EngineError, match="leads out"):
        check_program(str(folder / "link"), str(folder))


def test_a_program_of_another_user_is_refused_unless_that_is_the_owner_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a user namespace the system's files belong to a number that stands for its root."""
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    stranger, system, look = 4711, 65534, os.stat

    def stat_as(owner: int) -> Callable[..., os.stat_result]:
        def seen(path: str) -> os.stat_result:
            found = list(look(path))
            found[4] = system if path == "/" else owner
            return os.stat_result(found)

        return seen

    monkeypatch.setattr("engine.edges.processes.os.stat", stat_as(stranger))
    with pytest.raises(EngineError, match="not owned by root"):
        check_program(str(own), str(tmp_path))
    monkeypatch.setattr("engine.edges.processes.os.stat", stat_as(system))
    check_program(str(own), str(tmp_path))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_the_group_gets_the_signal(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        codes: list[int] = []
        program = Processes().spawn(
            ["/bin/sh", "-c", "sleep 60"], {}, b"", lambda code, out, err: codes.append(code)
        )
        program.signal_group(signal.SIGTERM)
        await bench.until(lambda: codes)
        assert codes == [-signal.SIGTERM]

    run(tmp_path, work)


def test_an_agent_that_others_may_write_is_never_run(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        bench.agent("a", "touch $HA_RSCTMP/ran; exit 0")
        (bench.agents / "a").chmod(0o757)
        operations = bench.open()
        operations.request(bench.op("a", "start"))
        result = await bench.result()
        assert not (tmp_path / "ran").exists()
        assert result.status == OpStatus.ERROR
        operations.close()

    run(tmp_path, work)
