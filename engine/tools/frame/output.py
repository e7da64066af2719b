"""Results of a program as lines or as a `pacemaker-result` document."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from engine.base.api_version import API_VERSION
from engine.base.exitcodes import text_of_status
from engine.tools.frame.options import NO_TEXT

if TYPE_CHECKING:
    from lxml import etree

FORMATS = ("text", "xml", "none")


class Output:
    """Collects what a program has to say; `finish` writes it.

    Errors go to standard error as `PROGRAM: TEXT`, in a document into its status.
    """

    def __init__(self, program: str, words: Sequence[str], form: str = "text") -> None:
        self.program = program
        self.form = form
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.notes: list[str] = []
        self._root: etree._Element | None = None
        if form == "xml":
            from lxml import etree

            self._root = etree.Element("pacemaker-result")
            self._root.set("api-version", API_VERSION)
            self._root.set("request", printable(" ".join(map(_quoted, [program, *words]))))

    @property
    def is_xml(self) -> bool:
        return self._root is not None

    @property
    def root(self) -> etree._Element:
        """The document's element; only for XML output."""
        assert self._root is not None
        return self._root

    def line(self, text: str) -> None:
        """A line of text output."""
        if self.form == "text":
            self.lines.append(text)

    def element(
        self,
        tag: str,
        values: Mapping[str, str] | None = None,
        text: str | None = None,
        parent: etree._Element | None = None,
    ) -> etree._Element | None:
        """An element of the document; None for other formats."""
        if self._root is None:
            return None
        from lxml import etree

        made = etree.SubElement(self._root if parent is None else parent, tag)
        for name, value in (values or {}).items():
            made.set(name, printable(value))
        if text is not None:
            made.text = printable(text)
        return made

    def document(self, tag: str, text: str, parent: etree._Element | None = None) -> None:
        """An element whose text is an XML document of its own."""
        made = self.element(tag, parent=parent)
        if made is None:
            return
        from lxml import etree

        text = printable(text)
        made.text = text if "]]>" in text else etree.CDATA(text)

    def error(self, text: str) -> None:
        """Something that went wrong."""
        self.errors.append(text)

    def note(self, text: str) -> None:
        """A remark for standard error that belongs to no format."""
        self.notes.append(text)

    def text(self, status: int) -> str:
        """What standard output gets."""
        if self._root is None:
            return "".join(f"{line}\n" for line in self.lines)
        from lxml import etree

        end = etree.SubElement(self._root, "status")
        end.set("code", str(int(status)))
        end.set("message", text_of_status(status))
        if self.errors:
            block = etree.SubElement(end, "errors")
            for text in self.errors:
                etree.SubElement(block, "error").text = printable(text)
        return etree.tostring(self._root, pretty_print=True, encoding="unicode")

    def finish(self, status: int, stdout: TextIO, stderr: TextIO | None = None) -> None:
        """Write everything."""
        stdout.write(self.text(status))
        stdout.flush()
        for text in (*self.notes, *(self.errors if self._root is None else ())):
            (stderr or sys.stderr).write(f"{text}\n")


def printable(text: str) -> str:
    """Text as XML can hold it: other characters become spaces."""
    return NO_TEXT.sub(" ", text)


def _quoted(word: str) -> str:
    """A word of the request as a shell would take it."""
    if word and not any(c in " \t\n'\"\\$`!*?[]{}()<>|&;~#" for c in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"
