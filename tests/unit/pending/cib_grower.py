"""Grows configurations with everything the schema allows, and values nobody expects."""

from __future__ import annotations

from random import Random

from lxml import etree

VALUES = (
    "a b", "it's", 'say "hi"', "back\\slash", "trail\\", "", "grün €", "new\nline", "tab\tx", "=x",
    "x=y", "#c", "$v", "@r", "{a}", "(x)", "[y]", "a;b", "a,b", "inf", "rule", "params", "op", "\\",
    '"', "'", " lead", "trail ", "a:b:", "xml <a/>", "<&>", "date", "and", "or", "5", "5:", "\u2028",
    "\x85", "\xa0", "%s", "/", "-",
)  # fmt: skip
NAMES = (
    "x", "a-b", "a.b", "#uname", "passwd", "and", "or", "rule", "date", "defined", "meta", "params",
    "op", "role", "a:b", "$x", "ünï", "a b", "id", "description", "to", "select", "start", "end",
    "hours", "5", "-5", "in", "inf", "x=y", "@z", 'a"b', "a'b", "{", ")",
)  # fmt: skip
DATES = ("2030-01-01", "2030-01-01 10:00:00Z", "20300101T000000Z")
SETS = ("instance_attributes", "meta_attributes", "utilization")
BASE = """<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="n2" uname="n2"/></nodes>
<resources><template id="t" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/><primitive id="b" template="t"/>
<group id="g"><primitive id="c" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="d" class="systemd" type="x@y"/></group>
<clone id="k"><primitive id="s" class="ocf" provider="pacemaker" type="Stateful"/></clone>
</resources><constraints/><rsc_defaults/><op_defaults/><fencing-topology/><acls/><tags/><alerts/>
</configuration><status/></cib>"""
TOP = ("a", "b", "g", "k")


class Grower:
    """One configuration and the random numbers that it is made of."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.root = etree.fromstring(BASE)
        self.count = 0

    def id(self) -> str:
        self.count += 1
        return self.random.choice(("z%d", "q-%d", "_%d", "A.%d-x")) % self.count

    def one(self, *choices: str | None) -> str | None:
        return self.random.choice(choices)

    def add(self, parent: etree._Element, tag: str, **attributes: str | None) -> etree._Element:
        made = etree.SubElement(parent, tag)
        for name, value in attributes.items():
            if value is not None:
                made.set(name.strip("_").replace("_", "-"), value)
        return made

    def section(self, name: str) -> etree._Element:
        found = self.root.find(f"configuration/{name}")
        assert found is not None
        return found

    def pick(self, path: str) -> etree._Element | None:
        found = self.root.findall(f"configuration{path}")
        return self.random.choice(found) if found else None

    # -- parts ------------------------------------------------------------------------------

    def expression(self, rule: etree._Element) -> None:
        kind = self.random.randrange(6)
        if kind < 3:
            made = self.add(rule, "expression", id=self.id(), attribute=self.one(*NAMES))
            made.set("operation", self.random.choice(("lt", "gt", "lte", "gte", "eq", "ne")))
            made.set("value", self.random.choice(VALUES))
            if self.random.random() < 0.5:
                made.set("type", self.random.choice(("string", "number", "version")))
        elif kind == 3:
            made = self.add(rule, "expression", id=self.id(), attribute=self.one(*NAMES))
            made.set("operation", self.random.choice(("defined", "not_defined")))
        elif kind == 4:
            made = self.add(rule, "date_expression", id=self.id(), operation="in_range")
            made.set("start", self.random.choice(DATES))
            made.set("end", self.random.choice(DATES))
        else:
            made = self.add(rule, "date_expression", id=self.id(), operation="date_spec")
            self.add(made, "date_spec", id=self.id(), hours="9-16", weekdays=self.one(None, "1-5"))

    def rule(self, parent: etree._Element, depth: int = 0) -> None:
        score = self.one("INFINITY", "-INFINITY", "10", "-5", "0") if not depth else None
        made = self.add(parent, "rule", id=self.id(), score=score)
        if self.random.random() < 0.4:
            made.set("boolean-op", "or")
        for _ in range(self.random.randint(1, 3)):
            if depth < 2 and self.random.random() < 0.2:
                self.rule(made, depth + 1)
            else:
                self.expression(made)

    def pairs(self, parent: etree._Element, tag: str) -> etree._Element:
        made = self.add(parent, tag, id=self.id(), score=self.one(None, None, "3"))
        if self.random.random() < 0.4:
            self.rule(made)
        for _ in range(self.random.randint(0, 3)):
            value = self.one(None, *VALUES)
            self.add(made, "nvpair", id=self.id(), name=self.one(*NAMES), value=value)
        return made

    # -- mutations --------------------------------------------------------------------------

    def sets_of_a_resource(self) -> None:
        owner = self.pick("/resources//primitive")
        if owner is not None:
            self.pairs(owner, self.random.choice(SETS))

    def sets_of_a_node(self) -> None:
        owner = self.pick("/nodes/node")
        if owner is not None:
            self.pairs(owner, self.random.choice(("instance_attributes", "utilization")))

    def defaults(self) -> None:
        self.pairs(self.section(self.random.choice(("rsc_defaults", "op_defaults"))), SETS[1])

    def properties(self) -> None:
        self.pairs(self.section("crm_config"), "cluster_property_set")

    def reference(self) -> None:
        source, owner = self.pick("/resources//meta_attributes[@id]"), self.pick("/resources/group")
        if source is not None and owner is not None:
            owner.insert(0, etree.Element("meta_attributes", {"id-ref": source.get("id", "")}))

    def operation(self) -> None:
        owner = self.pick("/resources//primitive")
        if owner is None:
            return
        ops = owner.find("operations")
        ops = self.add(owner, "operations", id=self.one(None, self.id())) if ops is None else ops
        op = self.add(ops, "op", id=self.id(), name=self.one("monitor", "start", "reload-agent"))
        op.set("interval", self.random.choice(("0", "10s", "1min")))
        for name, value in (("role", "Promoted"), ("description", 'd "q"'), ("timeout", "20")):
            if self.random.random() < 0.3:
                op.set(name, value)
        if self.random.random() < 0.4:
            self.pairs(op, self.random.choice(SETS[:2]))

    def location(self) -> None:
        made = self.add(self.section("constraints"), "rsc_location", id=self.id())
        name, value = self.random.choice((("rsc", "a"), ("rsc-pattern", "a b\\d"), ("rsc", "g")))
        made.set(name, value)
        if self.random.random() < 0.3:
            made = self.add(made, "lifetime")
        for _ in range(self.random.randint(1, 2)):
            self.rule(made)

    def sets_of_resources(self) -> None:
        tag = self.random.choice(("rsc_order", "rsc_colocation", "rsc_ticket"))
        made = self.add(self.section("constraints"), tag, id=self.id())
        if tag == "rsc_ticket":
            made.set("ticket", "T 1")
        if tag == "rsc_colocation":
            made.set("score", self.random.choice(("INFINITY", "-5")))
        for _ in range(self.random.randint(1, 3)):
            inner = self.add(made, "resource_set", id=self.id(), sequential=self.one(None, "false"))
            if tag == "rsc_order" and self.random.random() < 0.4:
                inner.set("action", "promote")
            for name in self.random.sample(TOP, self.random.randint(1, 3)):
                self.add(inner, "resource_ref", id=name)

    def comment(self) -> None:
        place = self.pick("//*")
        if place is not None:
            text = self.random.choice((" c ", "# hash", "two\nlines", "ü", " \\ ", 'q"q'))
            place.insert(self.random.randint(0, len(place)), etree.Comment(text))

    def access(self) -> None:
        role = self.add(
            self.section("acls"), "acl_role", id=self.id(), description=self.one(None, "d d")
        )
        for _ in range(self.random.randint(0, 3)):
            right = self.add(role, "acl_permission", id=self.id(), kind=self.one("read", "deny"))
            name, value = self.random.choice(
                (("xpath", "//a[@b='c']"), ("reference", "a"), ("object-type", "nvpair"))
            )
            right.set(name, value)
        target = self.add(self.section("acls"), "acl_target", id=f"joe{self.count}")
        self.add(target, "role", id=role.get("id"))

    def alert(self) -> None:
        made = self.add(self.section("alerts"), "alert", id=self.id(), path=self.one("/a b", "/x"))
        if self.random.random() < 0.5:
            self.pairs(made, "instance_attributes")
        if self.random.random() < 0.5:
            self.add(self.add(made, "select"), "select_nodes")
        for _ in range(self.random.randint(0, 2)):
            inner = self.add(made, "recipient", id=self.id(), value=self.one("v", 'x "y"', "a b"))
            if self.random.random() < 0.4:
                self.pairs(inner, "meta_attributes")

    def topology(self) -> None:
        made = self.add(self.section("fencing-topology"), "fencing-level", id=self.id(), index="1")
        made.set("devices", self.random.choice(("a", "a,b")))
        name, value = self.random.choice((("target", "n1"), ("target-pattern", "n .*")))
        made.set(name, value)

    def bundle(self) -> None:
        made = self.add(self.section("resources"), "bundle", id=self.id())
        self.add(made, "podman", image=self.one("a:b", 'x "y"'), options=self.one(None, "-v a:b"))
        network = self.add(made, "network", control_port=self.one(None, "3121"))
        self.add(network, "port-mapping", id=self.id(), port="80")
        storage = self.add(made, "storage")
        self.add(storage, "storage-mapping", id=self.id(), source_dir="/a b", target_dir="/t")


MUTATIONS = (
    Grower.sets_of_a_resource, Grower.sets_of_a_node, Grower.defaults, Grower.properties,
    Grower.reference, Grower.operation, Grower.location, Grower.sets_of_resources, Grower.comment,
    Grower.access, Grower.alert, Grower.topology, Grower.bundle,
)  # fmt: skip


def grown(seed: int) -> etree._Element:
    """The configuration of this number, always the same one."""
    grower = Grower(seed)
    for _ in range(grower.random.randint(1, 12)):
        grower.random.choice(MUTATIONS)(grower)
    return etree.fromstring(etree.tostring(grower.root))
