"""The sections of `crm_mon`, and which of them a command line chooses."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.options import Parsed

_FENCING = ("fencing-failed", "fencing-pending", "fencing-succeeded")
_SUMMARY = ("stack", "dc", "times", "counts", "maint-mode", "options")
_SINGLE = (
    "attributes",
    "bans",
    "counts",
    "dc",
    "failcounts",
    "failures",
    *_FENCING,
    "maint-mode",
    "nodes",
    "operations",
    "options",
    "resources",
    "stack",
    "tickets",
    "times",
)
_TEXT = (*_SUMMARY, "nodes", "resources", "failures", "fencing-failed", "fencing-pending")
_DEFAULTS = {"xml": _SINGLE, "html": (*_TEXT, "fencing-succeeded")}
_GROUPS = {"fencing": _FENCING, "summary": _SUMMARY, "maint": ("maint-mode",)}
_WORDS = sorted({*_SINGLE, "fencing", "summary", "all", "none", "default"})
_OPTIONS = {
    "failcounts": ("failcounts",),
    "operations": ("operations",),
    "timing-details": ("operations",),
    "tickets": ("tickets",),
    "neg-locations": ("bans",),
    "show-node-attributes": ("attributes",),
}
SOME_HISTORY, SUCCESSES, FULL_HISTORY = 1, 2, 3


@dataclass(slots=True)
class Sections:
    """What is shown. `prefix`: of the ids of bans; `history`: how much of the fencing history."""

    chosen: set[str] = field(default_factory=set)
    prefix: str = ""
    history: int = SOME_HISTORY

    def __contains__(self, name: str) -> bool:
        return name in self.chosen

    @property
    def has_summary(self) -> bool:
        return not self.chosen.isdisjoint(("stack", "dc", "times", "counts"))


def sections_from(options: Parsed, form: str) -> Sections:
    """The sections that the options choose, in their order; raises `EngineError` (USAGE)."""
    found = Sections(set(_DEFAULTS.get(form, _TEXT)))
    for name, value in options.given:
        if name in {"include", "exclude"}:
            for word in value.replace(";", ",").split(","):
                _change(found, name, word.strip(), form)
        elif name == "hide-headers":
            found.chosen -= set(_SUMMARY)
        elif name == "fence-history":
            _set_history(found, value)
        elif name in _OPTIONS:
            found.chosen |= set(_OPTIONS[name])
            if name == "neg-locations":
                found.prefix = value
    return found


def _change(found: Sections, option: str, word: str, form: str) -> None:
    adds = option == "include"
    if word.startswith("bans:") and adds:
        found.chosen.add("bans")
        found.prefix = word.partition(":")[2]
    elif word == "all":
        found.chosen = set(_SINGLE) if adds else set()
    elif word == "none":
        found.chosen = set() if adds else set(_SINGLE)
    elif word in {"default", "defaults"} and adds:
        found.chosen |= set(_DEFAULTS.get(form, _TEXT))
    elif word in _GROUPS or word in _SINGLE:
        names = set(_GROUPS.get(word, (word,)))
        found.chosen = found.chosen | names if adds else found.chosen - names
    else:
        words = ", ".join(each for each in _WORDS if adds or each != "default")
        text = f"--{option}: unknown section '{word}', expected one of {words}"
        raise EngineError(text, status=ExitStatus.USAGE)


def _set_history(found: Sections, value: str) -> None:
    if value not in {"", "0", "1", "2", "3"}:
        text = f"--fence-history: '{value}' is not a level, expected 0, 1, 2 or 3"
        raise EngineError(text, status=ExitStatus.USAGE)
    found.history = int(value) if value else SUCCESSES
    wanted = _FENCING[: (0, 2, 3, 3)[found.history]]
    found.chosen = (found.chosen - set(_FENCING)) | set(wanted)
