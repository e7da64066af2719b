"""Whatever a client submits: it is refused in words, or every node can apply it and go on from there."""

from __future__ import annotations

from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from engine.base.events import Entry, Outcome, Snapshot, Submission
from engine.cib.document import Cib
from engine.cib.patch import COMMENT, element_digest
from engine.replica.entries import chained
from engine.replica.state import ReplicatedCib

START = b"""<cib admin_epoch="0" epoch="5" num_updates="2" validate-with="pacemaker-3.9">
<configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>
<resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints/></configuration><status/></cib>"""

CONFIGURATION = ["configuration", "", 0]
RESOURCES = [CONFIGURATION, ["resources", "", 0]]
PRIMITIVE = [*RESOURCES, ["primitive", "a", 0]]
ELEMENTS = [
    [],
    [CONFIGURATION],
    [CONFIGURATION, ["crm_config", "", 0]],
    [CONFIGURATION, ["nodes", "", 0]],
    [CONFIGURATION, ["nodes", "", 0], ["node", "1", 0]],
    [CONFIGURATION, ["constraints", "", 0]],
    RESOURCES,
    PRIMITIVE,
]
STEPS = st.sampled_from([path[-1] for path in ELEMENTS if path]) | st.sampled_from(
    [["status", "", 0], ["resources", "", 1], ["primitive", "a", -1], ["primitive", "b", 0]]
)
PATHS = st.sampled_from(ELEMENTS) | st.lists(STEPS, max_size=4)
NAMES = st.sampled_from(
    ["admin_epoch", "epoch", "validate-with", "id", "type", "class", "#text", "x:y", ""]
) | st.text(max_size=5)
VALUES = (
    st.none()
    | st.sampled_from(["none", "0", "9" * 18, "9" * 30, "pacemaker-1.0"])
    | st.text(max_size=5)
)
FRAGMENTS_BY_NAME = (
    b'<primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/>',
    b'<primitive id="b"/>',
    b"<!-- words -->",
    b"<?pi words?>",
    b"<!---->",
    b"<resources/>",
    b'<node id="2" uname="n2"/>',
    b"<a><b><c/></b></a>",
    b"<a",
    b"",
    b"<!DOCTYPE a><a/>",
)
FRAGMENTS = st.sampled_from(FRAGMENTS_BY_NAME)
ROOT = etree.fromstring(START)
REMOVALS = [
    [1, path, element_digest(element)]
    for path in ELEMENTS
    if (element := ROOT.find("/".join([".", *[step[0] for step in path]]))) is not None
]
FRAGMENT_STEPS = [
    (["primitive", "b", 0], FRAGMENTS_BY_NAME[0]),
    (["primitive", "b", 0], FRAGMENTS_BY_NAME[1]),
    ([COMMENT, " words ", 0], FRAGMENTS_BY_NAME[2]),
    (["resources", "", 0], FRAGMENTS_BY_NAME[5]),
    (["node", "2", 0], FRAGMENTS_BY_NAME[6]),
    (["a", "", 0], FRAGMENTS_BY_NAME[7]),
]
ROWS = st.one_of(
    st.tuples(st.just(0), PATHS, NAMES, VALUES, VALUES),
    st.tuples(st.just(0), st.just([]), st.just("admin_epoch"), st.just("0"), VALUES),
    st.tuples(st.just(0), st.sampled_from(ELEMENTS[1:]), NAMES, st.none(), VALUES),
    st.sampled_from(REMOVALS),
    st.tuples(st.just(1), PATHS, st.binary(max_size=16)),
    st.builds(
        lambda path, pair, after: [2, path, pair[0], after, pair[1]],
        PATHS,
        st.sampled_from(FRAGMENT_STEPS),
        st.none() | STEPS,
    ),
    st.tuples(st.just(2), PATHS, STEPS, st.none() | STEPS, FRAGMENTS),
    st.tuples(st.just(3), PATHS, st.none() | STEPS, st.none() | STEPS),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=5),
)


def packed(rows: Any) -> bytes:
    try:
        data: bytes = msgpack.packb(rows, use_bin_type=True)
    except (OverflowError, UnicodeEncodeError):
        return b"\xc1"
    return data


PATCHES = st.lists(ROWS, min_size=1, max_size=4).map(packed) | st.binary(max_size=40)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["admin_epoch", "epoch", "num_updates", "validate-with", "crm_feature_set"]),
    st.sampled_from(["0", "7", "-1", "9" * 18, "9" * 40, "none", "x", "pacemaker-2.0", ""]),
)
BODIES = st.sampled_from(
    [
        "<configuration/>",
        "<configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/>",
        "<status/>",
        "",
        "<configuration><!-- a --><resources><?b c?></resources></configuration>",
    ]
)


def whole(attributes: dict[str, str], body: str) -> bytes:
    words = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<cib{words}>{body}</cib>".encode()


WHOLES = st.builds(whole, ATTRIBUTES, BODIES) | st.binary(min_size=1, max_size=40)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def machine() -> ReplicatedCib:
    made = ReplicatedCib()  # without a check, so that more gets as far as the log
    made.restore(Snapshot(0, b"", START, msgpack.packb([{}, {}])))
    return made


@given(
    st.lists(
        st.builds(
            lambda patch, replace, force, user: (patch, replace, force, user),
            PATCHES | st.just(b""),
            WHOLES,
            st.booleans(),
            WORDS,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_what_is_not_refused_is_applied_alike_and_counted_on_from(
    submissions: list[tuple[bytes, bytes, bool, str]],
) -> None:
    dc, other = machine(), machine()
    for number, (patch, replace, force, user) in enumerate(submissions):
        judged = dc.judge(
            Submission(
                f"r{number}",
                dc.version,
                patch=patch,
                replace=b"" if patch else replace,
                force=force,
                user=user,
                client=user,
                origin=user,
                wall=1e9,
            )
        )
        if isinstance(judged, Outcome):
            assert judged.ok or judged.error
            assert "internal error" not in judged.error, judged.error
            continue
        before = dc.version
        entry: Entry = chained(b"", dc.index + 1, 64, judged)
        for replica in (dc, other):
            replica.apply(entry)
        assert dc.digest() == other.digest()
        assert dc.version > before
        copy = machine()
        copy.restore(Snapshot(dc.index, b"", *dc.state()))
        assert copy.digest() == dc.digest()
        assert Cib.from_bytes(dc.configuration_bytes()).version == dc.version
        assert etree.fromstring(dc.status()).tag == "status"
