"""Whether a text is a whole number, for text that anyone may have written.

`str.isdigit` says yes to signs such as a raised two, which `int` refuses, and `int` refuses very
long runs. Everything that has to know before it calls `int` asks here.
"""

from __future__ import annotations

from typing import Final

# Fits 64 bits, which is more than any counter, time or score has.
MOST_DIGITS: Final = 18


def is_digits(text: str) -> bool:
    """Whether the text is one to `MOST_DIGITS` of the digits 0 to 9 and nothing else."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def is_whole(text: str) -> bool:
    """Whether the text is digits, with one plus or minus sign before them or without."""
    return is_digits(text[1:] if text[:1] in ("-", "+") else text)


def clipped(text: str) -> int:
    """The number of a text of digits with a sign or without, cut to 64 bits however long it is."""
    bound = -(2**63) if text.startswith("-") else 2**63 - 1
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > 19:
        return bound
    return max(-(2**63), min(2**63 - 1, int(text)))
