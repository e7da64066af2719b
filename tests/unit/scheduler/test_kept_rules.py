"""Scores that location rules gave are taken over while nothing touches what the rules look at."""

from __future__ import annotations

import pytest

from engine.cib.document import Cib
from engine.scheduler.api import Schedule, schedule
from engine.scheduler.placement.scores import ScoreRecord
from engine.scheduler.reading import rule_scores
from engine.scheduler.reading.warm import Warm
from tests.unit.scheduler.clusters import NOW, cib, primitive, state

IGNORE = {"no-quorum-policy": "ignore"}
PINGD = '<expression id="l-e" attribute="pingd" operation="gt" value="0" type="integer"/>'


class Runs:
    """Runs with one memory; `evaluated` counts how often a rule had to be evaluated."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
        self.evaluated = 0
        self.warm = Warm()
        self.rule = rule
        evaluate = rule_scores._evaluate

        def counting(*args: object) -> object:
            self.evaluated += 1
            return evaluate(*args)  # type: ignore[arg-type]  # counted and handed on

        monkeypatch.setattr(rule_scores, "_evaluate", counting)

    def document(self, pingd: str, load: str = "1") -> Cib:
        return cib(
            primitive("a"),
            options=IGNORE,
            constraints=f'<rsc_location id="l" rsc="a">{self.rule}</rsc_location>',
            states=state(1, attributes={"pingd": pingd, "load": load}) + state(2),
        )

    def run(self, pingd: str, load: str = "1", now: float = NOW) -> list[str]:
        """Score lines of a run; those of a run without memory are the same."""
        lines = self._lines(self.document(pingd, load), now, self.warm)
        counted = self.evaluated
        assert lines == self._lines(self.document(pingd, load), now, None)
        self.evaluated = counted
        return lines

    @staticmethod
    def _lines(document: Cib, now: float, warm: Warm | None) -> list[str]:
        record = ScoreRecord()
        decided: Schedule = schedule(document, now, scores=record, warm=warm)
        return [line.text for line in record.lines] + [decided.graph_xml().decode()]


def test_a_rule_is_evaluated_again_only_when_its_attribute_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(monkeypatch, f'<rule id="l-r" score="70">{PINGD}</rule>')

    first = runs.run("1")
    assert runs.evaluated == 1
    assert runs.run("1", load="9") == first
    assert runs.evaluated == 1, "nothing that the rule looks at was touched"
    assert runs.run("0") != first
    assert runs.evaluated == 2


def test_a_score_taken_from_an_attribute_is_part_of_what_the_rule_looks_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(monkeypatch, f'<rule id="l-r" score-attribute="load">{PINGD}</rule>')

    first = runs.run("1", load="5")
    assert runs.run("1", load="6") != first
    assert runs.evaluated == 2
    runs.run("1", load="6")
    assert runs.evaluated == 2


@pytest.mark.parametrize(
    "test",
    [
        '<date_expression id="l-e" operation="gt" start="2020-01-01"/>',
        '<expression id="l-e" attribute="pingd" operation="eq" value="p" value-source="param"/>',
        '<rule id="l-i" score="0"><date_expression id="l-e" operation="lt" end="2040-01-01"/></rule>',
    ],
)
def test_a_rule_that_looks_at_more_is_evaluated_each_time(
    monkeypatch: pytest.MonkeyPatch, test: str
) -> None:
    runs = Runs(monkeypatch, f'<rule id="l-r" score="70">{test}</rule>')

    runs.run("1")
    runs.run("1")

    assert runs.evaluated == 2
