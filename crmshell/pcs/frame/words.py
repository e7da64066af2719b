"""Argument lists: `name=value` pairs and parts that begin with a keyword."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmshell.pcs.frame.book import Work

Pairs = dict[str, str]


def pairs_of(work: Work, words: Iterable[str]) -> Pairs:
    """`name=value` words; another word, or two values for one name, is a finding."""
    found: Pairs = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            work.refuse(f"'{word}': expected NAME=VALUE", word)
        elif not name:
            work.refuse(f"'{word}': the name before '=' is missing", word)
        elif found.get(name, value) != value:
            work.refuse(f"'{name}' is given twice: '{found[name]}' and '{value}'", word)
        else:
            found[name] = value
    return found


def parts_of(
    words: Sequence[str], keywords: Iterable[str]
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The words before the first keyword, then each keyword with the words behind it."""
    first: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    known = frozenset(keywords)
    for word in words:
        if word in known:
            parts.append((word, []))
        elif parts:
            parts[-1][1].append(word)
        else:
            first.append(word)
    return first, parts


def part(parts: Iterable[tuple[str, list[str]]], name: str) -> list[str]:
    """All words behind a keyword, wherever it stands."""
    return [word for keyword, words in parts if keyword == name for word in words]


def has_part(parts: Iterable[tuple[str, list[str]]], name: str) -> bool:
    return any(keyword == name for keyword, _ in parts)


def known_names(work: Work, pairs: Pairs, legal: Sequence[str], what: str) -> None:
    """Names that are not legal are findings with the nearest legal one."""
    for name in pairs:
        if name not in legal:
            work.refuse_name(f"no {what} '{name}'; there are {', '.join(legal)}", name, legal)
