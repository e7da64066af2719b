"""The command crm_node."""

from __future__ import annotations

import pytest

from engine.base.exitcodes import ExitStatus
from engine.tools.crm_node import main
from tests.unit.tools.stand_in import Agent


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("-n", "n1\n"),
        ("--cluster-id", "1\n"),
        ("-l", "1 n1 member\n2 n2 lost\n"),
        ("-l -p", "n1 \n"),
        ("--quorum", "1\n"),
        ("-N 2", "n2\n"),
        ("-QVN2", "n2\n"),
    ],
)
def test_it_answers_as_pacemakers_does(
    agent: Agent, words: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 0
    assert capsys.readouterr().out == text


def test_an_agent_for_another_node_has_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCF_RESKEY_CRM_meta_on_node", "remote1")
    assert main(["-n"]) == 0
    assert capsys.readouterr().out == "remote1\n"


def test_only_a_node_that_left_is_forgotten(agent: Agent) -> None:
    assert main(["-R", "n2"]) == ExitStatus.USAGE
    assert main(["-R", "n1", "--force"]) == ExitStatus.UNSAFE
    assert main(["-R", "n2", "--force"]) == 0
    assert main(["-R", "n2", "--force"]) == 0
    assert b"n2" not in agent.cib.to_bytes()


def test_an_unknown_number_is_status_68(agent: Agent) -> None:
    assert main(["-N", "9"]) == ExitStatus.NOHOST


@pytest.mark.parametrize("words", [[], ["-x"], ["-N"]])
def test_wrong_usage_is_status_64(words: list[str]) -> None:
    assert main(words) == ExitStatus.USAGE
