"""The node file `/etc/crmshell/node.conf`: what an agent must know before it has a log (D-23).

Text ↔ `NodeConfig`. INI with sections node, peers, quorum and timing; each mistake is one line with
file, line and the nearest legal word. Reading the file is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity, Span
from engine.base.timespec import milliseconds_from_text

DEFAULT_PORT = 5436
MAX_NODES = 63
MAX_ID = 2**31 - 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9_.:-]*$")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node listens, UDP and TCP alike."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """Another node; one address per link."""

    name: str
    id: int
    addresses: tuple[Address, ...]
    votes: int = 1
    role: str = "member"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The node file. `addresses` has one entry per link; times are ms, 0 means the default."""

    name: str
    id: int
    cluster: str = "hacluster"
    role: str = "member"
    backend: str = "embedded"
    addresses: tuple[Address, ...] = (Address("127.0.0.1"),)
    peers: tuple[PeerConfig, ...] = ()
    key_file: str = "cluster.key"
    watchdog: str = ""
    votes: int = 1
    tie_breaker: str = ""
    two_node: bool = False
    wait_for_all: bool = False
    dead_time: int = 0
    heartbeat: int = 0
    prepare: int = 0
    install: int = 0
    resend: int = 0
    sync: int = 0
    allow_fast_detection: bool = False
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def everyone(self) -> tuple[PeerConfig, ...]:
        """All nodes of the cluster, this one included, by id."""
        me = PeerConfig(self.name, self.id, self.addresses, self.votes, self.role)
        return tuple(sorted((me, *self.peers), key=lambda node: node.id))

    def node_id(self, name: str) -> int | None:
        """Id of a node by its name."""
        return next((node.id for node in self.everyone() if node.name == name), None)


@dataclass(frozen=True, slots=True)
class _Line:
    """A `key = value` of the file."""

    number: int
    section: str
    key: str
    value: str


_Reader = Callable[[str], Any]


def load_node_config(text: str, path: str = "node.conf", **options: Any) -> NodeConfig:
    """Parse and check; `options` (command line) override fields. Raises `BadInput` with all findings."""
    problems: list[Report] = []
    values: dict[str, Any] = {}
    peers: list[PeerConfig] = []
    for line in _lines(text, path, problems):
        try:
            _take(line, values, peers)
        except BadInput as problem:
            problems.append(_finding(str(problem), path, line.number))
    values.update({key: value for key, value in options.items() if value is not None})
    for name in ("name", "id"):
        if name not in values:
            problems.append(_finding(f"section [node] lacks '{name} = ...'", path, 1))
    if not problems:
        values.setdefault("peers", tuple(peers))
        config = NodeConfig(**values)
        config = replace(config, peers=_others(config))
        problems += [_finding(text, path, 1) for text in check_node_config(config)]
    if problems:
        raise BadInput(
            "; ".join(report.message for report in problems),
            status=ExitStatus.CONFIG,
            reports=tuple(problems),
        )
    return config


def _others(config: NodeConfig) -> tuple[PeerConfig, ...]:
    """Without the node itself, which may stand in the common list as well."""
    others = [peer for peer in config.peers if (peer.name, peer.id) != (config.name, config.id)]
    return tuple(sorted(others, key=lambda peer: peer.id))


def check_node_config(config: NodeConfig) -> list[str]:
    """What is wrong with a configuration as a whole."""
    found: list[str] = []
    everyone = config.everyone()
    for what, values in (
        ("name", [node.name for node in everyone]),
        ("id", [str(node.id) for node in everyone]),
    ):
        twice = sorted({value for value in values if values.count(value) > 1})
        found += [f"two nodes have the {what} {value}" for value in twice]
    for node in everyone:
        if not _NAME.match(node.name):
            found.append(f"'{node.name}' is not a node name (letters, digits, '_', '.', '-')")
        if not 1 <= node.id <= MAX_ID:
            found.append(f"'{node.id}' is not a node id (1 to {MAX_ID})")
    if not _NAME.match(config.cluster):
        found.append(f"'{config.cluster}' is not a cluster name (letters, digits, '_', '.', '-')")
    if len(everyone) > MAX_NODES:
        found.append(f"{len(everyone)} nodes, the limit is {MAX_NODES}")
    links = {len(node.addresses) for node in everyone}
    if len(links) > 1:
        found.append("all nodes need the same number of addresses, one per link")
    if config.tie_breaker and config.node_id(config.tie_breaker) is None:
        found.append(f"the tie-breaker '{config.tie_breaker}' is not a node")
    if config.two_node and len(everyone) != 2:
        found.append(f"two-node is for two nodes, there are {len(everyone)}")
    return found + _check_timing(config)


def _check_timing(config: NodeConfig) -> list[str]:
    found = []
    if config.dead_time and config.dead_time < 1000 and not config.allow_fast_detection:
        found.append("dead-time below 1 s needs allow-fast-detection = yes")
    if config.dead_time and config.heartbeat and config.dead_time < 4 * config.heartbeat:
        found.append("dead-time must be at least four times heartbeat")
    return found


# ---- text


def _lines(text: str, path: str, problems: list[Report]) -> list[_Line]:
    found = []
    section = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = line.strip("[]").strip()
            if section not in _SECTIONS:
                problem = _unknown("section", section, list(_SECTIONS))
                problems.append(_finding(problem, path, number))
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not key:
            problems.append(_finding(f"'{line}' is not 'key = value'", path, number))
        elif not section:
            problems.append(_finding(f"'{key}' stands before the first [section]", path, number))
        elif section in _SECTIONS:
            found.append(_Line(number, section, key, value))
    return found


def _take(line: _Line, values: dict[str, Any], peers: list[PeerConfig]) -> None:
    if line.section == "peers":
        peers.append(_peer(line.key, line.value))
        return
    keys = _SECTIONS[line.section]
    if line.key not in keys:
        raise BadInput(_unknown("key", line.key, list(keys)))
    name, reader = keys[line.key]
    values[name] = reader(line.value)


def _peer(name: str, value: str) -> PeerConfig:
    words = value.split()
    if len(words) < 2:
        raise BadInput(f"peer {name}: expected 'id address[,address] [votes=N] [role=witness]'")
    more = dict(word.split("=", 1) for word in words[2:] if "=" in word)
    unknown = [word for word in words[2:] if word.split("=")[0] not in ("votes", "role")]
    if unknown:
        raise BadInput(f"peer {name}: '{unknown[0]}' is not votes=N or role=member|witness")
    return PeerConfig(
        _name(name),
        _id(words[0]),
        _addresses(words[1]),
        _votes(more.get("votes", "1")),
        _role(more.get("role", "member")),
    )


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise BadInput(f"'{text}' is not a node or cluster name (letters, digits, '_', '.', '-')")
    return text


def _number(text: str, low: int, high: int, what: str) -> int:
    if not is_digits(text) or not low <= int(text) <= high:
        raise BadInput(f"'{text}' is not {what} ({low} to {high})")
    return int(text)


def _id(text: str) -> int:
    return _number(text, 1, MAX_ID, "a node id")


def _votes(text: str) -> int:
    return _number(text, 0, 255, "a number of votes")


def _port(text: str) -> int:
    return _number(text, 1, 65535, "a port")


def _addresses(text: str) -> tuple[Address, ...]:
    return tuple([_address(word.strip()) for word in text.split(",") if word.strip()])


def _address(text: str) -> Address:
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not _HOST.match(host):
        raise BadInput(f"'{text}' is not an address (host, host:port or [IPv6]:port)")
    return Address(host, _port(port) if port else DEFAULT_PORT)


def _word(*words: str) -> _Reader:
    def read(text: str) -> str:
        if text not in words:
            raise BadInput(_unknown("word", text, list(words)))
        return text

    return read


_role = _word("member", "witness")


def _yes(text: str) -> bool:
    if text.lower() in ("yes", "true", "1", "on"):
        return True
    if text.lower() in ("no", "false", "0", "off"):
        return False
    raise BadInput(f"'{text}' is not yes or no")


def _unknown(what: str, word: str, words: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, words, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(words)}"
    return f"unknown {what} '{word}', {hint}"


def _finding(text: str, path: str, number: int) -> Report:
    span = Span(path, number, 1)
    return Report("node-file", Severity.ERROR, f"{path}:{number}: {text}", span=span)


_SECTIONS: dict[str, dict[str, tuple[str, _Reader]]] = {
    "node": {
        "name": ("name", _name),
        "id": ("id", _id),
        "cluster": ("cluster", _name),
        "role": ("role", _role),
        "backend": ("backend", _word("embedded")),
        "address": ("addresses", _addresses),
        "key-file": ("key_file", str),
        "watchdog": ("watchdog", str),
        "votes": ("votes", _votes),
    },
    "peers": {},
    "quorum": {
        "tie-breaker": ("tie_breaker", _name),
        "two-node": ("two_node", _yes),
        "wait-for-all": ("wait_for_all", _yes),
    },
    "timing": {
        "dead-time": ("dead_time", milliseconds_from_text),
        "heartbeat": ("heartbeat", milliseconds_from_text),
        "prepare": ("prepare", milliseconds_from_text),
        "install": ("install", milliseconds_from_text),
        "resend": ("resend", milliseconds_from_text),
        "sync": ("sync", milliseconds_from_text),
        "allow-fast-detection": ("allow_fast_detection", _yes),
    },
}


def node_config_to_text(config: NodeConfig) -> str:
    """The file for a configuration: `load_node_config` reads it back as the same."""
    default = NodeConfig(config.name, config.id)
    names = [item.name for item in fields(NodeConfig)]
    parts = []
    for section, keys in _SECTIONS.items():
        lines = []
        if section == "peers":
            lines = [_peer_line(peer) for peer in config.peers]
        for key, (name, _) in keys.items():
            value = getattr(config, name)
            wanted = name in ("name", "id", "cluster", "addresses")
            if name in names and (wanted or value != getattr(default, name)):
                lines.append(f"{key} = {_value_text(value, key)}")
        if lines:
            parts.append(f"[{section}]\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _peer_line(peer: PeerConfig) -> str:
    text = f"{peer.name} = {peer.id} {','.join(map(str, peer.addresses))}"
    if peer.votes != 1:
        text += f" votes={peer.votes}"
    return text if peer.role == "member" else f"{text} role={peer.role}"


def _value_text(value: Any, key: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, int) and key in _SECTIONS["timing"]:
        return f"{value}ms"
    return str(value)
