"""Which source the user means: a shadow CIB, `CIB_file`, or the cluster on this machine."""

from __future__ import annotations

import os

from crmshell.environment import Environment
from crmshell.errors import ConnectionLost
from crmshell.sources.api import CibSource

SOCKET = "/run/crmshell/admin.sock"
NODE_FILE = "/etc/crmshell/node.conf"


def open_source(environment: Environment, shadow: str = "") -> CibSource:
    """The source for a session; raises `ShellError` when there is nothing to read a CIB from."""
    if shadow:
        from crmshell.sources.shadow import open_shadow

        return open_shadow(environment, shadow)
    return open_live(environment)


def open_live(environment: Environment) -> CibSource:
    """`CIB_file` if it is set, else the node agent of this machine, else a Pacemaker on it.

    A machine with a node file is one of ours, also while its agent does not run.
    """
    path = environment.variables.get("CIB_file", "")
    if path:
        from crmshell.sources.file import FileSource

        return FileSource(environment, path)
    socket = environment.under_root(SOCKET)
    if os.path.exists(socket):
        from crmshell.sources.agent import AgentSource

        return AgentSource(environment, socket)
    from crmshell.sources.pacemaker import PacemakerSource, is_installed

    ours = environment.exists(environment.under_root(NODE_FILE))
    if environment.root == "/" and not ours and is_installed(environment):
        return PacemakerSource(environment)
    raise ConnectionLost(
        f"no cluster runs on this machine ({socket} is missing): "
        "start it with 'crm cluster start', or work on a file with CIB_file=FILE"
    )
