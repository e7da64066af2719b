"""corosync.conf as data: read, change, print, check (corosync.conf(5)).

Pure: text in, text and reports out. A change touches only its own lines, so comments, order and
indentation of the rest survive. Paths name sections and a key: `totem.token`,
`nodelist.node.ring0_addr`; where several sections have one name an index (from 0) chooses.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.reports import Report, Severity, Span

MAX_TEXT = 1024 * 1024
MAX_DEPTH = 8
MAX_LINKS = {"knet": 8, "udp": 1, "udpu": 1}
_ADDRESS_KEY = re.compile(r"ring([0-9]+)_addr$")
_BOOLEANS = ("yes", "no", "on", "off")


@dataclass(slots=True)
class Entry:
    """`key: value` on one line."""

    name: str
    value: str
    line: int


@dataclass(slots=True)
class Remark:
    """A comment or an empty line, as it stands."""

    text: str


@dataclass(slots=True)
class Section:
    """`name { … }`; the document itself is a section without a name."""

    name: str
    line: int = 0
    items: list[Entry | Remark | Section] = field(default_factory=list)

    def sections(self, name: str) -> list[Section]:
        return [item for item in self.items if isinstance(item, Section) and item.name == name]

    def entries(self, name: str = "") -> list[Entry]:
        found = [item for item in self.items if isinstance(item, Entry)]
        return [entry for entry in found if entry.name == name] if name else found

    def value(self, name: str, default: str = "") -> str:
        """The value of a key; the last one counts, as in Corosync."""
        entries = self.entries(name)
        return entries[-1].value if entries else default

    def put(self, name: str, value: str) -> None:
        """Set a key, at its place when it is there, else after the last key."""
        entries = self.entries(name)
        if entries:
            entries[-1].value = value
            return
        places = [n for n, item in enumerate(self.items) if isinstance(item, Entry)]
        self.items.insert(places[-1] + 1 if places else 0, Entry(name, value, 0))

    def drop(self, name: str) -> None:
        self.items[:] = [i for i in self.items if not (isinstance(i, Entry) and i.name == name)]


@dataclass(frozen=True, slots=True)
class ConfNode:
    """One node of the node list: addresses by link number, votes."""

    name: str
    nodeid: int
    addresses: tuple[tuple[int, str], ...]
    votes: int = 1


class CorosyncConf:
    """One corosync.conf; `text()` prints it back."""

    __slots__ = ("root",)

    def __init__(self, root: Section | None = None) -> None:
        self.root = root or Section("")

    @classmethod
    def from_text(cls, text: str, what: str = "corosync.conf") -> CorosyncConf:
        """Parse; raises `BadInput` whose reports are all syntax errors with their lines."""
        if len(text) > MAX_TEXT:
            raise BadInput(f"{what}: {len(text)} characters, the limit is {MAX_TEXT}")
        reader = _Reader(what)
        for number, line in enumerate(text.splitlines(), 1):
            reader.line(number, line)
        reader.end()
        if reader.problems:
            raise BadInput(
                f"{what}: {len(reader.problems)} lines that are not understood",
                reports=tuple(reader.problems),
            )
        return cls(reader.root)

    def text(self) -> str:
        return "".join(f"{line}\n" for line in _lines(self.root, 0))

    def get(self, path: str) -> tuple[str, ...]:
        """Values at a path, one for each place where it occurs; empty when there is none."""
        *names, key = path.split(".")
        found = [self.root]
        for name in names:
            found = [inner for section in found for inner in section.sections(name)]
        return tuple(entry.value for section in found for entry in section.entries(key))

    def set(self, path: str, value: str, index: int | None = None) -> None:
        """Set one value; sections that are missing are made.

        Raises `BadInput` when a path names several sections and no `index` says which, or for a
        name or value that the file could not hold.
        """
        *names, key = path.split(".")
        if not names or not all(re.fullmatch(r"[A-Za-z0-9_]+", part) for part in (*names, key)):
            raise BadInput(f"'{path}' is no path, expected SECTION.KEY such as totem.token")
        if "\n" in value or not value.strip() or value.strip()[-1:] in "{}":
            raise BadInput(f"'{value}' cannot be a value of {path}")
        section = self.root
        for name in names:
            section = _choose(section, name, index, path)
        section.put(key, value.strip())

    def nodes(self) -> tuple[ConfNode, ...]:
        """The node list in the order of the file; numbers that are none count as 0."""
        return tuple(_node(section) for section in self.node_sections())

    def node_sections(self) -> list[Section]:
        return [node for part in self.root.sections("nodelist") for node in part.sections("node")]

    def add_node(self, addresses: tuple[str, ...], name: str = "", votes: int = 1) -> ConfNode:
        """Append a node with the lowest free number; raises `BadInput` when one has that name or address."""
        nodes = self.nodes()
        for node in nodes:
            taken = {address for _, address in node.addresses} & set(addresses)
            if taken or (name and node.name == name):
                raise BadInput(f"node {node.nodeid} has the {_what_is_taken(taken, name)} already")
        links = {len(node.addresses) for node in nodes}
        if not addresses or (links and len(addresses) not in links):
            need = max(links, default=1)
            raise BadInput(
                f"expected {need} addresses as the other nodes have, got {len(addresses)}"
            )
        used = {node.nodeid for node in nodes}
        number = next(n for n in range(1, len(used) + 2) if n not in used)
        section = Section("node")
        for link, address in enumerate(addresses):
            section.put(f"ring{link}_addr", address)
        if name:
            section.put("name", name)
        section.put("nodeid", str(number))
        if votes != 1:
            section.put("quorum_votes", str(votes))
        _only(self.root, "nodelist").items.append(section)
        self._tell_quorum()
        return _node(section)

    def remove_node(self, which: str) -> ConfNode:
        """Take out the node with this name, address or number; raises `BadInput` when there is none."""
        for part in self.root.sections("nodelist"):
            for section in part.sections("node"):
                node = _node(section)
                if which in (node.name, str(node.nodeid), *(a for _, a in node.addresses)):
                    part.items.remove(section)
                    self._tell_quorum()
                    return node
        known = [node.name or str(node.nodeid) for node in self.nodes()]
        near = difflib.get_close_matches(which, known, 1)
        hint = f", did you mean {near[0]}?" if near else f"; there are {', '.join(known) or 'none'}"
        raise BadInput(f"no node '{which}' in the node list{hint}")

    def _tell_quorum(self) -> None:
        """`two_node` follows the number of nodes (votequorum(5))."""
        for quorum in self.root.sections("quorum"):
            if quorum.value("provider") != "corosync_votequorum":
                continue
            if len(self.nodes()) == 2 and not quorum.sections("device"):
                quorum.put("two_node", "1")
            else:
                quorum.drop("two_node")
            if quorum.entries("expected_votes"):
                quorum.put("expected_votes", str(sum(node.votes for node in self.nodes())))


class _Reader:
    """The parser's state: open sections and what was not understood."""

    def __init__(self, what: str) -> None:
        self.root = Section("")
        self.open = [self.root]
        self.problems: list[Report] = []
        self._what = what

    def line(self, number: int, raw: str) -> None:
        text = raw.strip()
        here = self.open[-1]
        if not text or text.startswith("#"):
            here.items.append(Remark(text))
        elif not text.replace("\t", " ").isprintable():
            self._problem(number, raw, "control characters are no part of the file")
        elif text.endswith("{"):
            self._begin(number, raw, text[:-1].strip())
        elif text == "}":
            if len(self.open) == 1:
                self._problem(number, raw, "'}' closes nothing")
            else:
                self.open.pop()
        else:
            name, mark, value = text.partition(":")
            if not mark or not value.strip() or not name.strip():
                self._problem(
                    number, raw, f"'{text[:60]}' is neither 'key: value' nor 'section {{'"
                )
            else:
                here.items.append(Entry(name.strip(), value.strip(), number))

    def _begin(self, number: int, raw: str, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            self._problem(number, raw, f"'{name[:60]}' is no name of a section")
        section = Section(name, number)
        if len(self.open) <= MAX_DEPTH:
            self.open[-1].items.append(section)
        elif len(self.open) == MAX_DEPTH + 1:
            self._problem(number, raw, f"sections nested more than {MAX_DEPTH} deep")
        self.open.append(section)

    def end(self) -> None:
        for section in self.open[1:]:
            self._problem(section.line, "", f"section {section.name} is not closed by '}}'")

    def _problem(self, number: int, raw: str, message: str) -> None:
        column = len(raw) - len(raw.lstrip()) + 1
        span = Span(self._what, number, column, max(1, len(raw.strip())))
        self.problems.append(Report("corosync-syntax", Severity.ERROR, message, span=span))


def _lines(section: Section, depth: int) -> Iterator[str]:
    indent = "\t" * depth
    for item in section.items:
        if isinstance(item, Remark):
            yield indent + item.text if item.text else ""
        elif isinstance(item, Entry):
            yield f"{indent}{item.name}: {item.value}"
        else:
            yield f"{indent}{item.name} {{"
            yield from _lines(item, depth + 1)
            yield f"{indent}}}"


def _only(parent: Section, name: str) -> Section:
    found = parent.sections(name)
    if not found:
        found = [Section(name)]
        parent.items.append(found[0])
    return found[-1]


def _choose(parent: Section, name: str, index: int | None, path: str) -> Section:
    found = parent.sections(name)
    if len(found) < 2:
        return _only(parent, name)
    if index is None:
        raise BadInput(f"{path} is there {len(found)} times, add which one (0 to {len(found) - 1})")
    if not 0 <= index < len(found):
        raise BadInput(f"{path}: index {index} is not between 0 and {len(found) - 1}")
    return found[index]


def _node(section: Section) -> ConfNode:
    addresses = [
        (int(match.group(1)), entry.value)
        for entry in section.entries()
        if (match := _ADDRESS_KEY.match(entry.name))
    ]
    return ConfNode(
        name=section.value("name"),
        nodeid=_number(section.value("nodeid"), 0),
        addresses=tuple(sorted(addresses)),
        votes=_number(section.value("quorum_votes"), 1),
    )


def _number(text: str, default: int) -> int:
    return int(text) if is_digits(text) else default


def _what_is_taken(addresses: set[str], name: str) -> str:
    return f"address {sorted(addresses)[0]}" if addresses else f"name {name}"
