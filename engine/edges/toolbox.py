"""The commands that resource agents call, as small programs in a folder of the node agent's own.

Agents look for them in `HA_SBIN_DIR` and in `PATH`; each starts the Python that runs this node agent, so nothing
has to be installed under the names of Pacemaker's commands.
"""

from __future__ import annotations

import os
import shlex
import sys

import engine

TOOLS = {
    "attrd_updater": "crm_attribute",
    "cibadmin": "cibadmin",
    "crm_attribute": "crm_attribute",
    "crm_master": "crm_attribute",
    "crm_mon": "crm_mon",
    "crm_node": "crm_node",
    "crm_resource": "crm_resource",
}
"""Command → module of `engine.tools`."""


def write_tools(folder: str, root: str) -> None:
    """Make the folder and the commands in it; they talk to the agent whose files are below `root`."""
    os.makedirs(folder, mode=0o755, exist_ok=True)
    os.chmod(folder, 0o755)
    packages = os.path.dirname(os.path.dirname(os.path.abspath(engine.__file__)))
    for name, module in TOOLS.items():
        path = os.path.join(folder, name)
        lines = (
            "#!/bin/sh",
            f"CRMSHELL_ROOT={shlex.quote(root)}",
            f"CRMSHELL_TOOL={name}",
            f"PYTHONPATH={shlex.quote(packages)}",
            "export CRMSHELL_ROOT CRMSHELL_TOOL PYTHONPATH",
            f'exec {shlex.quote(sys.executable)} -m engine.tools.{module} "$@"',
        )
        part = f"{path}.new"
        with open(part, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        os.chmod(part, 0o755)
        os.replace(part, path)
