"""Names whose values are hidden (option obscure_pattern). Pure."""

from __future__ import annotations

import re
from fnmatch import translate

STARS = "******"


def patterns_from_option(text: str) -> tuple[str, ...]:
    """Globs of names, separated by blanks or `|`."""
    return tuple(word for word in re.split(r"[|\s]+", text) if word)


def name_matcher(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches a name that is secret; None when no name is."""
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns))
