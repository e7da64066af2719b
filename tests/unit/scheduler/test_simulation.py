"""Playing transitions, injected events, and the command around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.scheduler.api import schedule
from engine.scheduler.model.transition import GraphAction, GraphPrimitive, Synapse, Transition
from engine.simulator.command import main
from engine.simulator.inject import Injections, OpSpec, inject
from engine.simulator.options import parse_options
from engine.simulator.player import Player
from tests.unit.scheduler.clusters import NOW, cib, clone, history, op, primitive, state

IGNORE = {"no-quorum-policy": "ignore"}
DUMMY = GraphPrimitive("a", "ocf", "pacemaker", "Dummy")


def play(document: Cib, *failures: OpSpec) -> tuple[Player, bool]:
    decided = schedule(document, NOW)
    player = Player(
        document, NOW, lambda name: decided.model.find(name) is not None, failures=failures
    )
    return player, player.play(decided.transition)


def lines_of(player: Player) -> list[str]:
    return [step.text for step in player.done]


def entries(document: Cib, resource: str) -> list[etree._Element]:
    return [
        entry
        for history_of in document.root.iter("lrm_resource")
        if history_of.get("id") == resource
        for entry in history_of
    ]


def pseudo(number: int, *inputs: int, priority: int = 0) -> Synapse:
    action = GraphAction(number, "pseudo_event", "start", f"p{number}")
    return Synapse(number, priority, action, inputs)


# Playing.


def test_a_later_synapse_fires_in_the_same_pass_and_an_earlier_one_in_the_next() -> None:
    transition = Transition({}, (pseudo(1, 3), pseudo(2), pseudo(3, 2), pseudo(4)))
    player = Player(cib(), NOW, lambda _: True)

    assert player.play(transition)
    assert [step.action.key for step in player.done if step.action] == ["p2", "p3", "p4", "p1"]


def test_a_graph_with_a_loop_does_not_complete() -> None:
    player = Player(cib(), NOW, lambda _: True)

    assert not player.play(Transition({}, (pseudo(1, 2), pseudo(2, 1), pseudo(3))))
    assert lines_of(player) == ["Pseudo action:   p3"]


def test_a_played_start_is_in_the_history_with_the_parameters_digest() -> None:
    document = cib(primitive("a"), nodes=1, options=IGNORE)

    player, complete = play(document)

    assert complete
    assert lines_of(player) == [
        "Resource action: a               monitor on n1",
        "Resource action: a               start on n1",
    ]
    (entry,) = entries(document, "a")
    assert entry.get("id") == "a_last_0"
    assert entry.get("operation") == "start"
    assert entry.get("call-id") == "2"
    assert entry.get("op-digest") == "f2317cad3d54cec5d7d7aa7d0bf35cf8"


def test_nothing_is_left_to_do_after_a_plan_was_played() -> None:
    document = cib(primitive("a"), clone("cl", primitive("b")), options=IGNORE)

    play(document)

    assert schedule(document, NOW).transition.synapses == ()


def test_an_anonymous_instance_is_recorded_under_its_base_name() -> None:
    document = cib(clone("cl", primitive("b")), nodes=1, options=IGNORE)

    player, _ = play(document)

    assert "Resource action: b:0             start on n1" in lines_of(player)
    assert [entry.get("id") for entry in entries(document, "b")] == ["b_last_0"]


def test_a_failure_stops_everything_that_is_not_urgent() -> None:
    document = cib(
        primitive("a"),
        primitive("b"),
        nodes=1,
        options=IGNORE,
        constraints='<rsc_order id="o" first="a" then="b"/>',
    )

    player, complete = play(document, OpSpec.from_text("a_start_0@n1=1"))

    assert complete
    assert any("failed with rc=1" in line for line in lines_of(player))
    assert not any(" b " in line and "start" in line for line in lines_of(player))
    failed = [e for e in entries(document, "a") if e.get("id") == "a_last_failure_0"]
    assert [e.get("rc-code") for e in failed] == ["1"]
    counts = {p.get("name"): p.get("value") for p in document.root.iter("nvpair")}
    assert counts["fail-count-a#start_0"] == "INFINITY"


def test_a_failed_action_counts_as_done_only_for_what_must_follow_in_any_case() -> None:
    stop = GraphAction(1, "rsc_op", "stop", "a_stop_0", node="n1", node_uuid="1", primitive=DUMMY)
    transition = Transition(
        {},
        (
            Synapse(0, 0, stop, ()),
            pseudo(2, 1),
            pseudo(3, 1, priority=1000000),
            pseudo(4, 3),
        ),
    )
    failed = OpSpec.from_text("a_stop_0@n1=1")
    player = Player(cib(nodes=1), NOW, lambda _: True, failures=[failed])

    assert player.play(transition)
    assert [step.action.key for step in player.done if step.action] == ["a_stop_0", "p3", "p4"]


def test_a_recurring_or_cancelled_action_is_recorded_under_the_name_in_the_configuration() -> None:
    known = GraphPrimitive("b", "ocf", "pacemaker", "Dummy", long_id="b:1")
    metas = {"CRM_meta_interval": "5000"}
    monitor = GraphAction(
        1,
        "rsc_op",
        "monitor",
        "b:1_monitor_5000",
        node="n1",
        node_uuid="1",
        primitive=known,
        attributes=metas,
    )
    cancel = GraphAction(
        2,
        "rsc_op",
        "cancel",
        "b:1_monitor_5000",
        node="n1",
        node_uuid="1",
        primitive=known,
        attributes=metas,
    )
    document = cib(nodes=1)

    Player(document, NOW, lambda _: True).play(
        Transition({}, (Synapse(0, 0, monitor, ()), Synapse(1, 0, cancel, (1,))))
    )

    found = [(entry.get("id"), entry.get("operation_key")) for entry in entries(document, "b")]
    assert found == [("b_monitor_5000", "b_monitor_5000"), ("b_cancel_5000", "b_cancel_5000")]


def test_a_fenced_node_loses_membership_history_and_transient_attributes() -> None:
    action = GraphAction(
        1,
        "crm_event",
        "stonith",
        "stonith-n1-reboot",
        node="n1",
        node_uuid="1",
        attributes={"CRM_meta_stonith_action": "reboot"},
    )
    document = cib(states=state(1, history("a", op("a", "start"))), nodes=1)
    player = Player(document, NOW, lambda _: True)

    player.play(Transition({}, (Synapse(0, 0, action, ()),)))

    (node,) = document.root.iter("node_state")
    assert lines_of(player) == ["Fencing n1 (reboot)"]
    assert dict(node.attrib) | {"in_ccm": "false", "crmd": "offline"} == dict(node.attrib)
    assert len(node) == 0


def test_a_node_that_has_no_state_gets_one() -> None:
    action = GraphAction(
        1, "rsc_op", "start", "a_start_0", node="n9", node_uuid="9", primitive=DUMMY
    )
    document = cib(states="", nodes=1)
    player = Player(document, NOW, lambda _: True)

    player.play(Transition({}, (Synapse(0, 0, action, ()),)))

    (node,) = document.root.iter("node_state")
    assert (node.get("id"), node.get("uname")) == ("9", "n9")


# Injections.


def test_specs_are_read_from_the_right() -> None:
    spec = OpSpec.from_text("my_web_migrate_to_0@n1=7")

    assert spec == OpSpec("my_web", "migrate_to", 0, "n1", 7)


@pytest.mark.parametrize("text", ["", "a", "a_start@n1=1", "a_start_0@n1", "a_start_0@n1=300"])
def test_a_malformed_spec_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match="RSC_TASK_INTERVALMS@NODE=RC") as refusal:
        OpSpec.from_text(text)
    assert refusal.value.status == ExitStatus.USAGE


def test_unknown_nodes_are_refused_before_anything_changes() -> None:
    document = cib(nodes=2)
    before = document.to_bytes()

    with pytest.raises(EngineError, match="did you mean 'n2'"):
        inject(document, Injections(nodes_up=["n1"], nodes_down=["n22"]), NOW)
    assert document.to_bytes() == before


def test_an_unknown_node_that_is_brought_up_joins_the_cluster() -> None:
    document = cib(primitive("a"), nodes=1, options=IGNORE)

    wanted = Injections(nodes_up=["n2"])
    (made,) = inject(document, wanted, NOW, nodes_may_join=True)
    assert made.text == "Bringing node n2 online"
    decided = schedule(document, NOW)

    assert [(node.name, node.online) for node in decided.model.nodes] == [
        ("n1", True),
        ("n2", True),
    ]


@pytest.mark.parametrize(
    ("task", "fatal", "shown"),
    [
        ("monitor", "true", "1"),
        ("start", "true", "INFINITY"),
        ("start", "false", "1"),
        ("stop", "false", "INFINITY"),
    ],
)
def test_an_injected_failure_says_how_often_the_operation_has_failed(
    task: str, fatal: str, shown: str
) -> None:
    document = cib(primitive("a"), nodes=1, options={"start-failure-is-fatal": fatal})
    interval = 10000 if task == "monitor" else 0
    failed = OpSpec("a", task, interval, "n1", 1)

    made = inject(document, Injections(operations=[failed, failed]), NOW)
    lines = [each.text for each in made]

    counts = [line.split("=")[1].split()[0] for line in lines if "fail-count" in line]
    assert counts == ([shown, "2"] if shown == "1" else [shown, shown])


def test_what_the_configuration_only_implies_can_fail_too() -> None:
    document = cib(primitive("a"), nodes=1)
    failed = Injections(operations=[OpSpec("box-docker-0", "monitor", 60000, "n1", 1)])
    agent = {"class": "ocf", "provider": "heartbeat", "type": "docker"}

    with pytest.raises(EngineError, match="box-docker-0"):
        inject(document, failed, NOW)
    inject(document, failed, NOW, implied={"box-docker-0": agent})

    assert [e.get("rc-code") for e in entries(document, "box-docker-0")] == ["1"]


def test_an_injected_migration_is_recorded_beside_what_the_history_holds() -> None:
    states = state(1, history("a", op("a", "start", entry_id="a_last_0")))
    document = cib(primitive("a"), nodes=1, states=states)

    inject(document, Injections(operations=[OpSpec("a", "migrate_from", 0, "n1", 5)]), NOW)

    assert [entry.get("id") for entry in entries(document, "a")] == ["a_last_0", "a_migrate_from_0"]


def test_a_pretended_failure_is_recorded_as_an_answer_of_the_agent() -> None:
    document = cib(primitive("a"), nodes=1, options=IGNORE)

    play(document, OpSpec.from_text("a_start_0@n1=5"))

    failed = [e for e in entries(document, "a") if e.get("id") == "a_last_failure_0"]
    assert [(e.get("op-status"), e.get("rc-code"), e.get("exit-reason")) for e in failed] == [
        ("0", "5", "User-injected result")
    ]


def test_only_a_clones_primitive_has_instances_to_inject_a_result_for() -> None:
    document = cib(primitive("a"), clone("cl", primitive("b")), nodes=1)

    assert inject(document, Injections(operations=[OpSpec("b:1", "start", 0, "n1", 0)]), NOW)
    with pytest.raises(EngineError, match="resource 'a:1' is not in the configuration"):
        inject(document, Injections(operations=[OpSpec("a:1", "start", 0, "n1", 0)]), NOW)


def test_injections_are_told_in_their_fixed_order() -> None:
    document = cib(primitive("a"), nodes=2)
    wanted = Injections(
        quorum="false",
        watchdog="true",
        nodes_up=["n1"],
        nodes_down=["n2"],
        tickets_grant=["T"],
        tickets_standby=["T"],
    )

    assert [each.text for each in inject(document, wanted, NOW)] == [
        "Setting quorum: false",
        "Setting watchdog: true",
        "Bringing node n1 online",
        "Taking node n2 offline",
        "Granting ticket T",
        "Making ticket T standby",
    ]
    (ticket,) = document.root.iter("ticket_state")
    assert dict(ticket.attrib) == {"id": "T", "granted": "true", "standby": "true"}
    assert document.root.get("have-quorum") == "0"


def test_an_injected_failure_makes_the_resource_recover() -> None:
    states = state(1, history("a", op("a", "start", call=5, last_rc_change="1")))
    document = cib(primitive("a"), nodes=1, options=IGNORE, states=states)

    inject(document, Injections(operations=[OpSpec("a", "monitor", 10000, "n1", 7)]), NOW)
    decided = schedule(document, NOW)

    resource = decided.model.find("a")
    assert resource is not None
    assert resource.failed
    tasks = {s.action.operation for s in decided.transition.synapses}
    assert tasks >= {"start", "stop"}


# The command line.


def test_short_options_may_be_bundled_and_carry_their_value() -> None:
    options = parse_options(["-sSQ", "-xcib.xml", "-Gg.xml", "-D", "d.dot", "-t2005-020"])

    assert (options.show_scores, options.simulate, options.quiet) == (True, True, True)
    assert (options.source, options.save_graph, options.save_dot) == ("cib.xml", "g.xml", "d.dot")
    assert options.date == "2005-020"


def test_long_options_take_their_value_with_or_without_an_equals_sign() -> None:
    options = parse_options(
        ["--node-down=n1", "--node-fail", "n2", "--ticket-revoke", "T", "--output-as=xml"]
    )

    assert options.injections.nodes_down == ["n1"]
    assert options.injections.nodes_fail == ["n2"]
    assert options.injections.tickets_revoke == ["T"]
    assert options.output_as == "xml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--simulat"], "did you mean --simulate"),
        (["-Z"], "unknown option -Z"),
        (["-x"], "needs a value"),
        (["--run=yes"], "takes no value"),
        (["cib.xml"], "unexpected argument"),
        (["--repeat", "0"], "above 0"),
        (["--output-as", "html"], "text, xml"),
    ],
)
def test_wrong_options_are_usage_errors(arguments: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message) as refusal:
        parse_options(arguments)
    assert refusal.value.status == ExitStatus.USAGE


# The command.


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "cib.xml"
    path.write_bytes(cib(primitive("a"), nodes=2, options=IGNORE).to_bytes())
    return str(path)


def test_the_status_alone_is_shown_without_further_options(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-x", source]) == 0

    shown = capsys.readouterr()
    assert shown.out.startswith("Current cluster status:\n  * Node List:\n    * Online: [ n1 n2 ]")
    assert "Transition Summary" not in shown.out
    assert shown.err == ""


def test_a_simulation_shows_all_sections(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-x", source, "-S"]) == 0

    text = capsys.readouterr().out
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings == [
        "Current cluster status:",
        "Transition Summary:",
        "Executing Cluster Transition:",
        "Revised Cluster Status:",
    ]
    assert "  * Start      a       (    n1 )\n" in text


def test_quiet_output_holds_only_what_was_asked_for(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-x", source, "-sSQ", "-t", "2026-11-20 12:00:00Z"]) == 0

    assert capsys.readouterr().out.split("\n") == [
        "pcmk__primitive_assign: a allocation score on n1: 0",
        "pcmk__primitive_assign: a allocation score on n2: 0",
        "",
        "",
    ]


def test_files_are_written_where_they_were_asked_for(source: str, tmp_path: Path) -> None:
    names = {letter: str(tmp_path / letter) for letter in "IOGD"}

    assert main(["-Q", "-x", source, "-S", *(f"-{k}{v}" for k, v in names.items())]) == 0

    assert Cib.from_bytes(Path(names["I"]).read_bytes()).root.find(".//lrm_rsc_op") is None
    assert Cib.from_bytes(Path(names["O"]).read_bytes()).root.find(".//lrm_rsc_op") is not None
    assert Path(names["G"]).read_text().startswith("<transition_graph ")
    assert Path(names["D"]).read_text().lstrip().startswith('digraph "g" {')


def test_in_place_stores_the_result_in_the_input(source: str) -> None:
    assert main(["-Q", "-x", source, "-X"]) == 0

    assert b"a_start_0" in Path(source).read_bytes()


def test_a_pretended_failure_is_told_between_the_executed_actions(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-x", source, "-F", "a_start_0@n1=1"]) == 0

    lines = capsys.readouterr().out.splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith("Pretending action"))
    assert lines[number].endswith(" failed with rc=1")
    assert lines[number - 1] == "  * Resource action: a               start on n1"
    assert lines[number + 1].startswith("  * Injecting attribute fail-count-a#start_0=INFINITY")


def test_requested_modifications_come_before_the_plan(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-x", source, "-R", "--node-down", "n1"]) == 0

    text = capsys.readouterr().out
    assert "Performing Requested Modifications:\n  * Taking node n1 offline\n" in text
    assert "  * Start      a       (    n2 )" in text


def test_xml_output_is_one_document(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-x", source, "-S", "-s", "--output-as", "xml"]) == 0

    root = etree.fromstring(capsys.readouterr().out.encode())
    assert root.tag == "pacemaker-result"
    assert [child.tag for child in root] == [
        "cluster_status",
        "allocations",
        "actions",
        "transition",
        "revised_cluster_status",
        "status",
    ]
    assert root.find("actions/rsc_action").get("resource") == "a"
    assert root.find("status").get("code") == "0"


def test_attributes_and_fail_counts_are_shown_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = op("a", "monitor", 1, interval=10000, exit_reason="no", last_rc_change="1700000000")
    values = {"rack": "7", "fail-count-a#monitor_10000": "2", "pingd": "100"}
    states = state(1, history("a", op("a", "start"), failed), attributes=values)
    path = tmp_path / "cib.xml"
    path.write_bytes(cib(primitive("a"), nodes=1, options=IGNORE, states=states).to_bytes())

    assert main(["-x", str(path), "-A", "-c"]) == 0

    text = capsys.readouterr().out
    assert "    * Node: n1:\n      * pingd" in text
    assert "\n      * rack                            \t: 7         \n" in text
    assert "      * a: migration-threshold=1000000 fail-count=2\n" in text
    assert "  * Failed Resource Actions:\n    * a_monitor_10000 on n1 'Error occurred' (1):" in text
    assert "status='Error', exitreason='no', last-rc-change='" in text


def test_a_folder_of_inputs_can_be_timed(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--profile", str(Path(source).parent), "-N", "2"]) == 0

    heading, line = capsys.readouterr().out.splitlines()
    assert heading == "Timings:"
    assert line.startswith(f"  * Testing {source} ... ")


def test_a_refusal_is_part_of_an_xml_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-x", "nowhere.xml", "--output-as", "xml"]) == ExitStatus.NOSUCH

    root = etree.fromstring(capsys.readouterr().out.encode())
    assert [e.text for e in root.iter("error")] == ["nowhere.xml: No such file or directory"]
    assert [e.get("code") for e in root.iter("status")] == ["105"]


def test_xml_says_from_where_to_where_a_resource_moves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states = state(1, history("a", op("a", "start", entry_id="a_last_0"))) + state(2)
    banned = '<rsc_location id="l" rsc="a" node="n1" score="-INFINITY"/>'
    document = cib(primitive("a"), nodes=2, options=IGNORE, states=states, constraints=banned)
    path = tmp_path / "cib.xml"
    path.write_bytes(document.to_bytes())

    assert main(["-x", str(path), "-S", "-A", "-c", "--output-as", "xml", "-u", "n2"]) == 0

    root = etree.fromstring(capsys.readouterr().out.encode())
    assert [dict(change.attrib) for change in root.iterfind("actions/rsc_action")] == [
        {
            "action": "move",
            "resource": "a",
            "source": "n1",
            "dest": "n2",
        }
    ]
    assert [e.get("action") for e in root.iterfind("modify_node")] == ["Online"]
    assert [n.get("name") for n in root.iterfind("revised_cluster_status//resource/node")] == ["n2"]
    assert root.find("cluster_status/node_history") is not None


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (None, ExitStatus.NOSUCH, "No such file"),
        ("", ExitStatus.DATAERR, "empty"),
        ("<cib", ExitStatus.DATAERR, "not well-formed"),
        ("<resources/>", ExitStatus.DATAERR, "expected <cib>"),
        ('<cib validate-with="pacemaker-9.9"/>', ExitStatus.CONFIG, "pacemaker-9.9"),
        ('<cib validate-with="pacemaker-3.9"><bogus/></cib>', ExitStatus.CONFIG, "<configuration>"),
    ],
)
def test_unusable_input_is_refused_with_one_line_each(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    status: ExitStatus,
    message: str,
) -> None:
    path = tmp_path / "cib.xml"
    if content is not None:
        path.write_text(content)

    assert main(["-x", str(path), "-S"]) == status

    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_duplicate_ids_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cib.xml"
    path.write_bytes(cib(primitive("a"), primitive("a")).to_bytes())

    assert main(["-x", str(path), "-R"]) == ExitStatus.CONFIG
    assert "'a'" in capsys.readouterr().err


def test_an_impossible_time_is_a_usage_error(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-x", source, "-R", "-t", "2026-13-77"]) == ExitStatus.USAGE
    assert "2026-13-77" in capsys.readouterr().err


def test_findings_about_the_configuration_are_shown_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cib.xml"
    document = cib(primitive("a", migration_threshold="-3"), options=IGNORE)
    path.write_bytes(document.to_bytes())

    assert main(["-x", str(path), "-RQ"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["-x", str(path), "-RQV"]) == 0
    assert "migration-threshold" in capsys.readouterr().err


def test_a_loop_of_orderings_ends_with_an_error_and_a_plan_for_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    constraints = '<rsc_order id="ab" first="a" then="b"/><rsc_order id="ba" first="b" then="a"/>'
    resources = [primitive(name) for name in "abc"]
    path = tmp_path / "cib.xml"
    path.write_bytes(cib(*resources, options=IGNORE, constraints=constraints).to_bytes())

    assert main(["-x", str(path), "-S"]) == ExitStatus.ERROR

    shown = capsys.readouterr()
    assert shown.err.count("wait for each other") == 1
    assert "Resource action: c               start on" in shown.out


def test_an_absurd_number_of_instances_is_cut_with_a_finding() -> None:
    document = cib(clone("cl", primitive("b"), clone_max="999999999999"), nodes=1, options=IGNORE)

    model_reports = schedule(document, NOW).reports

    assert [r.message for r in model_reports if r.code == "clone-max"] == [
        "cl: clone-max 2147483647 is more than 1000; using 1000"
    ]


def test_a_reference_to_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cib.xml"
    dangling = '<rsc_order id="o" first="a" then="nix"/>'
    path.write_bytes(cib(primitive("a"), constraints=dangling).to_bytes())

    assert main(["-x", str(path), "-S"]) == ExitStatus.CONFIG

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "crm_simulate: <rsc_order id='o'>: then names 'nix', which does not exist\n"


def test_a_date_that_no_calendar_has_is_told_and_the_present_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = cib(primitive("a"), nodes=1, options=IGNORE)
    document.root.set("execution-date", "9" * 30)
    path = tmp_path / "cib.xml"
    path.write_bytes(document.to_bytes())

    assert main(["-x", str(path), "-S"]) == 0

    shown = capsys.readouterr()
    assert shown.err.count("is in no calendar") == 1
    assert "Start      a" in shown.out


def running() -> Cib:
    """A cluster with something in its histories."""
    ran = history("a", op("a", "start", call=2), op("a", "monitor", interval=10_000, call=3))
    return cib(primitive("a"), options=IGNORE, states=state(1, ran) + state(2))


def test_a_plan_alone_is_the_plan_that_is_shown_with_everything_else(tmp_path: Path) -> None:
    """Only then histories are read one by one."""
    file, alone, shown = tmp_path / "cib.xml", tmp_path / "alone.xml", tmp_path / "shown.xml"
    file.write_bytes(running().to_bytes())

    assert main(["-R", "-Q", "-G", str(alone), "-x", str(file)]) == ExitStatus.OK
    assert main(["-R", "-s", "-G", str(shown), "-x", str(file)]) == ExitStatus.OK

    assert alone.read_bytes() == shown.read_bytes()


def test_a_broken_history_has_its_place_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(running().to_bytes().decode().replace('call-id="3"', "call-id=3"))
    line = next(n for n, x in enumerate(file.read_text().split("\n"), 1) if "call-id=3" in x)

    said = []
    for words in (["-R", "-Q"], ["-R"]):
        assert main([*words, "-x", str(file)]) != ExitStatus.OK
        said.append(capsys.readouterr().err)

    assert said[0] == said[1]
    assert f"cib.xml:{line}:" in said[0]
