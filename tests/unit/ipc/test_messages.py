"""Frames of the admin socket."""

import pytest

from engine.base.errors import BadInput
from engine.base.reports import error
from engine.ipc.messages import (
    FRAME_LIMIT,
    FrameReader,
    fields_from_report,
    frames_from_message,
    report_from_fields,
)


def test_a_message_comes_back_byte_by_byte() -> None:
    data = b"".join(frames_from_message({"id": 1, "kind": "hello", "blob": b"\x00x"}))
    reader = FrameReader()
    got = [message for byte in data for message in reader.feed(bytes([byte]))]
    assert got == [{"id": 1, "kind": "hello", "blob": b"\x00x"}]
    assert reader.is_between_messages


def test_a_large_body_travels_as_a_run_of_frames() -> None:
    message = {"id": 7, "kind": "cib", "cib": b"x" * (3 * FRAME_LIMIT)}
    frames = list(frames_from_message(message))
    assert len(frames) == 4
    assert all(len(frame) <= FRAME_LIMIT + 4 for frame in frames)
    reader = FrameReader()
    assert [m for frame in frames for m in reader.feed(frame)] == [message]


def test_two_messages_in_one_read_come_in_order() -> None:
    data = b"".join(f for n in (1, 2) for f in frames_from_message({"id": n, "kind": "hello"}))
    assert [message["id"] for message in FrameReader().feed(data)] == [1, 2]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x01\x05",
        b"\x00\x00\x00\x02\x81\xa1",
        b"\x00\x00\x00\x00",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        FrameReader().feed(data)


def test_a_run_of_frames_above_the_limit_is_refused() -> None:
    frames = frames_from_message({"id": 1, "blob": b"x" * (2 * FRAME_LIMIT)})
    reader = FrameReader(limit=FRAME_LIMIT)
    with pytest.raises(BadInput, match="more than"):
        for frame in frames:
            reader.feed(frame)


def test_a_report_survives_the_journey() -> None:
    report = error("unknown", "what is that", subject="db", nearest="ip")
    assert report_from_fields(fields_from_report(report)) == report
