"""The node agent on this machine as a source: requests over its admin socket (engine 6.6).

An answer that does not come is never guessed: the shell asks for the outcome of its request by id,
and never sends the same change under a new id.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from crmshell.environment import Environment
from crmshell.errors import CommitConflict, ConnectionLost, ShellError
from crmshell.sources.api import Cleanup, Committed, Facts
from crmshell.sources.merge import merge_commit
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.cib.document import Cib, CibVersion
from engine.cib.patch import Patch, diff, patch_to_bytes
from engine.ipc.client import Client
from engine.ipc.messages import report_from_fields

SUBMIT_TIMEOUT = 30.0
OUTCOME_TIMEOUT = 15.0
SETTLE_TIMEOUT = 600.0
WAIT_GRACE = 5.0
REPLACE_TRIES = 5
# The agents take no larger patch, but a whole configuration that was made from the newest one.
MAX_PATCH_BYTES = 1024 * 1024
ELECTION_PATIENCE = 20.0
ELECTION_PAUSE = 0.3
_NOT_REPEATED = frozenset({"fence", "confirm-fenced", "shutdown"})
_LOST = frozenset({ExitStatus.DISCONNECT, ExitStatus.TIMEOUT})


class AgentSource:
    """The running cluster, seen through the agent of this node."""

    def __init__(self, environment: Environment, path: str) -> None:
        self._environment = environment
        self._client = Client(path)

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
        return str(self.ask("hello").get("node") or self._environment.hostname)

    def describe(self) -> Facts:
        reply = self.ask("status")
        return Facts(
            stack="crmshell",
            dc=str(reply.get("dc") or ""),
            quorate=bool(reply.get("quorate")),
            durable=tuple(str(name) for name in reply.get("durable") or ()),
        )

    def read(self, *, sync: bool = False) -> Cib:
        reply = self.ask("cib", scope="all", sync=sync)
        try:
            return Cib.from_bytes(reply["cib"], "the cluster's CIB")
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
        if strict or not replace:
            return self._submit(base, new, force=force, strict=strict)
        for _ in range(REPLACE_TRIES - 1):
            now = self.read(sync=True)
            merged = merge_commit(now, base, new, replace=True)
            # Only what somebody changes between these two requests is a conflict once more.
            with contextlib.suppress(CommitConflict):
                return self._submit(now, merged, force=force)
        now = self.read(sync=True)
        return self._submit(now, merge_commit(now, base, new, replace=True), force=force)

    def _submit(self, base: Cib, new: Cib, *, force: bool, strict: bool = False) -> Committed:
        """Send the difference, or where that is too large the whole; raises what is refused."""
        request_id = os.urandom(12).hex()
        patch = patch_to_bytes(_configuration_patch(base, new))
        fields: dict[str, Any] = {
            "request_id": request_id,
            "base": list(base.version),
            "force": force,
            "user": self._environment.user,
        }
        if strict:
            fields["expected"] = list(base.version[:2])
        self.ask("hello")  # who cannot be reached has not got the change either
        if len(patch) <= MAX_PATCH_BYTES:
            fields["patch"] = patch
        else:
            fields["replace"] = new.to_bytes()
        try:
            reply = self._client.request("submit", SUBMIT_TIMEOUT, **fields)
        except EngineError as problem:
            if problem.status not in _LOST:
                raise _refusal(problem) from None
            reply = self._outcome_of(request_id, str(problem))
        if reply.get("status") == ExitStatus.TIMEOUT:
            reply = self._outcome_of(request_id, str(reply.get("error")))
        return _committed(reply, self._environment.clock())

    def wait(self, timeout: float | None = None) -> bool:
        limit = SETTLE_TIMEOUT if timeout is None else timeout
        deadline = time.monotonic() + limit
        while True:
            left = max(0.1, deadline - time.monotonic())
            try:
                reply = self._client.demand("wait", left + WAIT_GRACE, timeout=left)
                if reply.get("idle"):
                    return True
            except EngineError as problem:
                if problem.status not in {ExitStatus.TIMEOUT, ExitStatus.TEMPFAIL}:
                    raise _refusal(problem) from None
            if time.monotonic() >= deadline:
                return False
            time.sleep(ELECTION_PAUSE)

    def set_attribute(self, node: str, name: str, value: str | None) -> None:
        self.ask("attribute", node=node, name=name, value=value, set="status")

    def cleanup(self, what: Cleanup) -> None:
        self.ask(
            "cleanup",
            resource=what.resource,
            node=what.node,
            operation=what.operation,
            interval=what.interval_ms,
            failures_only=what.failures_only,
        )

    def fence(self, node: str, action: str) -> None:
        self.ask("fence", SETTLE_TIMEOUT, node=node, action=action)

    def confirm_fenced(self, node: str) -> None:
        self.ask("confirm-fenced", node=node)

    def forget_node(self, node: str) -> None:
        """The agents know their nodes from the configuration and the node files alone."""

    def close(self) -> None:
        """End the connection; the next request makes a new one."""
        self._client.close()

    def ask(self, request: str, limit: float = SUBMIT_TIMEOUT, **fields: Any) -> dict[str, Any]:
        """Send a request and give back the reply; a refusal or a lost agent is raised in one line.

        While the cluster chooses its members or its controller anew, requests that may be repeated
        are repeated for a while.
        """
        patience = 0.0 if request in _NOT_REPEATED else ELECTION_PATIENCE
        deadline = time.monotonic() + patience
        while True:
            try:
                return dict(self._client.demand(request, limit, **fields))
            except EngineError as problem:
                if problem.status is not ExitStatus.TEMPFAIL or time.monotonic() >= deadline:
                    raise _refusal(problem) from None
            time.sleep(ELECTION_PAUSE)

    def _outcome_of(self, request_id: str, problem: str) -> dict[str, Any]:
        """What became of a request whose answer got lost."""
        deadline = time.monotonic() + OUTCOME_TIMEOUT
        while time.monotonic() < deadline:
            try:
                reply = self._client.request("outcome", 5.0, request_id=request_id)
            except EngineError:
                time.sleep(0.5)
                continue
            if reply.get("ok") or reply.get("conflicts"):
                return dict(reply)
            time.sleep(0.5)
        raise ConnectionLost(
            f"{problem}; the outcome of this commit is unknown (request {request_id}): "
            "look with 'configure show' before you commit again"
        )


def _configuration_patch(base: Cib, new: Cib) -> Patch:
    """The difference of the configurations, as paths from the document element.

    Version, status and the attributes that the cluster keeps itself are none of the user's edits.
    """
    before, after = base.copy(), new.copy()
    for attribute in set(after.root.attrib) | set(before.root.attrib):
        if attribute != "validate-with":
            before.root.attrib.pop(attribute, None)
            after.root.attrib.pop(attribute, None)
    for cib in (before, after):
        for child in list(cib.root):
            if child.tag != "configuration":
                cib.root.remove(child)
    return diff(before.root, after.root)


def _committed(reply: dict[str, Any], now: float) -> Committed:
    """The result in a reply to a commit; raises what it refuses. `now` is epoch seconds."""
    if not reply.get("ok"):
        conflicts = reply.get("conflicts") or ()
        if conflicts:
            raise CommitConflict(tuple(_conflict(dict(each), now) for each in conflicts))
        if reply.get("status") == ExitStatus.OLD:
            text = str(reply.get("error") or "conflict: the configuration has changed")
            raise CommitConflict((Report("conflict", Severity.ERROR, text),))
        reports = tuple(report_from_fields(each) for each in reply.get("reports") or ())
        raise ShellError(
            str(reply.get("error") or "the cluster refused the change"), reports=reports
        )
    epoch = reply.get("epoch") or (0, 0, 0)
    warnings = tuple(
        Report("commit", Severity.WARNING, str(text)) for text in reply.get("warnings") or ()
    )
    return Committed(
        version=CibVersion(*(int(number) for number in epoch)),
        reports=warnings,
        durable=tuple(str(name) for name in reply.get("durable") or ()),
        members=int(reply.get("of") or 0),
    )


def _conflict(fields: dict[str, Any], now: float) -> Report:
    who = f", changed by {fields['by']}" if fields.get("by") else ""
    moment = fields.get("when")
    when = f" {max(0, int(now - moment))} s ago" if isinstance(moment, int | float) else ""
    text = f"conflict: {fields.get('object', '?')}: {fields.get('what', 'changed')}{who}{when}"
    return Report("conflict", Severity.ERROR, text, subject=str(fields.get("object", "")))


def _refusal(problem: EngineError) -> ShellError:
    if problem.status in _LOST:
        return ConnectionLost(str(problem))
    return ShellError(str(problem), reports=problem.reports, code="refused")
