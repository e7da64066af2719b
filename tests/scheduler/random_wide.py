"""Wide random clusters: every construct that a configuration can hold.

`wide_cib(seed)` is a cluster without history. Rounds of simulation and `random_states.disturb` give
histories with failures, pending operations, lost nodes and changed definitions. All draws come from `random.Random`, so a seed names a cluster for ever.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

NOW = 1742000000  # the moment at which the clusters are planned

_PLAIN = 'class="ocf" provider="heartbeat" type="Dummy"'
_STATEFUL = 'class="ocf" provider="pacemaker" type="Stateful"'
_AGENTS = (_PLAIN, _PLAIN, _PLAIN, 'class="systemd" type="foo"', 'class="lsb" type="bar"')
_SCORES = ("INFINITY", "INFINITY", "-INFINITY", "100", "-100", "1000", "-1000", "50", "7", "0")
_SHARES = {
    "utilization": 0.2,
    "health": 0.12,
    "tickets": 0.2,
    "rules": 0.35,
    "bundles": 0.25,
    "remote": 0.2,
    "guest": 0.2,
    "fencing": 0.55,
    "unfencing": 0.15,
    "sets": 0.35,
    "notify": 0.3,
    "migrate": 0.35,
    "templates": 0.2,
    "optin": 0.12,
    "dates": 0.15,
    "locks": 0.15,
    "promotable": 0.6,
    "clones": 0.8,
    "groups": 0.75,
    "unique": 0.3,
    "onfail": 0.4,
    "racks": 0.2,
}
_ROLES = ("Promoted", "Promoted", "Promoted", "Unpromoted", "Started")
_KINDS = ("", "", ' kind="Optional"', ' kind="Mandatory"', ' kind="Serialize"')


@dataclass(slots=True)
class Draft:
    """A cluster while it is being made."""

    rng: random.Random
    uses: frozenset[str]
    nodes: list[str]
    guests: list[str] = field(default_factory=list)  # remote and guest nodes
    top: list[str] = field(default_factory=list)
    promotable: set[str] = field(default_factory=set)
    primitives: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def some(self, share: float, name: str, *values: str) -> dict[str, str]:
        """One attribute, or none."""
        return {name: self.rng.choice(values)} if self.chance(share) else {}

    def any_node(self) -> str:
        return self.rng.choice(self.guests if self.guests and self.chance(0.3) else self.nodes)

    def any_resource(self) -> str:
        return self.rng.choice(self.primitives if self.chance(0.08) else self.top)

    def new_id(self, kind: str) -> str:
        return f"{kind}{len(self.constraints) + 1}"


def wide_cib(seed: int, uses: frozenset[str] | None = None) -> str:
    """The cluster of a seed; `uses` fixes which constructs it has (keys of `_SHARES`)."""
    rng = random.Random(f"wide {seed}")
    drawn = frozenset(name for name, share in _SHARES.items() if rng.random() < share)
    count = rng.choice((2, 2, 3, 3, 3, 4, 4, 5, 6, 8))
    draft = Draft(
        rng, drawn if uses is None else uses, [f"node{number}" for number in range(1, count + 1)]
    )
    _add_resources(draft)
    if draft.chance(0.15):
        draft.tags.append("tag1")
    for _ in range(rng.randint(0, max(2, min(16, len(draft.top) + 3)))):
        text = rng.choice(_makers(draft))(draft)
        if text:
            draft.constraints.append(text)
    return _document(draft)


def block(tag: str, owner: str, pairs: dict[str, str], inner: str = "") -> str:
    """A set of name/value pairs, or nothing."""
    if not pairs:
        return ""
    identity = f"{owner}-{tag}"
    rows = "".join(
        f'<nvpair id="{identity}-{name.lstrip("#")}" name="{name}" value="{value}"/>'
        for name, value in pairs.items()
    )
    return f'<{tag} id="{identity}">{inner}{rows}</{tag}>'


# Resources.


def _meta(draft: Draft) -> dict[str, str]:
    some = draft.some
    unfencing = ("unfencing",) if "unfencing" in draft.uses else ()
    return {
        **some(0.18, "resource-stickiness", "0", "100", "INFINITY", "1", "-10"),
        **some(0.1, "priority", "1", "10", "-5", "100"),
        **some(0.06, "target-role", "Stopped", "Started", "Unpromoted"),
        **some(0.04, "is-managed", "false"),
        **some(0.03, "maintenance", "true"),
        **some(0.12, "migration-threshold", "1", "2", "3"),
        **some(0.1, "failure-timeout", "60s", "10min", "1h"),
        **some(0.05, "multiple-active", "stop_only", "block", "stop_start", "stop_unexpected"),
        **some(0.06, "requires", "nothing", "quorum", "fencing", *unfencing),
        **some(0.05, "critical", "false"),
        **some(0.3 if "migrate" in draft.uses else 0, "allow-migrate", "true"),
    }


def _on_fail(draft: Draft, *values: str) -> str:
    if "onfail" not in draft.uses or draft.chance(0.5):
        return ""
    return f' on-fail="{draft.rng.choice(values)}"'


def _operations(draft: Draft, name: str, *, stateful: bool = False) -> str:
    any_failure = ("ignore", "block", "stop", "restart", "standby", "fence")
    found = []
    if draft.chance(0.7):
        enabled = ' enabled="false"' if draft.chance(0.05) else ""
        policy = _on_fail(draft, *any_failure)
        found.append(("monitor", f'interval="10s" timeout="20s"{policy}{enabled}'))
    if stateful and draft.chance(0.8):
        policy = _on_fail(draft, "demote", "ignore", "fence", "restart")
        found.append(("monitor", f'interval="11s" role="Promoted"{policy}'))
    if draft.chance(0.05):
        found.append(("monitor", 'interval="12s" role="Stopped"'))
    if draft.chance(0.2):
        found.append(("start", f'interval="0" timeout="60s"{_on_fail(draft, *any_failure)}'))
    if draft.chance(0.15):
        policy = _on_fail(draft, "block", "ignore", "fence")
        found.append(("stop", f'interval="0" timeout="40s"{policy}'))
    if stateful and draft.chance(0.15):
        policy = _on_fail(draft, "demote", "block", "fence")
        found.append(("promote", f'interval="0" timeout="33s"{policy}'))
    rows = "".join(
        f'<op id="{name}-op{number}" name="{task}" {words}/>'
        for number, (task, words) in enumerate(found)
    )
    return f"<operations>{rows}</operations>" if rows else ""


def _primitive(
    draft: Draft, name: str, *, stateful: bool = False, meta: float = 1.0, agent: str = ""
) -> str:
    rng = draft.rng
    draft.primitives.append(name)
    inner = block("meta_attributes", name, _meta(draft) if draft.chance(meta) else {})
    if draft.chance(0.3):
        inner += block("instance_attributes", name, {"fake": str(rng.randint(1, 9))})
    if "utilization" in draft.uses and draft.chance(0.8):
        needs = {"cpu": str(rng.randint(1, 4)), **draft.some(0.3, "mem", "100", "200", "400")}
        inner += block("utilization", name, needs)
    inner += _operations(draft, name, stateful=stateful)
    if not agent:
        agent = _STATEFUL if stateful else rng.choice(_AGENTS)
        if draft.templates and not stateful and draft.chance(0.4):
            agent = f'template="{rng.choice(draft.templates)}"'
    return f'<primitive id="{name}" {agent}>{inner}</primitive>'


def _group(draft: Draft, name: str, *, stateful: bool = False) -> str:
    members = "".join(
        _primitive(draft, f"{name}m{number}", stateful=stateful, meta=0.35)
        for number in range(1, draft.rng.choice((1, 2, 2, 3, 3, 4)) + 1)
    )
    return f'<group id="{name}">{block("meta_attributes", name, _meta(draft))}{members}</group>'


def _clone(draft: Draft, name: str) -> str:
    some = draft.some
    meta = {key: value for key, value in _meta(draft).items() if draft.chance(0.4)}
    promotable = "promotable" in draft.uses and draft.chance(0.45)
    if promotable:
        draft.promotable.add(name)
        meta |= {"promotable": "true", **some(0.3, "promoted-max", "1", "2")}
    meta |= {
        **some(0.5, "interleave", "true", "false"),
        **some(0.15, "ordered", "true"),
        **some(0.6 if "notify" in draft.uses else 0, "notify", "true"),
        **some(0.35, "clone-max", "1", "2", "3"),
        **some(0.4 if "unique" in draft.uses else 0, "globally-unique", "true"),
        **some(0.08, "clone-min", "1", "2"),
    }
    if "globally-unique" in meta:
        meta |= some(0.5, "clone-node-max", "2")
    if "groups" in draft.uses and draft.chance(0.25):
        body = _group(draft, f"{name}p", stateful=promotable)
    else:
        body = _primitive(draft, f"{name}p", stateful=promotable, meta=0.15)
    return f'<clone id="{name}">{block("meta_attributes", name, meta)}{body}</clone>'


def _bundle(draft: Draft, name: str) -> str:
    rng = draft.rng
    words = f'image="img" replicas="{rng.choice((1, 1, 2, 2, 3))}"'
    words += ' replicas-per-host="2"' if draft.chance(0.2) else ""
    promoted = draft.chance(0.35)
    if promoted:
        draft.promotable.add(name)
        words += ' promoted-max="1"'
    inner = ""
    if draft.chance(0.8):
        agent = _STATEFUL if promoted else _PLAIN
        inner = _primitive(draft, f"{name}p", stateful=promoted, meta=0.3, agent=agent)
    first = 100 + 10 * (len(draft.top) % 15)
    network = f'ip-range-start="192.168.122.{first}"' if draft.chance(0.6) else ""
    if not network or draft.chance(0.5):
        network += ' control-port="3121"'
    meta = block("meta_attributes", name, _meta(draft) if draft.chance(0.3) else {})
    kind = rng.choice(("podman", "docker"))
    return f'<bundle id="{name}">{meta}<{kind} {words}/><network {network}/>{inner}</bundle>'


def _add_resources(draft: Draft) -> None:
    if "templates" in draft.uses:
        for number in range(draft.rng.choice((1, 2))):
            name = f"t{number}"
            inner = block("meta_attributes", name, _meta(draft)) + _operations(draft, name)
            draft.resources.append(f'<template id="{name}" {_PLAIN}>{inner}</template>')
            draft.templates.append(name)
    if "fencing" in draft.uses:
        unfencing = "unfencing" in draft.uses
        meta = block("meta_attributes", "Fencing", {"provides": "unfencing"} if unfencing else {})
        agent = 'class="stonith" type="fence_scsi"'
        draft.resources.append(f'<primitive id="Fencing" {agent}>{meta}</primitive>')
    for number in range(1, draft.rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 14)) + 1):
        draw = draft.rng.random()
        if "groups" in draft.uses and draw < 0.22:
            name, text = f"g{number}", _group(draft, f"g{number}")
        elif "clones" in draft.uses and draw < 0.5:
            name, text = f"c{number}", _clone(draft, f"c{number}")
        elif "bundles" in draft.uses and draw < 0.62:
            name, text = f"b{number}", _bundle(draft, f"b{number}")
        else:
            name, text = f"r{number}", _primitive(draft, f"r{number}")
        draft.top.append(name)
        draft.resources.append(text)
    _add_remote_nodes(draft)


def _add_remote_nodes(draft: Draft) -> None:
    rng = draft.rng
    found: list[tuple[str, str, str]] = []
    if "remote" in draft.uses:
        for number in range(1, rng.choice((1, 1, 2)) + 1):
            agent = 'class="ocf" provider="pacemaker" type="remote"'
            text = f'<primitive id="remote{number}" {agent}>'
            ops = f'<op id="remote{number}-m" name="monitor" interval="60s"/>'
            text += f"<operations>{ops}</operations></primitive>"
            found.append((f"remote{number}", f"remote{number}", text))
    if "guest" in draft.uses:
        for number in range(1, rng.choice((1, 1, 2)) + 1):
            name, guest = f"vm{number}", f"guest{number}"
            meta = {"remote-node": guest}
            meta |= draft.some(0.5 if "migrate" in draft.uses else 0, "allow-migrate", "true")
            agent = 'class="ocf" provider="heartbeat" type="VirtualDomain"'
            text = f'<primitive id="{name}" {agent}>{block("meta_attributes", name, meta)}'
            found.append((name, guest, f"{text}</primitive>"))
    for name, node, text in found:
        draft.primitives.append(name)
        draft.guests.append(node)
        draft.resources.insert(rng.randint(0, len(draft.resources)), text)
        if draft.chance(0.7):
            draft.top.append(name)


# Constraints.


def _makers(draft: Draft) -> tuple[Callable[[Draft], str], ...]:
    makers = (_location,) * 3 + (_colocation,) * 3 + (_order,) * 3
    return makers + ((_ticket,) * 2 if "tickets" in draft.uses else ())


def _role(draft: Draft, resource: str, attribute: str) -> str:
    if resource in draft.promotable and draft.chance(0.45):
        return f' {attribute}="{draft.rng.choice(_ROLES)}"'
    return ""


def _expression(draft: Draft, identity: str) -> str:
    rng = draft.rng
    if "dates" in draft.uses and draft.chance(0.3):
        return rng.choice(
            (
                f'<date_expression id="{identity}" operation="gt" start="2025-01-01"/>',
                f'<date_expression id="{identity}" operation="lt" end="2025-06-01 10:00:00Z"/>',
                f'<date_expression id="{identity}" operation="date_spec">'
                f'<date_spec id="{identity}-s" hours="9-16" weekdays="1-5"/></date_expression>',
            )
        )
    name, values = rng.choice(
        (
            ("#uname", (draft.any_node(),)),
            ("#kind", ("cluster", "remote", "container")),
            ("rack", ("R0", "R1")),
            ("pingd", ("5", "10")),
        )
    )
    operation = rng.choice(("eq", "ne") if name.startswith("#") else ("eq", "ne", "lt", "gte"))
    return (
        f'<expression id="{identity}" attribute="{name}" operation="{operation}"'
        f' value="{rng.choice(values)}"/>'
    )


def _location(draft: Draft) -> str:
    rng = draft.rng
    identity, resource, score = draft.new_id("l"), draft.any_resource(), rng.choice(_SCORES)
    target = f'rsc="{resource}"'
    role = _role(draft, resource, "role")
    if draft.chance(0.08):
        target, role = f'rsc-pattern="{rng.choice(("^r", "[0-9]$", "!^c", "(g|r)([0-9])"))}"', ""
    elif (draft.tags or draft.templates) and draft.chance(0.1):
        target, role = f'rsc="{rng.choice(draft.tags + draft.templates)}"', ""
    if draft.chance(0.15):
        target += f' resource-discovery="{rng.choice(("never", "exclusive", "always"))}"'
    if "rules" not in draft.uses or draft.chance(0.6):
        node = draft.any_node()
        return f'<rsc_location id="{identity}" {target} node="{node}" score="{score}"{role}/>'
    count = rng.choice((1, 1, 2, 3))
    joined = f' boolean-op="{rng.choice(("or", "and"))}"' if count > 1 else ""
    tests = "".join(_expression(draft, f"{identity}-e{number}") for number in range(count))
    value = f'score="{score}"' if draft.chance(0.85) else 'score-attribute="pref"'
    rule = f'<rule id="{identity}-r" {value}{joined}{role}>{tests}</rule>'
    return f'<rsc_location id="{identity}" {target}>{rule}</rsc_location>'


def _two_sets(draft: Draft, identity: str, members: list[str], *words: str) -> str:
    cut = draft.rng.randint(1, len(members)) if draft.chance(0.5) else len(members)
    text = ""
    for number, part in enumerate((members[:cut], members[cut:])):
        references = "".join(f'<resource_ref id="{name}"/>' for name in part)
        if references:
            head = f'<resource_set id="{identity}-s{number}"{draft.rng.choice(words)}>'
            text += f"{head}{references}</resource_set>"
    return text


def _colocation(draft: Draft) -> str:
    rng = draft.rng
    if len(draft.top) < 2:
        return ""
    identity = draft.new_id("k")
    score = rng.choice(("INFINITY", "INFINITY", "-INFINITY", "100", "-100", "5000", "-3"))
    if "sets" in draft.uses and draft.chance(0.3):
        members = rng.sample(draft.top, rng.randint(2, min(5, len(draft.top))))
        sets = _two_sets(draft, identity, members, "", ' sequential="false"')
        return f'<rsc_colocation id="{identity}" score="{score}">{sets}</rsc_colocation>'
    one, other = rng.sample(draft.top, 2)
    words = _role(draft, one, "rsc-role") + _role(draft, other, "with-rsc-role")
    if "racks" in draft.uses and draft.chance(0.35):
        words += ' node-attribute="rack"'
    if draft.chance(0.08):
        words += f' influence="{rng.choice(("true", "false"))}"'
    if draft.templates and draft.chance(0.1):
        one, words = rng.choice(draft.templates), ""
    return (
        f'<rsc_colocation id="{identity}" rsc="{one}" with-rsc="{other}" score="{score}"{words}/>'
    )


def _order(draft: Draft) -> str:
    """First before then in the order of the resources, so that most clusters have no loop."""
    rng = draft.rng
    if len(draft.top) < 2:
        return ""
    identity, kind = draft.new_id("o"), rng.choice(_KINDS)
    if "Serialize" not in kind and draft.chance(0.25):
        kind += ' symmetrical="false"'
    if "sets" in draft.uses and draft.chance(0.3):
        places = rng.sample(range(len(draft.top)), rng.randint(2, min(5, len(draft.top))))
        members = [draft.top[place] for place in sorted(places)]
        words = ("", ' sequential="false"', ' sequential="false" require-all="false"')
        return f'<rsc_order id="{identity}"{kind}>{_two_sets(draft, identity, members, *words)}</rsc_order>'
    first, then = (draft.top[place] for place in sorted(rng.sample(range(len(draft.top)), 2)))
    if first in draft.promotable and draft.chance(0.6):
        action = rng.choice(("promote", "promote", "start", "demote"))
        kind += f' first-action="{action}" then-action="start"'
    return f'<rsc_order id="{identity}" first="{first}" then="{then}"{kind}/>'


def _ticket(draft: Draft) -> str:
    resource = draft.rng.choice(draft.top)
    policy = draft.rng.choice(("stop", "demote", "fence", "freeze"))
    return (
        f'<rsc_ticket id="{draft.new_id("q")}" rsc="{resource}" ticket="T"'
        f' loss-policy="{policy}"{_role(draft, resource, "rsc-role")}/>'
    )


# The document.


def _options(draft: Draft) -> dict[str, str]:
    some = draft.some
    options = {
        "no-quorum-policy": draft.rng.choice(("stop", "stop", "ignore", "freeze", "demote")),
        "stonith-enabled": str("fencing" in draft.uses).lower(),
        **some(0.04, "stop-all-resources", "true"),
        **some(0.04, "maintenance-mode", "true"),
        **some(0.1, "start-failure-is-fatal", "false"),
        **some(0.05, "startup-fencing", "false"),
        **some(0.06, "stop-orphan-resources", "false"),
        **some(0.07, "priority-fencing-delay", "15s"),
        **some(0.05, "concurrent-fencing", "false"),
        **some(0.05, "enable-startup-probes", "false"),
    }
    if "optin" in draft.uses:
        options["symmetric-cluster"] = "false"
    if "utilization" in draft.uses:
        names = ("utilization", "balanced", "minimal", "default")
        options["placement-strategy"] = draft.rng.choice(names)
    if "health" in draft.uses:
        names = ("migrate-on-red", "only-green", "progressive", "custom")
        options["node-health-strategy"] = draft.rng.choice(names)
        options |= some(0.3, "node-health-yellow", "-20", "5")
    if "locks" in draft.uses:
        options |= {"shutdown-lock": "true", **some(0.4, "shutdown-lock-limit", "5min", "2h")}
    return options


def _nodes(draft: Draft) -> str:
    rng = draft.rng
    text = ""
    for number, name in enumerate(draft.nodes, 1):
        attributes = {
            **draft.some(0.05, rng.choice(("standby", "maintenance")), "true"),
            **draft.some(0.5, "rack", f"R{number % 2}"),
            **draft.some(0.3, "pingd", "0", "5", "10"),
            **draft.some(0.3, "pref", "20", "-4", "INFINITY"),
        }
        if "health" in draft.uses:
            attributes |= draft.some(0.5, "#health-disk", "red", "yellow", "green", "-10", "5")
        inner = block("instance_attributes", name, attributes)
        if "utilization" in draft.uses:
            room = {"cpu": str(rng.randint(2, 12)), **draft.some(0.7, "mem", "300", "700")}
            inner += block("utilization", name, room)
        text += f'<node id="{number}" uname="{name}">{inner}</node>'
    return text


def _document(draft: Draft) -> str:
    defaults = {
        **draft.some(0.3, "resource-stickiness", "1", "100", "1000"),
        **draft.some(0.08, "migration-threshold", "2"),
        **draft.some(0.06, "failure-timeout", "5min"),
    }
    states = "".join(
        f'<node_state id="{number}" uname="{name}" in_ccm="true" crmd="online" join="member"'
        ' expected="member"/>'
        for number, name in enumerate(draft.nodes, 1)
    )
    states += "".join(
        f'<node_state remote_node="true" id="{name}" uname="{name}" in_ccm="true"/>'
        for name in draft.guests
    )
    if "tickets" in draft.uses and draft.chance(0.75):
        granted = draft.rng.choice(("true", "true", "false"))
        states += f'<tickets><ticket_state id="T" granted="{granted}" last-granted="1"/></tickets>'
    tags = ""
    if draft.tags:
        members = draft.rng.sample(draft.top, min(len(draft.top), 3))
        references = "".join(f'<obj_ref id="{name}"/>' for name in members)
        tags = f'<tags><tag id="tag1">{references}</tag></tags>'
    options = block("cluster_property_set", "cib-bootstrap-options", _options(draft))
    rsc_defaults = block("meta_attributes", "rsc", defaults)
    return (
        '<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" epoch="1" num_updates="0"'
        f' admin_epoch="0" have-quorum="1" dc-uuid="1" execution-date="{NOW}"><configuration>'
        f"<crm_config>{options}</crm_config><nodes>{_nodes(draft)}</nodes>"
        f"<resources>{''.join(draft.resources)}</resources>"
        f"<constraints>{''.join(draft.constraints)}</constraints>"
        + (f"<rsc_defaults>{rsc_defaults}</rsc_defaults>" if rsc_defaults else "")
        + f"{tags}</configuration><status>{states}</status></cib>\n"
    )
