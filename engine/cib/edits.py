"""Changes that the shell and the tools make to a CIB: attributes, moves and bans, traces, nodes.

Pure functions on a `Cib` that the caller owns. Things are looked up by their meaning, never by the
pattern of their ids, so CIBs that other tools have made are edited in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.cib.ids import free_id

RESOURCE_TAGS = frozenset({"primitive", "group", "clone", "master", "bundle"})
CLONE_TAGS = frozenset({"clone", "master"})
PREFER = "cli-prefer-"
BAN = "cli-ban-"
_ROLE_WORDS = {"master": "Promoted", "slave": "Unpromoted"}

# -- finding --------------------------------------------------------------------------------------


def resources(cib: Cib) -> Iterator[etree._Element]:
    """Every resource, containers before their members, in document order."""
    for element in cib.section("resources").iter():
        if element.tag in RESOURCE_TAGS and element.get("id"):
            yield element


def find_resource(cib: Cib, id_: str) -> etree._Element:
    """The resource with this id; raises `EngineError` (NOSUCH) that names the nearest one."""
    known: list[str] = []
    for element in resources(cib):
        if element.get("id") == id_:
            return element
        known.append(element.get("id") or "")
    raise _no_such("resource", id_, known)


def container_of(resource: etree._Element) -> etree._Element | None:
    """The group, clone or bundle around a resource."""
    parent = resource.getparent()
    return parent if parent is not None and parent.tag in RESOURCE_TAGS else None


def topmost(resource: etree._Element) -> etree._Element:
    """The outermost container of a resource, or itself."""
    around = container_of(resource)
    return resource if around is None else topmost(around)


def members(resource: etree._Element) -> list[etree._Element]:
    """The resources directly inside a container."""
    return [child for child in resource if child.tag in RESOURCE_TAGS]


def primitives_in(resource: etree._Element) -> list[etree._Element]:
    """All primitives of a resource, itself if it is one."""
    return list(resource.iter("primitive"))


def is_promotable(resource: etree._Element) -> bool:
    """Whether a resource is a clone with promoted instances."""
    return resource.tag == "master" or (
        resource.tag == "clone" and value_of(resource, "meta_attributes", "promotable") == "true"
    )


def node_names(cib: Cib) -> list[str]:
    """Names of the nodes, in document order."""
    return [
        name for each in cib.section("nodes").iterfind("node") if (name := each.get("uname") or "")
    ]


def all_node_names(cib: Cib) -> list[str]:
    """Names of the nodes, then of the remote and guest nodes that only resources name."""
    return list(dict.fromkeys([*node_names(cib), *remote_names(cib.root)]))


def remote_names(root: etree._Element) -> Iterator[str]:
    """The names of the remote and guest nodes that resources make."""
    for primitive in root.iterfind("configuration/resources//primitive"):
        if primitive.get("provider") == "pacemaker" and primitive.get("type") == "remote":
            yield primitive.get("id") or ""
        for pair in primitive.iterfind("meta_attributes/nvpair"):
            if pair.get("name") == "remote-node":
                yield pair.get("value") or ""


def find_node(cib: Cib, name: str) -> etree._Element:
    """The node of this name (or id); raises `EngineError` (NOSUCH) that names the nearest one.

    A remote or guest node that only its resource names is answered as an entry of its own, which
    is not in the CIB.
    """
    for element in cib.section("nodes").iterfind("node"):
        if name in {element.get("uname"), element.get("id")}:
            return element
    remotes = list(remote_names(cib.root))
    if name in remotes:
        # It has an entry among the nodes only once it has an attribute: see `set_node_attribute`.
        return etree.Element("node", {"id": name, "type": "remote", "uname": name})
    raise _no_such("node", name, [*node_names(cib), *remotes])


# -- name-value pairs -------------------------------------------------------------------------------


def value_of(owner: etree._Element, tag: str, name: str) -> str | None:
    """The value in the owner's own sets of a kind that have no rule, None if it is not there."""
    for pair in _pairs(owner, tag):
        if pair.get("name") == name:
            return pair.get("value") or ""
    return None


def values_of(owner: etree._Element, tag: str) -> dict[str, str]:
    """All values in the owner's own sets of a kind that have no rule; the first of a name counts."""
    values: dict[str, str] = {}
    for pair in _pairs(owner, tag):
        values.setdefault(pair.get("name") or "", pair.get("value") or "")
    return values


def set_value(owner: etree._Element, tag: str, name: str, value: str, set_id: str = "") -> None:
    """Set a value: where the name stands already, else in the owner's first set of this kind, else
    in a new one (with id `set_id`, else `OWNER-TAG`)."""
    for pair in _pairs(owner, tag):
        if pair.get("name") == name:
            pair.set("value", value)
            return
    holder = next(_own_sets(owner, tag), None)
    if holder is None:
        holder = etree.Element(tag)
        holder.set("id", free_id(owner, set_id or f"{owner.get('id')}-{tag}"))
        owner.insert(_place_for(owner, tag), holder)
    pair = etree.SubElement(holder, "nvpair")
    pair.set("name", name)
    pair.set("value", value)
    pair.set("id", free_id(owner, f"{holder.get('id')}-{name}"))


def drop_value(owner: etree._Element, tag: str, name: str) -> bool:
    """Delete a value from the owner's own sets; False if it was not there."""
    found = [pair for pair in _pairs(owner, tag) if pair.get("name") == name]
    for pair in found:
        remove(pair)
    return bool(found)


def _own_sets(owner: etree._Element, tag: str) -> Iterator[etree._Element]:
    for holder in owner.iterfind(tag):
        if holder.get("id-ref") is None and holder.find("rule") is None:
            yield holder


def _pairs(owner: etree._Element, tag: str) -> Iterator[etree._Element]:
    for holder in _own_sets(owner, tag):
        for pair in holder.iterfind("nvpair"):
            if pair.get("id-ref") is None:
                yield pair


def _place_for(owner: etree._Element, tag: str) -> int:
    """Where a new set goes: after the last of its kind, for containers before their members."""
    place = 0
    for index, child in enumerate(owner):
        if child.tag == tag or (owner.tag not in RESOURCE_TAGS - {"primitive"}):
            place = index + 1
        elif child.tag in RESOURCE_TAGS:
            break
        else:
            place = index + 1
    return place


def remove(element: etree._Element) -> None:
    """Take an element out of its parent."""
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


# -- properties ------------------------------------------------------------------------------------


def property_value(cib: Cib, name: str) -> str | None:
    """A cluster property as it is set, None if it is not."""
    for holder in _property_sets(cib):
        for pair in holder.iterfind("nvpair"):
            if pair.get("name") == name:
                return pair.get("value") or ""
    return None


def set_property(cib: Cib, name: str, value: str | None, set_id: str = "") -> None:
    """Set or (None) delete a cluster property, where it is, else in the set `set_id` or the default one."""
    sets = _property_sets(cib)
    for holder in sets:
        for pair in holder.iterfind("nvpair"):
            if pair.get("name") == name:
                if value is None:
                    holder.remove(pair)
                else:
                    pair.set("value", value)
                return
    if value is None:
        return
    section = cib.section("crm_config")
    meant = [each for each in sets if set_id in ("", each.get("id"))]
    holder = meant[0] if meant else etree.SubElement(section, "cluster_property_set")
    if not holder.get("id"):
        holder.set("id", set_id or free_id(section, "cib-bootstrap-options"))
    pair = etree.SubElement(holder, "nvpair")
    pair.set("id", free_id(section, f"{holder.get('id')}-{name}"))
    pair.set("name", name)
    pair.set("value", value)


def _property_sets(cib: Cib) -> list[etree._Element]:
    """Property sets without a rule, the default one first."""
    found = [
        each
        for each in cib.section("crm_config").iterfind("cluster_property_set")
        if each.get("id-ref") is None and each.find("rule") is None
    ]
    return sorted(found, key=lambda each: each.get("id") != "cib-bootstrap-options")


# -- nodes ------------------------------------------------------------------------------------------


def set_node_attribute(
    cib: Cib, node: str, name: str, value: str | None, tag: str = "instance_attributes"
) -> bool:
    """Set or (None) delete a permanent attribute or (tag `utilization`) capacity of a node.

    False: there was nothing to delete.
    """
    element = find_node(cib, node)
    if value is None:
        return drop_value(element, tag, name)
    if element.getparent() is None:
        cib.section("nodes").append(element)
    suffix = "" if tag == "instance_attributes" else f"-{tag}"
    set_value(element, tag, name, value, f"nodes-{element.get('id')}{suffix}")
    return True


def set_transient_attribute(cib: Cib, node: str, name: str, value: str | None) -> bool:
    """Set or (None) delete an attribute of a node that lasts until it leaves the cluster."""
    element = find_node(cib, node)
    id_ = element.get("id") or node
    status = cib.root.find("status")
    if status is None:
        status = etree.SubElement(cib.root, "status")
    state = next((each for each in status.iterfind("node_state") if each.get("id") == id_), None)
    if state is None:
        if value is None:
            return False
        state = etree.SubElement(status, "node_state")
        state.set("id", id_)
        state.set("uname", element.get("uname") or node)
        if element.get("type") == "remote":
            state.set("remote_node", "true")
    holder = state.find("transient_attributes")
    if holder is None:
        if value is None:
            return False
        holder = etree.SubElement(state, "transient_attributes")
        holder.set("id", id_)
    if value is None:
        return drop_value(holder, "instance_attributes", name)
    set_value(holder, "instance_attributes", name, value, f"status-{id_}")
    return True


def transient_attributes(cib: Cib, node: str) -> dict[str, str]:
    """The transient attributes of a node; a remote one need not be among the configured nodes."""
    states = cib.root.findall("status/node_state")
    remotes = {state.get("uname") for state in states if state.get("remote_node")}
    id_ = node if node in remotes else find_node(cib, node).get("id")
    for state in states:
        if state.get("id") == id_:
            holder = state.find("transient_attributes")
            return {} if holder is None else values_of(holder, "instance_attributes")
    return {}


def delete_node(cib: Cib, name: str) -> list[str]:
    """Remove a node, its state, and the constraints that name it only; ids of the latter."""
    element = find_node(cib, name)
    id_, uname = element.get("id"), element.get("uname")
    remove(element)
    for state in list(cib.root.iterfind("status/node_state")):
        if state.get("id") == id_ or state.get("uname") == uname:
            remove(state)
    gone: list[str] = []
    for location in list(cib.section("constraints").iterfind("rsc_location")):
        if location.get("node") == uname:
            gone.append(location.get("id") or "")
            remove(location)
    topology = cib.configuration.find("fencing-topology")
    if topology is not None:
        for level in list(topology.iterfind("fencing-level")):
            if level.get("target") == uname:
                gone.append(level.get("id") or "")
                remove(level)
    return gone


# -- resources --------------------------------------------------------------------------------------


def meta_owner(resource: etree._Element, name: str = "") -> etree._Element:
    """Whose meta attribute is meant: a member of a clone speaks for the clone, unless the member
    has that attribute itself."""
    around = container_of(resource)
    if around is None or around.tag not in CLONE_TAGS:
        return resource
    if name and value_of(resource, "meta_attributes", name) is not None:
        return resource
    return around


def set_meta(cib: Cib, resource: str, name: str, value: str) -> str:
    """Set a meta attribute; the id of the resource that now has it."""
    owner = meta_owner(find_resource(cib, resource), name)
    set_value(owner, "meta_attributes", name, value)
    return owner.get("id") or resource


def drop_meta(cib: Cib, resource: str, name: str) -> bool:
    """Delete a meta attribute; False if it was not there."""
    return drop_value(meta_owner(find_resource(cib, resource), name), "meta_attributes", name)


def contradicting_members(cib: Cib, resource: str, name: str, value: str) -> list[str]:
    """Members, at any depth, that have this meta attribute with another value."""
    top = find_resource(cib, resource)
    found: list[str] = []
    for element in top.iter():
        if element is top or element.tag not in RESOURCE_TAGS:
            continue
        own = value_of(element, "meta_attributes", name)
        if own is not None and own != value:
            found.append(element.get("id") or "")
    return found


def prefer(cib: Cib, resource: str, node: str, *, role: str = "Started", until: str = "") -> str:
    """Make the resource go to a node (`cli-prefer-R`), if given until an ISO time; the new id."""
    return _cli_location(cib, f"{PREFER}{resource}", resource, node, "INFINITY", role, until)


def ban(cib: Cib, resource: str, node: str, *, role: str = "Started", until: str = "") -> str:
    """Keep the resource off a node (`cli-ban-R-on-N`), if given until an ISO time; the new id."""
    wanted = f"{BAN}{resource}-on-{node}"
    return _cli_location(cib, wanted, resource, node, "-INFINITY", role, until)


def clear(cib: Cib, resource: str, node: str = "") -> list[str]:
    """Remove what `prefer` and `ban` made for a resource (only about one node, if given); ids."""
    find_resource(cib, resource)
    gone: list[str] = []
    for element in list(cib.section("constraints").iterfind("rsc_location")):
        id_ = element.get("id") or ""
        if element.get("rsc") != resource or not id_.startswith((PREFER, BAN)):
            continue
        if node and node not in _nodes_named(element):
            continue
        remove(element)
        gone.append(id_)
    return gone


def _nodes_named(location: etree._Element) -> set[str]:
    named = {each.get("value") or "" for each in location.iter("expression")}
    return {location.get("node") or "", *named}


def _cli_location(
    cib: Cib, id_: str, resource: str, node: str, score: str, role: str, until: str
) -> str:
    find_resource(cib, resource)
    find_node(cib, node)
    constraints = cib.section("constraints")
    for old in list(constraints.iterfind("rsc_location")):
        if old.get("id") == id_:
            remove(old)
    location = etree.SubElement(constraints, "rsc_location")
    location.set("id", free_id(constraints, id_))
    location.set("rsc", resource)
    if role:
        location.set("role", _ROLE_WORDS.get(role.lower(), role))
    if not until:
        location.set("node", node)
        location.set("score", score)
        return location.get("id") or id_
    ids = [f"{id_}-{part}" for part in ("rule", "expr", "lifetime")]
    if id_.startswith(PREFER):
        rest = id_.removeprefix(PREFER)
        ids = [f"{PREFER}{part}-{rest}" for part in ("rule", "expr", "lifetime-end")]
    rule = etree.SubElement(location, "rule")
    rule.set("id", free_id(constraints, ids[0]))
    rule.set("score", score)
    rule.set("boolean-op", "and")
    where = etree.SubElement(rule, "expression")
    where.set("id", free_id(constraints, ids[1]))
    for key, value in (
        ("attribute", "#uname"),
        ("operation", "eq"),
        ("value", node),
        ("type", "string"),
    ):
        where.set(key, value)
    end = etree.SubElement(rule, "date_expression")
    end.set("id", free_id(constraints, ids[2]))
    end.set("operation", "lt")
    end.set("end", until)
    return location.get("id") or id_


# -- operations ------------------------------------------------------------------------------------


def operations_of(
    resource: etree._Element, name: str = "", interval: str = ""
) -> list[etree._Element]:
    """Configured operations of a primitive, of one name and (as written) interval if given."""
    return [
        op
        for op in resource.iterfind("operations/op")
        if (not name or op.get("name") == name)
        and (not interval or (op.get("interval") or "0") == interval)
    ]


def add_operation(resource: etree._Element, name: str, interval: str) -> etree._Element:
    """A new operation at the end of a primitive's operations."""
    holder = resource.find("operations")
    if holder is None:
        holder = etree.SubElement(resource, "operations")
    op = etree.SubElement(holder, "op")
    op.set("name", name)
    op.set("interval", interval)
    op.set("id", free_id(resource, f"{resource.get('id')}-{name}-{interval}"))
    return op


# -- history ----------------------------------------------------------------------------------------


def forget_history(
    cib: Cib,
    *,
    resource: str = "",
    node: str = "",
    operation: str = "",
    interval_ms: int | None = None,
    failures_only: bool = True,
) -> int:
    """Remove operation records (only those of failures, if asked) and their fail counts; how many.

    The instances of a clone are found by the name before the colon.
    """
    names = None if not resource else _history_names(cib, resource)
    gone = 0
    for state in cib.root.iterfind("status/node_state"):
        if node and node not in {state.get("uname"), state.get("id")}:
            continue
        for history in list(state.iterfind("lrm/lrm_resources/lrm_resource")):
            if names is not None and (history.get("id") or "").split(":")[0] not in names:
                continue
            gone += _forget_records(history, operation, interval_ms, failures_only)
        gone += _forget_counts(state, names, operation, interval_ms)
    return gone


def _history_names(cib: Cib, resource: str) -> set[str]:
    return {each.get("id") or "" for each in primitives_in(find_resource(cib, resource))}


def _forget_records(
    history: etree._Element, operation: str, interval_ms: int | None, failures_only: bool
) -> int:
    records = [
        op
        for op in history.iterfind("lrm_rsc_op")
        if (not operation or op.get("operation") == operation)
        and (interval_ms is None or op.get("interval", "0") == str(interval_ms))
        and (not failures_only or _is_failure(op))
    ]
    if records and not operation:
        remove(history)
        return len(records)
    if not failures_only and not operation:
        remove(history)
        return 1
    for op in records:
        remove(op)
    return len(records)


def _is_failure(op: etree._Element) -> bool:
    expected = {"0", "190"}
    if op.get("operation") == "monitor":
        expected |= {"7", "8", "191"}
    return (op.get("rc-code") or "0") not in expected or "last_failure" in (op.get("id") or "")


def _forget_counts(
    state: etree._Element, names: Iterable[str] | None, operation: str, interval_ms: int | None
) -> int:
    gone = 0
    for pair in list(state.iterfind("transient_attributes/instance_attributes/nvpair")):
        name = pair.get("name") or ""
        prefix = next(
            (each for each in ("fail-count-", "last-failure-") if name.startswith(each)), ""
        )
        if not prefix:
            continue
        who, _, what = name.removeprefix(prefix).partition("#")
        if names is not None and who.split(":")[0] not in names:
            continue
        op, _, ms = what.rpartition("_")
        if (operation and op != operation) or (interval_ms is not None and ms != str(interval_ms)):
            continue
        remove(pair)
        gone += 1
    return gone


def _no_such(kind: str, id_: str, known: list[str]) -> EngineError:
    from difflib import get_close_matches

    near = get_close_matches(id_, known, 1)
    hint = f", did you mean {near[0]}?" if near else ""
    return EngineError(f"{kind} {id_} does not exist{hint}", status=ExitStatus.NOSUCH)
