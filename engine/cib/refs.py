"""References inside a configuration: `id-ref` attributes and the elements that they mean."""

from __future__ import annotations

from lxml import etree


class References:
    """Finds the unique element of a tag with an id; the index is made at the first question."""

    __slots__ = ("_found", "_root")

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._found: dict[tuple[str, str], list[etree._Element]] | None = None

    def lookup(self, tag: str, wanted: str) -> etree._Element | None:
        """The one `tag` element with that id, None if there is none or more than one (0.4)."""
        if self._found is None:
            self._found = {}
            for element in self._root.iter():
                if isinstance(element.tag, str) and "id" in element.attrib:
                    key = (element.tag, element.attrib["id"])
                    self._found.setdefault(key, []).append(element)
        known = self._found.get((tag, wanted), ())
        return known[0] if len(known) == 1 else None

    def resolve(self, element: etree._Element) -> etree._Element | None:
        """The element itself, or what its `id-ref` means (4.1)."""
        wanted = element.get("id-ref")
        return element if wanted is None else self.lookup(str(element.tag), wanted)
