"""Runs the local resource manager: its effects become processes, timers and journal files.

What is decided is `engine.lrm.ops`; here the programs are started and their ends are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus, OcfStatus
from engine.base.programs import Command
from engine.base.seams import Child, Clock, Proc
from engine.edges.agentrules import AgentRules
from engine.edges.orphans import Journal, Orphan, end_at_once, shown_as_pending, write_over
from engine.edges.processes import check_program
from engine.edges.secrets import with_secrets
from engine.edges.timers import Timers
from engine.fencing import devices
from engine.lrm import lsb, ocf, ops, service, systemd
from engine.lrm.api import LrmOp, LrmResult, OpStatus
from engine.lrm.command import AgentPaths, Outcome, base_environment
from engine.lrm.journal import LrmMemory, MemoryWriter, memory_from_bytes
from engine.lrm.reloads import ReloadRules, digest_attributes
from engine.lrm.state import RELOADS, NodeHistory

_log = logging.getLogger(__name__)

# Without authority in the newest view a node begins none of these.
NEEDS_AUTHORITY = ("start", "promote", "migrate_to", "migrate_from")
# The end of these changes nothing: an orphan of them is ended, and not waited for.
WITHOUT_EFFECT = ("monitor", "meta-data", "validate-all")
OUTPUT_LINES = 10
LINE_CHARACTERS = 500
SYSTEMD_RUNS = "/run/systemd/system"
SAVE_SECONDS = 0.1
SAVE = "save"
_PROGRAM_MISSING = {
    ExitStatus.NOT_INSTALLED: (OcfStatus.NOT_INSTALLED, OpStatus.NOT_INSTALLED),
    ExitStatus.INSUFFICIENT_PRIV: (OcfStatus.INSUFFICIENT_PRIV, OpStatus.ERROR),
}


@dataclass(slots=True)
class _Started:
    op: LrmOp
    child: Child


class Connections(Protocol):
    """Carries out the operations of connections to remote nodes."""

    def perform(self, run: int, op: LrmOp, done: Callable[[Outcome], None]) -> None: ...

    def abort(self, run: int) -> None: ...


class Operations:
    """The local resource manager of a node.

    `report` is told every result; `has_authority` is asked just before an operation starts
    something. State files lie in `directory` (below `/run`: they last as long as the kernel does).
    `renewed` is told when what this node says of itself has changed without a report.
    """

    def __init__(
        self,
        node: str,
        directory: str,
        paths: AgentPaths,
        proc: Proc,
        clock: Clock,
        report: Callable[[LrmResult], None],
        has_authority: Callable[[], bool],
        connections: Connections | None = None,
        renewed: Callable[[], None] | None = None,
    ) -> None:
        self.history = NodeHistory(node)
        self.core = ops.LrmCore(max_running=2 * (os.cpu_count() or 1))
        self._directory = directory
        self._paths = paths
        self._proc = proc
        self._clock = clock
        self._report = report
        self._has_authority = has_authority
        self._connections = connections
        self._renewed = renewed
        self._journal = Journal(os.path.join(directory, "inflight"), clock)
        self._started: dict[int, _Started] = {}
        self._timers = Timers(clock)
        self._rules = AgentRules(paths, proc, clock)
        self._devices: set[str] = set()
        self._units: frozenset[str] = frozenset()
        self._writer = MemoryWriter()
        self._ended_runs: list[int] = []
        self._ended_orphans: list[Orphan] = []

    # ---- orders

    def request(self, op: LrmOp) -> None:
        """Do an operation when its turn comes."""
        self._rules.learn(op)
        self._handle(ops.Request(op))

    def cancel(self, resource: str, operation: str, interval_ms: int) -> None:
        """Stop repeating an operation and drop its history."""
        self.history.forget(resource, operation, interval_ms)
        self._handle(ops.Cancel(resource, operation, interval_ms))
        self._save()

    def forget(self, resource: str) -> None:
        """Drop everything about a resource."""
        self.history.forget(resource)
        self._devices.discard(resource)
        self._handle(ops.Forget(resource))
        self._save()

    def forget_failure(self, resource: str) -> None:
        """Drop the record of the last failure of a resource."""
        self.history.forget_failure(resource)
        self._save()

    def hurry(self, resource: str) -> None:
        """Look at a resource now: something happened to it."""
        self._handle(ops.Hurry(resource))

    def drop_queued(self) -> None:
        """Begin nothing that another DC asked for."""
        self._handle(ops.DropQueued())

    @property
    def in_flight(self) -> tuple[str, ...]:
        """Keys of the operations that run or wait and will be reported."""
        return self.core.outstanding

    def learn_units(self) -> None:
        """Ask systemd, where it runs, for its units: the class `service` prefers them."""
        if not os.path.isdir(SYSTEMD_RUNS) or not os.path.exists(self._paths.systemctl):
            return

        def done(code: int, stdout: bytes, stderr: bytes) -> None:
            lines = stdout.decode("utf-8", "replace").splitlines()
            self._units = frozenset(line.split()[0] for line in lines if line.strip())

        argv = [self._paths.systemctl, "list-unit-files", "--no-legend", "--plain", "--no-pager"]
        with contextlib.suppress(OSError):
            self._proc.spawn(argv, base_environment(self._paths), b"", done)

    # ---- the life of the agent

    def load(self) -> None:
        """Take up what an earlier life of this agent left: history, repeated operations, processes.

        A resource with an operation that was in flight loses its history, so that it is probed, but
        not before the program is gone: until then it is shown as pending, and its resource waits.
        """
        self._journal.prepare()
        memory = self._read_memory()
        self.core.last_call = memory.last_call
        self.history.resources = {records.id: records for records in memory.history}
        self._devices = {records.id for records in memory.history if records.standard == "stonith"}
        orphans = self._journal.orphans()
        for number, orphan in enumerate(orphans, 1):
            self._adopt(number, orphan)
        self.save_now()
        interrupted = {orphan.op.resource for orphan in orphans if orphan.op.interval_ms == 0}
        for op in memory.recurring:
            if op.resource not in interrupted:
                self.request(op)

    def _read_memory(self) -> LrmMemory:
        try:
            with open(self._memory_path, "rb") as file:
                return memory_from_bytes(file.read())
        except FileNotFoundError:
            pass
        except (OSError, BadInput) as problem:
            _log.warning("resource history not read: %s", problem)
        return LrmMemory(0, (), ())

    def _adopt(self, number: int, orphan: Orphan) -> None:
        op = orphan.op
        _log.warning("operation was interrupted op=%s pid=%s", op.key, orphan.pid)
        if not orphan.pid or op.operation in WITHOUT_EFFECT or op.standard == "stonith":
            end_at_once(orphan)
            self._ended_orphans.append(orphan)
            if op.interval_ms == 0:
                self.history.forget(op.resource)
            return
        self.history.record_pending(shown_as_pending(op), self._clock.wall())
        self._handle(ops.Adopt(number, op))
        self._journal.watch(orphan, partial(self._orphan_gone, number, orphan))

    def _orphan_gone(self, number: int, orphan: Orphan) -> None:
        """What it left behind is not known: whatever was asked for meanwhile is decided anew."""
        _log.warning("operation of an earlier life is over op=%s", orphan.op.key)
        self._ended_orphans.append(orphan)
        self.forget(orphan.op.resource)
        self.save_now()
        self._handle(ops.Finished(number, OcfStatus.UNKNOWN))
        if self._renewed is not None:
            self._renewed()

    def close(self) -> None:
        """Stop every timer and write the history; programs that run are left alone."""
        self.save_now()
        self._timers.stop_all()
        self._rules.close()

    # ---- effects of the core

    def _handle(self, event: ops.Event) -> None:
        for effect in self.core.handle(event, self._clock.now(), self._clock.wall()):
            match effect:
                case ops.Spawn(run=run, op=op):
                    if op.operation in RELOADS:
                        self._rules.ask(op, partial(self._spawn_reload, run, op))
                    else:
                        self._spawn(run, op)
                case ops.Signal(run=run, number=number):
                    if run in self._started:
                        self._started[run].child.signal_group(number)
                    elif self._connections is not None:
                        self._connections.abort(run)
                case ops.SetTimer(name=name, delay=delay):
                    self._timers.set(name, delay, partial(self._handle, ops.TimerFired(name)))
                case ops.StopTimer(name=name):
                    self._timers.stop(name)
                case ops.Report(result=result):
                    result = self.history.in_order(self._with_digests(result))
                    self.history.record(result)
                    self._save()
                    self._report(result)

    def _with_digests(self, result: LrmResult) -> LrmResult:
        """The result with what the agent says of reloads; as it is while that is not known."""
        rules = self._rules.known(result.op)
        if rules is None:
            return result
        return replace(result, digests=digest_attributes(result.op, rules))

    def _spawn_reload(self, run: int, op: LrmOp, rules: ReloadRules | None) -> None:
        """A reload goes by the name that the agent gave it: agents of OCF 1.0 have another."""
        self._spawn(run, op, rules.action if rules is not None else "")

    def _spawn(self, run: int, op: LrmOp, name: str = "") -> None:
        if op.operation in NEEDS_AUTHORITY and not self._has_authority():
            reason = "this node has no authority to start anything at present"
            self._finish(run, op, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))
            return
        if op.is_connection:
            self._perform(run, op)
            return
        known = self.history.as_started(op)
        command = self._command(replace(known, operation=name) if name else known)
        if isinstance(command, Outcome):
            self._finish(run, op, command)
            return
        try:
            check_program(command.argv[0], command.below)
            self._journal.note(run, op, command)

            def done(code: int, stdout: bytes, stderr: bytes) -> None:
                self._ended(run, op, code, stdout, stderr)

            child = self._proc.spawn(command.argv, command.env, command.stdin, done)
        except EngineError as problem:
            self._journal.remove(run)
            error = (OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR)
            rc, status = _PROGRAM_MISSING.get(problem.status, error)
            if op.is_probe and rc == OcfStatus.NOT_INSTALLED:
                status = OpStatus.NOT_INSTALLED
            self._finish(run, op, Outcome(rc, status, str(problem)))
            return
        except OSError as problem:
            self._journal.remove(run)
            reason = f"{command.argv[0]}: {problem.strerror}"
            self._finish(run, op, Outcome(OcfStatus.UNKNOWN_ERROR, OpStatus.ERROR, reason))
            return
        self.history.record_pending(op, self._clock.wall())
        self._started[run] = _Started(op, child)
        self._journal.note(run, op, command, child)

    def _perform(self, run: int, op: LrmOp) -> None:
        """An operation of the connection to a remote node, which no program carries out."""
        if self._connections is None:
            reason = "a remote node cannot be connected to another one"
            self._finish(run, op, Outcome(OcfStatus.NOT_CONFIGURED, OpStatus.ERROR, reason))
            return
        self.history.record_pending(op, self._clock.wall())
        known = self.history.as_started(op)
        self._connections.perform(run, known, partial(self._tell, run))

    def _ended(self, run: int, op: LrmOp, code: int, stdout: bytes, stderr: bytes) -> None:
        self._started.pop(run, None)
        self._ended_runs.append(run)
        outcome = self._outcome(op, code, stdout, stderr)
        if op.standard == "stonith" and op.operation == "start" and outcome.is_ok:
            self._devices.add(op.resource)
        is_bad = outcome.rc != op.expected_rc or outcome.status != OpStatus.DONE
        level = logging.WARNING if is_bad else logging.DEBUG
        for line in _last_lines(stdout + stderr):
            _log.log(level, "output op=%s %s", op.key, line)
        self._tell(run, outcome)
        self._save()

    def _finish(self, run: int, op: LrmOp, outcome: Outcome) -> None:
        """End a run without a program, in a later round: the core is busy with this one."""
        asyncio.get_running_loop().call_soon(self._tell, run, outcome)

    def _tell(self, run: int, outcome: Outcome) -> None:
        self._handle(ops.Finished(run, outcome.rc, outcome.status, outcome.reason))

    # ---- standards

    def _command(self, op: LrmOp) -> Command | Outcome:
        told = with_secrets(op, self._paths.secrets)
        if isinstance(told, Outcome):
            return told
        op = told
        match op.standard:
            case "ocf":
                return ocf.command(op, self._paths)
            case "lsb":
                return lsb.command(op, self._paths)
            case "systemd":
                return systemd.command(op, self._paths)
            case "service":
                return service.command(op, self._paths, self._units)
            case "stonith":
                return self._device_command(op)
            case _:
                reason = f"there is no class '{op.standard}' of agents"
                return Outcome(OcfStatus.NOT_CONFIGURED, OpStatus.ERROR, reason)

    def _device_command(self, op: LrmOp) -> Command | Outcome:
        """A fence device is started by a successful `monitor` and lives in this agent."""
        if op.operation == "stop":
            self._devices.discard(op.resource)
            return Outcome(OcfStatus.OK)
        if op.operation == "monitor" and op.resource not in self._devices:
            return Outcome(OcfStatus.NOT_RUNNING)
        if op.is_probe:
            return Outcome(OcfStatus.OK)
        try:
            return devices.command(op.type, "monitor", "", op.parameters, self._paths.fence_dir)
        except BadInput as problem:
            return Outcome(OcfStatus.NOT_CONFIGURED, OpStatus.ERROR, str(problem))

    def _outcome(self, op: LrmOp, code: int, stdout: bytes, stderr: bytes) -> Outcome:
        match op.standard:
            case "lsb":
                return lsb.outcome(op, code, stdout, stderr)
            case "systemd":
                return systemd.outcome(op, code, stdout, stderr)
            case "service":
                return service.outcome(op, code, stdout, stderr, self._units)
            case "stonith":
                rc = OcfStatus.OK if code == 0 else OcfStatus.UNKNOWN_ERROR
                return Outcome(rc, OpStatus.DONE, devices.last_words(stderr) if code else "")
            case _:
                return ocf.outcome(op, code, stdout, stderr)

    # ---- files below /run

    @property
    def _memory_path(self) -> str:
        return os.path.join(self._directory, "lrm.state")

    def _save(self) -> None:
        """Write the history soon: once for all that happens within a moment."""
        if not self._timers.is_set(SAVE):
            self._timers.set(SAVE, SAVE_SECONDS, self.save_now)

    def save_now(self) -> None:
        """Write the history; what ended before is no longer in flight."""
        self._timers.stop(SAVE)
        memory = LrmMemory(
            self.core.last_call, tuple(self.history.resources.values()), self.core.recurring
        )
        write_over(self._memory_path, self._writer.pack(memory))
        ended, self._ended_runs = self._ended_runs, []
        for run in ended:
            self._journal.remove(run)
        orphans, self._ended_orphans = self._ended_orphans, []
        for orphan in orphans:
            self._journal.dismiss(orphan)


def _last_lines(output: bytes) -> list[str]:
    """The end of what an agent said, fit for a log: few and short lines of printable characters."""
    lines = output.decode("utf-8", "replace").splitlines()[-OUTPUT_LINES:]
    cut = [line[:LINE_CHARACTERS] for line in lines]
    return ["".join(c if c.isprintable() else "?" for c in line) for line in cut]
