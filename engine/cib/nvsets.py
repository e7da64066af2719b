"""Name/value blocks: instance and meta attributes, utilization, properties (section 4)."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass

from lxml import etree

from engine.base.values import score_or_none
from engine.cib.refs import References
from engine.cib.rules import Rule, RuleContext, passes, read_rule


@dataclass(frozen=True, slots=True)
class NvSet:
    """One block with references resolved. `rule` None: always in force; pairs in document order."""

    id: str
    score: int
    rule: Rule | None
    pairs: tuple[tuple[str, str], ...]


def read_sets(
    parents: Iterable[etree._Element], tag: str, refs: References, first_id: str = ""
) -> tuple[NvSet, ...]:
    """The `tag` children of the parents, in the order in which they are to be applied (4.1, 4.2).

    The set named `first_id` comes first whatever its score; else a higher score, then the later
    place in the document.
    """
    found: list[NvSet] = []
    for parent in parents:
        for child in parent:
            if child.tag != tag:
                continue
            element = refs.resolve(child)
            if element is not None:
                found.append(_read_set(element, refs))
    if len(found) > 1:
        found.reverse()
        found.sort(key=lambda block: (block.id != first_id, -block.score))
    return tuple(found)


def _read_set(element: etree._Element, refs: References) -> NvSet:
    rule: Rule | None = None
    pairs: list[tuple[str, str]] = []
    for child in element:
        if child.tag == "nvpair":
            pair = child if child.get("id-ref") is None else refs.resolve(child)
            if pair is not None:
                name, value = pair.get("name"), pair.get("value")
                if name and value is not None:
                    pairs.append((name, value))
        elif child.tag == "rule" and rule is None:
            rule = read_rule(child, refs)
    score = score_or_none(element.get("score"))
    return NvSet(element.get("id", ""), score or 0, rule, tuple(pairs))


def apply_sets(
    sets: Iterable[NvSet], table: MutableMapping[str, str], context: RuleContext
) -> None:
    """Add to the table what the sets in force say; values already there stay (4.3 to 4.5)."""
    for block in sets:
        if block.rule is not None and not passes(block.rule, context):
            continue
        for name, value in block.pairs:
            if value[:1] == "#" and value.lower() == "#default":
                table.pop(name, None)
            elif name not in table:
                table[name] = value


def has_rules(sets: Iterable[NvSet]) -> bool:
    """Whether any of the sets depends on a rule, so that results may not be shared."""
    return any(block.rule is not None for block in sets)
