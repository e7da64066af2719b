"""Shutdown locks in the status section: what was stopped with its node waits there for it. Pure (live L7.9 to L7.12).

A lock is the attribute `shutdown-lock` of an `lrm_resource`, the moment (epoch seconds) of the shutdown.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from engine.base.digits import is_digits
from engine.base.exitcodes import OcfStatus
from engine.controller.options import ControllerOptions
from engine.controller.status import resources_in
from engine.lrm.api import LrmResult

LOCK = "shutdown-lock"
NO_LOCK = "0"


def lock_after(result: LrmResult, planned: str) -> str:
    """The lock to record with a result: `planned` is that of the action in the graph, "" for none.

    It stays when the resource was stopped, or was found to be; whatever else is done there ends it.
    """
    if not planned:
        return ""
    is_stopped = result.op.operation == "stop" and result.is_success
    is_found_stopped = result.op.is_probe and result.rc == OcfStatus.NOT_RUNNING
    return planned if is_stopped or is_found_stopped else NO_LOCK


def kept_locks(
    state: etree._Element | None, options: ControllerOptions, wall: float
) -> dict[str, etree._Element]:
    """The locks of a node that are in force, each as its `lrm_resource` without operations."""
    if state is None or not options.shutdown_lock:
        return {}
    oldest = wall - options.shutdown_lock_limit if options.shutdown_lock_limit > 0 else 0.0
    found = {}
    for resource in resources_in(state):
        moment = resource.get(LOCK, NO_LOCK)
        if is_digits(moment) and int(moment) > oldest:
            bare = deepcopy(resource)
            del bare[:]
            found[bare.get("id", "")] = bare
    return found


def add_locks(state: etree._Element, locks: dict[str, etree._Element]) -> etree._Element:
    """The state of a node with locks that its own history does not know."""
    own = {resource.get("id", ""): resource for resource in resources_in(state)}
    place = state.find("lrm/lrm_resources")
    for name, bare in locks.items():
        if name in own:
            own[name].set(LOCK, bare.get(LOCK, NO_LOCK))
        elif place is not None:
            place.append(deepcopy(bare))
    return state
