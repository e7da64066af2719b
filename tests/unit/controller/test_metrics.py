"""Numbers of a node as text."""

from engine.base.exposition import Metric, metrics_text
from engine.metrics import node_metrics, quorum_metrics, ring_metrics


def test_help_and_type_stand_once_before_all_numbers_of_a_name() -> None:
    text = metrics_text(
        [
            Metric("up", "Is up.", 1, (("node", 'a"b'),)),
            Metric("up", "Is up.", 0, (("node", "c"),)),
        ]
    )
    assert text.splitlines() == [
        "# HELP crmshell_up Is up.",
        "# TYPE crmshell_up gauge",
        'crmshell_up{node="a\\"b"} 1',
        'crmshell_up{node="c"} 0',
    ]


def test_a_node_tells_its_view_and_whom_it_hears() -> None:
    member = {
        "quorate": True,
        "term": 64,
        "commit": 7,
        "members": [1, 2],
        "durable": [1],
        "heard": [1],
    }
    operations = {"running": {}, "queued": [], "recurring": ["db_monitor_5000"]}
    found = node_metrics(member, {"transition": 3}, operations, {1: "n1", 2: "n2"})
    values = {(m.name, m.labels): m.value for m in found}
    assert values["members", ()] == 2
    assert values["operations_recurring", ()] == 1
    assert values["node_heard", (("node", "n2"),)] == 0


def test_large_and_endless_numbers_are_whole() -> None:
    text = metrics_text(
        [Metric("n", "N.", value) for value in (1796133997, float("inf"), float("-inf"), 0.25)]
    )
    assert [line.split()[1] for line in text.splitlines()[2:]] == [
        "1796133997",
        "+Inf",
        "-Inf",
        "0.25",
    ]


def test_votes_and_links_have_the_names_of_corosyncs_exporter() -> None:
    member = {"quorate": True, "members": [1, 3]}
    votes = {1: 1, 2: 1, 3: 2}
    text = metrics_text(
        [
            *quorum_metrics(member, {1: "n1", 2: "n2", 3: "n3"}, votes, 1),
            *ring_metrics(1, ("10.0.0.1",), {"n2": False, "n3": True}),
        ]
    )
    assert 'ha_cluster_corosync_quorum_votes{type="expected_votes"} 4' in text
    assert 'ha_cluster_corosync_quorum_votes{type="total_votes"} 3' in text
    assert 'ha_cluster_corosync_quorum_votes{type="quorum"} 3' in text
    assert 'ha_cluster_corosync_member_votes{local="false",node="n3",node_id="3"} 2' in text
    assert (
        'ha_cluster_corosync_rings{ring_id="1",node_id="1",number="0",address="10.0.0.1"} 0' in text
    )
    assert "ha_cluster_corosync_ring_errors 1" in text
