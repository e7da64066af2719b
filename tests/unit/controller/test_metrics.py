"""Numbers of a node as text."""

from engine.metrics import Metric, metrics_text, node_metrics


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
