"""The cluster goes away between edit and commit: nothing is lost, and it is offered again."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crmshell.dispatch import Dispatcher
from crmshell.environment import Environment
from crmshell.errors import CommitConflict, ConnectionLost
from crmshell.grammar.tokens import Line
from crmshell.options import Options
from crmshell.session import Mode, Session
from crmshell.sources.api import Committed, Facts
from engine.base.reports import error
from engine.cib.document import Cib, empty_cib


class Cluster:
    """A live source that can refuse to take a commit."""

    name = "live"
    live = True
    identity = "live"

    def __init__(self) -> None:
        self.cib = empty_cib()
        self.problem: Exception | None = None
        self.commits: list[tuple[Cib, Cib]] = []

    def local_node(self) -> str:
        return "n1"

    def describe(self) -> Facts:
        return Facts("test")

    def read(self, *, sync: bool = False) -> Cib:
        return self.cib.copy()

    def commit(
        self, base: Cib, new: Cib, *, replace: bool = False, force: bool = False
    ) -> Committed:
        if self.problem is not None:
            raise self.problem
        self.commits.append((base.copy(), new.copy()))
        self.cib = new.copy()
        return Committed(new.version)

    def wait(self, timeout: float | None = None) -> bool:
        return True


class Talk:
    """An interactive session without a terminal; answers to questions are given beforehand."""

    def __init__(self, home: Path, cluster: Cluster, answers: tuple[str, ...] = ()) -> None:
        self.err = io.StringIO()
        self.out = io.StringIO()
        left = list(answers)
        environment = Environment(
            stdin=io.StringIO(),
            stdout=self.out,
            stderr=self.err,
            variables={"HOME": str(home), "USER": "tester"},
            stdin_tty=True,
            stderr_tty=True,
            clock=lambda: 1_700_000_000.0,
            asker=lambda prompt: left.pop(0),
        )
        self.session = Session(environment, Options(), mode=Mode.INTERACTIVE)
        self.session._source = cluster  # type: ignore[assignment]
        self.dispatcher = Dispatcher(self.session)

    def type(self, *lines: str) -> int:
        status = 0
        for line in lines:
            status = self.dispatcher.run_line(Line.single(line))
        return status


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


EDITS = ("configure", "node n1", "property maintenance-mode=true", "commit")


def test_edits_survive_a_lost_connection_and_are_offered_at_the_next_start(
    tmp_path: Path, cluster: Cluster
) -> None:
    cluster.problem = ConnectionLost("cannot reach the node agent")
    first = Talk(tmp_path, cluster)
    assert first.type(*EDITS) == 1
    assert first.session.has_pending_changes
    assert "kept in" in first.err.getvalue()

    cluster.problem = None
    second = Talk(tmp_path, cluster, answers=("y",))
    assert second.type("configure", "show") == 0
    assert "maintenance-mode=true" in second.out.getvalue()
    assert second.type("commit") == 0
    base, new = cluster.commits[0]
    assert base.configuration.find("nodes/node") is None
    assert new.configuration.find("nodes/node") is not None

    third = Talk(tmp_path, cluster)
    assert third.type("configure", "show") == 0


def test_kept_edits_can_be_thrown_away(tmp_path: Path, cluster: Cluster) -> None:
    cluster.problem = ConnectionLost("gone")
    Talk(tmp_path, cluster).type(*EDITS)
    second = Talk(tmp_path, cluster, answers=("n", "y"))
    assert second.type("configure", "show") == 0
    assert "maintenance" not in second.out.getvalue()
    assert Talk(tmp_path, cluster).type("configure", "show") == 0


def test_a_second_try_in_the_same_session_leaves_nothing_behind(
    tmp_path: Path, cluster: Cluster
) -> None:
    cluster.problem = ConnectionLost("gone")
    talk = Talk(tmp_path, cluster)
    talk.type(*EDITS)
    cluster.problem = None
    assert talk.type("commit") == 0
    assert not list((tmp_path / ".local/state/crm").glob("pending*"))


def test_a_conflict_is_shown_and_the_edits_stay_pending(tmp_path: Path, cluster: Cluster) -> None:
    cluster.problem = CommitConflict((error("conflict", "node n1: changed by alice"),))
    talk = Talk(tmp_path, cluster)
    assert talk.type(*EDITS) == 1
    assert "changed by alice" in talk.err.getvalue()
    assert talk.session.has_pending_changes


def test_a_damaged_file_of_kept_edits_is_no_reason_to_fail(
    tmp_path: Path, cluster: Cluster
) -> None:
    folder = tmp_path / ".local/state/crm"
    folder.mkdir(parents=True)
    (folder / "pending-live.xml").write_bytes(b"<pending saved='x")
    assert Talk(tmp_path, cluster).type("configure", "show") == 0
