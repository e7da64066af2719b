"""The plainest replicated state: a list of what was committed."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgpack

from engine.base.events import (
    Entry,
    Outcome,
    Question,
    Snapshot,
    StatusChange,
    Submission,
    Verdict,
)
from engine.replica.machine import Applied


class ListMachine:
    """Appends each patch; refuses a patch that begins with `bad`.

    With `has_large` a part of the patches is judged and prepared by others, as large ones are.
    """

    def __init__(self, *, has_large: bool = False) -> None:
        self._has_large = has_large
        self._prepared: set[bytes] = set()
        self.index = 0
        self.items: list[bytes] = []
        self.requests: dict[str, int] = {}
        self.updates = 0
        self.text = b""
        self._hash = b""
        self.fresh: list[Entry] = []

    def patch_for(self, request: str) -> bytes:
        """What a client submits under that id."""
        return request.encode()

    def has_at(self, request: str, index: int) -> bool:
        """Whether the request is what was applied at that index."""
        return self.items[index - 1] == request.encode()

    def has(self, request: str) -> bool:
        """Whether the request was applied at all."""
        return request.encode() in self.items

    def has_twice(self) -> bool:
        return len(set(self.items)) != len(self.items)

    @property
    def version(self) -> tuple[int, int, int]:
        return 0, self.index, self.updates

    def judge(self, submission: Submission) -> bytes | Outcome | Question:
        if self._has_large and _is_large(submission.patch):
            return Question(state=b"%d" % self.index, patch=submission.patch)
        return self.conclude(submission, Verdict())

    def conclude(self, submission: Submission, verdict: Verdict) -> bytes | Outcome:
        if verdict.problem:
            return Outcome(submission.request_id, False, verdict.problem, verdict.status)
        if submission.patch.startswith(b"bad"):
            return Outcome(submission.request_id, False, "bad", 65)
        packed: bytes = msgpack.packb([submission.request_id, submission.patch])
        return packed

    def is_ready(self, entry: Entry) -> bool:
        _, item = msgpack.unpackb(entry.payload)
        return not (self._has_large and _is_large(item)) or entry.digest in self._prepared

    def take_prepared(self, digest: bytes, content: Any) -> None:
        self._prepared.add(digest)

    def apply(self, entry: Entry) -> Applied:
        if entry.index != self.index + 1:
            raise AssertionError(f"entry {entry.index} applied after {self.index}")
        request, item = msgpack.unpackb(entry.payload)
        self.index = entry.index
        self.items.append(item)
        self.fresh.append(entry)
        self.requests[request] = entry.index
        self._hash = sha256(self._hash + item).digest()[:16]
        return Applied(request, self.version)

    def outcome(self, request_id: str) -> Outcome | None:
        index = self.requests.get(request_id)
        if index is None:
            return None
        return Outcome(request_id, True, index=index, version=(0, index, 0))

    def digest(self) -> bytes:
        return self._hash

    def state(self) -> tuple[bytes, bytes]:
        packed: bytes = msgpack.packb([self.items, self.requests, self._hash])
        return packed, b""

    def restore(self, snapshot: Snapshot) -> None:
        if snapshot.state:
            items, self.requests, self._hash = msgpack.unpackb(snapshot.state)
            self.items = list(items)
        else:
            self.items, self.requests, self._hash = [], {}, b""
        self.index = snapshot.index

    def change_status(self, changes: tuple[StatusChange, ...], updates: int | None) -> int:
        self.updates = self.updates + 1 if updates is None else updates
        for change in changes:
            self.text = self.text + change.xml if change.path else change.xml
        return self.updates

    def status(self) -> bytes:
        return self.text


def _is_large(item: bytes) -> bool:
    return item[-1:] in b"37"
