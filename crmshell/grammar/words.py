"""Which values the text can carry: the questions that reading XML asks of single words."""

from __future__ import annotations

import re

from crmshell.grammar.cursor import Dialect

_SCORE = re.compile(r"[+-]?(?:[0-9]+|INFINITY)\Z")
_PAIR_NAME = re.compile(r"[^\s=@$\"'\\{}()\[\]:][^\s=\"'\\{}()\[\]]*(?<!:)\Z")
_AGENT_PART = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_.@+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.@+-]*)*\Z")
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x85\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_KEYWORDS = frozenset(
    (
        "params", "meta", "utilization", "operations", "op", "op_params", "op_meta", "rule",
        "attributes", "docker", "podman", "rkt", "network", "storage", "primitive", "select", "to",
    )
)  # fmt: skip
UNITS = frozenset(
    (
        "hours", "minutes", "seconds", "monthdays", "weekdays", "yeardays", "yearsdays", "months",
        "weeks", "years", "weekyears", "moon", "days",
    )
)  # fmt: skip


def is_score(text: str) -> bool:
    """A score as the CIB writes it."""
    return _SCORE.match(text) is not None


def is_pair_name(text: str) -> bool:
    """A name that can stand in front of `=`, or alone."""
    return _PAIR_NAME.match(text) is not None


def is_agent_part(text: str) -> bool:
    return _AGENT_PART.match(text) is not None


def is_keyword(text: str) -> bool:
    """A word that begins a part of some statement."""
    return text.lower() in _KEYWORDS


def is_unit(text: str) -> bool:
    """A unit of durations and date specifications."""
    return text in UNITS


def is_line_safe(text: str) -> bool:
    """The value can stand on one line: no line ends, no control characters but the tab."""
    return _UNSAFE.search(text) is None


def is_role(text: str, dialect: Dialect) -> bool:
    """A role that comes back as itself when loaded."""
    return text in dialect.roles
