"""Work and Book: what one `pcs` command has in hand, and the CIB that it looks at and edits.

Ids are made as `pcs` makes them. A command edits a copy of the CIB; the difference is handed over only when nothing
was found against it, so a line is done completely or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

from crmshell.errors import ShellError
from crmshell.grammar.errors import nearest_word
from crmshell.grammar.tokens import Line
from crmshell.pcs.frame.command import Command
from crmshell.pcs.frame.options import Given
from crmshell.pending.problems import place_of
from crmshell.session import Session
from engine.base.reports import Report, Severity
from engine.cib.document import Cib

Element: TypeAlias = etree._Element

RESOURCES = ("primitive", "group", "clone", "master", "bundle")
CLONES = ("clone", "master")
CONSTRAINTS = ("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket")
_REFERRING = frozenset(("resource_ref", "obj_ref", "role", "node"))
_BAD_FIRST = re.compile(r"^[^A-Za-z_]+")
_BAD = re.compile(r"[^A-Za-z0-9_.-]")
_LEGAL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")


def plain_id(text: str) -> str:
    """The text without what may not stand in an id."""
    return _BAD_FIRST.sub("", _BAD.sub("", text)) or "id"


class Book:
    """A CIB under the hands of one command. Findings go to the command's `Work`."""

    def __init__(self, cib: Cib, work: Work) -> None:
        self.cib = cib
        self.work = work
        self._ids: set[str] | None = None

    # -- ids -------------------------------------------------------------------------------------

    @property
    def ids(self) -> set[str]:
        """Ids in use."""
        if self._ids is None:
            found = self.cib.configuration.iter(etree.Element)
            self._ids = {each.get("id", "") for each in found if each.tag not in _REFERRING} - {""}
        return self._ids

    def new_id(self, wanted: str) -> str:
        """`wanted` without illegal characters, with `-1`, `-2`, … where it is in use; taken now."""
        base = plain_id(wanted)
        made, count = base, 0
        while made in self.ids:
            count += 1
            made = f"{base}-{count}"
        self.ids.add(made)
        return made

    def take_id(self, given: str, what: str) -> str:
        """An id that the user gives: legal and free, else a finding."""
        if not _LEGAL.match(given):
            self.work.refuse(
                f"'{given}' is no {what}: letters, digits, '_', '-' and '.', first a letter or '_'",
                given,
            )
        elif given in self.ids:
            self.work.refuse(f"{what} '{given}' is in use already", given)
        self.ids.add(given)
        return given

    def forget_ids(self) -> None:
        """Something was removed: look again which ids are in use."""
        self._ids = None

    # -- looking up ------------------------------------------------------------------------------

    def section(self, name: str) -> Element:
        return self.cib.section(name)

    def resources(self) -> Iterator[Element]:
        """All resources, members behind their container."""
        section = self.cib.configuration.find("resources")
        if section is not None:
            yield from (each for each in section.iter(*RESOURCES))

    def top_resources(self) -> list[Element]:
        section = self.cib.configuration.find("resources")
        return [] if section is None else [each for each in section if each.tag in RESOURCES]

    def find_resource(self, name: str) -> Element | None:
        return next((each for each in self.resources() if each.get("id") == name), None)

    def resource(self, name: str, what: str = "resource") -> Element | None:
        """The resource with this id; a finding when there is none."""
        found = self.find_resource(name)
        if found is None:
            known = [each.get("id", "") for each in self.resources()]
            self.work.refuse_name(f"{what} '{name}' does not exist", name, known)
        return found

    def nodes(self) -> list[Element]:
        section = self.cib.configuration.find("nodes")
        return [] if section is None else list(section.iterchildren("node"))

    def node_names(self) -> list[str]:
        return [each.get("uname", "") for each in self.nodes()]

    def node(self, name: str, *, forceable: bool = False) -> Element | None:
        """The node with this name; a finding when there is none."""
        for each in self.nodes():
            if each.get("uname") == name:
                return each
        self.work.refuse_name(
            f"node '{name}' does not exist", name, self.node_names(), forceable=forceable
        )
        return None

    def constraints(self, *tags: str) -> list[Element]:
        section = self.cib.configuration.find("constraints")
        if section is None:
            return []
        return [each for each in section if each.tag in (tags or CONSTRAINTS)]

    # -- attribute sets --------------------------------------------------------------------------

    def values(self, owner: Element, tag: str) -> dict[str, str]:
        """Values of the first set of a kind."""
        found = owner.find(tag)
        return {} if found is None else pairs_in(found)

    def put(
        self,
        owner: Element,
        tag: str,
        values: Mapping[str, str],
        *,
        set_id: str = "",
        ordered: bool = True,
    ) -> None:
        """Set values in the first set of a kind, made when missing; an empty value removes."""
        found = owner.find(tag)
        if found is None:
            if not any(values.values()):
                return
            found = etree.Element(tag)
            found.set("id", self.new_id(set_id or f"{owner.get('id', '')}-{tag}"))
            insert_set(owner, found)
        self.put_in(found, dict(sorted(values.items())) if ordered else values)

    def put_in(self, nvset: Element, values: Mapping[str, str]) -> None:
        """Set values in one set; an empty value removes."""
        for name, value in values.items():
            old = [each for each in nvset.iterchildren("nvpair") if each.get("name") == name]
            if not value:
                for each in old:
                    nvset.remove(each)
            elif old:
                old[0].set("value", value)
            else:
                pair = etree.SubElement(nvset, "nvpair")
                pair.set("id", self.new_id(f"{nvset.get('id')}-{name}"))
                pair.set("name", name)
                pair.set("value", value)


def pairs_in(nvset: Element) -> dict[str, str]:
    """Names and values of one set."""
    return {each.get("name", ""): each.get("value", "") for each in nvset.iterchildren("nvpair")}


_SETS = ("meta_attributes", "instance_attributes", "utilization")


def insert_set(owner: Element, made: Element) -> None:
    """Put a set where the schema has it: in front of operations, behind what else a bundle has."""
    if owner.tag in ("bundle", "clone", "master", "node"):
        first = owner.find("primitive") if owner.tag == "bundle" else None
    elif owner.tag == "op":
        first = None
    else:
        tags = ("operations", "primitive", "group", "select", "recipient", *_SETS)
        first = next((each for each in owner if each.tag in tags), None)
    if first is None:
        owner.append(made)
    else:
        first.addprevious(made)


def primitives_in(element: Element) -> list[Element]:
    """The primitives of a resource, itself if it is one."""
    return list(element.iter("primitive"))


def members_of(container: Element) -> list[Element]:
    return [each for each in container if each.tag in RESOURCES]


def ids_of(elements: Iterable[Element]) -> list[str]:
    return [each.get("id", "") for each in elements]


def in_group(element: Element) -> Element | None:
    """The group that a resource is a member of."""
    parent = element.getparent()
    return parent if parent is not None and parent.tag == "group" else None


def clone_of(element: Element) -> Element | None:
    """The clone around a resource, also around its group; itself if it is one."""
    found: Element | None = element
    while found is not None and found.tag in RESOURCES:
        if found.tag in CLONES:
            return found
        found = found.getparent()
    return None


def bundle_of(element: Element) -> Element | None:
    """The bundle around a primitive."""
    parent = element.getparent()
    return parent if parent is not None and parent.tag == "bundle" else None


@dataclass(slots=True)
class Work:
    """One command at work."""

    session: Session
    command: Command
    given: Given
    words: list[str]
    line: Line
    findings: list[Report] = field(default_factory=list)

    # -- options ---------------------------------------------------------------------------------

    @property
    def force(self) -> bool:
        return self.given.has("--force")

    def has(self, name: str) -> bool:
        return self.given.has(name)

    def option(self, name: str, default: str = "") -> str:
        return self.given.get(name, default)

    # -- findings --------------------------------------------------------------------------------

    def refuse(self, message: str, word: str = "", *, forceable: bool = False) -> None:
        """A finding that stops the command, with the word of the line that it is about.

        `forceable`: with --force it is a warning.
        """
        if forceable and self.force:
            self.session.warn(message)
            return
        if forceable:
            message += "; --force does it nevertheless"
        span = place_of(word, self.line) if word and word in self.line.text else None
        self.findings.append(Report("refused", Severity.ERROR, message, span=span))

    def refuse_name(
        self, message: str, word: str, legal: Iterable[str], *, forceable: bool = False
    ) -> None:
        """The same for a name that is not known: the nearest one is proposed."""
        near = nearest_word(word, legal)
        hint = f" (did you mean '{near}'?)" if near else ""
        self.refuse(message + hint, word, forceable=forceable)

    def check(self) -> None:
        """Raises `ShellError` with all findings so far."""
        if self.findings:
            found = tuple(dict.fromkeys(self.findings))
            self.findings.clear()
            raise ShellError(reports=found)

    def stop(self, message: str, word: str = "") -> ShellError:
        """All findings and this one, to raise."""
        self.refuse(message, word)
        return ShellError(reports=tuple(dict.fromkeys(self.findings)))

    def misuse(self) -> ShellError:
        """The words do not fit the command: its usage in one line, to raise."""
        return self.stop(f"usage: {self.command.synopsis}")

    # -- the CIB ---------------------------------------------------------------------------------

    def read(self) -> Book:
        """The CIB as it is now."""
        return Book(self.session.cib(), self)

    def edit(self, change: Callable[[Book], None]) -> None:
        """Let `change` edit a copy of the CIB; hand the difference over when nothing is against it."""
        self.check()
        base = self.session.source.read(sync=True)
        book = Book(base.copy(), self)
        change(book)
        self.check()
        committed = self.session.source.commit(base, book.cib)
        self.session.report(*committed.reports)
        self.settle()

    def settle(self) -> None:
        """With --wait[=SECONDS]: wait until the cluster has nothing more to do."""
        if not self.has("--wait"):
            return
        from engine.base.errors import BadInput
        from engine.base.timespec import milliseconds_from_text

        text = self.option("--wait")
        try:
            limit = milliseconds_from_text(text) / 1000 if text else None
        except BadInput as problem:
            raise ShellError(f"--wait: {problem}") from None
        if not self.session.source.wait(limit):
            raise ShellError(
                "the cluster has not settled within the time limit", code="not-settled"
            )

    def must_be_live(self, what: str) -> None:
        """Raises `ShellError` when the command needs a running cluster and -f names a file."""
        if self.has("-f"):
            raise self.stop(f"{what} needs the running cluster, it cannot be done in a file (-f)")

    # -- saying ----------------------------------------------------------------------------------

    def show(self, lines: str | Iterable[str]) -> None:
        """Write a result; nothing for no lines."""
        text = lines if isinstance(lines, str) else "\n".join(lines)
        if text:
            self.session.show(text)

    def info(self, text: str) -> None:
        self.session.info(text)

    def warn(self, text: str) -> None:
        self.session.warn(text)
