"""What `crm_verify` finds, `configure verify` says: as severe, and with the same names and values.

On generated configurations with values that are wrong in all kinds of ways.
"""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crmshell.pending.changes import PendingCib
from crmshell.pending.checks import Facts
from crmshell.pending.verify import verify
from engine.base.reports import Report, Severity
from engine.cib.document import Cib
from engine.scheduler.views.findings import findings
from tests.scheduler.random_clusters import random_cib

NOW = 1_700_000_000.0
WRONG = (
    "",
    "maybe",
    "-1",
    "5x",
    "1e9",
    "nosuch",
    "INFINITY",
    "stop",
    "Started",
    "n1",
    "true",
    "10s",
)
_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")


def no_agents(*agent: str) -> str:
    return ""


def said_by_the_shell(cib: Cib) -> list[Report]:
    facts = Facts(no_agents, lambda *kind: (), strict=True, may_lack=True, now=NOW)  # type: ignore[arg-type]
    return verify(PendingCib(cib), facts)


def broken(seed: int) -> Cib:
    """A generated configuration in which some attributes have other values, or are gone."""
    rng = random.Random(seed)
    root = etree.fromstring(random_cib(seed).encode())
    configuration = root.find("configuration")
    assert configuration is not None
    elements = [each for each in configuration.iter(etree.Element) if each.attrib]
    for element in rng.sample(elements, min(len(elements), rng.randint(1, 3))):
        name = rng.choice([str(name) for name in element.attrib])
        if name == "id":
            continue
        if rng.random() < 0.15:
            del element.attrib[name]
        else:
            element.set(name, rng.choice(WRONG))
    return Cib(root)


def worst(reports: list[Report]) -> Severity:
    return max((report.severity for report in reports), default=Severity.INFO)


def unsaid(cib: Cib) -> list[str]:
    """Findings of the command that the shell lacks, or takes more lightly."""
    theirs = [
        each
        for each in findings(cib, NOW)
        # The shell warns of this and says what to type: a first resource may be made before a device.
        if each.severity >= Severity.WARNING and each.code != "no-fencing-resources"
    ]
    ours = said_by_the_shell(cib)
    words = {word for each in ours for word in re.findall(r"[^\s'\"<>=,:;()]+", each.message)}
    lacking = []
    if worst(theirs) > worst(ours):
        lacking.append(f"{worst(theirs)} is {worst(ours)}")
    if not any(each.severity >= Severity.ERROR for each in ours):
        for each in theirs:
            message = re.sub(r"\A<[^>]*>: ", "", each.message)
            for quoted in _QUOTED.findall(message):
                if not set(re.findall(r"[^\s'\"<>=,:;()]+", quoted)) <= words:
                    lacking.append(each.message)
    return lacking


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_verify_says_what_crm_verify_finds(seed: int) -> None:
    cib = broken(seed)
    assert unsaid(cib) == [], etree.tostring(cib.root, pretty_print=True).decode()
