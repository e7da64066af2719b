"""Joins and removals at once, in generated interleavings and with machines lost half-way.

Each `crm` is a thread that does one step (a command on a node, a file, a lock) when it is told to. The
scripts are run for real on folders that stand for machines; only the locks are a model of `flock`.
"""

from __future__ import annotations

import io
import random
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmshell.app import run
from crmshell.environment import Environment, Finished
from engine.base.nodeconf import NodeConfig, load_node_config, node_config_to_text

SECONDS = 60.0


class Killed(BaseException):
    """The machine has lost its power."""


class Steps:
    """Who may do the next step; exactly one of the commands runs at a time."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._running = ""
        self.waiting: dict[str, Any] = {}
        self.locks: dict[str, str] = {}

    def wait_for_turn(self, name: str, wants_lock: str = "") -> None:
        """Called by a command before each step."""
        with self._turn:
            self.waiting[name] = wants_lock
            self._running = ""
            self._turn.notify_all()
            assert self._turn.wait_for(lambda: self._running == name, SECONDS)
            del self.waiting[name]

    def leave(self, name: str) -> None:
        with self._turn:
            self.waiting.pop(name, None)
            for place in [place for place, owner in self.locks.items() if owner == name]:
                del self.locks[place]
            self._running = ""
            self._turn.notify_all()

    def ready(self, alive: set[str]) -> list[str]:
        """Wait until nobody runs; those that could go on now."""
        with self._turn:
            is_quiet = lambda: not self._running and set(self.waiting) == alive  # noqa: E731
            assert self._turn.wait_for(is_quiet, SECONDS)
            return sorted(n for n, lock in self.waiting.items() if lock not in self.locks)

    def go(self, name: str) -> None:
        with self._turn:
            self._running = name
            self._turn.notify_all()
            assert self._turn.wait_for(lambda: self._running != name, SECONDS)


class HeldLock:
    """What `flock` on a member says."""

    def __init__(self, environment: Machine, place: str) -> None:
        self._environment, self._place = environment, place

    def read_line(self, seconds: float) -> str:
        self._environment.step(self._place)
        self._environment.steps.locks[self._place] = self._environment.name
        return "locked"

    def complaint(self) -> str:
        return ""


class Machine(Environment):
    """One run of `crm` on a machine that is a folder."""

    folder: Path
    name: str
    steps: Steps
    dead: bool
    now: float

    def step(self, wants_lock: str = "") -> None:
        if self.dead:
            raise Killed
        self.steps.wait_for_turn(self.name, wants_lock)
        if self.dead:
            raise Killed

    @property
    def hostname(self) -> str:
        return self.name.partition("'")[0]

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", **more: Any) -> Finished:
        self.step()
        if argv[0] == "ssh":
            line = argv[2].replace(self.root, str(self.folder / argv[1]))
            if line.startswith("crm"):
                return Finished(0, b"", b"")
            argv = ["sh", "-c", line]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def held_program(self, argv: Sequence[str]) -> Iterator[Any]:
        place = argv[1] if argv[0] == "ssh" else self.hostname
        try:
            yield HeldLock(self, place)
        finally:
            if self.steps.locks.get(place) == self.name:
                del self.steps.locks[place]

    def write_file(self, path: str, data: bytes, *, private: bool = False) -> None:
        self.step()
        super().write_file(path, data, private=private)

    def remove_file(self, path: str) -> bool:
        self.step()
        return super().remove_file(path)

    def own_program(self, name: str) -> str:
        return ""  # No agent is started: what is looked at are the files.

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class World:
    """Machines h1 and h2, which are a cluster, and j1 to j3, which would like to be in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps = Steps()
        self.status: dict[str, int] = {}
        self.said: dict[str, io.StringIO] = {}
        self._threads: dict[str, tuple[threading.Thread, Machine]] = {}
        one = load_node_config(
            "[node]\nname=h1\nid=1\naddress=10.0.0.1\n[peers]\nh2=2 10.0.0.2\n[quorum]\ntwo-node=yes\n"
        )
        two = load_node_config(
            "[node]\nname=h2\nid=2\naddress=10.0.0.2\n[peers]\nh1=1 10.0.0.1\n[quorum]\ntwo-node=yes\n"
        )
        for name, config in {"h1": one, "h2": two, "j1": None, "j2": None, "j3": None}.items():
            place = folder / name / "etc/crmshell"
            place.mkdir(parents=True)
            if config is not None:
                (place / "node.conf").write_text(node_config_to_text(config))
                (place / "cluster.key").write_text("secret")

    def begin(self, name: str, *words: str) -> None:
        """Start a `crm` on a machine; `name` is the machine's, and more after a quote."""
        said = self.said[name] = io.StringIO()
        machine = Machine(
            stdin=io.StringIO(),
            stdout=said,
            stderr=said,
            variables={
                "CRMSHELL_ROOT": str(self.folder / name.partition("'")[0]),
                "CRM_SSH": "ssh",
                "HOME": str(self.folder / "home"),
                "PATH": "/usr/bin:/bin",
            },
        )
        machine.folder, machine.name, machine.steps = self.folder, name, self.steps
        machine.dead, machine.now = False, 0.0
        machine.clock = lambda: machine.now
        thread = threading.Thread(target=self._run, args=(machine, words), daemon=True)
        self._threads[name] = thread, machine

    def _run(self, machine: Machine, words: tuple[str, ...]) -> None:
        try:
            machine.step()
            self.status[machine.name] = run(("-F", *words), machine)
        except Killed:
            pass
        finally:
            self.steps.leave(machine.name)

    def play(self, rng: random.Random, kills: int) -> None:
        """Step by step in any order until all have ended; some machines are lost on the way."""
        for thread, _ in self._threads.values():
            thread.start()
        alive = set(self._threads)
        while alive:
            ready = self.steps.ready(alive)
            assert ready, f"nobody can go on: {self.steps.waiting} {self.steps.locks}"
            name = rng.choice(ready)
            if kills and name.startswith("j") and rng.random() < 0.1:
                kills -= 1
                self._threads[name][1].dead = True
            self.steps.go(name)
            alive = {one for one in alive if one in self.steps.waiting}
        for thread, _ in self._threads.values():
            thread.join(SECONDS)
        self._threads.clear()

    def config(self, name: str) -> NodeConfig | None:
        path = self.folder / name / "etc/crmshell/node.conf"
        return load_node_config(path.read_text()) if path.exists() else None


def join(world: World, name: str, number: int, seed: str) -> None:
    machine = name.partition("'")[0]
    words = (seed, "--addr", f"10.0.1.{number}", "--node", machine, "--no-start")
    world.begin(name, "cluster", "join", *words)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), seeds=st.lists(st.sampled_from(["h1", "h2"]), min_size=3))
def test_joins_at_once_make_one_cluster(seed: int, seeds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for number in (1, 2, 3):
            join(world, f"j{number}", number, seeds[number - 1])
        world.play(random.Random(seed), kills=0)
        assert set(world.status.values()) == {0}, [one.getvalue() for one in world.said.values()]
        configs = [world.config(name) for name in ("h1", "h2", "j1", "j2", "j3")]
        lists = {config.everyone() for config in configs if config is not None}
        assert len(lists) == 1
        assert [node.id for node in lists.pop()] == [1, 2, 3, 4, 5]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), kills=st.integers(0, 2))
def test_whatever_breaks_off_no_id_is_given_twice_and_the_next_join_says_so(
    seed: int, kills: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        join(world, "j1", 1, "h1")
        join(world, "j2", 2, "h2")
        world.begin("h1", "cluster", "remove", "h2")
        world.play(random.Random(seed), kills)
        names = [name for name in ("h1", "h2", "j1", "j2") if world.config(name) is not None]
        known: dict[int, set[str]] = {}
        for name in names:
            config = world.config(name)
            assert config is not None
            for node in config.everyone():
                known.setdefault(node.id, set()).add(node.name)
        assert all(len(who) == 1 for who in known.values()), known
        for name, status in world.status.items():
            if name.startswith("j") and status == 0:
                mine = world.config(name)
                theirs = world.config("h1")
                assert mine is not None
                assert theirs is not None
                assert theirs.node_id(name) == mine.id
            elif name.startswith("j"):
                assert world.config(name) is None
                assert not (Path(folder) / name / "etc/crmshell/cluster.key").exists()
        members = [name for name in ("h1", "h2") if world.config(name) is not None]
        lists = {str(sorted(n.name for n in world.config(m).everyone())) for m in members}  # type: ignore[union-attr]
        join(world, "j3", 3, "h1")
        world.play(random.Random(seed), kills=0)
        if world.status["j3"]:
            assert "is missing" not in world.said["j3"].getvalue()
            assert (
                len(lists) > 1 or world.status.get("j1") is None or world.status.get("j2") is None
            )
            assert any(
                hint in world.said["j3"].getvalue() for hint in ("crm cluster remove", "j1:", "j2:")
            ), world.said["j3"].getvalue()
