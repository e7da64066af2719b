"""A sample of the public scheduler cases, held against what Pacemaker does with them.

All cases are run by `make conformance`. Known gaps are expected failures; a case that is in
`ratchet.txt` must pass.
"""

from __future__ import annotations

import pytest

from tests.scheduler import judge

MISSING = (
    f"THE SCHEDULER'S CONFORMANCE CASES ARE NOT HERE: expected {judge.cases_folder()}/run; "
    "set CONFORMANCE to the folder that holds scheduler/"
)


def _parameters() -> list[object]:
    if not judge.is_available():
        return [pytest.param("", id="no-cases", marks=pytest.mark.skip(reason=MISSING))]
    passing = judge.ratchet()
    gap = pytest.mark.xfail(reason="not in ratchet.txt, see doc/developer/scheduler-conformance.md")
    return [
        pytest.param(name, id=name, marks=() if name in passing else gap) for name in judge.sample()
    ]


@pytest.mark.parametrize("name", _parameters())
def test_decides_as_pacemaker_decides(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")

    verdict = judge.judged(name)

    assert not verdict.failed, verdict.text


def test_the_ratchet_names_only_cases_that_exist() -> None:
    if not judge.is_available():
        pytest.skip(MISSING)
    assert judge.ratchet() - set(judge.all_cases()) == frozenset()
