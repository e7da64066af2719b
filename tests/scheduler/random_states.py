"""Random disturbances of a cluster's state and configuration, between rounds of simulation."""

from __future__ import annotations

import copy
import random

from lxml import etree

from tests.scheduler.random_wide import NOW

_UUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
_TASKS = ("monitor", "monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from")
_RESULTS = ("1", "1", "5", "7", "8", "9", "2", "3", "6", "194", "190")
_META = (
    ("target-role", "Stopped"),
    ("target-role", "Started"),
    ("is-managed", "false"),
    ("maintenance", "true"),
    ("resource-stickiness", "0"),
    ("migration-threshold", "1"),
)
_OPTIONS = (
    ("maintenance-mode", "true"),
    ("stop-all-resources", "true"),
    ("no-quorum-policy", "freeze"),
    ("symmetric-cluster", "false"),
)


def disturb(root: etree._Element, rng: random.Random) -> list[str]:
    """Change the CIB in one to three ways; the result names them."""
    cluster = _Cluster(root, rng)
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        names, weights = zip(*_CHANGES, strict=True)
        name = rng.choices(names, weights)[0]
        getattr(cluster, name)()
        done.append(name)
    return done


class _Cluster:
    """A CIB and what can happen to it."""

    def __init__(self, root: etree._Element, rng: random.Random) -> None:
        self.root = root
        self.rng = rng
        self.configuration = root.find("configuration")
        self.status = root.find("status")

    # Nodes.

    def lose_a_node(self) -> None:
        state = self._member()
        values = self.rng.choice(
            (
                ("false", "offline", "down", "down"),
                ("false", "offline", "member", "member"),
                ("true", "offline", "down", "member"),
                ("true", "online", "pending", "member"),
                ("true", "online", "member", "member"),
            )
        )
        for name, value in zip(("in_ccm", "crmd", "join", "expected"), values, strict=True):
            state.set(name, value)

    def send_a_node_away(self) -> None:
        name, value = self.rng.choice((("shutdown", str(NOW - 400)), ("standby", "on")))
        self._set(self._transient(self._member()), name, value)

    def lose_quorum(self) -> None:
        self.root.set("have-quorum", "0")

    def change_a_ticket(self) -> None:
        for ticket in self.status.iterfind("tickets/ticket_state"):
            ticket.set("granted", self.rng.choice(("true", "false")))

    def score_promotions(self) -> None:
        names = {r.get("id") for _, r in self._histories() if r.get("type") == "Stateful"}
        for state in self.status.iterfind("node_state"):
            for name in sorted(names):
                if self.rng.random() < 0.6:
                    value = self.rng.choice(("10", "5", "100", "-5", "1", "INFINITY", "-INFINITY"))
                    self._set(self._transient(state), f"master-{name}", value)

    # Histories.

    def fail_an_operation(self) -> None:
        rng = self.rng
        found = self._histories()
        if not found:
            return
        state, history = rng.choice(found)
        task = rng.choice(_TASKS)
        interval = rng.choice(("10000", "10000", "11000", "0")) if task == "monitor" else "0"
        rc = rng.choice(_RESULTS)
        moment = NOW - rng.choice((10, 50, 200, 1000, 100000))
        expected = "7" if interval == "0" and task == "monitor" else "0"
        status = "0" if rc in {"7", "8"} and rng.random() < 0.5 else "4"
        name = history.get("id", "")
        entry = self._entry(history, f"{name}_last_failure_0", task, interval)
        key = f"4:5:{expected}:{_UUID}"
        entry.attrib.update({"rc-code": rc, "op-status": status, "last-rc-change": str(moment)})
        entry.attrib.update({"transition-key": key, "transition-magic": f"{status}:{rc};{key}"})
        if task.startswith("migrate"):
            ends = [state.get("uname", ""), self._member().get("uname", "")]
            source, target = ends if task == "migrate_to" else reversed(ends)
            entry.attrib.update({"migrate_source": source, "migrate_target": target})
        if rng.random() < 0.75:
            block = self._transient(state)
            suffix = f"{name.split(':')[0] if rng.random() < 0.5 else name}#{task}_{interval}"
            self._set(block, f"fail-count-{suffix}", rng.choice(("1", "2", "INFINITY")))
            self._set(block, f"last-failure-{suffix}", str(moment))

    def leave_an_operation_pending(self) -> None:
        found = self._histories()
        if not found:
            return
        _, history = self.rng.choice(found)
        task = self.rng.choice(("start", "stop", "monitor", "promote", "demote"))
        interval = "10000" if task == "monitor" and self.rng.random() < 0.5 else "0"
        name = history.get("id", "")
        own = f"{name}_last_0" if interval == "0" else f"{name}_{task}_{interval}"
        entry = self._entry(history, own, task, interval)
        key = f"4:5:0:{_UUID}"
        entry.attrib.update({"rc-code": "193", "op-status": "-1", "last-rc-change": str(NOW - 30)})
        entry.attrib.update({"transition-key": key, "transition-magic": f"-1:193;{key}"})

    def start_it_twice(self) -> None:
        found = self._histories()
        if not found:
            return
        state, history = self.rng.choice(found)
        other = self._member()
        resources = other.find("lrm/lrm_resources")
        if other is state or resources is None:
            return
        for old in resources.findall("lrm_resource"):
            if old.get("id") == history.get("id"):
                resources.remove(old)
        resources.append(copy.deepcopy(history))

    # Configuration.

    def remove_a_resource(self) -> None:
        resources = self.configuration.find("resources")
        found = [r for r in resources if r.tag != "template" and r.get("id") != "Fencing"]
        if len(found) < 2:
            return
        chosen = self.rng.choice(found)
        gone = {element.get("id") for element in chosen.iter()}
        resources.remove(chosen)
        constraints = self.configuration.find("constraints")
        for constraint in list(constraints):
            named = {constraint.get(name) for name in ("rsc", "with-rsc", "first", "then")}
            named |= {reference.get("id") for reference in constraint.iter("resource_ref")}
            if named & (gone | {"tag1"}):
                constraints.remove(constraint)
        for tags in self.configuration.findall("tags"):
            self.configuration.remove(tags)

    def change_a_parameter(self) -> None:
        self._change("instance_attributes", "fake", str(self.rng.randint(10, 99)), "primitive")

    def change_a_meta_attribute(self) -> None:
        name, value = self.rng.choice(_META)
        self._change("meta_attributes", name, value, "primitive", "group", "clone")

    def change_an_option(self) -> None:
        block = self.configuration.find("crm_config/cluster_property_set")
        self._set(block, *self.rng.choice(_OPTIONS))

    def place_a_resource(self) -> None:
        resources = self.configuration.find("resources")
        names = [r.get("id", "") for r in resources if r.tag != "template"]
        etree.SubElement(
            self.configuration.find("constraints"),
            "rsc_location",
            id=f"later{self.rng.randint(0, 10**6)}",
            rsc=self.rng.choice(names),
            node=self._member().get("uname", ""),
            score=self.rng.choice(("INFINITY", "-INFINITY", "500", "-2000")),
        )

    # Parts.

    def _member(self) -> etree._Element:
        states = self.status.iterfind("node_state")
        return self.rng.choice(
            [s for s in states if s.get("remote_node") is None and s.get("join")]
        )

    def _histories(self) -> list[tuple[etree._Element, etree._Element]]:
        return [
            (state, history)
            for state in self.status.iterfind("node_state")
            for history in state.iterfind("lrm/lrm_resources/lrm_resource")
            if len(history)
        ]

    def _entry(
        self, history: etree._Element, identity: str, task: str, interval: str
    ) -> etree._Element:
        """A new entry, later than all others, with the digest of the last one."""
        digests = [op.get("op-digest") for op in history if op.get("op-digest")]
        last = max(int(op.get("call-id", "0")) for op in history)
        for old in list(history):
            if old.get("id") == identity:
                history.remove(old)
        entry = etree.SubElement(history, "lrm_rsc_op", id=identity, operation=task)
        entry.set("operation_key", f"{history.get('id')}_{task}_{interval}")
        entry.attrib.update({"call-id": str(last + 1), "interval": interval})
        if digests:
            entry.set("op-digest", digests[-1])
        return entry

    def _transient(self, state: etree._Element) -> etree._Element:
        parent = state.find("transient_attributes")
        if parent is None:
            parent = etree.SubElement(state, "transient_attributes", id=state.get("id", ""))
        block = parent.find("instance_attributes")
        if block is None:
            block = etree.SubElement(parent, "instance_attributes", id=f"status-{state.get('id')}")
        return block

    def _change(self, tag: str, name: str, value: str, *kinds: str) -> None:
        """Set a value in the first block of some element, which may have to be made."""
        found = list(self.configuration.find("resources").iter(*kinds))
        chosen = self.rng.choice([e for e in found if e.get("id") != "Fencing"] or found)
        block = chosen.find(tag)
        if block is None:
            block = etree.Element(tag, id=f"{chosen.get('id')}-{tag}")
            chosen.insert(len(chosen.findall("meta_attributes")), block)
        self._set(block, name, value)

    def _set(self, block: etree._Element, name: str, value: str) -> None:
        for pair in block.iterfind("nvpair"):
            if pair.get("name") == name:
                pair.set("value", value)
                return
        words = "".join(c if c.isalnum() or c in "-_." else "." for c in name)
        etree.SubElement(block, "nvpair", id=f"{block.get('id')}-{words}", name=name, value=value)


_CHANGES = (
    ("fail_an_operation", 5.0),
    ("lose_a_node", 3.0),
    ("score_promotions", 2.5),
    ("change_a_meta_attribute", 2.0),
    ("place_a_resource", 2.0),
    ("send_a_node_away", 1.5),
    ("leave_an_operation_pending", 1.5),
    ("change_a_parameter", 1.5),
    ("start_it_twice", 1.0),
    ("remove_a_resource", 1.0),
    ("change_a_ticket", 1.0),
    ("lose_quorum", 0.8),
    ("change_an_option", 0.7),
)
