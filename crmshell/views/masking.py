"""Secret values out of trees and texts before they leave the machine (option obscure_pattern). Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

STARS = "******"


def patterns_from_option(text: str) -> tuple[str, ...]:
    """Globs of names, separated by blanks or `|`."""
    return tuple(word for word in re.split(r"[|\s]+", text) if word)


def name_matcher(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches a name that is secret; None when no name is."""
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{translate(pattern)})" for pattern in patterns))


def mask_tree(root: etree._Element, patterns: tuple[str, ...]) -> int:
    """Replace the values of secret name/value pairs, in place; how many there were."""
    matcher = name_matcher(patterns)
    count = 0
    for pair in root.iter("nvpair") if matcher else ():
        if pair.get("value") is not None and matcher and matcher.match(pair.get("name", "")):
            pair.set("value", STARS)
            count += 1
    return count


def mask_text(text: str, patterns: tuple[str, ...]) -> str:
    """Replace what stands behind `NAME=` and in `name="NAME" value="…"` of secret names."""
    for pattern in patterns:
        body = "".join(
            r"[\w-]*" if letter == "*" else r"[\w-]" if letter == "?" else re.escape(letter)
            for letter in pattern
        )
        text = re.sub(rf"(?<![\w-])({body})=(\"[^\"]*\"|'[^']*'|[^\s,;\"']+)", rf"\1={STARS}", text)
        text = re.sub(rf'(name="{body}"\s+value=")[^"]*(")', rf"\1{STARS}\2", text)
    return text
