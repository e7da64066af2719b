"""The node agent as a source, with a socket that answers as the agent does."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crmshell.environment import Environment
from crmshell.errors import CommitConflict, ConnectionLost, ShellError
from crmshell.sources import agent
from crmshell.sources.agent import AgentSource
from crmshell.sources.api import Cleanup
from engine.base.exitcodes import ExitStatus
from engine.cib.document import CibVersion, empty_cib
from engine.cib.edits import set_property
from engine.cib.patch import apply_patch, patch_from_bytes
from engine.ipc.messages import FrameReader, frames_from_message

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


class Socket:
    """Listens, keeps the requests, answers by a table of kinds; None: hang up instead."""

    def __init__(self, path: str) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: dict[str, Answer] = {"hello": lambda request: {"ok": True, "node": "n1"}}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(4)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):  # the client may have given up
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        reader = FrameReader()
        while data := connection.recv(65536):
            for request in reader.feed(data):
                self.requests.append(dict(request))
                answer = self.answers.get(str(request["kind"]), lambda _: {"ok": False})(
                    dict(request)
                )
                if answer is None:
                    return
                for frame in frames_from_message({"id": request["id"], **answer}):
                    connection.sendall(frame)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Socket]:
    made = Socket(str(tmp_path / "admin.sock"))
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path, server: Socket) -> Iterator[AgentSource]:
    environment = Environment(
        io.StringIO(), io.StringIO(), io.StringIO(), {"USER": "alice"}, clock=lambda: 1000.0
    )
    made = AgentSource(environment, str(tmp_path / "admin.sock"))
    yield made
    made.close()


def test_a_commit_sends_the_difference_of_the_configuration_only(
    server: Socket, source: AgentSource
) -> None:
    server.answers["submit"] = lambda request: {
        "ok": True,
        "epoch": [0, 5, 0],
        "durable": ["n1", "n2"],
        "of": 3,
        "warnings": ["slow disk"],
    }
    base = empty_cib()
    new = base.copy()
    set_property(new, "maintenance-mode", "true")
    new.root.set("epoch", "99")
    done = source.commit(base, new)
    assert (done.version, done.durable, done.members) == (CibVersion(0, 5, 0), ("n1", "n2"), 3)
    assert [report.message for report in done.reports] == ["slow disk"]
    request = server.requests[-1]
    assert request["user"] == "alice"
    target = empty_cib()
    assert apply_patch(target.root, patch_from_bytes(request["patch"])) == ()
    assert target.root.get("epoch") == "0"
    assert b"maintenance-mode" in target.to_bytes()


def test_a_conflict_names_object_user_and_time(server: Socket, source: AgentSource) -> None:
    server.answers["submit"] = lambda request: {
        "ok": False,
        "conflicts": [
            {"object": "primitive db", "what": "x is '2' now", "by": "bob", "when": 988.0}
        ],
    }
    with pytest.raises(CommitConflict, match=r"primitive db.*changed by bob 12 s ago"):
        source.commit(empty_cib(), empty_cib())


def test_a_lost_answer_is_resolved_by_the_id_of_the_request(
    server: Socket, source: AgentSource
) -> None:
    server.answers["submit"] = lambda request: None
    server.answers["outcome"] = lambda request: {"ok": True, "epoch": [0, 7, 0]}
    assert source.commit(empty_cib(), empty_cib()).version == CibVersion(0, 7, 0)
    submit, outcome = (
        next(each for each in server.requests if each["kind"] == kind)
        for kind in ("submit", "outcome")
    )
    assert submit["request_id"] == outcome["request_id"]
    assert sum(1 for each in server.requests if each["kind"] == "submit") == 1


def test_an_outcome_that_nobody_knows_is_said_to_be_unknown(
    server: Socket, source: AgentSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "OUTCOME_TIMEOUT", 0.2)
    server.answers["submit"] = lambda request: None
    with pytest.raises(ConnectionLost, match="outcome of this commit is unknown"):
        source.commit(empty_cib(), empty_cib())


def test_a_refusal_carries_the_reports_of_the_cluster(server: Socket, source: AgentSource) -> None:
    server.answers["cleanup"] = lambda request: {"ok": False, "error": "no DC", "status": 106}
    with pytest.raises(ShellError, match="no DC"):
        source.cleanup(Cleanup(resource="a"))


def test_waiting_goes_on_until_the_cluster_is_idle_or_time_is_up(
    server: Socket, source: AgentSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "ELECTION_PAUSE", 0.01)
    answers = [{"ok": True, "idle": True}, {"ok": True, "idle": False}]
    server.answers["wait"] = lambda request: answers.pop()
    assert source.wait(5)
    assert 0 < server.requests[-1]["timeout"] <= 5
    server.answers["wait"] = lambda request: {"ok": True, "idle": False}
    assert not source.wait(0.2)
    monkeypatch.setattr(agent, "WAIT_GRACE", 0.1)
    server.answers["wait"] = lambda request: threading.Event().wait(1.5) or {"ok": True}
    assert not source.wait(0.2)


def test_a_request_during_an_election_is_repeated_but_fencing_is_not(
    server: Socket, source: AgentSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "ELECTION_PAUSE", 0.01)
    refusals = [{"ok": False, "error": "no DC at present", "status": 75}] * 2

    def elect(request: dict[str, Any]) -> dict[str, Any]:
        return refusals.pop() if refusals else {"ok": True, "idle": True}

    server.answers["cleanup"] = elect
    source.cleanup(Cleanup())
    assert [each["kind"] for each in server.requests] == ["cleanup"] * 3
    refusals += [{"ok": False, "error": "no DC at present", "status": 75}]
    server.answers["wait"] = elect
    assert source.wait(5)
    server.answers["fence"] = lambda request: {"ok": False, "error": "no DC", "status": 75}
    with pytest.raises(ShellError, match="no DC"):
        source.fence("n1", "off")
    assert [each["kind"] for each in server.requests].count("fence") == 1


def test_nobody_listening_is_one_line(tmp_path: Path) -> None:
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), {})
    gone = AgentSource(environment, str(tmp_path / "gone.sock"))
    with pytest.raises(ConnectionLost) as refusal:
        gone.commit(empty_cib(), empty_cib())
    assert "unknown" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_strict_commit_says_which_version_it_is_for_and_another_one_is_a_conflict(
    server: Socket, source: AgentSource
) -> None:
    server.answers["submit"] = lambda request: {
        "ok": False,
        "status": int(ExitStatus.OLD),
        "error": "conflict: the configuration is at version 0.6 now, the change is for 0.5 only",
    }
    base = empty_cib()
    base.version = CibVersion(0, 5, 0)
    with pytest.raises(CommitConflict, match=r"at version 0\.6 now"):
        source.commit(base, base, strict=True)
    assert server.requests[-1]["expected"] == [0, 5]


def test_an_agent_that_does_not_know_the_outcome_is_asked_for_it_by_id(
    server: Socket, source: AgentSource
) -> None:
    server.answers["submit"] = lambda request: {
        "ok": False,
        "status": int(ExitStatus.TIMEOUT),
        "error": "outcome unknown",
    }
    server.answers["outcome"] = lambda request: {"ok": True, "epoch": [0, 7, 0]}
    assert source.commit(empty_cib(), empty_cib()).version == CibVersion(0, 7, 0)
