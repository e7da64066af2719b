"""A running Pacemaker as a source, through its own tools: the shell may be adopted before the engine.

`cibadmin` reads, and takes a patch that names the version it was made from, so Pacemaker refuses it
when the CIB moved on; it is then made again on the new CIB. `crm_resource`, `crm_attribute`,
`crm_node` and `stonith_admin` do what needs a running cluster.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from crmshell.environment import Environment, Finished
from crmshell.errors import ConnectionLost, ShellError
from crmshell.sources.api import Cleanup, Committed, Facts
from crmshell.sources.merge import merge_commit, refuse_other_version
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.cib.document import Cib
from engine.ipc.live import pacemakers_program

TRIES = 10
SETTLE_TIMEOUT = 600.0
# What cibadmin says when the CIB is not the one that the patch was made from.
_MOVED_ON = frozenset({ExitStatus.OLD, ExitStatus.DIGEST, ExitStatus.DATAERR})
_FENCE_OPTIONS = {"off": "--fence", "reboot": "--reboot", "on": "--unfence"}


class PacemakerSource:
    """Pacemaker on this machine."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @property
    def name(self) -> str:
        return "live"

    @property
    def live(self) -> bool:
        return True

    @property
    def identity(self) -> str:
        return "live"

    def local_node(self) -> str:
        name = self._tool("crm_node", "--name").stdout.decode("utf-8", "replace").strip()
        return name or self._environment.hostname

    def describe(self) -> Facts:
        return Facts(stack="pacemaker")

    def read(self, *, sync: bool = False) -> Cib:
        del sync  # A query goes to the DC unless --local is said.
        done = self._tool("cibadmin", "--query")
        try:
            return Cib.from_bytes(done.stdout, "Pacemaker's CIB")
        except EngineError as problem:
            raise ShellError(str(problem), code="bad-cib") from None

    def commit(
        self,
        base: Cib,
        new: Cib,
        *,
        replace: bool = False,
        force: bool = False,
        strict: bool = False,
    ) -> Committed:
        """Make the change on the CIB as it is; again when somebody was faster."""
        del force
        for _ in range(TRIES):
            now = self.read()
            if strict:
                refuse_other_version(now, base)
            wanted = _placed(now, merge_commit(now, base, new, replace=replace))
            patch = self._patch(now, wanted)
            if not patch:
                return Committed(now.version)
            done = self._run("cibadmin", "--patch", "--xml-pipe", "--sync-call", stdin=patch)
            if done.status == 0:
                return Committed(self.read().version, self._names_too_new(now, wanted))
            if done.status == ExitStatus.CONFIG:
                raise _schema_refusal(now, done)
            if done.status not in _MOVED_ON or self.read().version == now.version:
                raise _refusal("cibadmin", done)
        raise ShellError(
            f"the CIB changed {TRIES} times while the change was handed over; commit again",
            code="conflict",
        )

    def wait(self, timeout: float | None = None) -> bool:
        limit = SETTLE_TIMEOUT if timeout is None else timeout
        argv = ("crm_resource", "--wait", f"--timeout={int(limit)}s")
        done = self._run(*argv, timeout=limit + 10.0)
        if done.status == ExitStatus.TIMEOUT:
            return False
        _check("crm_resource", done, self._hint())
        return True

    def set_attribute(self, node: str, name: str, value: str | None) -> None:
        what = ("--delete",) if value is None else ("--update", value)
        self._tool(
            *("crm_attribute", "--lifetime", "reboot", "--node", node, "--name", name), *what
        )

    def cleanup(self, what: Cleanup) -> None:
        words = ["crm_resource", "--cleanup" if what.failures_only else "--refresh"]
        for option, value in (("--resource", what.resource), ("--node", what.node)):
            words += [option, value] if value else []
        if what.operation:
            words += ["--operation", what.operation]
            words += [] if what.interval_ms is None else ["--interval", f"{what.interval_ms}ms"]
        self._tool(*words)

    def fence(self, node: str, action: str) -> None:
        option = _FENCE_OPTIONS.get(action)
        if option is None:
            raise ShellError(f"'{action}' is no way to fence; expected off, on or reboot")
        self._tool("stonith_admin", option, node, timeout=SETTLE_TIMEOUT)

    def confirm_fenced(self, node: str) -> None:
        self._tool("stonith_admin", "--confirm", node)

    def forget_node(self, node: str) -> None:
        """Without this Pacemaker remembers the member and puts it back into the configuration."""
        self._tool("crm_node", "--force", "--remove", node)

    # -- inside -----------------------------------------------------------------------------

    def _names_too_new(self, before: Cib, after: Cib) -> tuple[Report, ...]:
        """Warnings about properties just set by a new name that this Pacemaker does not look at."""
        from engine.cib.options import CLUSTER_OPTIONS

        there = _property_names(before)
        old_names = {
            name: CLUSTER_OPTIONS[name].old_name
            for name in sorted(_property_names(after) - there)
            if name in CLUSTER_OPTIONS and CLUSTER_OPTIONS[name].old_name
        }
        if not old_names:
            return ()
        # A Pacemaker that cannot list its options is older than all the new names.
        argv = ("crm_attribute", "--list-options=cluster", "--all", "--output-as=xml")
        done = self._run(*argv)
        listed = done.stdout.decode("utf-8", "replace") if done.status == 0 else ""
        return tuple(
            Report(
                "old-pacemaker",
                Severity.WARNING,
                f"this Pacemaker does not know {name}, it goes by {old}: property {old}=...",
                subject=name,
            )
            for name, old in old_names.items()
            if f'name="{name}"' not in listed
        )

    def _patch(self, old: Cib, new: Cib) -> bytes:
        """The difference in Pacemaker's own form; b"" if there is none."""
        with self._file(old) as old_path, self._file(new) as new_path:
            done = self._run("crm_diff", "--original", old_path, "--new", new_path)
        if done.status == 0:
            return b""
        if done.status != 1 or not done.stdout.strip():
            raise _refusal("crm_diff", done)
        return done.stdout

    @contextlib.contextmanager
    def _file(self, cib: Cib) -> Iterator[str]:
        path = self._environment.temporary_file(cib.to_bytes(), ".xml")
        try:
            yield path
        finally:
            self._environment.remove_file(path)

    def _tool(self, *argv: str, timeout: float = 60.0) -> Finished:
        """Run a tool that must succeed."""
        done = self._run(*argv, timeout=timeout)
        _check(argv[0], done, self._hint())
        return done

    def _hint(self) -> str:
        """What else may be the cause where Pacemaker's daemons cannot be reached."""
        if self._environment.is_root or self._environment.tools_as:
            return ""
        return ", or this user may not talk to it (be root or in group haclient)"

    def _run(self, *argv: str, stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        words: Sequence[str] = (_program(self._environment, argv[0]) or argv[0], *argv[1:])
        if self._environment.tools_as:
            words = ("sudo", "-n", "-u", self._environment.tools_as, *words)
        return self._environment.run(words, stdin=stdin, timeout=timeout)


def _property_names(cib: Cib) -> set[str]:
    pairs = cib.configuration.iterfind("crm_config/cluster_property_set/nvpair")
    return {pair.get("name") or "" for pair in pairs}


def is_installed(environment: Environment) -> bool:
    """Whether Pacemaker's tools are on this machine."""
    return bool(_program(environment, "cibadmin") and _program(environment, "crm_diff"))


def _program(environment: Environment, name: str) -> str:
    return pacemakers_program(name, environment.variables.get("PATH", os.defpath))


def _placed(now: Cib, wanted: Cib) -> Cib:
    """The wanted configuration with the status of now, for a patch that touches no status.

    The version stays one above that of now: Pacemaker refuses a patch that does not lead onward.
    """
    placed = now.copy()
    placed.root.replace(placed.configuration, wanted.copy().configuration)
    placed.root.attrib.update(wanted.root.attrib)
    return placed


def _check(tool: str, done: Finished, hint: str = "") -> None:
    if done.status:
        raise _refusal(tool, done, hint)


def _refusal(tool: str, done: Finished, hint: str = "") -> ShellError:
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    reason = said[-1].strip().removeprefix(f"{tool}: ") if said else f"status {done.status}"
    if done.status in (ExitStatus.DISCONNECT, ExitStatus.UNAVAILABLE):
        return ConnectionLost(
            f"Pacemaker does not run here ({tool}: {reason}){hint}: start it with "
            "'systemctl start pacemaker', or work on a file with CIB_file=FILE"
        )
    return ShellError(f"{tool}: {reason}", code="pacemaker")


def _schema_refusal(now: Cib, done: Finished) -> ShellError:
    """Pacemaker's schema does not allow it; of its many lines those that name an element."""
    found: list[str] = []
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        _, element, rest = line.partition(": element ")
        _, mark, what = rest.partition("validity error : ")
        if element and mark and what not in found:
            found.append(what.strip())
    claimed = now.root.get("validate-with", "its schema")
    detail = f": {found[0]}" if found else ""
    return ShellError(
        f"Pacemaker refuses it, for it does not conform to {claimed}{detail}", code="pacemaker"
    )
