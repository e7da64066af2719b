"""The commands crm_attribute and crm_master: options as agents give them, requests as the agent wants."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.cib.edits import set_node_attribute
from engine.cib.patch import apply_patch, patch_from_bytes
from engine.tools import crm_attribute
from engine.tools.crm_attribute import main, wishes_from_words


class Agent:
    """Stands for the connection to the node agent: answers, and keeps what was asked."""

    requests: list[tuple[str, dict[str, Any]]]
    busy: int

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def demand(self, kind: str, timeout: float = 1.0, /, **fields: Any) -> dict[str, Any]:
        type(self).requests.append((kind, fields))
        if kind == "hello":
            return {"node": "n1"}
        if kind == "cib":
            return {"cib": _cib().to_bytes()}
        if type(self).busy:
            type(self).busy -= 1
            raise EngineError("no DC at present", status=ExitStatus.TEMPFAIL)
        return {"ok": True}


def _cib() -> Cib:
    cib = empty_cib()
    nodes = cib.section("nodes")
    nodes.append(nodes.makeelement("node", {"id": "1", "uname": "n1"}))
    set_node_attribute(cib, "n1", "rack", "7")
    return cib


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> type[Agent]:
    Agent.requests = []
    Agent.busy = 0
    monkeypatch.setattr(crm_attribute, "Client", Agent)
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "db")
    return Agent


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["--promotion", "-v", "10"], "crm_attribute"),
        (["-p", "-v", "10"], "crm_attribute"),
        (["-p", "db", "--update=10"], "crm_attribute"),
        (["-l", "reboot", "-v", "10"], "crm_master"),
        (["-v10", "-r", "db"], "crm_master"),
    ],
)
def test_a_promotion_score_is_a_transient_attribute_of_this_node(
    agent: type[Agent], words: list[str], program: str
) -> None:
    assert main(words, program) == 0
    kind, fields = agent.requests[-1]
    assert kind == "attribute"
    assert (fields["node"], fields["name"], fields["value"]) == ("n1", "master-db", "10")


def test_a_score_is_deleted(agent: type[Agent]) -> None:
    assert main(["--promotion", "-D"]) == 0
    assert agent.requests[-1][1]["value"] is None


def test_during_an_election_it_tries_again(agent: type[Agent]) -> None:
    agent.busy = 2
    assert main(["-p", "-v", "1"]) == 0
    assert [kind for kind, _ in agent.requests].count("attribute") == 3


def test_a_permanent_attribute_is_an_edit_of_the_configuration(agent: type[Agent]) -> None:
    assert main(["-n", "rack", "-v", "rack+=2"]) == 0
    target = Cib.from_bytes(_cib().to_bytes())
    assert apply_patch(target.root, patch_from_bytes(agent.requests[-1][1]["patch"])) == ()
    assert b'name="rack" value="9"' in target.to_bytes()


def test_a_cluster_property_is_set(agent: type[Agent]) -> None:
    assert main(["-t", "crm_config", "-n", "batch-limit", "-v", "3"]) == 0
    assert b"batch-limit" in agent.requests[-1][1]["patch"]


def test_a_query_prints_the_value_or_says_that_there_is_none(
    agent: type[Agent], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-n", "rack", "-G"]) == 0
    assert main(["-n", "rack", "-q"]) == 0
    assert main(["-n", "nix", "-d", "0", "-q"]) == 0
    assert capsys.readouterr().out == "scope=nodes  name=rack value=7\n7\n0\n"
    assert main(["-n", "nix"]) == ExitStatus.NOSUCH


@pytest.mark.parametrize("words", [[], ["-v", "1"], ["-n"], ["-n", "a", "-l", "soon"], ["--wat"]])
def test_wrong_usage_is_status_64(words: list[str]) -> None:
    with pytest.raises(EngineError) as refusal:
        wishes_from_words(words, {})
    assert refusal.value.status is ExitStatus.USAGE
