"""Scores: integers with saturating arithmetic at one million (Pacemaker Explained, "Scores").

A score is a plain `int`, for the scheduler adds millions of them; these functions hold the rules.
"""

from __future__ import annotations

from engine.base.errors import BadInput

INFINITY = 1_000_000

_WORDS = {
    "infinity": INFINITY,
    "+infinity": INFINITY,
    "inf": INFINITY,
    "+inf": INFINITY,
    "-infinity": -INFINITY,
    "-inf": -INFINITY,
}


def add_scores(a: int, b: int) -> int:
    """Sum of two scores; -INFINITY wins over everything, INFINITY over every finite score."""
    if a <= -INFINITY or b <= -INFINITY:
        return -INFINITY
    if a >= INFINITY or b >= INFINITY:
        return INFINITY
    total = a + b
    if total >= INFINITY:
        return INFINITY
    return max(total, -INFINITY)


def clamp_score(value: int) -> int:
    """The value within [-INFINITY, INFINITY]."""
    return max(-INFINITY, min(INFINITY, value))


def score_from_text(text: str) -> int:
    """Score of `INFINITY`, `-INFINITY`, `+5`, `-7`, …; raises `BadInput` for anything else."""
    word = text.strip()
    known = _WORDS.get(word.lower())
    if known is not None:
        return known
    try:
        return clamp_score(int(word, 10))
    except ValueError:
        raise BadInput(f"'{text}' is not a score (a whole number, INFINITY or -INFINITY)") from None


def score_to_text(score: int) -> str:
    """`INFINITY`, `-INFINITY` or the number."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= -INFINITY:
        return "-INFINITY"
    return str(score)
