"""What the scheduler knows after reading a CIB: nodes, resources, history."""

from __future__ import annotations

import pytest

from engine.base.errors import BadInput
from engine.cib.document import Cib
from engine.scheduler.model.model import INFINITY, MINUS_INFINITY, Model, Node, Resource, Role
from engine.scheduler.reading.failcounts import fail_count
from engine.scheduler.reading.nodes import can_fence, node_health, priority_fencing_delay
from engine.scheduler.reading.operations import action_meta, find_op, on_fail
from engine.scheduler.reading.parameters import parameters
from engine.scheduler.reading.requests import NoActions
from tests.unit.scheduler.clusters import (
    NOW,
    cib,
    clone,
    group,
    history,
    model_of,
    op,
    primitive,
    state,
)

FENCING = {"fencing-enabled": "true", "have-watchdog": "true"}


class Recorder(NoActions):
    """Remembers the requests as words."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def stop(self, resource: Resource, node: Node, *, optional: bool) -> None:
        self.asked.append(f"stop {resource.id} {node.name} {optional}")

    def fence(
        self, node: Node, action: str | None, *, optional: bool, reason: str, priority_delay: bool
    ) -> None:
        self.asked.append(f"fence {node.name}: {reason}")

    def clear_fail_count(self, resource: Resource, node: Node, reason: str) -> None:
        self.asked.append(f"clear {resource.id} {node.name}: {reason}")

    def recurring(self, resource: Resource, node: Node, task: str, interval_ms: int) -> None:
        self.asked.append(f"recurring {resource.id} {task} {interval_ms} {node.name}")


def found(model: Model, name: str) -> Resource:
    resource = model.find(name)
    assert resource is not None
    return resource


def after(*ops: str, options: dict[str, str] | None = None, **meta: str) -> Resource:
    """Primitive `a` after these operations on n1."""
    states = state(1, history("a", *ops)) + state(2) + state(3)
    return found(model_of(cib(primitive("a", **meta), options=options, states=states)), "a")


# -- nodes -------------------------------------------------------------------------------------


def test_nodes_are_listed_by_the_numbers_in_their_names() -> None:
    model = model_of(cib(nodes=12))
    assert [node.name for node in model.nodes][:3] == ["n1", "n2", "n3"]
    assert model.nodes[-1].name == "n12"


@pytest.mark.parametrize(
    ("fields", "online", "unclean", "pending"),
    [
        ({}, True, False, False),
        ({"in_ccm": "false"}, False, True, False),
        ({"crmd": "offline"}, True, True, False),
        ({"join": "banned"}, True, True, False),
        ({"join": "pending"}, True, False, True),
        ({"expected": "down", "in_ccm": "false", "crmd": "offline"}, False, False, False),
        ({"expected": "down"}, True, False, True),
        ({"in_ccm": ""}, False, True, False),
        ({"in_ccm": "1600000000", "crmd": "1600000001"}, True, False, False),
    ],
)
def test_the_state_of_a_node_follows_the_table(
    fields: dict[str, str], online: bool, unclean: bool, pending: bool
) -> None:
    model = model_of(cib(options=FENCING, states=state(1, **fields) + state(2) + state(3)))
    node = model.nodes[0]
    assert (node.online, node.unclean, node.pending) == (online, unclean, pending)


def test_a_node_without_state_is_unclean_only_with_start_up_fencing() -> None:
    assert model_of(cib(options=FENCING, states="")).nodes[0].unclean
    late = FENCING | {"startup-fencing": "false"}
    assert not model_of(cib(options=late, states="")).nodes[0].unclean


@pytest.mark.parametrize(("value", "shutdown"), [("0", False), ("1700", True), ("false", True)])
def test_any_shutdown_attribute_but_zero_asks_for_shutdown(value: str, shutdown: bool) -> None:
    states = state(1, attributes={"shutdown": value}) + state(2) + state(3)
    assert model_of(cib(states=states)).nodes[0].shutdown is shutdown


def test_fencing_needs_a_device_and_quorum() -> None:
    assert can_fence(*_first(cib(options=FENCING)))
    assert not can_fence(*_first(cib(options={"fencing-enabled": "true"})))
    lost = cib(options=FENCING, quorate=False, states=state(1, in_ccm="false"))
    assert not can_fence(*_first(lost))


def _first(document: Cib) -> tuple[Model, Node]:
    model = model_of(document)
    return model, model.nodes[0]


def test_a_node_pending_for_too_long_is_fenced() -> None:
    options = FENCING | {"node-pending-timeout": "60s"}
    recorder = Recorder()
    since = str(NOW - 61)
    states = state(1, in_ccm=since, crmd="offline", expected="down") + state(2)
    model_of(cib(nodes=2, options=options, states=states), recorder)
    assert recorder.asked == ["fence n1: peer pending timed out on joining the process group"]


def test_health_adds_up_and_words_have_scores() -> None:
    options = {
        "node-health-strategy": "progressive",
        "node-health-base": "10",
        "node-health-red": "-50",
        "node-health-yellow": "-5",
    }
    attributes = {"#health-a": "yellow", "#health-b": "3", "#health-c": "garbage"}
    states = state(1, attributes=attributes) + state(2, attributes={"#health": "RED"})
    model = model_of(cib(nodes=2, options=options, states=states))
    assert [node_health(model, node) for node in model.nodes] == [8, -40]


def test_only_the_most_important_lost_node_gets_a_head_start() -> None:
    running = history("a", op("a", "start"))
    lost = state(1, running, in_ccm="false", crmd="offline", join="down")
    options = FENCING | {"priority-fencing-delay": "30s"}
    model = model_of(
        cib(primitive("a", priority="5"), nodes=2, options=options, states=lost + state(2))
    )
    assert priority_fencing_delay(model, model.nodes[0]) == 30
    assert priority_fencing_delay(model, model.nodes[1]) == 0


# -- resources ---------------------------------------------------------------------------------


def test_meta_attributes_come_from_the_nearest_owner() -> None:
    defaults = (
        '<rsc_defaults><meta_attributes id="d"><nvpair id="d1" name="priority" value="7"/>'
        '<nvpair id="d2" name="resource-stickiness" value="9"/></meta_attributes></rsc_defaults>'
    )
    members = group("g", primitive("a", priority="1"), primitive("b"))
    model = model_of(cib(members, further=defaults))
    assert (found(model, "a").priority, found(model, "b").priority) == (1, 7)
    assert found(model, "a").stickiness == 9


def test_resources_are_listed_by_priority() -> None:
    document = cib(primitive("a"), primitive("b", priority="5"), primitive("c", priority="5"))
    assert [top.id for top in model_of(document).resources] == ["b", "c", "a"]


def test_a_clone_has_an_instance_for_every_node() -> None:
    model = model_of(cib(clone("c", primitive("a"))))
    top = found(model, "c")
    assert [child.id for child in top.children] == ["a:0", "a:1", "a:2"]
    assert not top.unique
    assert top.children[0].stickiness == 1


def test_a_template_gives_what_the_primitive_does_not_say() -> None:
    template = (
        '<template id="t" class="ocf" provider="pacemaker" type="Dummy">'
        '<instance_attributes id="ti"><nvpair id="ti1" name="x" value="1"/>'
        '<nvpair id="ti2" name="y" value="1"/></instance_attributes><operations>'
        '<op id="t1" name="monitor" interval="10"/><op id="t2" name="start" interval="0"/>'
        "</operations></template>"
    )
    own = (
        '<primitive id="a" template="t"><instance_attributes id="ai">'
        '<nvpair id="ai1" name="x" value="2"/></instance_attributes>'
        '<operations><op id="a1" name="monitor" interval="20"/></operations></primitive>'
    )
    model = model_of(cib(template, own))
    resource = found(model, "a")
    assert (resource.agent_class, resource.agent_type) == ("ocf", "Dummy")
    assert parameters(model, resource) == {"x": "2", "y": "1"}
    assert [(operation.id, operation.interval_ms) for operation in resource.ops] == [
        ("a1", 20_000),
        ("t2", 0),
    ]


def test_an_opt_in_cluster_starts_with_empty_tables() -> None:
    assert found(model_of(cib(primitive("a"))), "a").allowed == {0: 0, 1: 0, 2: 0}
    opt_in = cib(primitive("a"), options={"symmetric-cluster": "false"})
    assert found(model_of(opt_in), "a").allowed == {}


def test_a_bundle_makes_containers_addresses_connections_and_nodes() -> None:
    bundle = (
        '<bundle id="web"><podman image="img" replicas="2" promoted-max="1"/>'
        '<network ip-range-start="192.168.1.254"/>'
        '<storage><storage-mapping id="s" source-dir-root="/srv" target-dir="/d"/></storage>'
        f"{primitive('a')}</bundle>"
    )
    model = model_of(cib(bundle))
    top = found(model, "web")
    assert [child.id for child in top.children] == [
        "web-podman-0",
        "web-ip-192.168.1.254",
        "web-0",
        "web-podman-1",
        "web-ip-192.168.2.1",
        "web-1",
        "web-master",
    ]
    node = model.node_named("WEB-0")
    assert node is not None
    assert node.is_bundle
    assert found(model, "a:0").allowed == {node.index: 500}
    options = parameters(model, found(model, "web-podman-0"))["run_opts"]
    assert options == (
        " -h web-0 -e PCMK_stderr=1 -e PCMK_remote_port=3121 -v /srv/web-0:/d"
        " -v /etc/pacemaker/authkey:/etc/pacemaker/authkey"
        " -v /var/log/pacemaker/bundles/web-0:/var/log -p 192.168.1.254:3121:3121"
        "  --add-host=web-0:192.168.1.254 --add-host=web-1:192.168.2.1"
    )


def test_a_guest_node_comes_with_its_connection() -> None:
    model = model_of(cib(primitive("vm", remote_node="guest")))
    connection = found(model, "guest")
    node = model.node_named("guest")
    assert node is not None
    assert node.connection is connection
    assert connection.launcher is found(model, "vm")
    assert node.attributes["#kind"] == "container"


def test_a_newer_feature_set_is_refused() -> None:
    document = cib()
    document.root.set("crm_feature_set", "99.0")
    with pytest.raises(BadInput, match=r"feature set 99\.0"):
        model_of(document)


# -- operations --------------------------------------------------------------------------------


def test_a_probe_takes_the_timeout_of_the_most_frequent_monitor() -> None:
    ops = (
        '<op id="1" name="monitor" interval="20" timeout="7s"/>'
        '<op id="2" name="monitor" interval="10" timeout="9s"/>'
        '<op id="3" name="monitor" interval="5" timeout="1s" enabled="false"/>'
    )
    model = model_of(cib(primitive("a", ops=ops)))
    meta = action_meta(model, found(model, "a"), "monitor", 0, None, None)
    assert meta["timeout"] == "9000"


@pytest.mark.parametrize("timeout", ["garbage", "PT30S", "0", "-1"])
def test_a_bad_timeout_is_twenty_seconds(timeout: str) -> None:
    ops = f'<op id="1" name="start" interval="0" timeout="{timeout}"/>'
    model = model_of(cib(primitive("a", ops=ops)))
    resource = found(model, "a")
    meta = action_meta(model, resource, "start", 0, find_op(resource, "start", 0), None)
    assert meta["timeout"] == "20000"


@pytest.mark.parametrize(
    ("task", "word", "fencing", "expected"),
    [
        ("monitor", "", True, "RESTART"),
        ("monitor", "block", True, "BLOCK"),
        ("monitor", "fence", False, "STOP"),
        ("monitor", "restart-container", True, "RESTART"),
        ("stop", "", True, "FENCE"),
        ("stop", "", False, "BLOCK"),
        ("stop", "standby", True, "FENCE"),
        ("stop", "ignore", True, "IGNORE"),
    ],
)
def test_on_fail_has_a_meaning_for_every_operation(
    task: str, word: str, fencing: bool, expected: str
) -> None:
    interval = 10_000 if task == "monitor" else 0
    setting = f' on-fail="{word}"' if word else ""
    ops = f'<op id="1" name="{task}" interval="{interval // 1000}"{setting}/>'
    options = FENCING if fencing else {}
    model = model_of(cib(primitive("a", ops=ops), options=options))
    resource = found(model, "a")
    configured = find_op(resource, task, interval)
    meta = action_meta(model, resource, task, interval, configured, None)
    assert on_fail(model, resource, task, interval, meta).name == expected


# -- history -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "role", "failed"),
    [
        (op("a", "monitor", 7), "Stopped", False),
        (op("a", "monitor", 0), "Started", False),
        (op("a", "monitor", 8), "Promoted", False),
        (op("a", "monitor", 190), "Started", False),
        (op("a", "monitor", 1), "Started", True),
        (op("a", "monitor", 5), "Stopped", False),
        (op("a", "monitor", 9), "Promoted", True),
        (op("a", "monitor", 7, interval=10_000), "Started", True),
        (op("a", "start", 0), "Started", False),
        (op("a", "start", 1), "Started", True),
        (op("a", "start", 193, status=-1), "Started", False),
        (op("a", "stop", 0), "Stopped", False),
        (op("a", "promote", 0), "Promoted", False),
        (op("a", "demote", 0), "Unpromoted", False),
    ],
)
def test_a_result_tells_the_role(operation: str, role: str, failed: bool) -> None:
    resource = after(operation)
    assert resource.role.text == role
    assert resource.failed is failed


def test_a_failed_stop_blocks_without_fencing_and_fences_with_it() -> None:
    assert after(op("a", "stop", 1)).blocked
    recorder = Recorder()
    states = state(1, history("a", op("a", "stop", 1))) + state(2)
    model_of(cib(primitive("a"), nodes=2, options=FENCING, states=states), recorder)
    assert "fence n1: a failed there" in recorder.asked


def test_a_hard_error_bans_the_node_and_a_fatal_one_all_nodes() -> None:
    hard = after(op("a", "start", 5, expected=0))
    assert hard.allowed == {0: MINUS_INFINITY, 1: 0, 2: 0}
    assert set(after(op("a", "start", 6)).allowed.values()) == {MINUS_INFINITY}


def test_a_later_success_clears_a_failure() -> None:
    failed = op("a", "monitor", 1, interval=10_000, call=2, entry_id="a_last_failure_0")
    assert not after(failed, op("a", "start", 0, call=3)).failed
    assert after(op("a", "start", 0, call=1), failed).failed


def test_an_unmanaged_resource_stays_where_it_is() -> None:
    resource = after(op("a", "start"), is_managed="false")
    assert resource.allowed[0] == INFINITY


def test_a_resource_on_a_lost_node_lets_the_node_be_fenced() -> None:
    recorder = Recorder()
    lost = state(
        1,
        history("a", op("a", "start")),
        in_ccm="false",
        crmd="offline",
        expected="down",
        join="down",
    )
    model = model_of(
        cib(primitive("a"), nodes=2, options=FENCING, states=lost + state(2)), recorder
    )
    assert recorder.asked == ["fence n1: a is thought to be active there"]
    assert found(model, "a").running_on == [model.nodes[0]]


def test_a_resource_seen_twice_is_active_twice() -> None:
    states = state(1, history("a", op("a", "start"))) + state(2, history("a", op("a", "start")))
    resource = found(model_of(cib(primitive("a"), nodes=2, states=states)), "a")
    assert [node.name for node in resource.running_on] == ["n1", "n2"]


def test_instances_of_an_anonymous_clone_are_numbered_in_the_order_of_discovery() -> None:
    states = (
        state(1)
        + state(2, history("a", op("a", "start")))
        + state(3, history("a", op("a", "start")))
    )
    top = found(model_of(cib(clone("c", primitive("a")), states=states)), "c")
    where = {child.id: [node.name for node in child.running_on] for child in top.children}
    assert where == {"a:0": ["n2"], "a:1": ["n3"], "a:2": []}


def test_a_resource_only_the_history_knows_is_removed_and_kept_off_all_nodes() -> None:
    states = state(1, history("old", op("old", "start"))) + state(2)
    resource = found(model_of(cib(nodes=2, states=states)), "old")
    assert resource.removed
    assert set(resource.allowed.values()) == {MINUS_INFINITY}


def test_recurring_operations_going_on_are_asked_for() -> None:
    recorder = Recorder()
    ops = (op("a", "start", call=1), op("a", "monitor", interval=10_000, call=2))
    states = state(1, history("a", *ops)) + state(2)
    model_of(cib(primitive("a"), nodes=2, states=states), recorder)
    assert recorder.asked == ["recurring a monitor 10000 n1"]


def test_a_finished_migration_leaves_a_dangling_source() -> None:
    left = op("a", "migrate_to", call=3).replace("/>", ' migrate_source="n1" migrate_target="n2"/>')
    arrived = op("a", "migrate_from", call=2).replace(
        "/>", ' migrate_source="n1" migrate_target="n2"/>'
    )
    states = state(1, history("a", left)) + state(2, history("a", arrived))
    model = model_of(cib(primitive("a", allow_migrate="true"), nodes=2, states=states))
    resource = found(model, "a")
    assert [node.name for node in resource.dangling_sources] == ["n1"]
    assert [node.name for node in resource.running_on] == ["n2"]


def test_a_migration_half_done_has_a_source_and_a_target() -> None:
    left = op("a", "migrate_to", call=3).replace("/>", ' migrate_source="n1" migrate_target="n2"/>')
    probe = op("a", "monitor", 7, call=1)
    states = state(1, history("a", left)) + state(2, history("a", probe))
    resource = found(model_of(cib(primitive("a"), nodes=2, states=states)), "a")
    assert resource.migration_source is not None
    assert resource.migration_target is not None
    assert (resource.migration_source.name, resource.migration_target.name) == ("n1", "n2")


# -- fail counts -------------------------------------------------------------------------------


def counted(attributes: dict[str, str], **meta: str) -> tuple[int, int]:
    states = state(1, attributes=attributes) + state(2)
    model = model_of(cib(primitive("a", **meta), nodes=2, states=states))
    return fail_count(model, found(model, "a"), model.nodes[0])


def test_fail_counts_of_all_operations_add_up() -> None:
    attributes = {
        "fail-count-a#monitor_10000": "2",
        "fail-count-a#start_0": "1",
        "fail-count-ab#start_0": "5",
        "fail-count-a": "7",
        "last-failure-a#start_0": "100",
    }
    assert counted(attributes) == (3, 100)


def test_an_expired_fail_count_is_no_count() -> None:
    attributes = {"fail-count-a#start_0": "1", "last-failure-a#start_0": str(NOW - 61)}
    assert counted(attributes, failure_timeout="60s") == (0, 0)
    assert counted(attributes, failure_timeout="61s")[0] == 1


def test_an_expired_failure_asks_for_clearing_its_count() -> None:
    recorder = Recorder()
    failure = op("a", "monitor", 1, interval=10_000, call=2, entry_id="a_last_failure_0").replace(
        "/>", f' last-rc-change="{NOW - 100}"/>'
    )
    attributes = {
        "fail-count-a#monitor_10000": "1",
        "last-failure-a#monitor_10000": str(NOW - 100),
    }
    states = state(1, history("a", op("a", "start"), failure), attributes=attributes) + state(2)
    model_of(cib(primitive("a", failure_timeout="60s"), nodes=2, states=states), recorder)
    assert "clear a n1: it expired" in recorder.asked


def test_unpromoted_is_a_target_role_of_promotable_clones_only() -> None:
    plain = model_of(cib(primitive("a", target_role="Unpromoted")))
    assert found(plain, "a").next_role is Role.UNKNOWN
    promotable = clone("c", primitive("a"), promotable="true", target_role="Unpromoted")
    assert found(model_of(cib(promotable)), "a:0").next_role is Role.UNPROMOTED
