"""The status section: node states, histories, and what runs where (sections 18 and 23)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from engine.base.values import bool_from_text, int_from_text, is_true
from engine.cib import history
from engine.cib.history import ResourceHistory
from engine.scheduler.model.model import (
    MINUS_INFINITY,
    Model,
    Node,
    OnFail,
    Resource,
    Role,
    Ticket,
    apply_score,
)
from engine.scheduler.reading.activity import add_active_node, current_node
from engine.scheduler.reading.context import Reading
from engine.scheduler.reading.history_entries import (
    link_removed_launched,
    removed_resource,
    resource_of_entry,
)
from engine.scheduler.reading.nodes import (
    find_node,
    mark_for_fencing,
    read_transient_attributes,
    shutdown_requested,
    unpack_node_state,
)
from engine.scheduler.reading.operation_results import EntryState, process_record
from engine.scheduler.reading.resources import wanted_role

# Naming a member of an enumeration takes ten times as long as naming a constant.
_STOPPED: Final = Role.STOPPED
_UNKNOWN: Final = Role.UNKNOWN
_IGNORE: Final = OnFail.IGNORE


@dataclass(slots=True)
class _Pass:
    """Working values of reading the status."""

    reading: Reading
    containers_to_stop: list[Resource] = field(default_factory=list)


def unpack_status(reading: Reading, section: etree._Element | None) -> None:
    """Read the whole status section (18.1 to 18.4)."""
    states: list[etree._Element] = []
    for child in section if section is not None else ():
        if child.tag == "tickets":
            _unpack_tickets(reading.model, child)
        elif child.tag == "node_state":
            states.append(child)
            reading.model.histories.add_state(child)
            unpack_node_state(reading, child)
    work = _Pass(reading)
    while _history_pass(work, states, everything=False):
        pass
    _history_pass(work, states, everything=reading.model.options.fencing_enabled)
    for container in work.containers_to_stop:
        node = current_node(container)
        if node is not None:
            reading.requests.stop(container, node, optional=False)
    for node in reading.model.nodes:
        if not node.is_remote_type:
            continue
        if node.shutdown and node.connection is not None:
            node.connection.next_role = _STOPPED
        if not node.history_read:
            _determine_remote_online(node)


def _unpack_tickets(model: Model, section: etree._Element) -> None:
    """Ticket states (27.6)."""
    for element in section:
        ticket_id = element.get("id")
        if element.tag != "ticket_state" or not ticket_id:
            continue
        ticket = model.tickets.setdefault(ticket_id, Ticket(ticket_id))
        ticket.state = {str(k): str(v) for k, v in element.attrib.items() if k != "id"}
        ticket.granted = is_true(element.get("granted"))
        ticket.standby = is_true(element.get("standby"))
        last = element.get("last-granted")
        ticket.last_granted = -1 if last is None else int_from_text(last) or 0


# -- nodes -------------------------------------------------------------------------------------


def _history_pass(work: _Pass, states: list[etree._Element], *, everything: bool) -> bool:
    """Read the histories of all nodes that are ready for it; whether there was one (18.3)."""
    model = work.reading.model
    found = False
    for state in states:
        node_id, name = state.get("id"), state.get("uname")
        if not node_id or not name:
            continue
        node = find_node(model, node_id, name)
        if node is None or node.history_read:
            continue
        if not everything and not _is_ready(model, node):
            continue
        if node.is_remote_type:
            _determine_remote_online(node)
            _read_remote_state(work.reading, node, state)
        node.history_read = True
        _read_node_history(work, node, state)
        found = True
    return found


def _is_ready(model: Model, node: Node) -> bool:
    options = model.options
    connection = node.connection
    if node.is_guest and connection is not None and connection.launcher is not None:
        return connection.role is Role.STARTED and connection.launcher.role is Role.STARTED
    if node.is_remote_type:
        if connection is None:
            return False
        return options.shutdown_lock or connection.role is Role.STARTED
    return node.online or options.fencing_enabled or options.shutdown_lock


def _determine_remote_online(node: Node) -> None:
    """A remote-type node is as its connection is (17.8)."""
    connection = node.connection
    if connection is None:
        node.online = False
        return
    launcher = connection.launcher
    host = None
    if launcher is not None and len(connection.running_on) == 1:
        host = connection.running_on[0]
    if connection.role is Role.STARTED:
        node.online = True
        if connection.next_role is _STOPPED:
            node.shutdown = True
    if launcher is not None and launcher.failed:
        node.online = False
        node.remote_reset = True
    elif connection.failed:
        node.online = False
    elif connection.role is _STOPPED or (launcher is not None and launcher.role is _STOPPED):
        node.online = False
        node.remote_reset = False
    elif host is not None and not host.online and host.unclean:
        node.online = False
        node.remote_reset = True


def _read_remote_state(reading: Reading, node: Node, state: etree._Element) -> None:
    """What the node state says about a remote-type node (17.9)."""
    model = reading.model
    if int_from_text(state.get("node_in_maintenance")):
        node.remote_maintenance = True
    connection = node.connection
    if not node.remote_reset:
        node.unclean = False
        node.seen = True
    read_transient_attributes(reading, node, state)
    if shutdown_requested(node):
        node.shutdown = True
    if is_true(node.attributes.get("standby")):
        node.standby = True
    if is_true(node.attributes.get("maintenance")) or (
        connection is not None and not connection.managed
    ):
        node.maintenance = True
    discovery = bool_from_text(node.attributes.get("resource-discovery-enabled"))
    if discovery is False and (node.is_guest or model.options.fencing_enabled):
        node.probes_allowed = False


def _read_node_history(work: _Pass, node: Node, state: etree._Element) -> None:
    """All entries of the node in document order (18.5)."""
    model = work.reading.model
    entries = model.histories.of_state(state)
    for entry in entries:
        if entry.id:
            _process_entry(work, node, entry)
    launched = [entry.attributes for entry in entries if entry.in_container]
    if launched:
        link_removed_launched(model, launched)


# -- one lrm_resource --------------------------------------------------------------------------


def _process_entry(work: _Pass, node: Node, entry: ResourceHistory) -> None:
    """One `lrm_resource` of a node (18.13)."""
    reading = work.reading
    model = reading.model
    if not entry.ops and not model.options.shutdown_lock:
        return
    resource = resource_of_entry(reading, node, entry.id)
    if resource is None:
        if not entry.ops:
            return
        resource = removed_resource(reading, node, entry.attributes)
        if resource is None:
            return
    if model.options.shutdown_lock:
        _read_shutdown_lock(reading, resource, node, entry.attributes)
    if not entry.ops:
        return
    saved_role = resource.role
    state = EntryState(reading, resource, node)
    if entry.only_absent and not resource.failure_timeout:
        # Nine entries in ten are this one, and this is all that `process_record` makes of it.
        resource.role, resource.next_role = _STOPPED, _UNKNOWN
    else:
        resource.role = _UNKNOWN
        for record in entry.ops:
            process_record(state, record)
        _request_recurring(reading, resource, node, entry)
    _apply_handling(work, state)
    wanted = wanted_role(reading, resource)
    if wanted is not _UNKNOWN and (resource.next_role is _UNKNOWN or resource.next_role > wanted):
        resource.next_role = wanted
    resource.role = max(resource.role, saved_role)


def _read_shutdown_lock(
    reading: Reading, resource: Resource, node: Node, entry: Mapping[str, str]
) -> None:
    """A lock recorded with the entry, if it still holds (27.3)."""
    model = reading.model
    lock_time = int_from_text(entry.get("shutdown-lock")) or 0
    if not lock_time:
        return
    limit = model.options.shutdown_lock_limit // 1000
    if limit > 0 and model.now > lock_time + limit:
        reading.requests.delete_history(resource.id, resource, node)
    else:
        resource.lock_node = node
        resource.lock_time = lock_time


def active_recurring(node: Node, entry: ResourceHistory) -> Iterator[history.OpRecord]:
    """Recurring operations of the history that are going on now (19.6)."""
    if not node.online:
        return
    start, stop = entry.start_index, entry.stop_index
    for place, record in enumerate(entry.ops):
        if record.interval_ms <= 0 or record.status == history.PENDING:
            continue
        if (start < stop and place <= stop) or place < start:
            continue
        yield record


def _request_recurring(
    reading: Reading, resource: Resource, node: Node, entry: ResourceHistory
) -> None:
    for record in active_recurring(node, entry):
        reading.requests.recurring(resource, node, record.task, record.interval_ms)


# -- effects of the handling (section 23) ------------------------------------------------------


def _apply_handling(work: _Pass, state: EntryState) -> None:
    reading, resource, node = state.reading, state.resource, state.node
    if resource.role is not _UNKNOWN:
        _mark_probed(resource, node)
    active = resource.role > _STOPPED
    if active and not node.online and not node.maintenance and resource.managed:
        _fence_for_resource(reading, resource, node)
    handling = _IGNORE if node.unclean else state.handling
    if handling is not _IGNORE:
        _take_effect(work, resource, node, handling)
    if resource.failed and resource.is_remote_connection:
        remote = reading.model.node_named(resource.id)
        if remote is not None and remote.unclean:
            remote.seen = True
    if resource.role > _STOPPED:
        add_active_node(reading, resource, node, failed=state.handling is not _IGNORE)
        if handling in {OnFail.DEMOTE, OnFail.BLOCK}:
            resource.failed = True
        elif handling is not _IGNORE:
            resource.failed = True
            resource.stop_if_failed = True
    elif ":" in resource.history_id:
        resource.history_id = ""
    else:
        reading.requests.relax_stops(resource, node)
    if (
        resource.role is _STOPPED
        and resource.running_on
        and resource.migration_target is not None
        and resource.migration_source is node
    ):
        resource.role = Role.STARTED


def _mark_probed(resource: Resource, node: Node) -> None:
    """The state on the node is known, for the resource and up to the first unique ancestor (23.1)."""
    current: Resource | None = resource
    while current is not None:
        current.known_on.setdefault(node.index, node)
        if current.unique:
            break
        current = current.parent


def _fence_for_resource(reading: Reading, resource: Resource, node: Node) -> None:
    """A managed resource is active on a node that is down (23.2)."""
    model = reading.model
    reason = f"{resource.id} is thought to be active there"
    if node.is_guest:
        resource.failed = True
        resource.stop_if_failed = True
    elif model.options.fencing_enabled:
        connection = node.connection
        if node.is_remote and connection is not None and not connection.failed:
            node.seen = False
            reason = (
                f"{resource.id} is active there (fencing will be revoked if remote connection "
                "can be re-established elsewhere)"
            )
    else:
        return
    mark_for_fencing(model, reading.requests, node, reason)


def _take_effect(work: _Pass, resource: Resource, node: Node, handling: OnFail) -> None:
    """Table 23.4."""
    reading = work.reading
    model, requests = reading.model, reading.requests
    active = resource.role > _STOPPED
    if handling is OnFail.DEMOTE:
        resource.failed = True
        requests.demote(resource, node, optional=False)
    elif handling is OnFail.RESTART:
        if active:
            _fail(resource)
            requests.stop(resource, node, optional=False)
    elif handling is OnFail.RESET_REMOTE:
        _reset_remote(reading, resource, node)
    elif handling is OnFail.RESTART_CONTAINER:
        _fail(resource)
        if resource.launcher is not None and resource.is_bundled:
            work.containers_to_stop.insert(0, resource.launcher)
        elif resource.launcher is not None:
            requests.stop(resource.launcher, node, optional=False)
        elif active:
            requests.stop(resource, node, optional=False)
    elif handling is OnFail.BAN:
        apply_score(model, resource, node, MINUS_INFINITY, "failed, on-fail=stop")
    elif handling is OnFail.BLOCK:
        resource.managed = False
        resource.blocked = True
    elif handling is OnFail.STOP:
        resource.next_role = _STOPPED
    elif handling is OnFail.STANDBY:
        node.standby = True
        node.standby_on_fail = True
    elif handling is OnFail.FENCE:
        mark_for_fencing(model, requests, node, f"{resource.id} failed there")


def _reset_remote(reading: Reading, resource: Resource, node: Node) -> None:
    model, requests = reading.model, reading.requests
    _fail(resource)
    if model.options.fencing_enabled and resource.is_remote_connection:
        remote = model.node_named(resource.id)
        if remote is not None and remote.is_remote and not remote.remote_fenced:
            mark_for_fencing(model, requests, remote, "remote connection is unrecoverable")
    if resource.role > _STOPPED:
        requests.stop(resource, node, optional=False)
    if resource.reconnect_ms:
        resource.next_role = _STOPPED


def _fail(resource: Resource) -> None:
    resource.failed = True
    resource.stop_if_failed = True
