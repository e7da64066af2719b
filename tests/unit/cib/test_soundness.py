"""A change is judged by what it touches exactly as by a check of the whole."""

from __future__ import annotations

from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.events import Outcome, Snapshot, Submission
from engine.base.reports import Report
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.cib.schema import dangling_references, validate
from engine.cib.soundness import Soundness
from engine.replica.entries import chained
from engine.replica.state import ReplicatedCib

START = b"""<cib admin_epoch="0" epoch="5" num_updates="2" validate-with="pacemaker-3.9">
<configuration><crm_config/><nodes><node id="1" uname="n1"/></nodes>
<resources>
<template id="t" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="b" template="t"><meta_attributes id="b-m"/></primitive>
<group id="g"><primitive id="c" class="ocf" provider="heartbeat" type="Dummy"/></group>
</resources>
<constraints>
<rsc_location id="l" rsc="a" node="n1" score="1"/>
<rsc_order id="o" first="a" then="g"/>
</constraints>
<tags><tag id="tag"><obj_ref id="a"/></tag></tags>
</configuration><status/></cib>"""

IDS = st.sampled_from(["a", "b", "c", "g", "t", "l", "o", "tag", "new", "b-m"])
Edit = Callable[[etree._Element], None]


def find(root: etree._Element, identity: str) -> etree._Element | None:
    found = root.xpath(f"configuration//*[@id='{identity}']")
    return found[0] if isinstance(found, list) and found else None  # type: ignore[return-value]


def section(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f"configuration/{name}")
    assert found is not None
    return found


def add_primitive(identity: str, template: str) -> Edit:
    def edit(root: etree._Element) -> None:
        attributes = {"id": identity, "template": template}
        etree.SubElement(section(root, "resources"), "primitive", attributes)

    return edit


def add_location(identity: str, resource: str) -> Edit:
    def edit(root: etree._Element) -> None:
        attributes = {"id": identity, "rsc": resource, "node": "n1", "score": "5"}
        etree.SubElement(section(root, "constraints"), "rsc_location", attributes)

    return edit


def remove(identity: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = find(root, identity)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.remove(element)

    return edit


def set_attribute(identity: str, name: str, value: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = find(root, identity)
        if element is not None:
            element.set(name, value)

    return edit


def add_pairs(identity: str, block: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = find(root, identity)
        if element is not None:
            values = etree.SubElement(element, "meta_attributes", id=block)
            etree.SubElement(values, "nvpair", id=f"{block}-p", name="is-managed", value="true")

    return edit


def refer_to_pairs(identity: str, block: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = find(root, identity)
        if element is not None:
            etree.SubElement(element, "meta_attributes", {"id-ref": block})

    return edit


def into_another(identity: str, group: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element, owner = find(root, identity), find(root, group)
        if element is not None and owner is not None and owner not in element.iter():
            owner.append(element)

    return edit


def whole_section(root: etree._Element) -> None:
    etree.SubElement(section(root, "."), "rsc_defaults")


def no_schema(root: etree._Element) -> None:
    root.set("validate-with", "none")


EDITS = st.one_of(
    st.builds(add_primitive, IDS, IDS),
    st.builds(add_location, IDS, IDS),
    st.builds(remove, IDS),
    st.builds(set_attribute, IDS, st.sampled_from(["rsc", "first", "template", "odd"]), IDS),
    st.builds(add_pairs, IDS, st.sampled_from(["m1", "m2", "b-m", "a"])),
    st.builds(refer_to_pairs, IDS, st.sampled_from(["m1", "b-m", "nowhere"])),
    st.builds(into_another, IDS, st.just("g")),
    st.just(whole_section),
    st.just(no_schema),
)


def check(root: etree._Element) -> list[Report]:
    return [*validate(root), *dangling_references(root)]


def replica(soundness: Soundness | None = None) -> ReplicatedCib:
    made = ReplicatedCib(check, soundness)
    made.restore(Snapshot(0, b"", START, msgpack.packb([{}, {}])))
    return made


def ask(machine: ReplicatedCib, number: int, edits: list[Edit], *, force: bool) -> Submission:
    new = machine.cib.copy().root
    for edit in edits:
        edit(new)
    patch = patch_to_bytes(diff(machine.cib.root, new))
    return Submission(f"r{number}", machine.version, patch=patch, force=force, wall=1e9)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.lists(EDITS, min_size=1, max_size=3), st.sampled_from([False, False, True])),
        min_size=1,
        max_size=6,
    )
)
def test_both_ways_of_checking_agree_on_every_change(
    changes: list[tuple[list[Edit], bool]],
) -> None:
    quick, slow = replica(Soundness()), replica()
    first: list[tuple[list[Edit], bool]] = [([add_primitive("first", "t")], False)]
    for number, (edits, force) in enumerate([*first, *changes]):
        request = ask(slow, number, edits, force=force)
        one, two = quick.judge(request), slow.judge(request)
        assert one == two
        if not isinstance(one, Outcome):
            entry = chained(b"", slow.index + 1, 64, one)
            quick.apply(entry)
            slow.apply(entry)
            assert quick.digest() == slow.digest()


def counted(calls: list[int]) -> Callable[[etree._Element], list[Report]]:
    def counting(root: etree._Element) -> list[Report]:
        calls.append(1)
        return check(root)

    return counting


def commit(machine: ReplicatedCib, number: int, edits: list[Edit]) -> None:
    judged = machine.judge(ask(machine, number, edits, force=False))
    assert isinstance(judged, bytes), judged
    machine.apply(chained(b"", machine.index + 1, 64, judged))


def test_the_whole_is_checked_once_and_then_only_what_changes() -> None:
    calls: list[int] = []
    machine = ReplicatedCib(counted(calls), Soundness())
    machine.restore(Snapshot(0, b"", START, msgpack.packb([{}, {}])))
    for number in range(5):
        commit(machine, number, [add_primitive(f"p{number}", "t"), add_location(f"q{number}", "a")])
    commit(machine, 6, [remove("q1"), remove("p1")])
    assert len(calls) == 1


@pytest.mark.parametrize("foreign", ["another DC's change", "a snapshot"])
def test_what_was_not_judged_here_is_checked_as_a_whole(foreign: str) -> None:
    calls: list[int] = []
    machine = ReplicatedCib(counted(calls), Soundness())
    machine.restore(Snapshot(0, b"", START, msgpack.packb([{}, {}])))
    commit(machine, 1, [add_primitive("p1", "t")])
    if foreign == "a snapshot":
        machine.restore(Snapshot(machine.index, b"", *machine.state()))
    else:
        other = replica()
        payload = other.judge(ask(other, 2, [add_primitive("p2", "t")], force=False))
        assert isinstance(payload, bytes)
        machine.apply(chained(b"", machine.index + 1, 64, payload))
    commit(machine, 3, [add_primitive("p3", "t")])
    assert len(calls) == 2
    assert not check(Cib.from_bytes(machine.configuration_bytes()).root)


def test_a_reference_to_nothing_is_found_without_a_check_of_the_whole() -> None:
    machine = replica(Soundness())
    commit(machine, 1, [add_primitive("p1", "t")])
    for edit in (add_location("q1", "nowhere"), remove("a"), remove("t"), add_primitive("l", "t")):
        refused = machine.judge(ask(machine, 2, [edit], force=False))
        assert isinstance(refused, Outcome)
        assert not refused.ok


def test_what_was_made_counts_for_the_next_change() -> None:
    machine = replica(Soundness())
    commit(machine, 1, [add_primitive("p1", "t")])
    commit(machine, 2, [add_primitive("p2", "t"), add_location("q2", "p2")])
    commit(machine, 3, [add_location("q3", "p2")])
    refused = machine.judge(ask(machine, 4, [remove("p2"), remove("q2")], force=False))
    assert isinstance(refused, Outcome)
    assert "p2" in refused.error
    commit(machine, 5, [remove("p2"), remove("q2"), remove("q3")])
    commit(machine, 6, [add_primitive("p2", "t")])
