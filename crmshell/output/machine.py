"""Documents for programs: an XML tree as JSON."""

from __future__ import annotations

import json
from typing import Any, Protocol


class Node(Protocol):
    """What is needed of an element."""

    @property
    def tag(self) -> Any: ...
    @property
    def attrib(self) -> Any: ...
    @property
    def text(self) -> Any: ...
    def __iter__(self) -> Any: ...


def json_from_xml(root: Node) -> str:
    """`{"tag": …, "attributes": {…}, "children": […]}`, order kept; comments are left out."""
    return json.dumps(_plain(root), indent=2, ensure_ascii=False)


def _plain(element: Node) -> dict[str, Any]:
    data: dict[str, Any] = {"tag": str(element.tag)}
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    if attributes:
        data["attributes"] = attributes
    if element.text and str(element.text).strip():
        data["text"] = str(element.text)
    children = [_plain(child) for child in element if isinstance(child.tag, str)]
    if children:
        data["children"] = children
    return data
