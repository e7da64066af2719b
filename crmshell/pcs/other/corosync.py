"""corosync.conf: where it is read, what `pcs cluster setup` writes, what `quorum config` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crmshell.pcs.frame.book import Work
from crmshell.pcs.frame.words import Pairs, pairs_of, parts_of
from engine.membership.corosync_conf import CorosyncConf

DEFAULT_PATH = "/etc/corosync/corosync.conf"
TRANSPORTS = ("knet", "udp", "udpu")
KEYWORDS = ("transport", "totem", "quorum")
_QUORUM = ("auto_tie_breaker", "last_man_standing", "last_man_standing_window", "wait_for_all")
_LINK = {"transport": "knet_transport"}
_LINKS = ("linknumber", "ip_version", "link_priority", "mcastport", "ping_interval",
          "ping_precision", "ping_timeout", "pong_count", "transport")  # fmt: skip
_LINKS_UDP = ("bindnetaddr", "broadcast", "mcastaddr", "mcastport", "ttl")
_TOTEM = ("block_unlisted_ips", "consensus", "downcheck", "fail_recv_const", "heartbeat_failures_allowed",
          "hold", "join", "max_messages", "max_network_delay", "merge", "miss_count_const",
          "send_join", "seqno_unchanged_const", "token", "token_coefficient", "token_retransmit",
          "token_retransmits_before_loss_const", "window_size")  # fmt: skip


def conf_of(work: Work) -> CorosyncConf | None:
    """The file of --corosync_conf, or the one of this machine; None where there is none."""
    environment = work.session.environment
    path = work.option("--corosync_conf") or environment.under_root(DEFAULT_PATH)
    if not environment.exists(path):
        if work.has("--corosync_conf"):
            raise work.stop(f"{path}: no such file", path)
        return None
    return CorosyncConf.from_text(environment.read_text(path), path)


def option_lines(conf: CorosyncConf) -> list[str]:
    """Options of the quorum that are set."""
    found = []
    for name in _QUORUM:
        value = conf.get(f"quorum.{name}")
        if value:
            found.append(f"{name}: {value[0]}")
    return found


def quorum_config(work: Work) -> None:
    """`quorum [config]`"""
    conf = conf_of(work)
    lines = ["Options:"]
    if conf is not None:
        lines += [f"  {line}" for line in option_lines(conf)]
    work.show(lines)


@dataclass(slots=True)
class Plan:
    """What `cluster setup` is to make."""

    name: str
    nodes: list[tuple[str, list[str]]] = field(default_factory=list)
    transport: str = "knet"
    transport_options: Pairs = field(default_factory=dict)
    links: list[Pairs] = field(default_factory=list)
    crypto: Pairs = field(default_factory=dict)
    compression: Pairs = field(default_factory=dict)
    totem: Pairs = field(default_factory=dict)
    quorum: Pairs = field(default_factory=dict)


def plan_of(work: Work) -> Plan:
    """The line of `cluster setup`, also in the spelling of pcs 0.9 (`--name NAME NODE...`)."""
    words = list(work.words)
    name = work.option("--name")
    if name:
        work.warn(
            "'--name NAME' is an old spelling: the name comes first, pcs cluster setup NAME ..."
        )
    elif words:
        name = words.pop(0)
    first, parts = parts_of(words, KEYWORDS)
    plan = Plan(name)
    for word in first:
        _take_node_word(work, plan, word)
    for keyword, behind in parts:
        if keyword == "transport":
            _take_transport(work, plan, behind)
        else:
            legal = _TOTEM if keyword == "totem" else _QUORUM
            target = plan.totem if keyword == "totem" else plan.quorum
            target.update(_known(work, behind, legal, keyword))
    _check(work, plan)
    return plan


def _take_node_word(work: Work, plan: Plan, word: str) -> None:
    key, mark, value = word.partition("=")
    if not mark:
        plan.nodes.append((word, []))
    elif key != "addr":
        work.refuse_name(f"'{word}': a node has only addr=ADDRESS", key, ("addr",))
    elif not plan.nodes:
        work.refuse(f"'{word}': the name of the node comes first", word)
    else:
        plan.nodes[-1][1].append(value)


def _known(work: Work, words: Sequence[str], legal: Sequence[str], what: str) -> Pairs:
    values = pairs_of(work, words)
    for name in values:
        if name not in legal:
            message = f"no {what} option '{name}'; there are {', '.join(legal)}"
            work.refuse_name(message, name, legal, forceable=True)
    return values


def _take_transport(work: Work, plan: Plan, words: Sequence[str]) -> None:
    first, parts = parts_of(words, ("link", "compression", "crypto"))
    kinds = [word for word in first if "=" not in word]
    if len(kinds) != 1:
        work.refuse(f"transport: expected one of {', '.join(TRANSPORTS)}", "transport")
        return
    plan.transport = kinds[0]
    if plan.transport not in TRANSPORTS:
        message = f"transport '{plan.transport}': expected {', '.join(TRANSPORTS)}"
        work.refuse_name(message, plan.transport, TRANSPORTS)
    plan.transport_options = pairs_of(work, [word for word in first if "=" in word])
    for keyword, behind in parts:
        if keyword == "link":
            legal = _LINKS if plan.transport == "knet" else _LINKS_UDP
            plan.links.append(_known(work, behind, legal, "link"))
        elif keyword == "crypto":
            plan.crypto.update(_known(work, behind, ("cipher", "hash", "model"), "crypto"))
        else:
            plan.compression.update(
                _known(work, behind, ("level", "model", "threshold"), "compression")
            )


def _check(work: Work, plan: Plan) -> None:
    if not plan.name:
        raise work.misuse()
    if not plan.nodes:
        work.refuse("a cluster needs nodes: pcs cluster setup NAME NODE...")
    names = [name for name, _ in plan.nodes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        work.refuse(f"node '{name}' is given twice", name)
    used = [address for _, addresses in plan.nodes for address in addresses]
    for address in sorted({each for each in used if used.count(each) > 1}):
        work.refuse(f"address '{address}' is given twice", address)
    counts = {name: len(addresses) or 1 for name, addresses in plan.nodes}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        work.refuse(f"all nodes need the same number of addresses: {listed}")
    most = 8 if plan.transport == "knet" else 1
    for name, count in counts.items():
        if count > most:
            work.refuse(f"node '{name}' has {count} addresses; {plan.transport} takes {most}", name)


def conf_text(plan: Plan) -> str:
    """The corosync.conf of a plan."""
    totem = [("version", "2"), ("cluster_name", plan.name), ("transport", plan.transport)]
    totem += sorted(plan.transport_options.items())
    if plan.transport == "knet":
        crypto = {"cipher": "aes256", "hash": "sha256", **plan.crypto}
        totem += [(f"crypto_{name}", value) for name, value in crypto.items()]
        totem += [(f"knet_compression_{k}", v) for k, v in sorted(plan.compression.items())]
    totem += sorted(plan.totem.items())
    lines = ["totem {", *_entries(totem)]
    for number, link in enumerate(plan.links):
        values = {"linknumber": str(number), **link} if plan.transport == "knet" else link
        pairs = sorted((_LINK.get(name, name), value) for name, value in values.items())
        lines += ["", "    interface {", *(f"    {line}" for line in _entries(pairs)), "    }"]
    lines += ["}", "", "nodelist {"]
    for number, (name, addresses) in enumerate(plan.nodes, 1):
        pairs = [(f"ring{i}_addr", each) for i, each in enumerate(addresses or [name])]
        pairs += [("name", name), ("nodeid", str(number))]
        lines += ["    node {", *(f"    {line}" for line in _entries(pairs)), "    }", ""]
    lines[-1:] = ["}", "", "quorum {"]
    quorum = {"provider": "corosync_votequorum", **plan.quorum}
    if len(plan.nodes) == 2 and quorum.get("auto_tie_breaker") != "1":
        quorum["two_node"] = "1"
    logging = {"to_logfile": "yes", "logfile": "/var/log/corosync/corosync.log"}
    logging.update({"to_syslog": "yes", "timestamp": "on"})
    lines += [*_entries(list(quorum.items())), "}", "", "logging {"]
    lines += [*_entries(list(logging.items())), "}", ""]
    return "\n".join(lines)


def _entries(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [f"    {name}: {value}" for name, value in pairs]
