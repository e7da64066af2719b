"""Frames and messages of the local admin socket: a 4-byte big-endian length, then a msgpack map.

A message above one frame travels as a run of frames `{"id", "more", "part"}` whose parts, joined, are
the packed message (engine 14.1). Pure: bytes in, messages out; the socket is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgpack

from engine.base.errors import BadInput
from engine.base.reports import Report, Severity

FRAME_LIMIT = 1024 * 1024
REQUEST_LIMIT = 17 * 1024 * 1024
REPLY_LIMIT = 256 * 1024 * 1024
SOCKET_PATH = "run/crmshell/admin.sock"

_PART_BYTES = FRAME_LIMIT - 4096
_HEADER_BYTES = 4
_MAX_NESTING_ITEMS = 200_000

Message = dict[str, Any]


def socket_path(root: str) -> str:
    """Where the agent of the installation below `root` listens."""
    return f"{root.rstrip('/')}/{SOCKET_PATH}"


def frames_from_message(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The frames, length included, that carry one message."""
    body = msgpack.packb(dict(message), use_bin_type=True)
    if len(body) <= FRAME_LIMIT:
        yield _frame(body)
        return
    number = message.get("id", 0)
    for start in range(0, len(body), _PART_BYTES):
        more = start + _PART_BYTES < len(body)
        part = {"id": number, "more": more, "part": body[start : start + _PART_BYTES]}
        yield _frame(msgpack.packb(part, use_bin_type=True))


class FrameReader:
    """Collects bytes into messages; every limit is checked before memory is taken.

    `limit` bounds the joined size of one message. `feed` raises `BadInput` for anything that is no
    message; the connection is of no use afterwards. A server takes one after the other by `add` and
     `next_message`: what is not unpacked yet takes little memory.
    """

    __slots__ = ("_buffer", "_limit", "_parts", "_parts_bytes")

    def __init__(self, limit: int = REQUEST_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._parts: dict[int, list[bytes]] = {}
        self._parts_bytes = 0

    @property
    def is_between_messages(self) -> bool:
        """No frame and no run of frames is unfinished."""
        return not self._buffer and not self._parts

    def feed(self, data: bytes) -> list[Message]:
        """Take what came from the socket; the messages that are now complete, in order."""
        self.add(data)
        messages = []
        while (message := self.next_message()) is not None:
            messages.append(message)
        return messages

    def add(self, data: bytes) -> None:
        """Take what came from the socket; `next_message` unpacks it."""
        self._buffer += data

    @property
    def has_frame(self) -> bool:
        """Whether a frame is complete, or is none that will ever be."""
        size = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
        if len(self._buffer) < _HEADER_BYTES:
            return False
        return size > FRAME_LIMIT or len(self._buffer) >= _HEADER_BYTES + size

    def next_message(self) -> Message | None:
        """The next message, None when it is not complete yet."""
        while self.has_frame:
            size = int.from_bytes(self._buffer[:_HEADER_BYTES], "big")
            if size > FRAME_LIMIT:
                raise BadInput(f"a frame of {size} bytes, the limit is {FRAME_LIMIT}")
            body = bytes(self._buffer[_HEADER_BYTES : _HEADER_BYTES + size])
            del self._buffer[: _HEADER_BYTES + size]
            message = self._take_frame(body)
            if message is not None:
                return message
        return None

    def _take_frame(self, body: bytes) -> Message | None:
        frame = message_from_bytes(body)
        if "part" not in frame:
            return frame
        number, part = frame.get("id"), frame["part"]
        if not isinstance(number, int) or not isinstance(part, bytes):
            raise BadInput("a part of a message without id or without bytes")
        self._parts_bytes += len(part)
        if self._parts_bytes > self._limit:
            raise BadInput(f"a message of more than {self._limit} bytes")
        self._parts.setdefault(number, []).append(part)
        if frame.get("more"):
            return None
        whole = b"".join(self._parts.pop(number))
        self._parts_bytes -= len(whole)
        return message_from_bytes(whole)


def message_from_bytes(body: bytes) -> Message:
    """One packed map; raises `BadInput` when it is something else."""
    try:
        message = msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_map_len=_MAX_NESTING_ITEMS,
            max_array_len=_MAX_NESTING_ITEMS,
        )
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as problem:
        raise BadInput(f"not a message: {problem}") from None
    if not isinstance(message, dict):
        raise BadInput("not a message: expected a map")
    return message


def fields_from_report(report: Report) -> dict[str, Any]:
    """A report as it travels."""
    return {
        "code": report.code,
        "severity": int(report.severity),
        "message": report.message,
        "subject": report.subject,
        "nearest": report.nearest,
        "force_code": report.force_code,
    }


def report_from_fields(fields: Mapping[str, Any]) -> Report:
    """The report that `fields_from_report` packed; unknown severities read as errors."""
    try:
        severity = Severity(int(fields.get("severity", Severity.ERROR)))
    except ValueError:
        severity = Severity.ERROR
    return Report(
        code=str(fields.get("code", "")),
        severity=severity,
        message=str(fields.get("message", "")),
        subject=str(fields.get("subject", "")),
        nearest=str(fields.get("nearest", "")),
        force_code=str(fields.get("force_code", "")),
    )


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(_HEADER_BYTES, "big") + body
