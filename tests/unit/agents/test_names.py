"""Agent names: what may become part of a path, and what never does."""

from __future__ import annotations

import pytest

from engine.agents.names import AgentName, agent_name_from_text, check_agent_name
from engine.base.errors import BadInput


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ocf:heartbeat:IPaddr2", AgentName("ocf", "heartbeat", "IPaddr2")),
        ("systemd:getty@tty1", AgentName("systemd", "", "getty@tty1")),
        ("stonith:fence_xvm", AgentName("stonith", "", "fence_xvm")),
    ],
)
def test_a_full_name_is_taken_apart_and_prints_as_itself(text: str, name: AgentName) -> None:
    assert agent_name_from_text(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    [
        "ocf:../../etc:passwd",
        "ocf:heartbeat:..",
        "ocf:heartbeat:a..b",
        "ocf:heartbeat:a/b",
        "lsb:/etc/shadow",
        "ocf:heartbeat:",
        "ocf::IPaddr2",
        "ocf:.hidden:x",
        "a:b:c:d",
        "IPaddr2",
        "lsb:foo:bar",
        "ocf:heartbeat:" + "x" * 65,
        "ocf:heartbeat:x\n",
        "ocf:heartbeat:x\0",
    ],
)
def test_a_name_that_could_leave_its_folder_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        agent_name_from_text(text)
    assert "\n" not in repr(str(refusal.value))[1:-1]


def test_class_ocf_needs_a_provider() -> None:
    with pytest.raises(BadInput, match="provider"):
        check_agent_name("ocf", "", "IPaddr2")
