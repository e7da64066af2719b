"""The CIB as the replicated state: changes judged at the DC, applied alike on every node.

Pure. Also remembers the last requests by id (so that each happens once) and who changed which
object last (so that a conflict can name them); both are part of the replicated state.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgpack
from lxml import etree

from engine.base.errors import BadInput
from engine.base.events import (
    Entry,
    Outcome,
    Question,
    Snapshot,
    StatusChange,
    Submission,
    Verdict,
)
from engine.base.exitcodes import ExitStatus
from engine.cib.access import is_restricted
from engine.cib.document import Cib, CibVersion, empty_cib
from engine.cib.not_carried_out import rows_in, uses_of
from engine.cib.object_digests import ObjectDigests
from engine.cib.patch import (
    Conflict,
    Patch,
    patch_from_bytes,
    plan_patch,
    subject_of,
    touched_paths,
    xml_text,
)
from engine.cib.soundness import Soundness, Tally, Trial
from engine.cib.status import change_status
from engine.replica.judgement import (
    Check,
    answer,
    check_version,
    configuration_part,
    refuse_what_is_not_carried_out,
    replacement_from,
    verdict_of_problem,
    verify,
)
from engine.replica.machine import Applied
from engine.replica.preparation import PreparedPatch, PreparedTree, is_large

MAX_PATCH = 1024 * 1024
MAX_REPLACE = 16 * 1024 * 1024
KEPT_REQUESTS = 1024
KEPT_AUTHORS = 4096
# Attributes of <cib> that count as configuration.
REPLICATED = ("admin_epoch", "epoch", "validate-with", "crm_feature_set")
# Bytes: a larger change, or one that needs a check of more than this, is judged off the event loop.
LARGE_CHANGE = 64 * 1024
LARGE_STATE = 128 * 1024
MOST_PREPARED = 4


class ReplicatedCib:
    """One node's replica; `cib` is read by everybody and changed here alone."""

    def __init__(
        self,
        check: Check | None = None,
        soundness: Soundness | None = None,
        *,
        is_guarded: bool = False,
    ) -> None:
        """`soundness` spares the check of the whole where a change touches only a few objects.

        With `is_guarded` what is large is asked of others and prepared by others (`judge`, `is_ready`).
        """
        self.cib: Cib = empty_cib()
        self.index = 0
        self._check = check
        self._soundness = soundness
        self._is_guarded = is_guarded
        self._prepared: dict[bytes, Any] = {}
        self._text: bytes | None = None
        self._judged: tuple[bytes, Trial | None] | None = None
        self._requests: dict[str, tuple[int, CibVersion]] = {}
        self._authors: dict[str, tuple[str, float, int]] = {}
        self._digests = ObjectDigests()

    @property
    def version(self) -> tuple[int, int, int]:
        return self.cib.version

    def outcome(self, request_id: str) -> Outcome | None:
        known = self._requests.get(request_id)
        if known is None:
            return None
        return Outcome(request_id, ok=True, index=known[0], version=known[1])

    # ---- the DC judges

    def judge(self, submission: Submission) -> bytes | Outcome | Question:
        """Limits, conflicts, then the rules for the result (engine 6.6, step 2)."""
        try:
            if submission.expected and submission.expected != self.version[:2]:
                return self._other_version(submission)
            if submission.replace:
                return self._judge_replacement(submission)
            return self._judge_patch(submission)
        except BadInput as problem:
            return _refusal(submission, verdict_of_problem(problem))
        except Exception as bug:
            # Judging leaves the state as it was. The request is refused and not passed on: its
            # client would send it to each next DC, and the same bug would end one after the other.
            text = f"the change cannot be judged, internal error: {bug!r}"
            return _refusal(submission, Verdict(text, int(ExitStatus.SOFTWARE)))

    def _other_version(self, submission: Submission) -> Outcome:
        now, wanted = self.cib.version, ".".join(map(str, submission.expected))
        text = (
            f"conflict: the configuration is at version {now.admin_epoch}.{now.epoch} now, "
            f"the change is for {wanted} only"
        )
        outcome = _refusal(submission, Verdict(text, int(ExitStatus.OLD)))
        return replace(outcome, version=now)

    def conclude(self, submission: Submission, verdict: Verdict) -> bytes | Outcome:
        """What the verdict of another process means for the submission that it is about."""
        if verdict.conflicts:
            return self._conflict(submission, tuple(Conflict(*item) for item in verdict.conflicts))
        if verdict.problem:
            return _refusal(submission, verdict)
        if verdict.is_empty:
            return self._nothing_to_do(submission)
        payload = _payload(submission)
        whole = Tally.from_bytes(verdict.tally) if verdict.tally else None
        self._judged = (payload, Trial(whole=whole) if whole is not None else None)
        return payload

    def _judge_patch(self, submission: Submission) -> bytes | Outcome | Question:
        if len(submission.patch) > MAX_PATCH:
            raise BadInput(
                f"the change has {len(submission.patch)} bytes, the limit is {MAX_PATCH}"
            )
        if self._is_restricted(submission):
            return self._judge_rights(submission)
        if self._is_guarded and len(submission.patch) >= LARGE_CHANGE:
            return self._question(submission)
        patch = configuration_part(patch_from_bytes(submission.patch))
        plan = plan_patch(self.cib.root, patch)
        if plan.conflicts:
            return self._conflict(submission, plan.conflicts)
        if not plan.changes:
            return self._nothing_to_do(submission)
        rows = rows_in(submission.patch)
        before = uses_of(self.cib.root, rows)
        soundness, trial = self._soundness, None
        if soundness is not None:
            trial = soundness.trial(self.cib.root, patch)
        take_back = plan.apply()
        try:
            check_version(self.cib)
            refuse_what_is_not_carried_out(before, self.cib.root, rows)
            if soundness is None or trial is None or not soundness.holds(self.cib.root, trial):
                if self._is_guarded and self._is_large_state():
                    return self._question(submission)
                trial = self._verify(self.cib.root, submission.force)
        finally:
            take_back()
        payload = _payload(submission)
        self._judged = (payload, trial)
        return payload

    def _is_restricted(self, submission: Submission) -> bool:
        return is_restricted(self.cib.root, submission.acl_user)

    def _judge_rights(self, submission: Submission) -> bytes | Outcome | Question:
        """A user's rights take a comparison of the whole: beside the event loop where there is one."""
        question = self._question(submission)
        if self._is_guarded:
            return question
        verdict = answer(question, self._check or (lambda _: []))
        return self.conclude(submission, verdict)

    def _question(self, submission: Submission) -> Question:
        if submission.replace:
            uses = tuple((use.row, use.subject) for use in uses_of(self.cib.root))
            question = Question(replace=submission.replace, force=submission.force, uses=uses)
        else:
            state = self.configuration_bytes()
            question = Question(b"", state, submission.patch, submission.force)
        if not self._is_restricted(submission):
            return question
        user, groups = submission.acl_user, submission.acl_groups
        state = question.state or self.configuration_bytes()
        return replace(question, state=state, acl_user=user, acl_groups=groups)

    def _is_large_state(self) -> bool:
        return len(self._configuration_text()) >= LARGE_STATE

    def _nothing_to_do(self, submission: Submission) -> Outcome:
        return Outcome(submission.request_id, True, index=self.index, version=self.version)

    def _settle(self, payload: bytes) -> None:
        """A change was made: the one judged here, or one of which nothing is known."""
        judged, self._judged = self._judged, None
        if self._soundness is None:
            return
        if judged is not None and judged[0] == payload and judged[1] is not None:
            self._soundness.settle(judged[1])
        else:
            self._soundness.forget()

    def _judge_replacement(self, submission: Submission) -> bytes | Outcome | Question:
        if len(submission.replace) > MAX_REPLACE:
            raise BadInput(
                f"the configuration has {len(submission.replace)} bytes, the limit is {MAX_REPLACE}"
            )
        seen = CibVersion(*submission.base)
        now = self.cib.version
        if not submission.force and seen[:2] != now[:2]:
            text = (
                f"conflict: the configuration is at epoch {now.epoch} now, "
                f"the replacement was made from epoch {seen.epoch}"
            )
            return _refusal(submission, Verdict(text, int(ExitStatus.OLD)))
        if self._is_restricted(submission):
            return self._judge_rights(submission)
        if self._is_guarded and len(submission.replace) >= LARGE_CHANGE:
            return self._question(submission)
        wanted = replacement_from(submission.replace)
        refuse_what_is_not_carried_out(uses_of(self.cib.root), wanted.root)
        self._verify(wanted.root, submission.force)
        return _payload(submission)

    def _verify(self, root: etree._Element, force: bool) -> Trial | None:
        """Check the whole; what to remember of it if nothing at all was found."""
        if self._check is None:
            return None
        is_flawless = verify(root, self._check, force=force)
        return self._soundness.learn(root) if is_flawless and self._soundness is not None else None

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

    def is_ready(self, entry: Entry) -> bool:
        return not self._is_guarded or not is_large(entry.payload) or entry.digest in self._prepared

    def take_prepared(self, digest: bytes, content: Any) -> None:
        self._prepared[digest] = content
        while len(self._prepared) > MOST_PREPARED:
            del self._prepared[next(iter(self._prepared))]

    def apply(self, entry: Entry) -> Applied:
        """Apply a committed entry; the same on every node, whatever the entry says."""
        fields = msgpack.unpackb(entry.payload, raw=False)
        prepared = self._prepared.pop(entry.digest, None)
        self.index = entry.index
        before = self.cib.version
        if fields["x"]:
            tree = prepared if isinstance(prepared, PreparedTree) else PreparedTree.of(fields["x"])
            version = self._replace(tree, before)
        else:
            known = (
                prepared if isinstance(prepared, PreparedPatch) else PreparedPatch.of(fields["p"])
            )
            version = self._change(known, fields, before)
        self._text = None
        self._settle(entry.payload)
        self.cib.version = version
        self._sign(fields)
        self._remember_request(fields["r"], version)
        return Applied(fields["r"], version, fields["w"])

    def _change(
        self, prepared: PreparedPatch, fields: dict[str, Any], before: CibVersion
    ) -> CibVersion:
        patch = prepared.patch
        plan = plan_patch(self.cib.root, patch, prepared.fragments)
        if not plan.conflicts:
            changed = self._digests.watch(self.cib.configuration, plan, patch)
            plan.apply()
            changed(prepared.digests)
        wanted = self.cib.version.admin_epoch
        version = CibVersion(max(wanted, before.admin_epoch), before.epoch + 1, 0)
        self._remember_authors(patch, fields["u"], fields["w"], version.epoch)
        return version

    def _replace(self, tree: PreparedTree, before: CibVersion) -> CibVersion:
        wanted = tree.cib
        for name in ("validate-with", "crm_feature_set"):
            value = wanted.root.get(name)
            if value is not None:
                self.cib.root.set(name, value)
        old = self.cib.configuration
        self.cib.root.replace(old, wanted.configuration)
        self._digests.forget()
        if tree.digests is not None:
            self._digests.use(self.cib.configuration, tree.digests)
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
            subject = subject_of(path)
            self._authors.pop(subject, None)
            self._authors[subject] = (user, wall, epoch)
        while len(self._authors) > KEPT_AUTHORS:
            del self._authors[next(iter(self._authors))]

    # ---- digest

    def digest(self) -> bytes:
        """16 bytes over configuration and version; digests of unchanged objects are kept."""
        whole = sha256()
        for name in REPLICATED:
            whole.update(f"{name}={self.cib.root.get(name)}\0".encode())
        self._digests.update(whole, self.cib.configuration)
        return whole.digest()[:16]

    # ---- snapshots

    def state(self) -> tuple[bytes, bytes]:
        """The configuration as XML without status, and the tables beside it."""
        side: bytes = msgpack.packb([self._requests, self._authors])
        return self.configuration_bytes(), side

    def configuration_bytes(self) -> bytes:
        """The `<cib>` with an empty status section."""
        root = self.cib.root
        head = etree.tostring(etree.Element(root.tag, dict(root.attrib))).removesuffix(b"/>")
        return b"".join((head, b">", self._configuration_text(), b"<status/></cib>"))

    def _configuration_text(self) -> bytes:
        """The `<configuration>`; made once for each change."""
        if self._text is None:
            configuration = self.cib.configuration
            self._text = etree.tostring(configuration, encoding="utf-8", with_tail=False)
        return self._text

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
        self._digests.forget()
        self._text = None
        self._prepared.clear()
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


def _refusal(submission: Submission, verdict: Verdict) -> Outcome:
    return Outcome(
        submission.request_id, False, verdict.problem, verdict.status, warnings=verdict.warnings
    )


def _conflict_text(conflict: dict[str, Any], now: float) -> str:
    text = f"conflict: {conflict['object']}: {conflict['what']}"
    if conflict["by"]:
        ago = max(0, round(now - conflict["when"]))
        text += f", changed by {conflict['by']} {ago} s ago (epoch {conflict['epoch']})"
    return text
