"""`pcs status` and its parts."""

from __future__ import annotations

from crmshell.pcs.frame.book import Work
from crmshell.pcs.other.corosync import conf_of
from crmshell.views.background import background_of
from crmshell.views.status import (
    Parts,
    dc_name,
    is_quorate,
    read_model,
    resource_lines,
)
from crmshell.views.status import status_text as crm_status
from engine.cib.document import Cib
from engine.scheduler.model.model import Model


def _model(work: Work) -> tuple[Cib, Model]:
    cib = work.session.cib()
    return cib, read_model(cib, work.session.environment.clock())


def status(work: Work) -> None:
    """`status [--full] [--hide-inactive]`"""
    cib, model = _model(work)
    conf = conf_of(work)
    names = conf.get("totem.cluster_name") if conf is not None else ()
    lines = [f"Cluster name: {names[0] if names else _name(cib)}"]
    if model.options.fencing_enabled and not model.has_fence_device:
        lines += ["", "WARNINGS:", "No stonith devices and stonith-enabled is not false", ""]
    lines += _summary(work, cib, model)
    lines += ["", *_rest(work, cib)]
    work.show(lines)


def _name(cib: Cib) -> str:
    found = cib.configuration.find(".//cluster_property_set/nvpair[@name='cluster-name']")
    return "" if found is None else found.get("value", "")


def _summary(work: Work, cib: Cib, model: Model) -> list[str]:
    background = background_of(work.session.source)
    dc = dc_name(model, cib, background)
    lines = ["Cluster Summary:"]
    if dc:
        quorum = "with quorum" if is_quorate(model, background) else "WITHOUT quorum"
        lines.append(f"  * Current DC: {dc} - partition {quorum}")
    else:
        lines.append("  * Current DC: NONE")
    nodes, count = len(model.nodes), model.resource_count
    lines.append(f"  * {nodes} node{'' if nodes == 1 else 's'} configured")
    disabled = f" ({model.disabled_count} DISABLED)" if model.disabled_count else ""
    lines.append(f"  * {count} resource instance{'' if count == 1 else 's'} configured{disabled}")
    return lines


def _rest(work: Work, cib: Cib) -> list[str]:
    """Nodes, resources and failures, as `crm status` has them."""
    parts = Parts(headers=False, inactive=not work.has("--hide-inactive"))
    if work.has("--full"):
        parts = Parts(headers=False, fail_counts=True, attributes=True, tickets=True)
    now = work.session.environment.clock()
    return crm_status(cib, now, background_of(work.session.source), parts).splitlines()


def cluster(work: Work) -> None:
    """`cluster status`, `status cluster`"""
    cib, model = _model(work)
    lines = _summary(work, cib, model)
    nodes = _rest(work, cib)
    at = nodes.index("Node List:") if "Node List:" in nodes else len(nodes)
    end = next((i for i in range(at, len(nodes)) if not nodes[i]), len(nodes))
    work.show(["Cluster Status:", *(f" {line}" for line in [*lines, *nodes[at:end]])])


def resources(work: Work) -> None:
    """`resource [status [RESOURCE]]`, `status resources`"""
    _resources(work, fencing=False)


def fencing(work: Work) -> None:
    """`stonith [status [DEVICE]]`"""
    _resources(work, fencing=True)


def _resources(work: Work, *, fencing: bool) -> None:
    book = work.read()
    for name in work.words:
        book.resource(name)
    work.check()
    cib = book.cib
    section = cib.section("resources")
    kept = 0
    for each in list(section):
        mine = (each.get("class") == "stonith") is fencing
        inside = {one.get("id") for one in each.iter("primitive", "group", "clone", "bundle")}
        if mine and (not work.words or inside & set(work.words)):
            kept += 1
        else:
            section.remove(each)
    if not kept:
        work.show("NO stonith devices configured" if fencing else "NO resources configured")
        return
    lines = resource_lines(cib, work.session.environment.clock())
    if fencing and not work.words:
        from crmshell.pcs.other.levels import level_lines

        levels = level_lines(book)
        lines += ["", "Fencing Levels:", *(f"  {line}" for line in levels)] if levels else []
    work.show(lines)


def show_old(work: Work) -> None:
    """`resource show` of pcs 0.9: with a name or --full the configuration, else the status."""
    from crmshell.pcs.resource.groups import list_groups
    from crmshell.pcs.show.resources import config, fencing_config

    fences = work.command.path.startswith("stonith")
    if work.has("--groups"):
        list_groups(work)
    elif work.words or work.has("--full"):
        (fencing_config if fences else config)(work)
    else:
        _resources(work, fencing=fences)


def nodes(work: Work) -> None:
    """`status nodes`"""
    _, model = _model(work)
    lines: list[str] = []
    for remote, title in ((False, "Pacemaker Nodes:"), (True, "Pacemaker Remote Nodes:")):
        held: dict[str, list[str]] = {name: [] for name in _KINDS}
        for node in sorted(model.nodes, key=lambda each: each.name):
            if bool(node.is_guest or node.is_remote_type) is remote:
                kind = "Offline"
                if node.online and node.standby:
                    kind = "Standby"
                elif node.online:
                    kind = "Maintenance" if node.maintenance else "Online"
                held[kind].append(node.name)
        lines.append(title)
        lines += [f" {kind}: {' '.join(names)}".rstrip() for kind, names in held.items()]
    work.show(lines)


_KINDS = ("Online", "Standby", "Standby with resource(s) running", "Maintenance", "Offline")
