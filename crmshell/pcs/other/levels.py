"""`pcs stonith level`: which devices fence which node, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from crmshell.pcs.frame.book import Book, Element, Work
from engine.base.digits import is_digits


@dataclass(frozen=True, slots=True)
class Target:
    """What a level is for: a node, nodes by pattern, or nodes by an attribute."""

    kind: str
    value: str
    name: str = ""

    def fits(self, level: Element) -> bool:
        if self.kind == "node":
            return level.get("target") == self.value
        if self.kind == "pattern":
            return level.get("target-pattern") == self.value
        return (
            level.get("target-attribute") == self.name and level.get("target-value") == self.value
        )

    def write(self, level: Element) -> None:
        if self.kind == "node":
            level.set("target", self.value)
        elif self.kind == "pattern":
            level.set("target-pattern", self.value)
        else:
            level.set("target-attribute", self.name)
            level.set("target-value", self.value)

    @property
    def stem(self) -> str:
        return self.name or self.value


def target_of(text: str) -> Target:
    """`node1`, `node%node1`, `regexp%PATTERN`, `attrib%NAME=VALUE`."""
    kind, mark, value = text.partition("%")
    if mark and kind == "regexp":
        return Target("pattern", value)
    if mark and kind == "attrib":
        name, _, wanted = value.partition("=")
        return Target("attribute", wanted, name)
    return Target("node", value if mark and kind == "node" else text)


def _number(work: Work, text: str) -> str:
    if not is_digits(text) or not 1 <= int(text) <= 9:
        work.refuse(f"level '{text}': expected a number from 1 to 9", text)
        return text
    return str(int(text))


def _devices(work: Work, words: Sequence[str]) -> list[str]:
    """Names of devices; several joined by commas are an old spelling."""
    if any("," in word for word in words):
        work.warn("devices joined by ',' are an old spelling: write them as words of their own")
    return [name for word in words for name in word.split(",") if name]


def add(work: Work) -> None:
    """`stonith level add LEVEL TARGET DEVICE...`"""
    number = _number(work, work.words[0])
    target = target_of(work.words[1])
    devices = _devices(work, work.words[2:])

    def change(book: Book) -> None:
        if target.kind == "node":
            book.node(target.value, forceable=True)
        for name in devices:
            _check_device(book, name)
        topology = book.section("fencing-topology")
        for each in topology.iterchildren("fencing-level"):
            same = each.get("index") == number and each.get("devices") == ",".join(devices)
            if same and target.fits(each):
                work.refuse(f"this level exists already: {each.get('id')}", target.stem)
        made = etree.SubElement(topology, "fencing-level")
        made.set("id", book.new_id(f"fl-{target.stem}-{number}"))
        made.set("index", number)
        made.set("devices", ",".join(devices))
        target.write(made)

    work.edit(change)


def _check_device(book: Book, name: str) -> None:
    devices = [e.get("id", "") for e in book.resources() if e.get("class") == "stonith"]
    if name not in devices:
        book.work.refuse_name(
            f"fencing device '{name}' does not exist", name, devices, forceable=True
        )


def _meant(book: Book, number: str, rest: Sequence[str]) -> list[Element]:
    """Levels by number, target and devices; words are those of today or of pcs 0.10."""
    words = list(rest)
    target: Target | None = None
    devices: list[str] = []
    if "target" in words or "stonith" in words:
        if "target" in words:
            at = words.index("target")
            target = target_of(words[at + 1]) if at + 1 < len(words) else None
        if "stonith" in words:
            behind = words[words.index("stonith") + 1 :]
            devices = [each for each in behind if each != "target"]
    elif words:
        known = [e.get("id", "") for e in book.resources() if e.get("class") == "stonith"]
        if not all(each in known for each in _devices(book.work, words[:1])):
            target = target_of(words.pop(0))
        devices = _devices(book.work, words)
    return [
        each
        for each in book.section("fencing-topology").iterchildren("fencing-level")
        if (not number or each.get("index") == number)
        and (target is None or target.fits(each))
        and (not devices or each.get("devices") == ",".join(devices))
    ]


def remove(work: Work) -> None:
    """`stonith level delete LEVEL [target TARGET] [stonith DEVICE...]`"""
    number = _number(work, work.words[0])

    def change(book: Book) -> None:
        found = _meant(book, number, work.words[1:])
        if not found:
            what = " ".join(work.words[1:])
            work.refuse(f"there is no fencing level {number} {what}".rstrip(), number)
        for each in found:
            book.section("fencing-topology").remove(each)

    work.edit(change)


def clear(work: Work) -> None:
    """`stonith level clear [target TARGET|stonith DEVICE...]`"""

    def change(book: Book) -> None:
        for each in _meant(book, "", work.words):
            book.section("fencing-topology").remove(each)

    work.edit(change)


def show(work: Work) -> None:
    """`stonith level [config]`"""
    work.show(level_lines(work.read()))


def level_lines(book: Book) -> list[str]:
    """Levels by target."""
    held: dict[str, list[Element]] = {}
    for kind in ("target", "target-pattern", "target-attribute"):
        for each in book.cib.configuration.iterfind("fencing-topology/fencing-level"):
            value = each.get(kind)
            if value is None:
                continue
            title = f"Target: {value}"
            if kind == "target-pattern":
                title = f"Target (regexp): {value}"
            elif kind == "target-attribute":
                title = f"Target: {value}={each.get('target-value')}"
            held.setdefault(title, []).append(each)
    lines = []
    for title, levels in held.items():
        lines.append(title)
        levels.sort(key=lambda each: int(each.get("index", "0")))
        lines += [f"  Level {each.get('index')} - {each.get('devices')}" for each in levels]
    return lines


def verify(work: Work) -> None:
    """`stonith level verify`: devices and nodes of all levels exist."""
    book = work.read()
    for each in book.cib.configuration.iterfind("fencing-topology/fencing-level"):
        for name in each.get("devices", "").split(","):
            _check_device(book, name)
        if each.get("target") is not None:
            book.node(each.get("target", ""))
    work.check()
