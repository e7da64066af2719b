"""One thing that could be otherwise: said in words, with the command that makes it so, and done to a CIB. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.cib.document import Cib


@dataclass(frozen=True, slots=True)
class Change:
    """`fact` says how it is today, `command` what to type to have it otherwise, "" where nothing can be typed.

    `far` is over how many constraints the thing is connected with the resource asked about.
    """

    fact: str
    command: str
    apply: Callable[[Cib], None]
    far: int = 0


def applied(cib: Cib, *changes: Change) -> Cib:
    """A copy of the CIB with the changes made."""
    copy = cib.copy()
    for change in changes:
        change.apply(copy)
    return copy
