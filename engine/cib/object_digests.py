"""The digests of a configuration's objects, kept in the order of the objects of each section.

Only what changed is digested again; a commit costs what it touches, not the whole (engine 6.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lxml import etree

from engine.cib.patch import (
    Insert,
    Patch,
    Plan,
    Remove,
    Step,
    element_digest,
    keyed_children,
    touched_paths,
)

DIGEST_SIZE: Final = 16
# From so many changed objects of a section on, it is walked once instead of searched for each.
MANY = 64
SECTION_PARENT: Final = (("configuration", "", 0),)

Changed = Callable[[Mapping[etree._Element, bytes]], None]


def section_digests(section: etree._Element) -> bytes:
    """The digests of the children of one section, one behind the other."""
    return b"".join([element_digest(child) for child in section])


class ObjectDigests:
    """Kept between changes; each section is digested when it is asked for the first time."""

    def __init__(self) -> None:
        self._sections: dict[Step, bytearray] = {}

    def forget(self) -> None:
        """The configuration is another one."""
        self._sections.clear()

    def use(self, configuration: etree._Element, digests: Iterable[bytes]) -> None:
        """Somebody else has digested the objects of this configuration: one string per section."""
        steps = [step for step, _ in keyed_children(configuration)]
        self._sections = dict(zip(steps, map(bytearray, digests), strict=True))

    def update(self, whole: Any, configuration: etree._Element) -> None:
        """Give `whole`, a hash, the sections and the digests of their objects."""
        for step, section in keyed_children(configuration):
            known = self._sections.get(step)
            if known is None or len(known) != DIGEST_SIZE * len(section):
                known = self._sections[step] = bytearray(section_digests(section))
            whole.update("\0".join([step[0], *map(str, sorted(section.items()))]).encode())
            whole.update(known)

    def watch(self, configuration: etree._Element, plan: Plan, patch: Patch) -> Changed:
        """Called before a plan is applied; the result afterwards, with the digests of inserted
        elements that are known already."""
        touched: dict[Step, dict[Step, bool]] = {}
        for operation, path in zip(patch.operations, touched_paths(patch), strict=True):
            if len(path) == 2 and isinstance(operation, Insert | Remove):
                self._sections.pop(path[1], None)
            elif len(path) > 2 and path[1] in self._sections:
                objects = touched.setdefault(path[1], {})
                # Whether it was inserted and nothing else: only then a known digest still holds.
                is_whole = isinstance(operation, Insert) and len(path) == 3
                objects[path[2]] = is_whole and path[2] not in objects
        sections = dict(keyed_children(configuration))
        after = [
            self._watch_section(step, sections[step], plan, objects)
            for step, objects in touched.items()
            if step in self._sections and step in sections
        ]

        def changed(known: Mapping[etree._Element, bytes]) -> None:
            for call in after:
                call(known)

        return changed

    def _watch_section(
        self, step: Step, section: etree._Element, plan: Plan, objects: Mapping[Step, bool]
    ) -> Changed:
        if len(objects) > MANY:
            return self._watch_whole(step, section, objects)
        digests = self._sections[step]
        way = (*SECTION_PARENT, step)
        old = [plan.find((*way, each)) for each in objects]
        places = sorted(_places(section, old), reverse=True)

        def changed(known: Mapping[etree._Element, bytes]) -> None:
            for place in places:
                del digests[place * DIGEST_SIZE : (place + 1) * DIGEST_SIZE]
            now = {plan.find((*way, each)): is_whole for each, is_whole in objects.items()}
            for place, element in sorted(_places(section, now).items()):
                start = place * DIGEST_SIZE
                digests[start:start] = _digest(element, known if now[element] else {})

        return changed

    def _watch_whole(
        self, step: Step, section: etree._Element, objects: Mapping[Step, bool]
    ) -> Changed:
        digests = bytes(self._sections[step])
        starts = range(0, len(digests), DIGEST_SIZE)
        steps = [each for each, _ in keyed_children(section)]
        kept = {
            each: digests[start : start + DIGEST_SIZE]
            for each, start in zip(steps, starts, strict=False)
            if each not in objects
        }

        def changed(known: Mapping[etree._Element, bytes]) -> None:
            self._sections[step] = bytearray().join(
                kept.get(each) or _digest(element, known if objects.get(each) else {})
                for each, element in keyed_children(section)
            )

        return changed


def _digest(element: etree._Element, known: Mapping[etree._Element, bytes]) -> bytes:
    return known.get(element) or element_digest(element)


def _places(
    section: etree._Element, elements: Iterable[etree._Element | None]
) -> dict[int, etree._Element]:
    """Where in the section these are; without those that are not in it."""
    return {
        section.index(each): each
        for each in elements
        if each is not None and each.getparent() is section
    }
