"""Fencing requests: devices, levels, retries, delays."""

import random

from lxml import etree

from engine.fencing.core import (
    Confirmed,
    Effect,
    Event,
    FencingCore,
    Finished,
    MembersChanged,
    Ran,
    Remember,
    Request,
    RunAgent,
    SetTimer,
    TimerFired,
)


def device(name: str, **params: str) -> str:
    pairs = "".join(f'<nvpair id="{name}-{k}" name="{k}" value="{v}"/>' for k, v in params.items())
    return (
        f'<primitive id="{name}" class="stonith" type="fence_test">'
        f'<instance_attributes id="{name}-i">{pairs}</instance_attributes></primitive>'
    )


class Bench:
    def __init__(self, *devices: str, topology: str = "") -> None:
        text = (
            f"<cib><configuration><resources>{''.join(devices)}</resources>"
            f"<fencing-topology>{topology}</fencing-topology></configuration><status/></cib>"
        )
        root = etree.fromstring(text)
        self.members: tuple[str, ...] = ("n1", "n2", "n3")
        self.core = FencingCore(
            lambda: root, lambda: self.members, random.Random(1), lambda: 60_000
        )
        self.now = 0.0

    def do(self, event: Event) -> list[Effect]:
        return self.core.handle(event, self.now, 1e9)

    def run(self, event: Event) -> RunAgent:
        found = [e for e in self.do(event) if isinstance(e, RunAgent)]
        assert len(found) == 1, "one agent is run"
        return found[0]

    def end(self, event: Event) -> Finished:
        found = [e for e in self.do(event) if isinstance(e, Finished)]
        assert len(found) == 1, "the request is over"
        return found[0]


def test_a_listed_device_fences_from_another_node() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"), device("b", pcmk_host_list="n3"))
    run = bench.run(Request("n1", "reboot"))
    assert (run.device.id, run.node, run.action) == ("a", "n2", "reboot")
    assert bench.end(Ran(run.run, 0)) == Finished("n1", "reboot", True)
    assert bench.core.history.last("n1") is not None


def test_no_device_is_a_failure_that_says_so() -> None:
    assert "no fence device for n1" in Bench().end(Request("n1", "off")).error


def test_a_device_that_lists_its_hosts_itself_is_asked() -> None:
    bench = Bench(device("a"))
    asked = bench.run(Request("n3", "off"))
    assert (asked.action, asked.target) == ("list", "")
    run = bench.run(Ran(asked.run, 0, "n3,on\nn9\n"))
    assert run.action == "off"


def test_a_failure_is_tried_again_and_then_the_next_device_is_used() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"), device("b", pcmk_host_list="n1"))
    first = bench.run(Request("n1", "off"))
    again = bench.run(Ran(first.run, 1, error="no power"))
    assert again.device.id == "a"
    other = bench.run(Ran(again.run, 1, error="no power"))
    assert other.device.id == "b"
    assert bench.end(Ran(other.run, 0)).ok


def test_there_is_no_second_try_when_most_of_the_time_is_gone() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    first = bench.run(Request("n1", "off"))
    bench.now = 50
    assert bench.end(Ran(first.run, 1, error="slow")).error == "a: slow"


def test_all_devices_of_a_level_switch_off_before_one_switches_on() -> None:
    topology = '<fencing-level id="l" target="n1" index="1" devices="a,b"/>'
    bench = Bench(device("a"), device("b"), topology=topology)
    run = bench.run(Request("n1", "reboot"))
    seen = [(run.device.id, run.action)]
    for rc in (0, 0, 1):
        run = bench.run(Ran(run.run, rc))
        seen.append((run.device.id, run.action))
    assert seen == [("a", "off"), ("b", "off"), ("a", "on"), ("b", "on")]
    assert bench.end(Ran(run.run, 1)).ok


def test_the_second_level_is_tried_when_the_first_failed() -> None:
    topology = (
        '<fencing-level id="l1" target="n1" index="1" devices="a"/>'
        '<fencing-level id="l2" target-pattern="n." index="2" devices="b"/>'
    )
    bench = Bench(device("a", pcmk_off_retries="1"), device("b"), topology=topology)
    run = bench.run(Request("n1", "off"))
    assert bench.run(Ran(run.run, 1)).device.id == "b"


def test_a_delay_is_waited_for_and_a_request_of_minus_one_skips_it() -> None:
    bench = Bench(device("a", pcmk_host_list="n1 n2", pcmk_delay_base="n1:5s;n2:0s"))
    assert bench.do(Request("n1", "off")) == [SetTimer("delay n1 off", 5.0)]
    assert bench.run(TimerFired("delay n1 off")).device.id == "a"
    assert bench.run(Request("n2", "off", -1)).device.id == "a"


def test_an_equal_request_joins_the_one_that_runs() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    bench.run(Request("n1", "off"))
    assert bench.do(Request("n1", "off")) == []


def test_a_person_can_end_what_no_device_can() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    bench.run(Request("n1", "off"))
    assert bench.end(Confirmed("n1", "root")).ok


def test_devices_that_the_graph_names_all_unfence_and_on_the_node_itself() -> None:
    topology = '<fencing-level id="l" target="n2" index="1" devices="other"/>'
    bench = Bench(device("a"), device("b"), device("other"), topology=topology)
    run = bench.run(Request("n2", "on", devices=("b", "a")))
    assert (run.device.id, run.action, run.node) == ("b", "on", "n2")
    run = bench.run(Ran(run.run, 0))
    assert (run.device.id, run.action, run.node) == ("a", "on", "n2")
    assert bench.end(Ran(run.run, 0)).ok


def test_each_device_has_its_own_delay_and_only_the_first_that_of_the_request() -> None:
    topology = '<fencing-level id="l" target="n1" index="1" devices="a,b"/>'
    bench = Bench(
        device("a", pcmk_delay_base="1s"), device("b", pcmk_delay_base="2s"), topology=topology
    )
    assert bench.do(Request("n1", "reboot", 10)) == [SetTimer("delay n1 reboot", 11.0)]
    run = bench.run(TimerFired("delay n1 reboot"))
    assert bench.do(Ran(run.run, 0)) == [SetTimer("delay n1 reboot", 2.0)]
    run = bench.run(TimerFired("delay n1 reboot"))
    assert (run.device.id, run.action) == ("b", "off")
    assert bench.run(Ran(run.run, 0)).action == "on"


def test_the_random_part_stays_between_base_and_maximum() -> None:
    params = {"pcmk_host_list": "n1", "pcmk_delay_base": "2s", "pcmk_delay_max": "5s"}
    seen = set()
    bench = Bench(device("a", **params))
    for _ in range(20):
        [timer] = [e for e in bench.do(Request("n1", "off")) if isinstance(e, SetTimer)]
        assert 2 <= timer.delay <= 5
        seen.add(timer.delay)
        bench.do(Confirmed("n1", "root"))
    assert len(seen) > 1
    short = Bench(device("a", **{**params, "pcmk_delay_max": "1s"}))
    assert short.do(Request("n1", "off")) == [SetTimer("delay n1 off", 1.0)]


def test_what_was_done_is_told_to_the_other_members_once() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    run = bench.run(Request("n1", "off", origin="root"))
    [told] = [e for e in bench.do(Ran(run.run, 0)) if isinstance(e, Remember)]
    assert (told.event.device, told.event.delegate, told.event.origin) == ("a", "n2", "root")
    bench.core.history.add(told.event)
    assert len(bench.core.history.about("n1")) == 1
    bench.core.history.forget("n1")
    assert bench.core.history.about() == ()


def test_a_confirmation_by_hand_without_a_request_is_remembered() -> None:
    bench = Bench()
    bench.do(Confirmed("n1", "root"))
    [event] = bench.core.history.about("n1")
    assert (event.ok, event.delegate, event.origin) == (True, "a human", "root")


def test_a_priority_that_is_no_number_is_none() -> None:
    bench = Bench(
        device("a", pcmk_host_list="n1", priority="high"),
        device("b", pcmk_host_list="n1", priority="3"),
    )
    assert bench.run(Request("n1", "off")).device.id == "b"


def timer_of(effects: list[Effect], word: str) -> SetTimer:
    [found] = [e for e in effects if isinstance(e, SetTimer) and e.name.startswith(word)]
    return found


def test_a_result_that_got_lost_ends_the_run_at_its_deadline() -> None:
    bench = Bench(device("a", pcmk_host_list="n1", pcmk_off_timeout="20", pcmk_off_retries="1"))
    deadline = timer_of(bench.do(Request("n1", "off")), "run ")
    assert deadline.delay == 30.0
    bench.now = 30.0
    done = bench.end(TimerFired(deadline.name))
    assert (done.ok, done.error) == (False, "a: no answer from n2 in time")
    assert bench.core.targets == ()
    assert bench.run(Request("n1", "off")).node == "n2", "a new request is not swallowed"


def test_a_run_ends_when_its_node_leaves_and_another_node_takes_over() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    assert bench.run(Request("n1", "off")).node == "n2"
    bench.members = ("n3",)
    run = bench.run(MembersChanged())
    assert run.node == "n3"
    assert bench.end(Ran(run.run, 0)).ok


def test_a_device_that_is_asked_on_a_node_that_leaves_counts_as_one_that_does_not_say() -> None:
    bench = Bench(device("a", pcmk_host_check="dynamic-list"))
    assert bench.run(Request("n1", "off")).action == "list"
    bench.members = ("n3",)
    assert bench.run(MembersChanged()).action == "off"


def test_a_deadline_after_the_result_changes_nothing() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    effects = bench.do(Request("n1", "off"))
    [run] = [e for e in effects if isinstance(e, RunAgent)]
    assert bench.end(Ran(run.run, 0)).ok
    assert bench.do(TimerFired(timer_of(effects, "run ").name)) == []


def test_a_run_ends_when_the_agent_of_its_node_begins_anew() -> None:
    bench = Bench(device("a", pcmk_host_list="n1"))
    lives = {"n1": 1, "n2": 1, "n3": 1}
    assert bench.do(MembersChanged(lives)) == []
    assert bench.run(Request("n1", "off")).node == "n2"
    assert bench.do(MembersChanged({**lives, "n3": 2})) == []
    again = bench.run(MembersChanged({**lives, "n2": 2}))
    assert (again.node, again.action) == ("n2", "off")
    assert bench.end(Ran(again.run, 0)).ok
