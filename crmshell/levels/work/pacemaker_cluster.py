"""The level `cluster` on a machine of Pacemaker's: its daemons, and what its CIB says of the nodes.

Corosync and Pacemaker are started and stopped as their systemd units; who is a node comes from
corosync.conf, for it is there when nothing runs.
"""

from __future__ import annotations

from crmshell.errors import ConnectionLost, ShellError
from crmshell.session import Session
from crmshell.sources.find import open_live
from crmshell.sources.pacemaker import PacemakerSource
from engine.cib.document import Cib

COROSYNC_CONF = "/etc/corosync/corosync.conf"
UNITS = ("corosync.service", "pacemaker.service")
UNIT_SECONDS = 180.0


def on_pacemaker(session: Session) -> bool:
    """Whether the cluster of this machine is Pacemaker's: its tools are here and no agent of ours."""
    try:
        return isinstance(open_live(session.environment), PacemakerSource)
    except ConnectionLost:
        return False


def is_pacemaker_running(session: Session) -> bool:
    """Whether it answers, or may at least not be taken to be stopped."""
    if not on_pacemaker(session):
        return False
    try:
        PacemakerSource(session.environment).read()
    except ConnectionLost:
        return False
    except ShellError:
        return True
    return True


def configured_nodes(session: Session) -> list[str]:
    """The nodes of corosync.conf, by name or first address."""
    from engine.membership.corosync_conf import CorosyncConf

    path = session.environment.under_root(COROSYNC_CONF)
    conf = CorosyncConf.from_text(session.environment.read_text(path), path)
    return [
        node.name or node.addresses[0][1] for node in conf.nodes() if node.name or node.addresses
    ]


def daemons(session: Session, action: str) -> None:
    """`systemctl` with the units of Corosync and Pacemaker, in the order that the action wants."""
    environment = session.environment
    if not environment.exists("/run/systemd/system"):
        raise ShellError(
            f"systemd does not run here, so Pacemaker is not to be {_done(action)} this way; "
            f"{action} corosync and pacemakerd as this machine does",
            code="no-unit",
        )
    for unit in reversed(UNITS) if action in ("stop", "disable") else UNITS:
        done = environment.run(["systemctl", action, unit], timeout=UNIT_SECONDS)
        if done.status:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ShellError(f"systemctl {action} {unit}: {said[0] if said else done.status}")
    session.info(f"Corosync and Pacemaker are {_done(action)}")


def _done(action: str) -> str:
    return {"stop": "stopped"}.get(action, f"{action.removesuffix('e')}ed")


def told_by_cib(session: Session, cib: Cib) -> dict[str, object]:
    """What an agent of ours would tell of the cluster, from Pacemaker's CIB."""
    from crmshell.views.status import Background, dc_name, is_quorate, read_model
    from engine.cib.edits import property_value

    model = read_model(cib, session.environment.clock())
    background = Background(stack="pacemaker")
    dc = dc_name(model, cib, background)
    return {
        "cluster": property_value(cib, "cluster-name") or "",
        "node": session.source.local_node(),
        "quorate": is_quorate(model, background),
        "dc": dc,
        "dc_state": "Pacemaker" if dc else "",
        "members": [node.name for node in model.nodes if node.online],
        "everyone": [node.name for node in model.nodes],
    }
