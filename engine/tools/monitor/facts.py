"""What `crm_mon` shows is made of: the state in the CIB, and what was fenced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.scheduler.views.fencing_view import Fencing
from engine.scheduler.views.status_parts import Look, node_names, resource_names

if TYPE_CHECKING:
    from engine.base.isodate import Zone
    from engine.cib.document import Cib
    from engine.scheduler.model.model import Model
    from engine.tools.frame.options import Parsed


@dataclass(frozen=True, slots=True)
class Facts:
    """One state of the cluster. `now` is epoch seconds; `fencing` is None where nobody remembers."""

    model: Model
    now: int
    fencing: tuple[Fencing, ...] | None = None
    running: bool = field(default=False)


def facts_of(cib: Cib, now: float, zone: Zone, fencing: tuple[Fencing, ...] | None) -> Facts:
    """The state that a CIB describes, with its constraints; raises `EngineError`."""
    from engine.scheduler.model.model import Model
    from engine.scheduler.reading.constraints import unpack_constraints
    from engine.scheduler.reading.unpack import fill_model

    model = Model(now, zone)
    unpack_constraints(fill_model(cib, model))
    return Facts(model, int(now), fencing, running=fencing is not None)


def look_of(options: Parsed, model: Model, form: str) -> Look:
    """How the options want the status to be shown."""
    node, resource = options.get("node", "*"), options.get("resource", "*")
    is_xml = form == "xml"
    return Look(
        pending=True,
        inactive=is_xml or "inactive" in options,
        brief="brief" in options and not is_xml,
        by_node="group-by-node" in options,
        detail="show-detail" in options,
        description="show-description" in options,
        timing="timing-details" in options,
        nodes=None if node == "*" else node_names(model, node),
        resources=None if resource == "*" else resource_names(model, resource),
    )


def live_fencing(environment: Mapping[str, str]) -> tuple[Fencing, ...] | None:
    """What the cluster on this machine fenced, None where its agent does not answer."""
    from engine.base.errors import EngineError
    from engine.ipc.client import Client
    from engine.ipc.messages import socket_path
    from engine.scheduler.views.fencing_view import fencing_from_reply

    try:
        with Client(socket_path(environment.get("CRMSHELL_ROOT") or "/")) as client:
            return fencing_from_reply(client.demand("fence-history", 10.0))
    except EngineError:
        return None
