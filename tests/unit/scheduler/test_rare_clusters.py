"""Rules that only show in unusual clusters; each was found by comparing random ones."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.graph.dot import dot_text
from engine.scheduler.placement.scores import ScoreRecord
from engine.scheduler.reading.nodes import health_colour
from engine.scheduler.views.status_parts import EVERYTHING
from engine.scheduler.views.status_text import resource_items
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
from tests.unit.scheduler.plans import (
    NO_PARAMETERS,
    decide,
    find,
    inputs,
    location,
    running,
    summary,
)

STATEFUL = "ocf:pacemaker:Stateful"


def score_lines(document: Cib) -> list[str]:
    record = ScoreRecord(utilizations=False)
    schedule(document, NOW, scores=record)
    return [line.text for line in record.lines]


def bundle(name: str, container: str, network: str, child: str = "") -> str:
    return (
        f'<bundle id="{name}"><podman image="i" {container}/><network {network}/>{child}</bundle>'
    )


def test_a_bundle_is_unique_by_what_was_asked_for_not_by_what_is_possible() -> None:
    shared = bundle(
        "b", 'replicas="2" replicas-per-host="2"', 'control-port="3121"', primitive("p")
    )
    model = model_of(cib(shared))
    assert resource_items(model, EVERYTHING)[0].text == "Container bundle set: b [i] (unique):"
    assert model.resources[0].bundle is not None
    assert model.resources[0].bundle.replicas_per_host == 1


def test_a_cloned_group_with_a_member_that_must_stay_down_is_not_promoted() -> None:
    members = group("g", primitive("a", STATEFUL), primitive("b", STATEFUL, is_managed="false"))
    document = cib(clone("c", members, promotable="true", clone_max="1"), nodes=1)
    assert "g:0 promotion score on n1: -INFINITY" in score_lines(document)


def test_monitors_wait_for_a_confirmation_also_where_nobody_can_be_told() -> None:
    members = group("g", primitive("a", ops=MONITOR), primitive("b", is_managed="false"))
    document = cib(clone("c", members, notify="true", clone_max="1"), nodes=1)
    text = dot_text(decide(document).plan, all_actions=False)
    assert '"c_confirmed-post_notify_running_0" -> "a:0_monitor_10000 n1" [ style = dashed]' in text


MONITOR = '<op id="m" name="monitor" interval="10s"/>'


def test_a_member_alone_cannot_make_discovery_exclusive() -> None:
    only = location("b", "n2", "5").replace("/>", ' resource-discovery="exclusive"/>')
    lines = score_lines(cib(group("g", primitive("a"), primitive("b")), constraints=only, nodes=2))
    assert "b allocation score on n1: 0" in [line.split(": ", 1)[1] for line in lines]


def test_a_migration_of_a_clone_instance_does_not_look_for_the_bare_name() -> None:
    moved = op("p", "migrate_to", 0, call=2, migrate__source="n1", migrate__target="n2")
    document = cib(
        clone("c", primitive("p")),
        states=state(1, history("p", moved))
        + state(2, history("p", op("p", "monitor", 7, call=9))),
        nodes=2,
    )
    instance = model_of(document).resources[0].children[0]
    assert instance.running_on[0].name == "n1"
    assert not instance.failed


def test_a_dependent_without_influence_does_not_move_a_group_that_is_half_started() -> None:
    together = (
        '<rsc_colocation id="c" rsc="d" with-rsc="g" score="INFINITY" influence="false"/>'
        + location("d", "n1", "50")
    )
    document = cib(
        group("g", primitive("a"), primitive("b")),
        primitive("d"),
        constraints=together,
        states=state(1, history("a", running("a"))) + state(2),
        nodes=2,
    )
    lines = [
        line for line in score_lines(document) if line.startswith("pcmk__primitive_assign: b ")
    ]
    assert lines[0].endswith("b allocation score on n1: 0")


@pytest.mark.parametrize(
    ("value", "colour"),
    [
        ("green", "yellow"),
        ("yellow", "yellow"),
        ("6", "green"),
        ("-10", "red"),
        ("-INFINITY", "red"),
    ],
)
def test_the_colour_of_a_node_compares_scores(value: str, colour: str) -> None:
    options = {
        "node-health-strategy": "custom",
        "node-health-yellow": "5",
        "node-health-red": "-10",
    }
    model = model_of(
        cib(nodes=1, options=options, states=state(1, attributes={"#health-x": value}))
    )
    assert health_colour(model, model.nodes[0]) == colour


def cancelled(entry: str) -> Schedule:
    document = cib(primitive("a"), states=state(1, history("a", running("a"), entry)), nodes=1)
    return decide(document)


def test_the_cancellation_of_a_pending_monitor_names_its_call() -> None:
    pending = op("a", "monitor", 193, call=-1, interval=10000, status=-1)
    assert find(cancelled(pending), "a_monitor_10000 n1").meta("call_id") == "-1"


def test_a_location_for_a_template_counts_up_to_the_first_user_that_is_unknown() -> None:
    template = '<template id="t" class="ocf" provider="pacemaker" type="Dummy"/>'
    users = [f'<primitive id="{name}" template="t"/>' for name in ("a", "p", "z")]
    document = cib(
        template,
        users[0],
        clone("c", users[1]),
        users[2],
        constraints=location("t", "n1", "7"),
        nodes=1,
    )
    lines = [line.split(": ", 1)[1] for line in score_lines(document)]
    assert "a allocation score on n1: 7" in lines
    assert "z allocation score on n1: 0" in lines
    assert "Start a ( n1 )" in summary(decide(document))


def test_a_colocation_with_a_template_counts_for_the_users_that_are_known() -> None:
    template = '<template id="t" class="ocf" provider="pacemaker" type="Dummy"/>'
    users = [f'<primitive id="{name}" template="t"/>' for name in ("a", "p", "z")]
    document = cib(
        template,
        users[0],
        clone("c", users[1]),
        users[2],
        primitive("d"),
        constraints='<rsc_colocation id="k" rsc="d" with-rsc="t" score="-5"/>',
        nodes=1,
    )
    model = decide(document).model
    (dependent,) = [resource for resource in model.resources if resource.id == "d"]
    assert [colocation.primary.id for colocation in dependent.this_with] == ["a", "z"]


def test_a_failure_that_stops_an_anonymous_clone_bans_the_clone_and_not_its_instances() -> None:
    stop = '<op id="m" name="monitor" interval="10s" on-fail="stop"/>'
    failed = op("p", "monitor", 1, call=6, interval=10000)
    document = cib(
        clone("c", primitive("p", ops=stop), clone_max="1"),
        states=state(1, history("p", running("p", call=5), failed)),
        nodes=1,
    )
    shown = [line for line in score_lines(document) if line.startswith("pcmk__clone_assign")]
    assert shown == [
        "pcmk__clone_assign: c allocation score on n1: -INFINITY",
        "pcmk__clone_assign: p:0 allocation score on n1: 1",
    ]


def test_a_bundle_in_a_loop_of_colocations_is_shown_each_time_that_it_is_asked_for() -> None:
    loop = (
        '<rsc_colocation id="k1" rsc="b" with-rsc="r" score="INFINITY"/>'
        '<rsc_colocation id="k2" rsc="r" with-rsc="b" score="100"/>'
    )
    replicated = bundle("b", 'replicas="3"', 'ip-range-start="192.168.122.100"', primitive("p"))
    document = cib(replicated, primitive("r"), constraints=loop, nodes=1)
    assert score_lines(document).count("pcmk__bundle_assign: b allocation score on n1: 0") == 8


def test_an_ordering_of_sets_ends_before_the_set_with_an_unknown_member() -> None:
    refs = [
        f'<resource_set id="s{number}"><resource_ref id="{name}"/></resource_set>'
        for number, name in enumerate(("a", "b", "p", "d"))
    ]
    document = cib(
        primitive("a"),
        primitive("b"),
        clone("c", primitive("p")),
        primitive("d"),
        constraints=f'<rsc_order id="o">{"".join(refs)}</rsc_order>',
        nodes=1,
    )
    decided = decide(document)
    assert "a_start_0 n1" in inputs(decided, "b_start_0 n1")
    assert not {"a_start_0 n1", "b_start_0 n1"} & inputs(decided, "d_start_0 n1")


def test_no_value_equals_no_value_also_for_a_primary_that_is_not_placed() -> None:
    near = (
        '<rsc_colocation id="k" rsc="c" rsc-role="Promoted" with-rsc="a" score="40"'
        ' node-attribute="rack"/>'
    )
    document = cib(
        clone("c", primitive("p", STATEFUL), promotable="true", clone_max="1"),
        primitive("a", target_role="Stopped"),
        constraints=near,
        nodes=1,
    )
    assert "p:0 promotion score on n1: 39" in score_lines(document)


def test_an_offline_node_that_is_clean_may_be_the_source_of_a_migration() -> None:
    document = cib(
        primitive("a", allow_migrate="true"),
        options={"shutdown-lock": "true"},
        constraints=location("a", "n1", "-INFINITY"),
        states=state(1, history("a", running("a")), in_ccm="false", crmd="offline", join="down")
        + state(2),
        nodes=2,
    )
    text = dot_text(decide(document).plan, all_actions=True)
    assert '"a_migrate_to_0 n1"' in text


def test_a_tie_of_capacities_is_broken_in_the_order_of_the_whole_table() -> None:
    """Of nodes 1 and 2 the latter comes first in a table of eight nodes, but not in one of two."""
    nodes = "".join(
        f'<node id="{number}" uname="n{number}">'
        f'<instance_attributes id="i{number}"><nvpair id="j{number}" name="standby"'
        f' value="{str(number > 2).lower()}"/></instance_attributes>'
        f'<utilization id="u{number}"><nvpair id="v{number}" name="cpu" value="2"/></utilization>'
        "</node>"
        for number in range(1, 9)
    )
    need = '<utilization id="u{0}"><nvpair id="v{0}" name="cpu" value="2"/></utilization>'
    resources = [
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f"{need.format(name)}</primitive>"
        for name in ("a", "b")
    ]
    document = cib(
        *resources,
        options={"placement-strategy": "utilization"},
        constraints='<rsc_colocation id="k" rsc="b" with-rsc="a" score="INFINITY"/>',
        nodes=8,
    )
    section = document.section("nodes")
    section[:] = list(etree.fromstring(f"<nodes>{nodes}</nodes>"))
    assert "Start a ( n2 )" in summary(decide(document))


def test_a_started_member_beside_a_promoted_one_keeps_its_name_for_what_it_is() -> None:
    members = group("g", primitive("a", STATEFUL), primitive("b", STATEFUL))
    document = cib(
        clone("c", members, promotable="true", clone_max="0"),
        states=state(
            1,
            history("a", op("a", "promote", call=6, op_digest=NO_PARAMETERS), agent=STATEFUL),
            history("b", running("b", call=5), agent=STATEFUL),
        ),
        nodes=1,
    )
    assert summary(decide(document)) == [
        "Stop a:0 ( Promoted n1 ) due to node availability",
        "Stop b:0 ( n1 ) due to node availability",
    ]


@pytest.mark.parametrize("monitors", [1, 2])
def test_only_a_single_monitor_tells_what_became_of_a_failed_migration(monitors: int) -> None:
    failed = op("a", "migrate_from", 1, call=2, migrate__source="n1", migrate__target="n2")
    seen = [op("a", "monitor", 7, call=3), op("a", "monitor", 7, call=2, interval=10000)]
    document = cib(
        primitive("a"),
        states=state(1, history("a", *seen[:monitors])) + state(2, history("a", failed)),
        nodes=2,
    )
    (resource,) = model_of(document).resources
    assert ("n1" in [node.name for node in resource.running_on]) is (monitors > 1)
