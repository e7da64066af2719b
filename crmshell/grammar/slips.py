"""What people mean when they write it wrong: the nearest legal words for common slips.

Signs instead of operators, a colon forgotten or without its blank, the order of words of other
tools. Each function gives the words to propose, or "" when it knows no better.
"""

from __future__ import annotations

import re

_OPERATORS = {
    "=": "eq",
    "==": "eq",
    "is": "eq",
    "!=": "ne",
    "<>": "ne",
    "not": "ne",
    "<": "lt",
    "<=": "lte",
    "le": "lte",
    ">": "gt",
    ">=": "gte",
    "ge": "gte",
}
_SCORE = r"[+-]?(?:[0-9]+|inf(?:inity)?|mandatory|advisory)"
_SCORE_WORD = re.compile(rf"{_SCORE}\Z", re.IGNORECASE)
_SCORE_AND_MORE = re.compile(rf"({_SCORE}):(\S+)\Z", re.IGNORECASE)
_TIME = re.compile(r"[0-9]+(?:us|ms|s|sec|m|min|h|hr)?\Z")
_KINDS = {"mandatory": "Mandatory:", "optional": "Optional:", "serialize": "Serialize:"}
JOINERS = ("with", "then", "and", "after", "before")


def operator_for(word: str) -> str:
    """`eq` for `=` and the like."""
    return _OPERATORS.get(word.lower(), "")


def score_for(word: str, following: str = "") -> str:
    """`100:` for `100`, `100: n1` for `100:n1`, `100: n1` for the words `n1 100`."""
    if _SCORE_WORD.match(word):
        return f"{word}:"
    together = _SCORE_AND_MORE.match(word)
    if together is not None:
        return f"{together[1]}: {together[2]}"
    if _SCORE_WORD.match(following.rstrip(":")):
        return f"{following.rstrip(':')}: {word}"
    return ""


def kind_for(word: str) -> str:
    """`Mandatory:` for `mandatory`, `inf:` for `inf`."""
    return _KINDS.get(word.lower()) or (f"{word}:" if _SCORE_WORD.match(word) else "")


def op_attribute_for(word: str, given: bool) -> str:
    """`interval=10s` for `10s`; the timeout when the interval is `given`."""
    if not _TIME.match(word):
        return ""
    return f"timeout={word}" if given else f"interval={word}"


def agent_for(word: str) -> str:
    """`ocf:heartbeat:IPaddr2` for `ocf::heartbeat:IPaddr2`, as old tools print it."""
    made = re.sub(r":{2,}", ":", word)
    return made if made != word and re.fullmatch(r"[\w.@-]+(?::[\w.@-]+){0,2}", made) else ""
