"""A CIB in a file (`CIB_file`, and the shadow CIBs): no cluster is needed.

A commit takes the file's lock, merges with what others wrote meanwhile, and replaces the file as a
whole; the version is counted as the cluster would (engine 6.3).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.sources.api import Cleanup, Committed, Facts
from crmshell.sources.merge import merge_commit, refuse_other_version
from engine.base.errors import EngineError
from engine.base.reports import Severity
from engine.cib.document import Cib

LOCK_TIMEOUT = 120.0


class FileSource:
    """A CIB file as a source."""

    def __init__(self, environment: Environment, path: str, name: str = "live") -> None:
        self._environment = environment
        self._path = path
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def live(self) -> bool:
        return False

    @property
    def identity(self) -> str:
        return os.path.realpath(self._path)

    @property
    def path(self) -> str:
        return self._path

    def local_node(self) -> str:
        return self._environment.hostname

    def describe(self) -> Facts:
        return Facts(stack=f"none, the file {self._path}")

    def read(self, *, sync: bool = False) -> Cib:
        del sync
        if not self._environment.exists(self._path):
            raise ShellError(
                f"{self._path}: no such file; make an empty one with: crm cib create {self._path}",
                code="cannot-read",
            )
        try:
            return Cib.from_bytes(self._environment.read_file(self._path), self._path)
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
        with self._locked():
            now = self.read()
            if strict:
                refuse_other_version(now, base)
            result = merge_commit(now, base, new, replace=replace)
            if not force:
                _refuse_bad_form(result)
            self._store(result)
        return Committed(result.version)

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return True

    def set_attribute(self, node: str, name: str, value: str | None) -> None:
        from engine.cib.edits import set_transient_attribute

        base = self.read()
        new = base.copy()
        set_transient_attribute(new, node, name, value)
        self.commit(base, new)

    def cleanup(self, what: Cleanup) -> None:
        from engine.cib.edits import forget_history

        base = self.read()
        new = base.copy()
        forget_history(
            new,
            resource=what.resource,
            node=what.node,
            operation=what.operation,
            interval_ms=what.interval_ms,
            failures_only=what.failures_only,
        )
        self.commit(base, new)

    def fence(self, node: str, action: str) -> None:
        raise ShellError(f"cannot fence {node} ({action}): no cluster is behind {self._path}")

    def confirm_fenced(self, node: str) -> None:
        raise ShellError(f"cannot confirm that {node} is down: no cluster is behind {self._path}")

    def forget_node(self, node: str) -> None:
        """Nothing runs, so nothing remembers it."""

    def _store(self, cib: Cib) -> None:
        cib.root.set("cib-last-written", time.strftime("%a %b %e %H:%M:%S %Y", self._written_at()))
        cib.root.set("update-client", "crm")
        cib.root.set("update-user", self._environment.user)
        self._environment.write_file(self._path, cib.to_bytes())

    def _written_at(self) -> time.struct_time:
        return time.localtime(self._environment.clock())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The lock of the file's folder, so that two shells do not write at once.

        The file itself is replaced by each commit, so a lock on it would not do. Where there are no
        locks (some network file systems) it goes without.
        """
        try:
            descriptor = os.open(os.path.dirname(os.path.abspath(self._path)), os.O_RDONLY)
        except OSError:
            yield
            return
        try:
            self._wait_for_lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait_for_lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ShellError(
                        f"{self._path}: another program has held its lock for {LOCK_TIMEOUT:g}s",
                        code="locked",
                    ) from None
                time.sleep(0.05)
            except OSError:
                return


def _refuse_bad_form(cib: Cib) -> None:
    """A CIB that no cluster would take is not written, as the cluster would refuse it."""
    from engine.cib.schema import validate

    errors = tuple(each for each in validate(cib.root) if each.severity >= Severity.ERROR)
    if errors:
        raise ShellError(reports=errors, code="bad-cib")
