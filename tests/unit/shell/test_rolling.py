"""Keeping resources where they are while agents are restarted: maintenance is begun and always ended."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from crmshell.errors import ShellError
from crmshell.levels.work import rolling_restart as rolling
from crmshell.levels.work.rolling_restart import undisturbed


@dataclass(slots=True)
class Told:
    """A session that only remembers what it says."""

    said: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str, code: str = "") -> None:
        del code
        self.said.append(text)


@dataclass(slots=True)
class Cluster:
    """What its commands answer; one that is not here fails."""

    answers: dict[str, str]
    calls: list[str] = field(default_factory=list)

    def crm(self, session: Told, place: str, *words: str) -> str:
        del session, place
        line = " ".join(words)
        self.calls.append(line)
        if line not in self.answers:
            raise ShellError("no quorum")
        return self.answers[line]


ON = {
    "configure get_property maintenance-mode": "false\n",
    "maintenance on": "",
    "cluster wait 60": "",
}
OFF = {"cluster wait_for_startup 60": "", "maintenance off": ""}


def go_through(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> tuple[Cluster, Told]:
    cluster, told = Cluster(answers), Told()
    monkeypatch.setattr(rolling, "_crm", cluster.crm)
    with pytest.raises(ShellError, match="restart"), undisturbed(told, "n1"):
        raise ShellError("restart failed")
    return cluster, told


def test_maintenance_ends_also_when_a_restart_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, told = go_through(monkeypatch, ON | OFF)
    assert cluster.calls == [*ON, *OFF]
    assert told.said == []


def test_a_maintenance_of_the_users_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"configure get_property maintenance-mode": "true\n"}
    cluster, _ = go_through(monkeypatch, answers)
    assert cluster.calls == list(answers)


def test_without_a_cluster_nothing_is_changed_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, told = go_through(monkeypatch, {})
    assert len(cluster.calls) == 1
    assert "no quorum" in told.said[0]


def test_a_maintenance_that_could_not_be_ended_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = go_through(monkeypatch, ON)
    assert "crm maintenance off" in told.said[0]
