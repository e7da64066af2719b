"""Whatever bytes arrive, a reader gives messages or refuses: it never fails in another way."""

from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import BadInput
from engine.ipc.messages import FrameReader, frames_from_message

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    try:
        messages = FrameReader().feed(data)
    except BadInput:
        return
    assert all(isinstance(message, dict) for message in messages)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.data())
def test_a_damaged_message_is_refused_or_is_another_message(
    fields: dict[str, object], data: st.DataObject
) -> None:
    message = bytearray(b"".join(frames_from_message({"id": 1, **fields})))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    try:
        FrameReader().feed(bytes(message))
    except BadInput as refused:
        assert str(refused)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_every_map_survives_the_journey(fields: dict[str, object]) -> None:
    fields.pop("part", None)
    reader = FrameReader()
    got = [m for frame in frames_from_message(fields) for m in reader.feed(frame)]
    assert got == [fields]
