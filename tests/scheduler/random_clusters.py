"""Random clusters, from a seed: CIBs with nodes, resources and constraints, and faults to inject.

Used to hold our scheduler against another build (`differential.py`) and against its own laws. All
draws come from one `random.Random`, so a seed names a cluster for ever.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

AGENT = 'class="ocf" provider="pacemaker" type="Dummy"'
STATEFUL = 'class="ocf" provider="pacemaker" type="Stateful"'
SCORES = ("INFINITY", "-INFINITY", "100", "-100", "1000", "-1000", "0", "7")


@dataclass(frozen=True, slots=True)
class Features:
    """Which constructs may appear; a smaller set makes a difference easier to read."""

    groups: bool = True
    clones: bool = True
    promotable: bool = True
    unique: bool = True
    rules: bool = True
    sets: bool = True
    utilization: bool = True
    fencing: bool = True


@dataclass(slots=True)
class Cluster:
    """One random cluster while it is being made."""

    rng: random.Random
    features: Features
    nodes: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    top: list[str] = field(default_factory=list)
    promotable: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    utilization: bool = False


def random_cib(seed: int, features: Features | None = None) -> str:
    """The CIB that belongs to this seed, without any state."""
    cluster = Cluster(random.Random(seed), features or Features())
    rng = cluster.rng
    cluster.nodes = [f"node{n}" for n in range(1, rng.randint(2, 5) + 1)]
    cluster.utilization = cluster.features.utilization and rng.random() < 0.15
    _make_resources(cluster)
    _make_constraints(cluster)
    return _document(cluster)


def random_faults(seed: int, nodes: list[str], resources: list[str]) -> list[str]:
    """Arguments that inject faults, as crm_simulate takes them."""
    rng = random.Random(f"faults {seed}")
    arguments = []
    if rng.random() < 0.3:
        arguments += [rng.choice(["--node-down", "--node-fail"]), rng.choice(nodes)]
    if resources and rng.random() < 0.5:
        resource = rng.choice(resources)
        operation = rng.choice(["monitor_10000", "start_0", "stop_0", "monitor_0"])
        rc = rng.choice([1, 7, 5]) if operation != "monitor_0" else rng.choice([0, 1, 7])
        arguments += ["--op-inject", f"{resource}_{operation}@{rng.choice(nodes)}={rc}"]
    return arguments


def _nvpairs(owner: str, pairs: dict[str, str]) -> str:
    return "".join(f'<nvpair id="{owner}-{n}" name="{n}" value="{v}"/>' for n, v in pairs.items())


def _block(tag: str, owner: str, pairs: dict[str, str]) -> str:
    if not pairs:
        return ""
    identity = f"{owner}-{tag}"
    return f'<{tag} id="{identity}">{_nvpairs(identity, pairs)}</{tag}>'


def _resource_meta(rng: random.Random) -> dict[str, str]:
    meta: dict[str, str] = {}
    if rng.random() < 0.2:
        meta["resource-stickiness"] = rng.choice(["0", "100", "INFINITY", "1"])
    if rng.random() < 0.12:
        meta["priority"] = rng.choice(["1", "10", "-5"])
    if rng.random() < 0.08:
        meta["target-role"] = rng.choice(["Stopped", "Started"])
    if rng.random() < 0.06:
        meta["is-managed"] = "false"
    if rng.random() < 0.1:
        meta["migration-threshold"] = rng.choice(["1", "3"])
    if rng.random() < 0.06:
        meta["multiple-active"] = rng.choice(["stop_only", "block", "stop_start"])
    if rng.random() < 0.1:
        meta["allow-migrate"] = "true"
    return meta


def _operations(rng: random.Random, name: str, *, stateful: bool) -> str:
    ops = []
    if rng.random() < 0.7:
        on_fail = rng.choice(
            ["", "", "", ' on-fail="standby"', ' on-fail="block"', ' on-fail="stop"']
        )
        ops.append(f'<op id="{name}-mon" name="monitor" interval="10s" timeout="20s"{on_fail}/>')
    if stateful:
        ops.append(f'<op id="{name}-monp" name="monitor" interval="11s" role="Promoted"/>')
    if rng.random() < 0.2:
        ops.append(f'<op id="{name}-start" name="start" interval="0" timeout="60s"/>')
    if rng.random() < 0.1:
        ops.append(f'<op id="{name}-stop" name="stop" interval="0" on-fail="block"/>')
    return f"<operations>{''.join(ops)}</operations>" if ops else ""


def _primitive(cluster: Cluster, name: str, *, stateful: bool = False, meta: bool = True) -> str:
    rng = cluster.rng
    cluster.resources.append(name)
    parts = [_block("meta_attributes", name, _resource_meta(rng) if meta else {})]
    if rng.random() < 0.3:
        parts.append(_block("instance_attributes", name, {"fake": str(rng.randint(1, 9))}))
    if cluster.utilization:
        parts.append(_block("utilization", name, {"cpu": str(rng.randint(1, 4))}))
    parts.append(_operations(rng, name, stateful=stateful))
    agent = STATEFUL if stateful else AGENT
    return f'<primitive id="{name}" {agent}>{"".join(parts)}</primitive>'


def _group(cluster: Cluster, name: str, *, stateful: bool = False) -> str:
    rng = cluster.rng
    members = "".join(
        _primitive(cluster, f"{name}m{n}", stateful=stateful, meta=rng.random() < 0.3)
        for n in range(1, rng.randint(1, 3) + 1)
    )
    return f'<group id="{name}">{_block("meta_attributes", name, _resource_meta(rng))}{members}</group>'


def _clone(cluster: Cluster, name: str) -> str:
    rng = cluster.rng
    meta: dict[str, str] = {}
    promotable = cluster.features.promotable and rng.random() < 0.4
    if promotable:
        meta["promotable"] = "true"
        cluster.promotable.append(name)
    for key, chance, values in (
        ("interleave", 0.5, ["true", "false"]),
        ("ordered", 0.2, ["true"]),
        ("notify", 0.25, ["true"]),
        ("clone-max", 0.4, ["1", "2", "3"]),
        ("promoted-max", 0.2 if promotable else 0, ["1", "2"]),
        ("globally-unique", 0.25 if cluster.features.unique else 0, ["true"]),
    ):
        if rng.random() < chance:
            meta[key] = rng.choice(values)
    if meta.get("globally-unique") == "true" and rng.random() < 0.5:
        meta["clone-node-max"] = "2"
    inner = f"{name}p"
    if cluster.features.groups and rng.random() < 0.25:
        body = _group(cluster, inner, stateful=promotable)
    else:
        body = _primitive(cluster, inner, stateful=promotable, meta=False)
    return f'<clone id="{name}">{_block("meta_attributes", name, meta)}{body}</clone>'


def _make_resources(cluster: Cluster) -> None:
    rng = cluster.rng
    for number in range(1, rng.randint(2, 7) + 1):
        draw = rng.random()
        if cluster.features.groups and draw < 0.25:
            cluster.top.append(_group(cluster, f"g{number}"))
        elif cluster.features.clones and draw < 0.55:
            cluster.top.append(_clone(cluster, f"c{number}"))
        else:
            cluster.top.append(_primitive(cluster, f"r{number}"))


def _top_ids(cluster: Cluster) -> list[str]:
    return [text.split('"', 2)[1] for text in cluster.top]


def _role(cluster: Cluster, resource: str, attribute: str) -> str:
    if resource in cluster.promotable and cluster.rng.random() < 0.5:
        return f' {attribute}="Promoted"'
    return ""


def _location(cluster: Cluster, number: int) -> str:
    rng = cluster.rng
    resource = rng.choice(_top_ids(cluster))
    score = rng.choice(SCORES)
    if cluster.features.rules and rng.random() < 0.3:
        role = _role(cluster, resource, "role")
        operation = rng.choice(["eq", "ne"])
        return (
            f'<rsc_location id="l{number}" rsc="{resource}"><rule id="l{number}-r" score="{score}"{role}>'
            f'<expression id="l{number}-e" attribute="#uname" operation="{operation}" '
            f'value="{rng.choice(cluster.nodes)}"/></rule></rsc_location>'
        )
    node = rng.choice(cluster.nodes)
    discovery = rng.choice(
        ["", "", "", ' resource-discovery="never"', ' resource-discovery="exclusive"']
    )
    return (
        f'<rsc_location id="l{number}" rsc="{resource}" node="{node}" score="{score}"{discovery}/>'
    )


def _set(rng: random.Random, identity: str, members: list[str], attributes: str = "") -> str:
    references = "".join(f'<resource_ref id="{m}"/>' for m in members)
    sequential = rng.choice(["", ' sequential="false"'])
    return f'<resource_set id="{identity}"{sequential}{attributes}>{references}</resource_set>'


def _colocation(cluster: Cluster, number: int) -> str:
    rng = cluster.rng
    ids = _top_ids(cluster)
    score = rng.choice(("INFINITY", "-INFINITY", "100", "-100", "INFINITY"))
    if cluster.features.sets and len(ids) > 2 and rng.random() < 0.2:
        members = rng.sample(ids, rng.randint(2, min(4, len(ids))))
        body = _set(rng, f"k{number}-s", members)
        return f'<rsc_colocation id="k{number}" score="{score}">{body}</rsc_colocation>'
    one, other = rng.sample(ids, 2)
    roles = _role(cluster, one, "rsc-role") + _role(cluster, other, "with-rsc-role")
    return f'<rsc_colocation id="k{number}" rsc="{one}" with-rsc="{other}" score="{score}"{roles}/>'


def _order(cluster: Cluster, number: int) -> str:
    rng = cluster.rng
    ids = _top_ids(cluster)
    kind = rng.choice(("", ' kind="Optional"', ' kind="Mandatory"', ' kind="Serialize"'))
    symmetrical = rng.choice(("", "", ' symmetrical="false"')) if "Serialize" not in kind else ""
    # First before then in the order of the resources, so that most clusters have no loop.
    if cluster.features.sets and len(ids) > 2 and rng.random() < 0.2:
        members = sorted(rng.sample(range(len(ids)), rng.randint(2, min(4, len(ids)))))
        require = rng.choice(["", ' require-all="false"'])
        body = _set(rng, f"o{number}-s", [ids[m] for m in members], require)
        return f'<rsc_order id="o{number}"{kind}{symmetrical}>{body}</rsc_order>'
    first, then = sorted(rng.sample(range(len(ids)), 2))
    actions = ""
    if ids[first] in cluster.promotable and rng.random() < 0.5:
        actions = ' first-action="promote" then-action="start"'
    return f'<rsc_order id="o{number}" first="{ids[first]}" then="{ids[then]}"{actions}{kind}{symmetrical}/>'


def _make_constraints(cluster: Cluster) -> None:
    rng = cluster.rng
    makers = [_location, _location]
    if len(cluster.top) > 1:
        makers += [_colocation, _colocation, _order, _order]
    for number in range(rng.randint(0, 6)):
        cluster.constraints.append(rng.choice(makers)(cluster, number))


def _document(cluster: Cluster) -> str:
    rng = cluster.rng
    options = {
        "no-quorum-policy": rng.choice(["stop", "ignore", "freeze", "stop"]),
        "symmetric-cluster": rng.choice(["true", "true", "true", "true", "false"]),
        "stonith-enabled": "false",
    }
    if cluster.utilization:
        options["placement-strategy"] = rng.choice(["utilization", "balanced", "minimal"])
    fencing = ""
    if cluster.features.fencing and rng.random() < 0.5:
        options["stonith-enabled"] = "true"
        fencing = '<primitive id="Fencing" class="stonith" type="fence_dummy"/>'
    if rng.random() < 0.1:
        options["stop-all-resources"] = "true"
    if rng.random() < 0.05:
        options["maintenance-mode"] = "true"
    nodes = []
    for number, name in enumerate(cluster.nodes, 1):
        inner = ""
        if rng.random() < 0.08:
            inner += _block(
                "instance_attributes", name, {rng.choice(["standby", "maintenance"]): "true"}
            )
        if cluster.utilization:
            inner += _block("utilization", name, {"cpu": str(rng.randint(2, 10))})
        nodes.append(f'<node id="{number}" uname="{name}">{inner}</node>')
    defaults = ""
    if rng.random() < 0.3:
        stickiness = {"resource-stickiness": rng.choice(["1", "100"])}
        defaults = (
            f"<rsc_defaults>{_block('meta_attributes', 'rsc-options', stickiness)}</rsc_defaults>"
        )
    states = "".join(
        f'<node_state id="{n}" uname="{name}" in_ccm="true" crmd="online" join="member" '
        f'expected="member" crm-debug-origin="random"/>'
        for n, name in enumerate(cluster.nodes, 1)
    )
    properties = _nvpairs("cib-bootstrap-options", options)
    return (
        '<cib validate-with="pacemaker-3.8" crm_feature_set="3.16.1" epoch="1" num_updates="0" '
        'admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config>'
        f'<cluster_property_set id="cib-bootstrap-options">{properties}</cluster_property_set>'
        f"</crm_config><nodes>{''.join(nodes)}</nodes>"
        f"<resources>{fencing}{''.join(cluster.top)}</resources>"
        f"<constraints>{''.join(cluster.constraints)}</constraints>{defaults}</configuration>"
        f"<status>{states}</status></cib>\n"
    )
