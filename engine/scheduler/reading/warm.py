"""What one run of the scheduler may take over from the one before it.

After one event most of a CIB is what it was. A process that schedules again and again hands the same
`Warm` to each run; a run finds there, by their exact text, what it would read again: the configuration
in today's form with its definitions, the histories of nodes, digests of parameters, and the scores
that location rules gave while no attribute that they look at has changed. These are answers of pure
functions, so a warm run decides exactly what a run without it would.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from engine.base.carried_over import Kept
from engine.base.reports import Report
from engine.cib.cut import CutCib
from engine.cib.history import KeptHistories
from engine.cib.refs import References
from engine.cib.upgrade import Upgrade, in_todays_form
from engine.scheduler.model.kept_rules import KeptRules
from engine.scheduler.model.model import Blueprint, KeptChecks, KeptDigests


@dataclass(frozen=True, slots=True)
class Definition:
    """What a resource element means, None if it is not valid, and what was found while reading it."""

    blueprint: Blueprint | None
    findings: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration in today's form; `definitions` are those of its resource elements so far."""

    upgrade: Upgrade
    refs: References
    definitions: dict[etree._Element, Definition] = field(default_factory=dict)
    checks: KeptChecks = field(default_factory=Kept)
    rules: KeptRules = field(default_factory=KeptRules)

    @property
    def has_conditions(self) -> bool:
        """Whether the moment or the state of a node may change what resources and operations are."""
        rules = self.upgrade.configuration.iter("rule")
        return any(next(rule.iterancestors("rsc_location"), None) is None for rule in rules)


@dataclass(slots=True)
class Warm:
    """The memory of a process that schedules repeatedly; see the module's first lines."""

    configurations: Kept[tuple[str, bytes], Configuration] = field(default_factory=Kept)
    histories: KeptHistories = field(default_factory=Kept)
    digests: KeptDigests = field(default_factory=Kept)
    _texts: tuple[bytes, ...] = ()

    def read(self, data: bytes, what: str) -> CutCib:
        """The CIB in the text, what is known already left unparsed; raises `BadInput`."""
        cib = CutCib.from_bytes(data, what, self._texts)
        self._texts = cib.texts
        return cib

    def begin(self) -> None:
        """A run begins: what the last one did not use is dropped."""
        self.configurations.begin()
        self.histories.begin()
        self.digests.begin()

    def configuration(self, element: etree._Element, schema: str) -> Configuration:
        """The configuration in today's form; it shares nothing with the CIB that it came from."""
        key = (schema, etree.tostring(element, with_tail=False))
        known = self.configurations.find(key)
        if known is None:
            known = self.configurations.keep(key, read_configuration(deepcopy(element), schema))
        known.checks.begin()
        known.rules.begin()
        return known


def read_configuration(element: etree._Element, schema: str) -> Configuration:
    """The configuration in today's form; `none` as schema means that it is to be left alone."""
    upgrade = in_todays_form(element, schema)
    return Configuration(upgrade, References(upgrade.configuration))
