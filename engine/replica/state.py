"""The CIB as the replicated state: changes judged at the DC, applied alike on every node.

Pure. Also remembers the last requests by id (so that each happens once) and who changed which
object last (so that a conflict can name them); both are part of the replicated state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgpack
from lxml import etree

from engine.base.errors import BadInput
from engine.base.events import Entry, Outcome, Snapshot, StatusChange, Submission
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.cib.document import Cib, CibVersion, empty_cib
from engine.cib.patch import (
    Conflict,
    Operation,
    Patch,
    Path,
    SetAttribute,
    Step,
    element_digest,
    keyed_children,
    patch_from_bytes,
    plan_patch,
    subject_of,
    touched_paths,
    xml_text,
)
from engine.cib.soundness import Soundness, Trial
from engine.cib.status import change_status
from engine.replica.machine import Applied

MAX_PATCH = 1024 * 1024
MAX_REPLACE = 16 * 1024 * 1024
KEPT_REQUESTS = 1024
KEPT_AUTHORS = 4096
# Far above any count of changes, and far enough below 18 digits that counting on stays readable.
MAX_VERSION = 10**15

# Attributes of <cib> that the engine writes itself; a client's change of them is left out.
MANAGED = frozenset(
    {
        *("epoch", "num_updates", "cib-last-written", "update-origin", "update-client"),
        *("update-user", "have-quorum", "dc-uuid", "execution-date"),
    }
)
# Attributes of <cib> that count as configuration.
REPLICATED = ("admin_epoch", "epoch", "validate-with", "crm_feature_set")

Check = Callable[[etree._Element], list[Report]]


class ReplicatedCib:
    """One node's replica; `cib` is read by everybody and changed here alone."""

    def __init__(self, check: Check | None = None, soundness: Soundness | None = None) -> None:
        """`soundness` spares the check of the whole where a change touches only a few objects."""
        self.cib: Cib = empty_cib()
        self.index = 0
        self._check = check
        self._soundness = soundness
        self._judged: tuple[bytes, Trial | None] | None = None
        self._requests: dict[str, tuple[int, CibVersion]] = {}
        self._authors: dict[str, tuple[str, float, int]] = {}
        self._digests: dict[tuple[Step, Step], bytes] = {}

    @property
    def version(self) -> tuple[int, int, int]:
        return self.cib.version

    def outcome(self, request_id: str) -> Outcome | None:
        known = self._requests.get(request_id)
        if known is None:
            return None
        return Outcome(request_id, ok=True, index=known[0], version=known[1])

    # ---- the DC judges

    def judge(self, submission: Submission) -> bytes | Outcome:
        """Limits, conflicts, then the rules for the result (engine 6.6, step 2)."""
        try:
            if submission.expected and submission.expected != self.version[:2]:
                return self._other_version(submission)
            if submission.replace:
                return self._judge_replacement(submission)
            return self._judge_patch(submission)
        except BadInput as problem:
            return _refusal(submission, str(problem), problem.status, problem.reports)
        except Exception as bug:
            # Judging leaves the state as it was. The request is refused and not passed on: its
            # client would send it to each next DC, and the same bug would end one after the other.
            text = f"the change cannot be judged, internal error: {bug!r}"
            return _refusal(submission, text, ExitStatus.SOFTWARE)

    def _other_version(self, submission: Submission) -> Outcome:
        now, wanted = self.cib.version, ".".join(map(str, submission.expected))
        text = (
            f"conflict: the configuration is at version {now.admin_epoch}.{now.epoch} now, "
            f"the change is for {wanted} only"
        )
        outcome = _refusal(submission, text, ExitStatus.OLD)
        return replace(outcome, version=now)

    def _judge_patch(self, submission: Submission) -> bytes | Outcome:
        if len(submission.patch) > MAX_PATCH:
            raise BadInput(
                f"the change has {len(submission.patch)} bytes, the limit is {MAX_PATCH}"
            )
        patch = _configuration_part(patch_from_bytes(submission.patch))
        plan = plan_patch(self.cib.root, patch)
        if plan.conflicts:
            return self._conflict(submission, plan.conflicts)
        if not plan.changes:
            return Outcome(submission.request_id, True, index=self.index, version=self.version)
        soundness, trial = self._soundness, None
        if soundness is not None:
            trial = soundness.trial(self.cib.root, patch)
        take_back = plan.apply()
        try:
            _check_version(self.cib)
            if soundness is None or trial is None or not soundness.holds(self.cib.root, trial):
                trial = self._verify(self.cib.root, submission.force)
        finally:
            take_back()
        payload = _payload(submission)
        self._judged = (payload, trial)
        return payload

    def _settle(self, payload: bytes) -> None:
        """A change was made: the one judged here, or one of which nothing is known."""
        judged, self._judged = self._judged, None
        if self._soundness is None:
            return
        if judged is not None and judged[0] == payload and judged[1] is not None:
            self._soundness.settle(judged[1])
        else:
            self._soundness.forget()

    def _judge_replacement(self, submission: Submission) -> bytes | Outcome:
        if len(submission.replace) > MAX_REPLACE:
            raise BadInput(
                f"the configuration has {len(submission.replace)} bytes, the limit is {MAX_REPLACE}"
            )
        wanted = Cib.from_bytes(submission.replace, "replacement")
        _check_version(wanted)
        _ = wanted.configuration
        seen = CibVersion(*submission.base)
        now = self.cib.version
        if not submission.force and seen[:2] != now[:2]:
            text = (
                f"conflict: the configuration is at epoch {now.epoch} now, "
                f"the replacement was made from epoch {seen.epoch}"
            )
            return _refusal(submission, text, ExitStatus.OLD)
        self._verify(wanted.root, submission.force)
        return _payload(submission)

    def _verify(self, root: etree._Element, force: bool) -> Trial | None:
        """Check the whole; what to remember of it if nothing at all was found."""
        if self._check is None:
            return None
        reports = self._check(root)
        errors = [
            report
            for report in reports
            if report.severity >= Severity.ERROR and not (force and report.force_code)
        ]
        if errors:
            raise BadInput(
                "; ".join(report.message for report in errors[:20]),
                status=ExitStatus.CONFIG,
                reports=tuple(errors),
            )
        return None if reports or self._soundness is None else self._soundness.learn(root)

    def _conflict(self, submission: Submission, conflicts: tuple[Conflict, ...]) -> Outcome:
        found = []
        for conflict in conflicts:
            user, wall, epoch = self._authors.get(conflict.subject, ("", 0.0, 0))
            found.append(
                {
                    "object": conflict.subject,
                    "what": conflict.what,
                    "by": user,
                    "when": wall,
                    "epoch": epoch,
                }
            )
        text = "; ".join(_conflict_text(item, submission.wall) for item in found[:20])
        return Outcome(submission.request_id, False, text, ExitStatus.OLD, conflicts=tuple(found))

    # ---- every node applies

    def apply(self, entry: Entry) -> Applied:
        """Apply a committed entry; the same on every node, whatever the entry says."""
        fields = msgpack.unpackb(entry.payload, raw=False)
        self.index = entry.index
        before = self.cib.version
        version = CibVersion(before.admin_epoch, before.epoch + 1, 0)
        if fields["x"]:
            version = self._replace(fields["x"], before)
        else:
            patch = _configuration_part(patch_from_bytes(fields["p"]))
            plan = plan_patch(self.cib.root, patch)
            if not plan.conflicts:
                plan.apply()
            wanted = self.cib.version.admin_epoch
            version = CibVersion(max(wanted, before.admin_epoch), before.epoch + 1, 0)
            self._remember_authors(patch, fields["u"], fields["w"], version.epoch)
        self._settle(entry.payload)
        self.cib.version = version
        self._sign(fields)
        self._remember_request(fields["r"], version)
        return Applied(fields["r"], version, fields["w"])

    def _replace(self, xml: bytes, before: CibVersion) -> CibVersion:
        wanted = Cib.from_bytes(xml, "replacement")
        for name in ("validate-with", "crm_feature_set"):
            value = wanted.root.get(name)
            if value is not None:
                self.cib.root.set(name, value)
        old = self.cib.configuration
        self.cib.root.replace(old, wanted.configuration)
        self._digests.clear()
        given = wanted.version
        admin = max(before.admin_epoch, given.admin_epoch)
        return CibVersion(admin, max(before.epoch, given.epoch) + 1, 0)

    def _sign(self, fields: dict[str, Any]) -> None:
        written = datetime.fromtimestamp(fields["w"], UTC).strftime("%a %b %d %H:%M:%S %Y")
        root = self.cib.root
        root.set("cib-last-written", written)
        for name, value in (("origin", "o"), ("client", "c"), ("user", "u")):
            root.set(f"update-{name}", xml_text(fields[value]))

    def _remember_request(self, request: str, version: CibVersion) -> None:
        self._requests[request] = (self.index, version)
        while len(self._requests) > KEPT_REQUESTS:
            del self._requests[next(iter(self._requests))]

    def _remember_authors(self, patch: Patch, user: str, wall: float, epoch: int) -> None:
        for path in touched_paths(patch):
            self._forget_digest(path)
            subject = subject_of(path)
            self._authors.pop(subject, None)
            self._authors[subject] = (user, wall, epoch)
        while len(self._authors) > KEPT_AUTHORS:
            del self._authors[next(iter(self._authors))]

    # ---- digest

    def _forget_digest(self, path: Path) -> None:
        if len(path) >= 3:
            self._digests.pop((path[1], path[2]), None)
        else:
            self._digests.clear()

    def digest(self) -> bytes:
        """16 bytes over configuration and version; digests of unchanged objects are kept."""
        whole = sha256()
        for name in REPLICATED:
            whole.update(f"{name}={self.cib.root.get(name)}\0".encode())
        digests: dict[tuple[Step, Step], bytes] = {}
        for section_step, section in keyed_children(self.cib.configuration):
            whole.update("\0".join([section_step[0], *map(str, sorted(section.items()))]).encode())
            for step, element in keyed_children(section):
                key = (section_step, step)
                known = self._digests.get(key)
                digests[key] = known if known is not None else element_digest(element)
                whole.update(digests[key])
        self._digests = digests
        return whole.digest()[:16]

    # ---- snapshots

    def state(self) -> tuple[bytes, bytes]:
        """The configuration as XML without status, and the tables beside it."""
        side: bytes = msgpack.packb([self._requests, self._authors])
        return self.configuration_bytes(), side

    def configuration_bytes(self) -> bytes:
        """The `<cib>` with an empty status section."""
        root = self.cib.root
        outer = etree.Element(root.tag, dict(root.attrib))
        text = etree.tostring(outer).decode()
        inner = etree.tostring(self.cib.configuration, encoding="unicode", with_tail=False)
        return (text.removesuffix("/>") + ">" + inner + "<status/></cib>").encode()

    def restore(self, snapshot: Snapshot) -> None:
        """Be what the snapshot says; the status section stays as it is."""
        status = self.cib.root.find("status")
        if snapshot.state:
            self.cib = Cib.from_bytes(snapshot.state, "snapshot")
            requests, authors = msgpack.unpackb(snapshot.side, raw=False)
            self._requests = {key: (row[0], CibVersion(*row[1])) for key, row in requests.items()}
            self._authors = {key: (row[0], row[1], row[2]) for key, row in authors.items()}
        else:
            self.cib, self._requests, self._authors = empty_cib(), {}, {}
        self._digests.clear()
        self._settle(b"")
        self.index = snapshot.index
        if status is not None:
            change_status(self.cib.root, StatusChange((), etree.tostring(status)))

    # ---- status

    def change_status(self, changes: tuple[StatusChange, ...], updates: int | None) -> int:
        for change in changes:
            change_status(self.cib.root, change)
        version = self.cib.version
        number = version.num_updates + 1 if updates is None else updates
        self.cib.version = version._replace(num_updates=number)
        return number

    def status(self) -> bytes:
        found = self.cib.root.find("status")
        return b"<status/>" if found is None else etree.tostring(found, with_tail=False)


def _configuration_part(patch: Patch) -> Patch:
    """Without the attributes that the engine writes; `BadInput` for anything outside configuration."""
    kept: list[Operation] = []
    for operation, path in zip(patch.operations, touched_paths(patch), strict=True):
        if not path:
            if isinstance(operation, SetAttribute) and operation.name not in MANAGED:
                kept.append(operation)
        elif path[0][0] != "configuration":
            raise BadInput(f"a change of <{path[0][0]}> cannot be committed")
        elif len(path) == 1 and not isinstance(operation, SetAttribute):
            raise BadInput("<configuration> itself cannot be added, moved or removed")
        else:
            kept.append(operation)
    return Patch(tuple(kept))


def _check_version(cib: Cib) -> None:
    """Every node must be able to count on from the version: it is refused before it is in the log."""
    for name, number in zip(CibVersion._fields, cib.version, strict=True):
        if number > MAX_VERSION:
            raise BadInput(f"{name}={number} of the CIB is above {MAX_VERSION}")


def _payload(submission: Submission) -> bytes:
    packed: bytes = msgpack.packb(
        {
            "r": submission.request_id,
            "u": submission.user,
            "c": submission.client,
            "o": submission.origin,
            "w": submission.wall,
            "p": submission.patch,
            "x": submission.replace,
        },
        use_bin_type=True,
    )
    return packed


def _refusal(
    submission: Submission,
    text: str,
    status: ExitStatus,
    reports: tuple[Report, ...] = (),
) -> Outcome:
    warnings = tuple(report.message for report in reports if report.severity < Severity.ERROR)
    return Outcome(submission.request_id, False, text, status, warnings=warnings)


def _conflict_text(conflict: dict[str, Any], now: float) -> str:
    text = f"conflict: {conflict['object']}: {conflict['what']}"
    if conflict["by"]:
        ago = max(0, round(now - conflict["when"]))
        text += f", changed by {conflict['by']} {ago} s ago (epoch {conflict['epoch']})"
    return text
