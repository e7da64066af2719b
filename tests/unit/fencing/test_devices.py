"""The protocol of fence agents."""

import pytest

from engine.base.errors import BadInput
from engine.fencing.devices import Device, command, listed_hosts


def lines(parameters: dict[str, str], action: str = "off", target: str = "n1") -> list[str]:
    return (
        command("fence_test", action, target, parameters, "/usr/sbin")
        .stdin.decode()
        .split("\n")[:-1]
    )


def test_the_target_is_named_by_the_host_map() -> None:
    text = lines({"pcmk_host_map": "n1:7;n2:8", "ip": "pdu"})
    assert "port=7" in text
    assert "plug=7" in text
    assert "nodename=n1" in text
    assert "ip=pdu" in text
    assert not any(line.startswith("pcmk_") for line in text)


def test_an_action_can_have_another_name() -> None:
    assert "action=poweroff" in lines({"pcmk_off_action": "poweroff"})


def test_secrets_are_not_on_the_command_line() -> None:
    made = command("fence_test", "off", "n1", {"passwd": "secret"}, "/usr/sbin")
    assert made.argv == ("/usr/sbin/fence_test",)
    assert b"passwd=secret\n" in made.stdin


@pytest.mark.parametrize(
    "agent", ["fence_../sh", "../sh", "fence_a/b", "fence_..x", "external/../sh"]
)
def test_only_fence_agents_are_run(agent: str) -> None:
    with pytest.raises(BadInput, match="not the name"):
        command(agent, "off", "n1", {}, "/usr/sbin")


def test_a_line_break_in_a_value_is_refused() -> None:
    with pytest.raises(BadInput, match="line break"):
        lines({"a": "x\ny"})


def test_a_list_of_hosts_may_carry_more_than_names() -> None:
    assert listed_hosts("n1,Online\n[n2]\nn3 7\n\n") == ("n1", "n2", "n3")


def test_a_device_with_a_list_is_static() -> None:
    assert Device("a", "fence_x", {"pcmk_host_list": "n1,n2 n3"}).lists("n3")
    assert Device("a", "fence_x", {"pcmk_host_list": "n1"}).host_check == "static-list"
    assert Device("a", "fence_x").host_check == "dynamic-list"


def test_a_plug_in_gets_its_parameters_as_variables_and_the_action_as_words() -> None:
    parameters = {"hostname": "h1", "ipaddr": "10.0.0.9", "pcmk_host_map": "H1=plug7"}
    made = command("external/ipmi", "reboot", "h1", parameters, "/usr/sbin")
    assert made.argv == ("/usr/sbin/stonith", "-t", "external/ipmi", "-E", "-T", "reset", "plug7")
    assert (made.env["hostname"], made.env["ipaddr"], made.stdin) == ("h1", "10.0.0.9", b"")
    assert "pcmk_host_map" not in made.env
    assert command("meatware", "list", "", {}, "/usr/sbin").argv[-1] == "-l"
    assert command("null", "monitor", "", {}, "/usr/sbin").argv[-1] == "-S"


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "BASH_ENV", "a-b", "1a"])
def test_a_parameter_of_a_plug_in_must_not_change_how_programs_run(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be handed"):
        command("external/ipmi", "off", "h1", {name: "x"}, "/usr/sbin")


@pytest.mark.parametrize("pairs", ["h1:1;h2:2", "H1=1 h2=2", "h1:1\th2=2"])
def test_a_host_map_is_read_with_either_separator_and_without_case(pairs: str) -> None:
    device = Device("d", "fence_x", {"pcmk_host_map": pairs})
    assert device.lists("h1")
    assert (device.plug("h1"), device.plug("H2"), device.plug("h3")) == ("1", "2", "h3")
