"""What is wrong with a corosync.conf: names, values, and what fits together (corosync.conf(5), votequorum(5))."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from engine.base.digits import is_digits
from engine.base.reports import Report, Severity, Span
from engine.membership.corosync_conf import MAX_LINKS, ConfNode, CorosyncConf, Entry, Section

_TEXT = "text"
_WHOLE = "a whole number"
_FLAG = "yes or no"
_BIT = "0 or 1"
_CHOICES: Mapping[str, tuple[str, ...]] = {
    _FLAG: ("yes", "no", "on", "off"),
    _BIT: ("0", "1"),
    "transport": ("knet", "udp", "udpu"),
    "cipher": ("none", "aes256", "aes192", "aes128"),
    "hash": ("none", "md5", "sha1", "sha256", "sha384", "sha512"),
    "ip": ("ipv4", "ipv6", "ipv4-6", "ipv6-4"),
    "policy": ("passive", "active", "rr"),
    "rrp": ("none", "active", "passive"),
    "priority": (
        "alert",
        "crit",
        "debug",
        "emerg",
        "err",
        "info",
        "notice",
        "warning",
    ),
}
_WHOLE_TOTEM = (
    "token token_retransmit token_retransmits_before_loss_const token_warning hold join "
    "send_join consensus merge downcheck fail_recv_const seqno_unchanged_const max_network_delay "
    "window_size max_messages miss_count_const netmtu knet_pmtud_interval knet_mtu "
    "token_coefficient heartbeat_failures_allowed knet_compression_threshold "
    "knet_compression_level threads rrp_problem_count_timeout rrp_problem_count_threshold "
    "rrp_problem_count_mcast_threshold rrp_token_expired_timeout"
)
_LOGGING = {
    "timestamp": _TEXT,
    "fileline": _FLAG,
    "function_name": _FLAG,
    "blackbox": _FLAG,
    "to_stderr": _FLAG,
    "to_logfile": _FLAG,
    "to_syslog": _FLAG,
    "logfile": _TEXT,
    "logfile_priority": "priority",
    "syslog_facility": _TEXT,
    "syslog_priority": "priority",
    "debug": _TEXT,
    "subsys": _TEXT,
}
KNOWN: Mapping[str, Mapping[str, str]] = {
    "totem": {
        **dict.fromkeys(_WHOLE_TOTEM.split(), _WHOLE),
        "version": _WHOLE,
        "cluster_name": _TEXT,
        "transport": "transport",
        "crypto_model": _TEXT,
        "crypto_cipher": "cipher",
        "crypto_hash": "hash",
        "secauth": _FLAG,
        "keyfile": _TEXT,
        "key": _TEXT,
        "ip_version": "ip",
        "ip_dscp": _WHOLE,
        "link_mode": "policy",
        "rrp_mode": "rrp",
        "vsftype": _TEXT,
        "block_unlisted_ips": _FLAG,
        "cancel_token_hold_on_retransmit": _FLAG,
        "clear_node_high_bit": _FLAG,
        "knet_compression_model": _TEXT,
        "allow_knet_handle_fallback": _FLAG,
    },
    "totem.interface": {
        "linknumber": _WHOLE,
        "ringnumber": _WHOLE,
        "bindnetaddr": _TEXT,
        "broadcast": _FLAG,
        "mcastaddr": _TEXT,
        "mcastport": _WHOLE,
        "ttl": _WHOLE,
        "knet_link_priority": _WHOLE,
        "knet_ping_interval": _WHOLE,
        "knet_ping_timeout": _WHOLE,
        "knet_ping_precision": _WHOLE,
        "knet_pong_count": _WHOLE,
        "knet_transport": _TEXT,
    },
    "nodelist": {},
    "nodelist.node": {"nodeid": _WHOLE, "name": _TEXT, "quorum_votes": _WHOLE},
    "quorum": {
        "provider": _TEXT,
        "expected_votes": _WHOLE,
        "votes": _WHOLE,
        "two_node": _BIT,
        "wait_for_all": _BIT,
        "last_man_standing": _BIT,
        "last_man_standing_window": _WHOLE,
        "auto_tie_breaker": _BIT,
        "auto_tie_breaker_node": _TEXT,
        "allow_downscale": _BIT,
        "expected_votes_tracking": _BIT,
    },
    "quorum.device": {"model": _TEXT, "timeout": _WHOLE, "sync_timeout": _WHOLE, "votes": _WHOLE},
    "quorum.device.net": {
        "host": _TEXT,
        "port": _WHOLE,
        "algorithm": _TEXT,
        "tls": _TEXT,
        "tie_breaker": _TEXT,
        "connect_timeout": _WHOLE,
        "force_ip_version": _TEXT,
        "keep_active_partition_tie_breaker": _TEXT,
    },
    "quorum.device.heuristics": {},
    "logging": _LOGGING,
    "logging.logger_subsys": _LOGGING,
    "system": {
        "qb_ipc_type": _TEXT,
        "sched_rr": _FLAG,
        "priority": _TEXT,
        "move_to_root_cgroup": _TEXT,
        "state_dir": _TEXT,
        "allow_knet_handle_fallback": _FLAG,
    },
    "resources": {},
    "resources.system": {},
    "uidgid": {"uid": _TEXT, "gid": _TEXT},
    "nozzle": {"name": _TEXT, "ipaddr": _TEXT, "ipprefix": _WHOLE, "macaddr": _TEXT},
    "service": {"name": _TEXT, "ver": _WHOLE},
}
_FREE = ("quorum.device.heuristics", "resources", "resources.system")
TOKEN_MS = 3000
TOKEN_COEFFICIENT_MS = 650


def check_conf(conf: CorosyncConf, what: str = "corosync.conf") -> tuple[Report, ...]:
    """Everything that is wrong, in the order of the file first, then what concerns the whole."""
    reports = [*_names(conf.root, "", what), *_whole(conf, what)]
    return tuple(reports)


def token_ms(conf: CorosyncConf) -> int:
    """The token timeout in force: `token` plus its coefficient for each node above two."""
    totem = _first(conf, "totem")
    base = _whole_number(totem.value("token"), TOKEN_MS)
    each = _whole_number(totem.value("token_coefficient"), TOKEN_COEFFICIENT_MS)
    return base + each * max(0, len(conf.nodes()) - 2)


def _report(
    severity: Severity, code: str, message: str, what: str, line: int = 0, nearest: str = ""
) -> Report:
    span = Span(what, line, 1) if line else None
    text = message if line else f"{what}: {message}"
    return Report(f"corosync-{code}", severity, text, span=span, nearest=nearest)


def _error(code: str, message: str, what: str, line: int = 0) -> Report:
    return _report(Severity.ERROR, code, message, what, line)


def _warning(code: str, message: str, what: str, line: int = 0, nearest: str = "") -> Report:
    return _report(Severity.WARNING, code, message, what, line, nearest)


# -- names and values -------------------------------------------------------------------------------


def _names(section: Section, path: str, what: str) -> Iterator[Report]:
    known = KNOWN.get(path, {})
    for item in section.items:
        if isinstance(item, Entry):
            if not path:
                text = f"'{item.name}' stands outside of every section"
                yield _error("outside", text, what, item.line)
            elif path not in _FREE:
                yield from _entry(item, path, known, what)
        elif isinstance(item, Section):
            inner = f"{path}.{item.name}" if path else item.name
            if inner in KNOWN:
                yield from _names(item, inner, what)
            elif path not in _FREE:
                near = _near(inner, KNOWN)
                yield _warning("section", f"unknown section {inner}", what, item.line, near)


def _entry(entry: Entry, path: str, known: Mapping[str, str], what: str) -> Iterator[Report]:
    name = entry.name
    if path == "nodelist.node" and name.startswith("ring") and name.endswith("_addr"):
        return
    kind = known.get(name)
    if kind is None:
        text = f"unknown name {path}.{name}"
        yield _warning("name", text, what, entry.line, _near(name, known))
    elif kind == _WHOLE and not (is_digits(entry.value)):
        text = f"{path}.{name} is '{entry.value}', expected {_WHOLE}"
        yield _error("value", text, what, entry.line)
    elif kind in _CHOICES and entry.value not in _CHOICES[kind]:
        choices = ", ".join(_CHOICES[kind])
        text = f"{path}.{name} is '{entry.value}', expected one of {choices}"
        yield _error("value", text, what, entry.line)


def _near(name: str, known: Mapping[str, object]) -> str:
    return next(iter(difflib.get_close_matches(name, list(known), 1)), "")


# -- what fits together -------------------------------------------------------------------------------


def _whole(conf: CorosyncConf, what: str) -> Iterator[Report]:
    totem = _first(conf, "totem")
    if totem.value("version") != "2":
        yield _error("version", "totem.version must be 2", what, totem.line)
    if not totem.value("cluster_name"):
        yield _warning("cluster-name", "totem.cluster_name is not set", what, totem.line)
    transport = totem.value("transport", "knet")
    yield from _timeouts(conf, totem, what)
    yield from _encryption(totem, transport, what)
    yield from _nodes(conf, transport, what)
    yield from _quorum(conf, what)


def _timeouts(conf: CorosyncConf, totem: Section, what: str) -> Iterator[Report]:
    token = token_ms(conf)
    consensus = totem.entries("consensus")
    given = _whole_number(totem.value("consensus"), 0)
    if consensus and given * 10 < token * 12:
        text = f"totem.consensus {given} is less than 1.2 times the token timeout ({token} ms)"
        yield _error("consensus", text, what, consensus[-1].line)
    for entry in totem.entries("token"):
        if _whole_number(entry.value, TOKEN_MS) < 1000:
            text = (
                f"totem.token {entry.value} ms: a short pause of a node will cost it its membership"
            )
            yield _warning("token", text, what, entry.line)


def _encryption(totem: Section, transport: str, what: str) -> Iterator[Report]:
    cipher, digest = totem.value("crypto_cipher"), totem.value("crypto_hash")
    if transport != "knet":
        for entry in totem.entries("crypto_cipher"):
            if entry.value != "none":
                text = f"transport {transport} does not encrypt; use knet"
                yield _error("crypto", text, what, entry.line)
        return
    if totem.value("secauth") in ("on", "yes") and not cipher:
        return
    if cipher in ("", "none") or digest in ("", "none"):
        text = "traffic is not encrypted: set totem.crypto_cipher: aes256 and totem.crypto_hash: sha256"
        yield _warning("crypto", text, what, totem.line)


def _nodes(conf: CorosyncConf, transport: str, what: str) -> Iterator[Report]:
    sections = conf.node_sections()
    if not sections and transport in ("knet", "udpu"):
        yield _error("nodelist", f"transport {transport} needs a nodelist with the nodes", what)
    seen: dict[str, int] = {}
    links: tuple[int, ...] | None = None
    for place, (section, node) in enumerate(zip(sections, conf.nodes(), strict=True), 1):
        label = node.name or f"number {place} of the node list"
        yield from _one_node(section, node, label, transport, what)
        for key in _unique_keys(node):
            if key in seen:
                text = f"node {label}: {key} is that of the node in line {seen[key]} too"
                yield _error("twice", text, what, section.line)
            seen.setdefault(key, section.line)
        mine = tuple(link for link, _ in node.addresses)
        if links is not None and mine != links:
            text = f"node {label} has links {_listed(mine)}, the first node {_listed(links)}"
            yield _error("links", text, what, section.line)
        links = mine if links is None else links


def _one_node(
    section: Section, node: ConfNode, label: str, transport: str, what: str
) -> Iterator[Report]:
    if not node.nodeid and (transport == "knet" or section.entries("nodeid")):
        yield _error("nodeid", f"node {label} needs a nodeid of 1 or more", what, section.line)
    if not node.addresses:
        yield _error("address", f"node {label} has no ring0_addr", what, section.line)
    most = MAX_LINKS.get(transport, 8)
    for link, address in node.addresses:
        if link >= most:
            text = f"node {label}: link {link} ({address}), {transport} has links 0 to {most - 1}"
            yield _error("links", text, what, section.line)
    if not node.name:
        text = f"node {label} has no name; cluster managers then take its host name"
        yield _warning("node-name", text, what, section.line)


def _unique_keys(node: ConfNode) -> list[str]:
    keys = [f"address {address}" for _, address in node.addresses]
    keys += [f"name {node.name}"] if node.name else []
    return [*keys, f"nodeid {node.nodeid}"] if node.nodeid else keys


def _quorum(conf: CorosyncConf, what: str) -> Iterator[Report]:
    quorum = _first(conf, "quorum")
    nodes = conf.nodes()
    if quorum.value("provider") != "corosync_votequorum":
        text = "quorum.provider is not corosync_votequorum: every partition believes to have quorum"
        yield _warning("quorum", text, what, quorum.line)
        return
    two = quorum.value("two_node") == "1"
    if two and len(nodes) != 2:
        text = f"quorum.two_node is set, but the node list has {len(nodes)} nodes"
        yield _error("two-node", text, what, quorum.line)
    if two and quorum.value("wait_for_all") == "0":
        text = (
            "two_node without wait_for_all: both nodes may start alone and fence each other in turn"
        )
        yield _warning("wait-for-all", text, what, quorum.line)
    if len(nodes) == 2 and not two and not quorum.sections("device"):
        text = "two nodes without quorum.two_node: 1 (or a device): the loss of one stops the other"
        yield _warning("two-node", text, what, quorum.line)
    expected = quorum.value("expected_votes")
    votes = sum(node.votes for node in nodes)
    if not nodes and not expected:
        yield _error("votes", "quorum needs a nodelist or expected_votes", what, quorum.line)
    elif nodes and expected and _whole_number(expected, votes) != votes:
        text = f"quorum.expected_votes is {expected}, the nodes have {votes} votes together"
        yield _warning("votes", text, what, quorum.line)


def _first(conf: CorosyncConf, name: str) -> Section:
    """The section; its keys taken together when it occurs more than once."""
    found = conf.root.sections(name)
    if len(found) < 2:
        return found[0] if found else Section(name)
    return Section(name, found[0].line, [item for section in found for item in section.items])


def _whole_number(text: str, default: int) -> int:
    return int(text) if is_digits(text) else default


def _listed(links: tuple[int, ...]) -> str:
    return ", ".join(str(link) for link in links) or "none"
