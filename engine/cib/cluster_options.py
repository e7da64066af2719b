"""The cluster options in force: the one reader of `crm_config` for scheduler, agent and shell.

Several property sets may name an option. The set `cib-bootstrap-options` comes first, then the
higher score, then the later place; a set whose rule does not hold does not count; a value that is
not valid counts as the default (scheduler rules 4.1 to 4.5, 6.1, 6.2). Whoever read the first pair
in the document instead would take fencing for switched off while the scheduler fences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from engine.base.isodate import Zone
from engine.base.values import int_from_text, interval_milliseconds, is_true
from engine.cib.nvsets import apply_sets, read_sets
from engine.cib.options import CLUSTER_OPTIONS, option_text
from engine.cib.refs import References
from engine.cib.rules import RuleContext
from engine.cib.upgrade import has_old_options, in_todays_form

FIRST_SET = "cib-bootstrap-options"


@dataclass(frozen=True, slots=True)
class OptionsInForce:
    """Cluster options at one moment. `texts` holds the configured ones, valid or not."""

    texts: Mapping[str, str]

    def configured(self, name: str) -> str | None:
        """The text under this name, its newer or its older name, None where none is in force."""
        return next((self.texts[known] for known in _names_of(name) if known in self.texts), None)

    def text(self, name: str) -> str:
        """The valid text of a known option, or its default; raises `KeyError` for an unknown one."""
        return option_text(self.texts, name)

    def flag(self, name: str) -> bool:
        """A known boolean option."""
        return is_true(self.text(name))

    def milliseconds(self, name: str) -> int:
        """A known option that is a duration."""
        return interval_milliseconds(self.text(name)) or 0

    def number(self, name: str) -> int:
        """A known option that is a whole number."""
        return int_from_text(self.text(name)) or 0


def options_in_force(root: etree._Element, now: float, zone: Zone | None = None) -> OptionsInForce:
    """The options of a `<cib>` at `now` (epoch seconds); `zone` is what a date without one means."""
    configurations = root.findall("configuration")
    if len(configurations) != 1:
        return OptionsInForce({})
    configuration = _with_todays_options(configurations[0], root.get("validate-with", ""))
    context = RuleContext(now=now, zone=zone if zone is not None else Zone())
    return OptionsInForce(texts_in_force(configuration, References(configuration), context))


def texts_in_force(
    configuration: etree._Element, refs: References, context: RuleContext
) -> dict[str, str]:
    """Names and texts in force, of a configuration in today's form."""
    texts: dict[str, str] = {}
    sections = configuration.findall("crm_config")
    if len(sections) == 1:
        sets = read_sets(sections, "cluster_property_set", refs, first_id=FIRST_SET)
        apply_sets(sets, texts, context)
    return texts


def _with_todays_options(configuration: etree._Element, schema: str) -> etree._Element:
    """The configuration, brought into today's form as a whole only if its options need that."""
    if not has_old_options(configuration):
        return configuration
    return in_todays_form(configuration, schema).configuration


def _names_of(name: str) -> tuple[str, ...]:
    """The names under which an option counts, the current one first."""
    for option in CLUSTER_OPTIONS.values():
        if name in (option.name, option.old_name):
            return (option.name, option.old_name) if option.old_name else (option.name,)
    return (name,)
