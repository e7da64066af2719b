"""Further constructs for random clusters: bundles, guests, remote nodes, tickets, health, tags.

`extended_cib(seed)` is `random_cib(seed)` with some of them added; a seed names a cluster for ever.
"""

from __future__ import annotations

import random

from lxml import etree

from tests.scheduler.random_clusters import random_cib

_DUMMY = 'class="ocf" provider="pacemaker" type="Dummy"'
_STATEFUL = 'class="ocf" provider="pacemaker" type="Stateful"'


class _Document:
    """A CIB that is being extended."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"extras {seed}")
        self.root = etree.fromstring(random_cib(seed))
        self.resources = self.root.find("configuration/resources")
        self.constraints = self.root.find("configuration/constraints")
        self.configuration = self.root.find("configuration")

    def top_ids(self) -> list[str]:
        return [element.get("id") for element in self.resources if element.get("id") != "Fencing"]

    def node_names(self) -> list[str]:
        return [element.get("uname") for element in self.root.iter("node")]

    def add(self, parent: etree._Element, text: str) -> None:
        parent.append(etree.fromstring(text))

    def chance(self, share: float) -> bool:
        return self.rng.random() < share


def extended_cib(seed: int) -> str:
    """A random CIB, with constructs that `random_cib` does not know."""
    document = _Document(seed)
    for addition, share in (
        (_add_bundle, 0.35),
        (_add_guest, 0.25),
        (_add_remote, 0.2),
        (_add_ticket, 0.25),
        (_add_health, 0.15),
        (_add_tag, 0.2),
        (_add_pattern, 0.15),
        (_add_attribute_colocation, 0.2),
        (_add_options, 0.4),
    ):
        if document.chance(share):
            addition(document)
    return etree.tostring(document.root, encoding="unicode")


def _meta(owner: str, **pairs: str) -> str:
    rows = "".join(
        f'<nvpair id="{owner}-m-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in pairs.items()
    )
    return f'<meta_attributes id="{owner}-m">{rows}</meta_attributes>'


def _add_bundle(document: _Document) -> None:
    rng = document.rng
    attributes = f'replicas="{rng.randint(1, 3)}"'
    if document.chance(0.3):
        attributes += ' replicas-per-host="2"'
    promoted = document.chance(0.4)
    if promoted:
        attributes += ' promoted-max="1"'
    inner = network = ""
    if document.chance(0.8):
        agent = _STATEFUL if promoted else _DUMMY
        inner = (
            f'<primitive id="bp" {agent}><operations>'
            '<op id="bp-mon" name="monitor" interval="10s"/></operations></primitive>'
        )
    address = ' ip-range-start="192.168.100.1"' if document.chance(0.6) else ""
    if inner or address:
        port = ' control-port="3121"' if (inner and document.chance(0.8)) or not address else ""
        network = f"<network{address}{port}/>"
    document.add(
        document.resources,
        f'<bundle id="bb"><podman image="img" {attributes}/>{network}{inner}</bundle>',
    )
    _add_relations(document, "bb", promoted=promoted)


def _add_guest(document: _Document) -> None:
    document.add(
        document.resources,
        f'<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">'
        f"{_meta('vm', remote_node='guest1')}</primitive>",
    )
    if document.chance(0.5):
        _add_relations(document, "vm")
    if document.chance(0.5):
        _add_location(document, "guest1")


def _add_remote(document: _Document) -> None:
    document.add(
        document.resources,
        '<primitive id="remote1" class="ocf" provider="pacemaker" type="remote"><operations>'
        '<op id="remote1-mon" name="monitor" interval="60s"/></operations></primitive>',
    )
    if document.chance(0.5):
        _add_location(document, "remote1")


def _add_location(document: _Document, node: str) -> None:
    ids = document.top_ids()
    resource = document.rng.choice(ids)
    score = document.rng.choice(("100", "INFINITY", "-INFINITY"))
    document.add(
        document.constraints,
        f'<rsc_location id="xl-{node}" rsc="{resource}" node="{node}" score="{score}"/>',
    )


def _add_relations(document: _Document, resource: str, *, promoted: bool = False) -> None:
    rng = document.rng
    others = [name for name in document.top_ids() if name != resource]
    for number in range(rng.randint(0, 3)):
        if not others:
            return
        other = rng.choice(others)
        score = rng.choice(("INFINITY", "-INFINITY", "100", "-100"))
        role = ' with-rsc-role="Promoted"' if promoted and rng.random() < 0.5 else ""
        match rng.randint(0, 3):
            case 0:
                text = f'rsc="{other}" with-rsc="{resource}" score="{score}"{role}'
                document.add(
                    document.constraints, f'<rsc_colocation id="xc-{resource}-{number}" {text}/>'
                )
            case 1:
                text = f'rsc="{resource}" with-rsc="{other}" score="{score}"'
                document.add(
                    document.constraints, f'<rsc_colocation id="xc-{resource}-{number}" {text}/>'
                )
            case 2:
                text = f'first="{other}" then="{resource}"'
                document.add(
                    document.constraints, f'<rsc_order id="xo-{resource}-{number}" {text}/>'
                )
            case _:
                node = rng.choice(document.node_names())
                text = f'rsc="{resource}" node="{node}" score="{score}"'
                document.add(
                    document.constraints, f'<rsc_location id="xl-{resource}-{number}" {text}/>'
                )


def _add_ticket(document: _Document) -> None:
    rng = document.rng
    resource = rng.choice(document.top_ids())
    policy = rng.choice(("stop", "demote", "fence", "freeze"))
    role = rng.choice(("", "", ' rsc-role="Promoted"'))
    document.add(
        document.constraints,
        f'<rsc_ticket id="xt" rsc="{resource}" ticket="T" loss-policy="{policy}"{role}/>',
    )
    if document.chance(0.7):
        granted = rng.choice(("true", "true", "false"))
        standby = ' standby="true"' if document.chance(0.2) else ""
        status = document.root.find("status")
        document.add(
            status,
            f'<tickets><ticket_state id="T" granted="{granted}" last-granted="1"{standby}/></tickets>',
        )


def _add_health(document: _Document) -> None:
    rng = document.rng
    strategy = rng.choice(("migrate-on-red", "only-green", "progressive"))
    _add_option(document, "node-health-strategy", strategy)
    for element in document.root.iterfind("configuration/nodes/node"):
        if document.chance(0.5) and element.find("instance_attributes") is None:
            name = element.get("uname")
            colour = rng.choice(("red", "yellow", "green", "-10"))
            document.add(
                element,
                f'<instance_attributes id="{name}-h"><nvpair id="{name}-h-d" name="#health-disk"'
                f' value="{colour}"/></instance_attributes>',
            )


def _add_tag(document: _Document) -> None:
    rng = document.rng
    ids = document.top_ids()
    members = rng.sample(ids, min(len(ids), rng.randint(1, 3)))
    references = "".join(f'<obj_ref id="{name}"/>' for name in members)
    tags = etree.fromstring(f'<tags><tag id="tag1">{references}</tag></tags>')
    document.configuration.append(tags)
    node = rng.choice(document.node_names())
    document.add(
        document.constraints, f'<rsc_location id="xg" rsc="tag1" node="{node}" score="200"/>'
    )
    others = [name for name in ids if name not in members]
    if others and document.chance(0.5):
        document.add(
            document.constraints,
            f'<rsc_colocation id="xgc" rsc="tag1" with-rsc="{rng.choice(others)}" score="300"/>',
        )


def _add_pattern(document: _Document) -> None:
    rng = document.rng
    pattern = rng.choice(("^r", "[0-9]$", "!^c", "(g|r)([0-9])"))
    node = rng.choice(document.node_names())
    document.add(
        document.constraints,
        f'<rsc_location id="xp" rsc-pattern="{pattern}" node="{node}" score="50"/>',
    )


def _add_attribute_colocation(document: _Document) -> None:
    rng = document.rng
    ids = document.top_ids()
    if len(ids) < 2:
        return
    for number, element in enumerate(document.root.iterfind("configuration/nodes/node")):
        if element.find("instance_attributes") is None and document.chance(0.8):
            name = element.get("uname")
            document.add(
                element,
                f'<instance_attributes id="{name}-r"><nvpair id="{name}-r-r" name="rack"'
                f' value="R{number % 2}"/></instance_attributes>',
            )
    one, other = rng.sample(ids, 2)
    score = rng.choice(("INFINITY", "-INFINITY", "500", "-500"))
    document.add(
        document.constraints,
        f'<rsc_colocation id="xr" rsc="{one}" with-rsc="{other}" score="{score}"'
        ' node-attribute="rack"/>',
    )


def _add_options(document: _Document) -> None:
    rng = document.rng
    for name, values in (
        ("shutdown-lock", ("true",)),
        ("concurrent-fencing", ("true", "false")),
        ("start-failure-is-fatal", ("false",)),
        ("startup-fencing", ("false",)),
        ("stop-orphan-resources", ("false",)),
        ("priority-fencing-delay", ("15s",)),
    ):
        if document.chance(0.3):
            _add_option(document, name, rng.choice(values))


def _add_option(document: _Document, name: str, value: str) -> None:
    block = document.root.find("configuration/crm_config/cluster_property_set")
    assert block is not None
    if any(pair.get("name") == name for pair in block):
        return
    document.add(
        block, f'<nvpair id="cib-bootstrap-options-{name}" name="{name}" value="{value}"/>'
    )
