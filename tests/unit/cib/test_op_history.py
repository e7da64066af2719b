"""Order of history entries, active windows, digests."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from engine.cib.digests import EMPTY_DIGEST, canonical_text, digestible, parameters_digest
from engine.cib.history import (
    HistoryStore,
    OpRecord,
    active_window,
    compare_records,
    read_history,
    read_record,
    sort_records,
    split_transition_key,
)

KEY = "1:{}:0:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def record(
    entry_id: str,
    call: int,
    task: str = "monitor",
    *,
    rc: int = 0,
    interval: int = 0,
    transition: int = 1,
    changed: int = 0,
    node: str = "",
) -> OpRecord:
    key = KEY.format(transition)
    return read_record(
        etree.Element(
            "lrm_rsc_op",
            {
                "id": entry_id,
                "operation": task,
                "call-id": str(call),
                "rc-code": str(rc),
                "op-status": "0" if call >= 0 else "-1",
                "interval": str(interval),
                "transition-key": key,
                "transition-magic": f"0:{rc};{key}",
                "last-rc-change": str(changed),
                "on_node": node,
            },
        )
    )


def names(ops: list[OpRecord]) -> str:
    return " ".join(op.id for op in ops)


def test_entries_are_ordered_by_call_id() -> None:
    assert names(sort_records([record("c", 9), record("a", 2), record("b", 5)])) == "a b c"


def test_a_pending_entry_of_the_same_transition_is_last() -> None:
    assert names(sort_records([record("p", -1), record("a", 2)])) == "a p"


def test_a_pending_entry_of_an_older_transition_is_first() -> None:
    ops = [record("a", 2, transition=5), record("p", -1, transition=3)]
    assert names(sort_records(ops)) == "p a"


def test_on_different_nodes_the_time_decides() -> None:
    older, newer = record("a", 9, changed=10, node="n1"), record("b", 2, changed=20, node="N2")
    assert compare_records(older, newer) < 0
    assert compare_records(newer, older) > 0


def test_of_equal_entries_the_later_in_the_document_comes_first() -> None:
    assert names(sort_records([record("a", -1), record("b", -1)])) == "b a"


def test_missing_numbers_are_told_apart_from_zero() -> None:
    found = read_record(etree.Element("lrm_rsc_op", {"id": "x", "operation": "stop"}))
    assert (found.call_id, found.status, found.rc, found.expected_rc) == (-1, None, None, -1)
    assert found.key == "x"


def test_an_unreadable_transition_key_says_nothing() -> None:
    assert split_transition_key("1:2:x:uuid") == (-1, -1, "")
    assert split_transition_key(None) == (-1, -1, "")


def test_the_active_window_begins_at_the_last_start() -> None:
    ops = [record("1", 1, "start"), record("2", 2, "stop"), record("3", 3, "start")]
    assert active_window(ops) == (2, 1)


def test_without_a_start_a_role_change_or_a_monitor_tells_that_it_runs() -> None:
    monitor = record("m", 1, interval=10)
    assert active_window([monitor]) == (0, -1)
    assert active_window([monitor, record("p", 2, "promote")]) == (1, -1)
    assert active_window([record("m", 1, rc=7)]) == (-1, -1)


@given(st.permutations(range(8)))
def test_sorting_does_not_depend_on_the_order_in_the_document(order: list[int]) -> None:
    ops = sort_records([record(str(call), call) for call in order])
    assert [op.call_id for op in ops] == sorted(order)


def test_a_store_reads_a_history_once_and_knows_ambiguous_ones() -> None:
    status = etree.fromstring(
        '<node_state id="1" uname="n1"><lrm id="1"><lrm_resources>'
        '<lrm_resource id="a"/><lrm_resource id="b"/><lrm_resource id="b"/>'
        "</lrm_resources></lrm></node_state>"
    )
    store = HistoryStore()
    store.add_state(status)
    assert store.find("n1", "a") is store.find("n1", "a")
    assert store.find("n1", "b") is None
    assert store.find("n2", "a") is None
    assert [entry.id for entry in store.entries("n1")] == ["a", "b", "b"]


def test_an_unread_resource_has_no_window() -> None:
    entry = read_history(etree.Element("lrm_resource", {"id": "a"}))
    assert (entry.start_index, entry.stop_index, entry.ops) == (-1, -1, [])


def test_no_parameters_have_a_well_known_digest() -> None:
    assert parameters_digest({}) == EMPTY_DIGEST
    plain = hashlib.md5(b" <parameters/>\n", usedforsecurity=False).hexdigest()
    assert plain == EMPTY_DIGEST


def test_parameters_are_digested_sorted_and_escaped() -> None:
    text = canonical_text({"b": 'x"<&>', "B": "1\n"})
    assert text == ' <parameters B="1&#x0A;" b="x&quot;&lt;&amp;&gt;"/>\n'


def test_what_the_cluster_adds_is_not_digested() -> None:
    given_parameters = {"a": "1", "CRM_meta_timeout": "5", "id": "x", "pcmk_external_ip": "y"}
    assert digestible(given_parameters) == {"a": "1"}
