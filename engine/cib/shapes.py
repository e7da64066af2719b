"""What the grammar allows of each element, read off the grammar itself, to explain a refusal.

libxml2 says that an element is wrong but seldom why; this looks at one element and says it in the
words of the grammar: the attribute, its value, the child, and what is legal instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from lxml import etree

_RNG = "{http://relaxng.org/ns/structure/1.0}"
_NCNAME = re.compile(r"[^\W\d][\w.\-]*$")
_TYPES = {
    "NCName": (_NCNAME, "a name that begins with a letter or _ and has no blanks or colons"),
    "nonNegativeInteger": (re.compile(r"\+?[0-9]+$"), "a whole number from 0"),
}
# What a pattern of the grammar means, for people; keyed by a probe that only that pattern matches.
_PATTERN_WORDS = (("INFINITY", "a whole number, INFINITY or -INFINITY"), ("yes", "true or false"))


@dataclass(slots=True)
class Value:
    """Legal values of one attribute: words, or a pattern with its meaning; neither = any text."""

    words: list[str] = field(default_factory=list)
    pattern: re.Pattern[str] | None = None
    meaning: str = ""

    def accepts(self, text: str) -> bool:
        if self.words:
            return text in self.words
        return self.pattern is None or self.pattern.match(text) is not None


@dataclass(slots=True)
class Shape:
    """What one element may have, alternatives taken together."""

    attributes: dict[str, Value] = field(default_factory=dict)
    children: set[str] = field(default_factory=set)
    required: list[str] = field(default_factory=list)


def shapes_from_grammar(grammar: etree._Element) -> dict[str, Shape]:
    """Shapes by element name."""
    defines = {str(d.get("name")): d for d in grammar.iterfind(f"{_RNG}define")}
    shapes: dict[str, Shape] = {}
    for element in grammar.iter(f"{_RNG}element"):
        for name in _element_names(element):
            shape = shapes.setdefault(name, Shape())
            for part in element:
                _collect(part, defines, shape, optional=False)
    return shapes


def faults(element: etree._Element, shapes: dict[str, Shape]) -> Iterator[tuple[str, str]]:
    """What is wrong with this element and its children's names: (why, nearest legal word)."""
    shape = shapes.get(str(element.tag))
    if shape is None:
        return  # its parent has said so
    for name, text in element.attrib.items():
        value = shape.attributes.get(str(name))
        if value is None:
            yield _unknown("attribute", str(name), str(name), sorted(shape.attributes))
        elif not value.accepts(str(text)):
            yield _bad_value(str(name), str(text), value)
    for child in element.iterchildren(etree.Element):
        if child.tag not in shape.children:
            yield _unknown("element", f"<{child.tag!s}>", str(child.tag), sorted(shape.children))
    for name in shape.required:
        if name not in element.attrib:
            yield f"attribute {name} is missing", ""


def what_is_absent(element: etree._Element, shapes: dict[str, Shape]) -> str:
    """For an element whose every part is legal, but not together or not all of them."""
    shape = shapes.get(str(element.tag), Shape())
    missing = [n for n in sorted(shape.attributes) if n not in element.attrib]
    absent = [f"<{c}>" for c in sorted(shape.children) if element.find(c) is None]
    return f"incomplete or contradictory; not given: {', '.join(missing + absent)}"


def _element_names(element: etree._Element) -> list[str]:
    if (name := element.get("name")) is not None:
        return [name]
    return [str(n.text) for n in element.iterfind(f"{_RNG}choice/{_RNG}name")]


def _collect(
    part: etree._Element, defines: dict[str, etree._Element], shape: Shape, *, optional: bool
) -> None:
    kind = str(part.tag).removeprefix(_RNG)
    match kind:
        case "element":
            shape.children.update(_element_names(part))
        case "attribute":
            name = str(part.get("name"))
            _merge_value(shape.attributes.setdefault(name, Value()), part, defines)
            if not optional and name not in shape.required:
                shape.required.append(name)
        case "ref":
            for inner in defines[str(part.get("name"))]:
                _collect(inner, defines, shape, optional=optional)
        case _:
            loose = optional or kind in ("optional", "zeroOrMore", "choice")
            for inner in part.iterchildren(etree.Element):
                _collect(inner, defines, shape, optional=loose)


def _merge_value(
    value: Value, attribute: etree._Element, defines: dict[str, etree._Element]
) -> None:
    for leaf in _value_leaves(attribute, defines):
        kind = str(leaf.tag).removeprefix(_RNG)
        if kind == "value":
            value.words.append(str(leaf.text))
        elif kind == "data":
            _merge_data(value, leaf)


def _merge_data(value: Value, data: etree._Element) -> None:
    known = _TYPES.get(str(data.get("type")))
    if known is not None:
        value.pattern, value.meaning = known
        return
    for param in data.iterfind(f"{_RNG}param"):
        if param.get("name") == "minLength":
            value.pattern, value.meaning = re.compile(r"(?s)."), "a value that is not empty"
        elif param.get("name") == "pattern":
            value.pattern = re.compile(f"(?:{param.text})$")
            meanings = (words for probe, words in _PATTERN_WORDS if value.pattern.match(probe))
            value.meaning = next(meanings, f"the form {param.text}")


def _value_leaves(
    part: etree._Element, defines: dict[str, etree._Element]
) -> Iterator[etree._Element]:
    for inner in part.iterchildren(etree.Element):
        kind = str(inner.tag).removeprefix(_RNG)
        if kind == "ref":
            yield from _value_leaves(defines[str(inner.get("name"))], defines)
        elif kind in ("choice", "group"):
            yield from _value_leaves(inner, defines)
        else:
            yield inner


def _unknown(kind: str, shown: str, word: str, legal: list[str]) -> tuple[str, str]:
    nearest = get_close_matches(word, legal, 1)
    if nearest:
        return f"{kind} {shown} is not accepted here, did you mean {nearest[0]}?", nearest[0]
    expected = f", expected one of: {', '.join(legal)}" if legal else ""
    return f"{kind} {shown} is not accepted here{expected}", ""


def _bad_value(name: str, text: str, value: Value) -> tuple[str, str]:
    if value.words:
        nearest = get_close_matches(text, value.words, 1)
        expected = f"expected one of: {', '.join(value.words)}"
        return f"{name}={text!r} is not accepted, {expected}", nearest[0] if nearest else ""
    return f"{name}={text!r} is not accepted, expected {value.meaning}", ""
