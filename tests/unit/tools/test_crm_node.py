"""The command crm_node."""

from __future__ import annotations

from typing import Any

import pytest

from engine.cib.document import empty_cib
from engine.tools import crm_node
from engine.tools.crm_node import main


class Agent:
    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def demand(self, kind: str, timeout: float = 1.0, /, **fields: Any) -> dict[str, Any]:
        cib = empty_cib()
        nodes = cib.section("nodes")
        for number in ("1", "2"):
            nodes.append(nodes.makeelement("node", {"id": number, "uname": f"n{number}"}))
        answers: dict[str, dict[str, Any]] = {
            "hello": {"node": "n2"},
            "status": {"members": ["n2"], "quorate": True},
            "cib": {"cib": cib.to_bytes()},
        }
        return answers[kind]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("-n", "n2\n"),
        ("--cluster-id", "2\n"),
        ("-l", "1 n1 lost\n2 n2 member\n"),
        ("-p", "n2 \n"),
        ("--quorum", "1\n"),
    ],
)
def test_it_answers_as_pacemakers_does(
    word: str,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(crm_node, "Client", Agent)
    assert main([word]) == 0
    assert capsys.readouterr().out == text


def test_wrong_usage_is_status_64() -> None:
    assert main([]) == 64
    assert main(["-x"]) == 64
