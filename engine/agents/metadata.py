"""What an agent says about itself: OCF meta-data 1.0 and 1.1, LSB headers, systemd units.

Pure: text in, `AgentMetadata` out. Anything that is not meta-data is refused in one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.agents.names import AgentName
from engine.base.errors import BadInput

if TYPE_CHECKING:
    from lxml import etree

MAX_METADATA_BYTES = 1024 * 1024
_DOCTYPE = re.compile(rb"<!DOCTYPE[^<>\[\]]*>")
_TRUE = frozenset({"1", "yes", "true", "on"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `values`: the legal ones of a select; `unique_group`: "" if not unique."""

    name: str
    required: bool = False
    unique_group: str = ""
    reloadable: bool = False
    private: bool = False
    deprecated: bool = False
    replaced_with: tuple[str, ...] = ()
    type: str = "string"
    default: str | None = None
    values: tuple[str, ...] = ()
    shortdesc: str = ""
    longdesc: str = ""

    @property
    def unique(self) -> bool:
        return bool(self.unique_group)


@dataclass(frozen=True, slots=True)
class AgentAction:
    """One action with the values that its author advises (as written, "" where not given)."""

    name: str
    timeout: str = ""
    interval: str = ""
    start_delay: str = ""
    depth: str = ""
    role: str = ""
    automatic: bool = False
    on_target: bool = False


@dataclass(frozen=True, slots=True)
class AgentMetadata:
    """All that an agent says about itself; `api_version` is that of OCF, "" where it names none."""

    name: AgentName
    version: str = ""
    api_version: str = ""
    shortdesc: str = ""
    longdesc: str = ""
    parameters: tuple[Parameter, ...] = ()
    actions: tuple[AgentAction, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name == name), None)

    def action(self, name: str, role: str = "") -> AgentAction | None:
        """The action; of several monitors the one for this role, else the first."""
        named = [each for each in self.actions if each.name == name]
        for each in named:
            if role and each.role == role:
                return each
        return named[0] if named else None

    @property
    def is_promotable(self) -> bool:
        names = {each.name for each in self.actions}
        return {"promote", "demote"} <= names


def metadata_from_xml(data: bytes, name: AgentName) -> AgentMetadata:
    """Meta-data as an agent prints it; raises `BadInput` with one line."""
    from engine.base.safexml import parse_xml

    if len(data) > MAX_METADATA_BYTES:
        raise BadInput(f"{name}: {len(data)} bytes of meta-data, the limit is {MAX_METADATA_BYTES}")
    start = data.find(b"<")
    # Some versions of libxml2 read only up to a NUL, and take what stands before it.
    if start < 0 or b"\0" in data:
        raise BadInput(f"{name}: its meta-data is not XML")
    root = parse_xml(_DOCTYPE.sub(b"", data[start:], count=1), f"{name}: meta-data")
    if root.tag != "resource-agent":
        raise BadInput(f"{name}: meta-data: <{root.tag!s}> found, expected <resource-agent>")
    return AgentMetadata(
        name=name,
        version=_text(root, "version") or root.get("version") or "",
        api_version=_text(root, "version"),
        shortdesc=_text(root, "shortdesc") or root.get("shortdesc") or "",
        longdesc=_text(root, "longdesc"),
        parameters=tuple(
            _parameter(each) for each in root.iterfind("parameters/parameter") if each.get("name")
        ),
        actions=tuple(
            _action(each) for each in root.iterfind("actions/action") if each.get("name")
        ),
    )


def metadata_from_lsb(text: str, name: AgentName) -> AgentMetadata:
    """Meta-data of an init script from its LSB comment header."""
    fields: dict[str, str] = {}
    last = ""
    inside = False
    for line in text.splitlines():
        if line.startswith("### BEGIN INIT INFO"):
            inside = True
        elif line.startswith("### END INIT INFO"):
            break
        elif inside and line.startswith("#"):
            found = re.match(r"#\s*([A-Za-z-]+):\s*(.*)$", line)
            if found is not None:
                last = found.group(1).lower()
                fields[last] = found.group(2).strip()
            elif last and re.match(r"#(\t|  )", line):
                fields[last] += f"\n{line[1:].strip()}"
    short = fields.get("short-description", "") or str(name.type)
    return AgentMetadata(
        name=name,
        shortdesc=short.splitlines()[0],
        longdesc=fields.get("description", "") or short,
        actions=_plain_actions("15"),
    )


def metadata_from_unit(text: str, name: AgentName) -> AgentMetadata:
    """Meta-data of a systemd unit from its Description."""
    found = re.search(r"^Description=(.*)$", text, re.MULTILINE)
    short = found.group(1).strip() if found is not None else f"systemd unit file for {name.type}"
    return AgentMetadata(name=name, shortdesc=short, longdesc=short, actions=_plain_actions("100"))


def _plain_actions(timeout: str) -> tuple[AgentAction, ...]:
    return (
        AgentAction("start", timeout=timeout),
        AgentAction("stop", timeout=timeout),
        AgentAction("monitor", timeout=timeout, interval="60" if timeout == "100" else "15"),
        AgentAction("meta-data", timeout="5"),
    )


def _parameter(element: etree._Element) -> Parameter:
    content = element.find("content")
    kind = default = None
    values: tuple[str, ...] = ()
    if content is not None:
        kind, default = content.get("type"), content.get("default")
        values = tuple(
            each.get("value") or "" for each in content.iterfind("option") if each.get("value")
        )
    deprecated = element.find("deprecated")
    return Parameter(
        name=element.get("name") or "",
        required=_is_true(element.get("required")),
        unique_group=_unique_group(element),
        reloadable=_is_true(element.get("reloadable")),
        private=_is_true(element.get("private")),
        deprecated=deprecated is not None or _is_true(element.get("deprecated")),
        replaced_with=_replacements(element, deprecated),
        type=kind or "string",
        default=default,
        values=values,
        shortdesc=_text(element, "shortdesc"),
        longdesc=_text(element, "longdesc"),
    )


def _unique_group(element: etree._Element) -> str:
    """OCF 1.1 names groups; OCF 1.0 has a flag, which makes the parameter a group of its own."""
    group = element.get("unique-group")
    if group:
        return group
    return f"_{element.get('name')}" if _is_true(element.get("unique")) else ""


def _replacements(element: etree._Element, deprecated: etree._Element | None) -> tuple[str, ...]:
    names = [element.get("obsoletes-by") or ""]
    if deprecated is not None:
        names += [each.get("name") or "" for each in deprecated.iterfind("replaced-with")]
    return tuple(name for name in names if name)


def _action(element: etree._Element) -> AgentAction:
    return AgentAction(
        name=element.get("name") or "",
        timeout=element.get("timeout") or "",
        interval=element.get("interval") or "",
        start_delay=element.get("start-delay") or "",
        depth=element.get("depth") or "",
        role=_role(element.get("role") or ""),
        automatic=_is_true(element.get("automatic")),
        on_target=_is_true(element.get("on_target")),
    )


def _role(word: str) -> str:
    modern = {"master": "Promoted", "slave": "Unpromoted"}
    return modern.get(word.lower(), word)


def _is_true(word: str | None) -> bool:
    return word is not None and word.strip().lower() in _TRUE


def _text(element: etree._Element, tag: str) -> str:
    """Text of a child: of several languages English, else the first."""
    found = element.findall(tag)
    if not found:
        return ""
    best = next((each for each in found if (each.get("lang") or "en").startswith("en")), found[0])
    return "".join(str(part) for part in best.itertext()).strip()
