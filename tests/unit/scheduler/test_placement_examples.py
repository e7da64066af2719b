"""Placement scores of small clusters whose results are known."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.placement.scores import Allocation, ScoreRecord
from tests.unit.scheduler.clusters import NOW, cib, clone, group, history, nvpairs, op, primitive
from tests.unit.scheduler.clusters import state as node_state

STATEFUL = "ocf:pacemaker:Stateful"
OPTIONS = {"no-quorum-policy": "ignore"}


def running(resource: str, agent: str = "ocf:pacemaker:Dummy") -> str:
    """History of a resource that was started."""
    return history(resource, op(resource, "start", 0, call=5), agent=agent)


def promoted(resource: str) -> str:
    return history(resource, op(resource, "promote", 0, call=6), agent=STATEFUL)


def location(resource: str, node: int, score: object) -> str:
    return (
        f'<rsc_location id="l-{resource}-{node}" rsc="{resource}" node="n{node}" score="{score}"/>'
    )


def with_(dependent: str, primary: str, score: object, **further: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in further.items())
    return (
        f'<rsc_colocation id="c-{dependent}-{primary}" rsc="{dependent}" with-rsc="{primary}"'
        f' score="{score}"{more}/>'
    )


def defaults(**meta: str) -> str:
    table = {name.replace("_", "-"): value for name, value in meta.items()}
    return f"<rsc_defaults>{nvpairs('meta_attributes', 'rsc', table)}</rsc_defaults>"


def run(document: Cib) -> tuple[Schedule, ScoreRecord]:
    record = ScoreRecord(utilizations=True)
    return schedule(document, NOW, scores=record), record


def table(record: ScoreRecord, resource: str, function: str = "primitive") -> list[list[str]]:
    """Score rows (one column for each node) of a resource, in the order in which they came."""
    lines = [
        line
        for line in record.lines
        if isinstance(line, Allocation)
        and line.resource == resource
        and line.function == f"pcmk__{function}_assign"
    ]
    columns = list(dict.fromkeys(line.node for line in lines))
    texts = [line.text.rsplit(": ", 1)[1] for line in lines]
    return [texts[i : i + len(columns)] for i in range(0, len(texts), len(columns))]


def promotions(record: ScoreRecord) -> list[str]:
    return [line.text for line in record.lines if " promotion score " in line.text]


def places(decided: Schedule) -> dict[str, str]:
    """Assigned node by primitive."""

    def walk(resources: Iterable[object]) -> Iterable[object]:
        for resource in resources:
            yield resource
            yield from walk(resource.children)

    return {
        resource.id: resource.assigned.name if resource.assigned else ""
        for resource in walk(decided.model.resources)
        if resource.is_primitive
    }


def test_stickiness_of_all_members_adds_up_in_a_group() -> None:
    names = ("a", "b", "c")
    document = cib(
        group("g", *[primitive(name) for name in names]),
        options=OPTIONS,
        constraints=location("g", 2, 250),
        further=defaults(resource_stickiness="100"),
        states=node_state(1, *[running(n) for n in names]) + node_state(2) + node_state(3),
    )

    decided, record = run(document)

    assert table(record, "a", "group") == [["100", "250", "0"]]
    assert table(record, "b", "group") == [["100", "0", "0"]]
    assert table(record, "a") == [["300", "250", "0"]]
    assert table(record, "b") == [["200", "-INFINITY", "-INFINITY"]]
    assert table(record, "c") == [["100", "-INFINITY", "-INFINITY"]]
    assert set(places(decided).values()) == {"n1"}


def test_an_active_clone_instance_is_kept_after_the_better_node_was_reserved() -> None:
    document = cib(
        clone("cl", primitive("d")),
        options=OPTIONS,
        constraints=location("cl", 3, "-INFINITY") + location("cl", 2, 50),
        states=node_state(1, running("d")) + node_state(2) + node_state(3),
    )

    decided, record = run(document)

    assert table(record, "cl", "clone") == [["0", "50", "-INFINITY"]]
    assert table(record, "d:0", "clone") == [["1", "50", "-INFINITY"]]
    assert table(record, "d:0") == [["1", "50", "-INFINITY"], ["1", "-INFINITY", "-INFINITY"]]
    assert table(record, "d:1") == [["-INFINITY", "50", "-INFINITY"]]
    assert table(record, "d:2") == [["-INFINITY", "-INFINITY", "-INFINITY"]]
    assert places(decided) == {"d:0": "n1", "d:1": "n2", "d:2": ""}


def _promotable(**meta: str) -> str:
    return clone("pc", primitive("s", STATEFUL), promotable="true", **meta)


def test_promotion_scores_and_role_locations_choose_the_promoted_instances() -> None:
    rule = (
        '<rsc_location id="l" rsc="pc"><rule id="r" role="Promoted" score="20">'
        '<expression id="e" attribute="#uname" operation="eq" value="n1"/></rule></rsc_location>'
    )
    document = cib(
        _promotable(promoted_max="2"),
        options=OPTIONS,
        constraints=rule,
        states=node_state(1, running("s", STATEFUL), attributes={"master-s": "5"})
        + node_state(2, running("s", STATEFUL), attributes={"master-s": "10"})
        + node_state(3, promoted("s"), attributes={"master-s": "15"}),
    )

    _, record = run(document)

    assert table(record, "s:0", "clone") == [["6", "0", "0"]]
    assert table(record, "s:2", "clone") == [["0", "0", "16"]]
    assert table(record, "s:0") == [["6", "-INFINITY", "-INFINITY"]]
    assert promotions(record) == [
        "s:0 promotion score on n1: 25",
        "s:2 promotion score on n3: 15",
        "s:1 promotion score on n2: 10",
    ]


def test_a_tiny_share_of_a_dependents_wish_still_counts_one() -> None:
    document = cib(
        primitive("a"),
        primitive("b"),
        primitive("c"),
        options=OPTIONS,
        constraints=with_("b", "a", 500)
        + with_("c", "b", -300)
        + location("c", 1, 100)
        + location("c", 2, 50),
    )

    decided, record = run(document)

    assert table(record, "a") == [["-1", "-1", "0"]]
    assert table(record, "b") == [["-1", "-1", "500"]]
    assert table(record, "c") == [["100", "50", "-300"]]
    assert places(decided) == {"a": "n3", "b": "n3", "c": "n1"}


def test_a_primary_yields_to_a_dependent_that_can_live_on_one_node_only() -> None:
    document = cib(
        primitive("p"),
        primitive("d"),
        options=OPTIONS,
        constraints=with_("d", "p", -200)
        + location("d", 2, "-INFINITY")
        + location("d", 3, "-INFINITY"),
    )

    _, record = run(document)

    assert table(record, "p") == [["0", "200", "200"]]
    assert table(record, "d") == [["0", "-INFINITY", "-INFINITY"]]


def test_colocation_sets_bind_each_to_the_next_set() -> None:
    sets = (
        '<rsc_colocation id="c" score="INFINITY">'
        '<resource_set id="s1"><resource_ref id="a"/><resource_ref id="b"/></resource_set>'
        '<resource_set id="s2" sequential="false"><resource_ref id="c"/><resource_ref id="d"/>'
        "</resource_set></rsc_colocation>"
    )
    document = cib(
        *[primitive(name) for name in "abcd"],
        options=OPTIONS,
        constraints=sets + location("a", 3, 10),
    )

    _, record = run(document)

    assert table(record, "c") == [["0", "0", "10"]]
    assert table(record, "d") == [["-INFINITY", "-INFINITY", "10"]]
    assert table(record, "a") == [["-INFINITY", "-INFINITY", "10"]]
    assert table(record, "b") == [["-INFINITY", "-INFINITY", "0"]]


def _needing(name: str, cpu: int) -> str:
    body = nvpairs("utilization", name, {"cpu": str(cpu)})
    return primitive(name).replace("</primitive>", f"{body}</primitive>")


def test_balanced_placement_goes_where_most_capacity_is_free() -> None:
    text = cib(
        _needing("a", 2),
        _needing("b", 3),
        _needing("c", 3),
        _needing("d", 5),
        options=OPTIONS | {"placement-strategy": "balanced"},
    ).to_bytes()
    for number, cpu in ((1, 4), (2, 6), (3, 6)):
        capacity = nvpairs("utilization", f"n{number}", {"cpu": str(cpu)})
        old = f'<node id="{number}" uname="n{number}"/>'
        new = f'<node id="{number}" uname="n{number}">{capacity}</node>'
        text = text.replace(old.encode(), new.encode())

    decided, record = run(Cib.from_bytes(text))

    assert places(decided) == {"a": "n2", "b": "n3", "c": "n1", "d": ""}
    taken = [line.text for line in record.lines if "assign_resource" in line.text]
    assert taken[0] == "pcmk__assign_resource: a utilization on n2: cpu=2"
    assert [line.text for line in record.lines if line.text.startswith("Remaining")] == [
        "Remaining: n1 capacity: cpu=1",
        "Remaining: n2 capacity: cpu=4",
        "Remaining: n3 capacity: cpu=3",
    ]


def _group_with_dependent(score: object) -> Cib:
    return cib(
        group("g", primitive("m"), primitive("n")),
        primitive("p"),
        options=OPTIONS,
        constraints=with_("p", "g", score) + location("p", 3, 50) + location("n", 2, 20),
    )


def test_a_weak_dependent_of_a_group_follows_the_members_wish() -> None:
    _, record = run(_group_with_dependent(500))

    assert table(record, "m") == [["0", "20", "1"]]
    assert table(record, "n") == [["-INFINITY", "20", "-INFINITY"]]
    assert table(record, "p") == [["0", "500", "50"]]


def test_a_mandatory_dependent_of_a_group_brings_its_whole_wish() -> None:
    _, record = run(_group_with_dependent("INFINITY"))

    assert table(record, "m") == [["0", "20", "50"]]
    assert table(record, "n") == [["-INFINITY", "-INFINITY", "50"]]
    assert table(record, "p") == [["-INFINITY", "-INFINITY", "50"]]


def test_a_clone_that_depends_on_its_own_dependent_does_not_count_itself_for_promotion() -> None:
    states = "".join(
        node_state(n, running("s", STATEFUL), attributes={"master-s": "5"}) for n in (1, 2, 3)
    )
    both_ways = with_("x", "pc", "INFINITY", with_rsc_role="Promoted")
    both_ways += with_("pc", "x", "-100", rsc_role="Promoted")
    document = cib(
        _promotable(),
        primitive("x"),
        options=OPTIONS,
        constraints=both_ways + location("x", 2, 100),
        states=states,
    )

    _, record = run(document)

    assert promotions(record) == [
        "s:0 promotion score on n1: 5",
        "s:2 promotion score on n3: 5",
        "s:1 promotion score on n2: -95",
    ]


def test_a_dependent_of_the_promoted_role_draws_the_promotion_to_itself() -> None:
    states = "".join(
        node_state(n, running("s", STATEFUL), attributes={"master-s": "5"}) for n in (1, 2, 3)
    )
    document = cib(
        _promotable(),
        primitive("x"),
        options=OPTIONS,
        constraints=with_("x", "pc", "INFINITY", with_rsc_role="Promoted") + location("x", 2, 100),
        states=states,
    )

    _, record = run(document)

    assert table(record, "pc", "clone") == [["0", "100", "0"]]
    assert table(record, "s:1") == [["0", "106", "0"]]
    assert promotions(record) == [
        "s:1 promotion score on n2: 205",
        "s:0 promotion score on n1: 5",
        "s:2 promotion score on n3: 5",
    ]
    assert table(record, "x") == [["-INFINITY", "206", "-INFINITY"]]


def test_a_cloned_group_shows_a_block_for_each_try() -> None:
    states = node_state(1, running("x"), running("y")) + node_state(2)
    document = cib(
        clone("cg", group("g", primitive("x"), primitive("y"))),
        nodes=2,
        options=OPTIONS,
        constraints=location("cg", 2, 20),
        states=states,
    )

    _, record = run(document)

    allocations = [line for line in record.lines if isinstance(line, Allocation)]
    assert len(allocations) == 44
    assert table(record, "x:0") == [["2", "20"], ["2", "-INFINITY"]]
    assert table(record, "y:0") == [["-INFINITY", "0"], ["1", "-INFINITY"]]


def test_all_colocations_of_a_group_reach_its_first_member() -> None:
    """A list of constraints is merged whole, not its first element several times (P24.1)."""
    document = cib(
        primitive("A"),
        primitive("B"),
        primitive("X"),
        group("g", primitive("m1"), primitive("m2")),
        options=OPTIONS,
        constraints=location("A", 1, 9999)
        + location("B", 2, 9999)
        + location("X", 3, 9999)
        + with_("m1", "X", 10)
        + with_("g", "A", 100)
        + with_("g", "B", 100),
    )

    _, record = run(document)

    assert table(record, "m1") == [["100", "100", "10"]]


def test_a_positive_score_keeps_a_resource_among_equals_and_zero_does_not() -> None:
    def placed(stickiness: str) -> dict[str, str]:
        document = cib(
            primitive("a"),
            primitive("b"),
            nodes=2,
            options=OPTIONS,
            further=defaults(resource_stickiness=stickiness),
            states=node_state(1) + node_state(2, running("a"), running("b")),
        )
        return places(run(document)[0])

    assert placed("0") == {"a": "n2", "b": "n1"}
    assert placed("1") == {"a": "n2", "b": "n2"}


def test_nodes_are_chosen_in_byte_order_of_their_names() -> None:
    text = cib(primitive("a"), nodes=2, options=OPTIONS).to_bytes()
    document = Cib.from_bytes(text.replace(b'uname="n1"', b'uname="n10"'))

    assert places(run(document)[0]) == {"a": "n10"}


def test_in_an_opt_in_cluster_only_named_nodes_have_a_score() -> None:
    document = cib(
        primitive("a"),
        options=OPTIONS | {"symmetric-cluster": "false"},
        constraints=location("a", 2, 0),
    )

    decided, record = run(document)

    assert table(record, "a") == [["0"]]
    assert places(decided) == {"a": "n2"}


def test_an_optional_primary_that_is_stopped_does_not_stop_its_dependent() -> None:
    document = cib(
        primitive("a", target_role="Stopped"),
        primitive("b"),
        options=OPTIONS,
        constraints=with_("b", "a", 100),
    )

    decided, record = run(document)

    assert table(record, "b") == [["0", "0", "0"]]
    assert places(decided)["b"] == "n1"


def test_every_contribution_to_a_score_has_a_reason() -> None:
    record = ScoreRecord(contributions=[])
    document = cib(
        primitive("a"),
        primitive("b"),
        options=OPTIONS,
        constraints=with_("b", "a", "INFINITY") + location("a", 2, 70),
    )

    schedule(document, NOW, scores=record)

    assert record.contributions is not None
    found = {(c.resource, c.node, c.reason, c.score) for c in record.contributions}
    assert ("a", "n2", "location l-a-2", 70) in found
    assert ("b", "n1", "c-b-a: with a", -1_000_000) in found


def test_a_chain_of_colocations_may_be_longer_than_pythons_usual_recursion() -> None:
    names = [f"r{n}" for n in range(350)]
    chain = "".join(
        with_(dependent, primary, "INFINITY") for primary, dependent in itertools.pairwise(names)
    )
    document = cib(*[primitive(name) for name in names], options=OPTIONS, constraints=chain)

    decided, _ = run(document)

    assert set(places(decided).values()) == {"n1"}


def test_colocations_that_branch_without_end_are_cut_short_with_a_warning() -> None:
    names = [f"r{n}" for n in range(40)]
    references = "".join(f'<resource_ref id="{name}"/>' for name in names)
    every_pair = (
        '<rsc_colocation id="apart" score="-1000">'
        f'<resource_set id="s">{references}</resource_set></rsc_colocation>'
    )
    document = cib(*[primitive(name) for name in names], options=OPTIONS, constraints=every_pair)

    decided, _ = run(document)

    assert "" not in places(decided).values()
    warnings = [r.message for r in decided.reports if r.code == "colocations-too-dense"]
    assert len(warnings) == 1
    assert warnings[0].startswith("too many colocations depend on r0, ")
