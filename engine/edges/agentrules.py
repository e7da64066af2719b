"""Asks OCF agents for their meta-data beside everything else, and keeps what it says of reloads.

An agent is asked once, and again when its file changes. Nobody waits for the answer but a reload.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from engine.agents.builtin import built_in
from engine.agents.metadata import metadata_from_xml
from engine.agents.names import AgentName
from engine.base.errors import BadInput, EngineError
from engine.base.programs import Command
from engine.base.seams import Clock, Proc
from engine.edges.processes import check_program
from engine.edges.timers import Timers
from engine.lrm import ocf
from engine.lrm.api import LrmOp
from engine.lrm.command import AgentPaths
from engine.lrm.reloads import ReloadRules, rules_from_metadata

_log = logging.getLogger(__name__)

METADATA_SECONDS = 5.0
_SIGKILL = 9

Then = Callable[[ReloadRules | None], object]


class AgentRules:
    """The reload rules of the agents of this node, by file and time of its last change (ns)."""

    def __init__(self, paths: AgentPaths, proc: Proc, clock: Clock) -> None:
        self._paths = paths
        self._proc = proc
        self._timers = Timers(clock)
        self._known: dict[str, tuple[int, ReloadRules]] = {}
        self._waiting: dict[str, list[Then]] = {}

    def known(self, op: LrmOp) -> ReloadRules | None:
        """The rules of an operation's agent, if they were learnt from the file as it is now."""
        if op.is_connection:
            return connection_rules()
        command = self._command(op)
        return self._valid(command.argv[0]) if command is not None else None

    def learn(self, op: LrmOp) -> None:
        """Ask the agent of an operation, unless it was asked."""
        self.ask(op, _ignore)

    def ask(self, op: LrmOp, then: Then) -> None:
        """Call `then` with the rules: at once if they are known, None if they cannot be had."""
        command, known = self._command(op), self.known(op)
        if command is None or known is not None:
            then(known)
            return
        path = command.argv[0]
        if path in self._waiting:
            self._waiting[path].append(then)
            return
        try:
            check_program(path, command.below)
            self._start(command, AgentName(op.standard, op.provider, op.type), then)
        except (EngineError, OSError) as problem:
            # The operation itself will meet the same and say so.
            _log.debug("no meta-data agent=%s: %s", path, problem)
            self._waiting.pop(path, None)
            then(None)

    def close(self) -> None:
        """No time limit is enforced any more."""
        self._timers.stop_all()

    def _start(self, command: Command, name: AgentName, then: Then) -> None:
        path = command.argv[0]
        changed = os.stat(path).st_mtime_ns

        def done(code: int, stdout: bytes, stderr: bytes) -> None:
            self._timers.stop(path)
            rules = _rules(name, code, stdout)
            if rules is not None:
                self._known[path] = (changed, rules)
                _log.info("meta-data known agent=%s reload=%s", name, rules.action or "none")
            for each in self._waiting.pop(path, []):
                each(rules)

        child = self._proc.spawn(command.argv, command.env, command.stdin, done)
        self._waiting[path] = [then]
        self._timers.set(path, METADATA_SECONDS, lambda: child.signal_group(_SIGKILL))

    def _valid(self, path: str) -> ReloadRules | None:
        found = self._known.get(path)
        if found is None:
            return None
        try:
            is_same = os.stat(path).st_mtime_ns == found[0]
        except OSError:
            is_same = False
        return found[1] if is_same else None

    def _command(self, op: LrmOp) -> Command | None:
        """How the agent is asked; None for a standard or a name without meta-data."""
        if op.standard != "ocf" or op.is_connection:
            return None
        question = replace(op, operation="meta-data", interval_ms=0, parameters={}, meta={})
        command = ocf.command(question, self._paths)
        return command if isinstance(command, Command) else None


def _rules(name: AgentName, code: int, stdout: bytes) -> ReloadRules | None:
    """What an answer says. None: there is none, ask again; one that cannot be read has no rules."""
    if b"<resource-agent" not in stdout:
        _log.warning("no meta-data agent=%s code=%s", name, code)
        return None
    try:
        return rules_from_metadata(metadata_from_xml(stdout, name))
    except BadInput as problem:
        _log.warning("meta-data not understood: %s", problem)
        return ReloadRules()


@cache
def connection_rules() -> ReloadRules:
    """The rules of the connections to remote nodes, which are this agent's own doing."""
    name = AgentName("ocf", "pacemaker", "remote")
    return rules_from_metadata(metadata_from_xml(built_in(name).encode(), name))


def _ignore(rules: ReloadRules | None) -> None:
    """Nobody waits for this answer."""
