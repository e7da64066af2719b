import contextlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import BadInput
from engine.base.events import Entry, Snapshot, View
from engine.base.wire import Codec, Envelope
from engine.membership.messages import MESSAGES, Heartbeat, Install, Leave, Tail
from engine.replica.messages import MESSAGES as REPLICA_MESSAGES

CODEC = Codec(MESSAGES, REPLICA_MESSAGES)
VIEW = View(65, (1, 2), (1, 2), 1, True, "2 of 3 votes", (2, 1))
ENTRY = Entry(7, 64, b"\x00payload", b"d" * 16)


@pytest.mark.parametrize(
    "message",
    [
        Heartbeat((1, 2), 64, 12345, ((2, 17),), 64, 3, 9, True, False, True, False, 2, 1e9),
        Install(VIEW, 6, b"x" * 16, (ENTRY,), 7, b"d" * 16),
        Install(VIEW, 6, b"x" * 16, (), 6, b"", Snapshot(6, b"x" * 16, b"<cib/>", b"side")),
        Tail(65, 0, (ENTRY, ENTRY)),
        Leave(),
    ],
)
def test_a_message_arrives_as_it_was_sent(message):
    envelope = Envelope("demo", 1, 3, 2, message)
    assert CODEC.decode(CODEC.encode(envelope)) == envelope


def raw(**changes) -> bytes:
    header = {"c": "demo", "f": 1, "i": 1, "t": 2, "v": 1, "k": 10, "b": {"reason": "x"}}
    return msgpack.packb({**header, **changes})


def test_unknown_kinds_and_keys_are_ignored_and_defaults_taken():
    assert CODEC.decode(raw(k=9999)) is None
    assert CODEC.decode(raw(b={"reason": "x", "new": 5})).message == Leave("x")
    assert CODEC.decode(raw(b={})).message == Leave("")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not msgpack"),
        (b"\x05", "not a map"),
        (raw(f="one"), "'f' is not a number"),
        (raw(k=True), "'k' is not a number"),
        (raw(c=5), "no cluster name"),
        (raw(b=7), "not a map"),
        (raw(b={"reason": 7}), "expected str"),
        (raw(k=3, b={}), "'term' is missing"),
        (raw(k=6, b={"term": 1, "base": 0, "entries": 5}), "expected a list"),
        (raw(k=6, b={"term": 1, "base": 0, "entries": [[1]]}), "not a map"),
    ],
)
def test_what_is_no_message_is_bad_input(data, what):
    with pytest.raises(BadInput, match=what):
        CODEC.decode(data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_fail_otherwise(data):
    with contextlib.suppress(BadInput):
        CODEC.decode(data)


def test_a_kind_is_used_once():
    with pytest.raises(ValueError, match="used twice"):
        Codec(MESSAGES, {1: Leave})
