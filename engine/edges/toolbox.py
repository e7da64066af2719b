"""The commands that resource agents call, as small programs in a folder of the node agent's own.

Agents look for them in `HA_SBIN_DIR` and in `PATH`; each starts the Python that runs this node agent, so nothing
has to be installed under the names of Pacemaker's commands.
"""

from __future__ import annotations

import os
import shlex
import sys

import engine

TOOLS = (
    "attrd_updater",
    "cibadmin",
    "crm_attribute",
    "crm_diff",
    "crm_error",
    "crm_failcount",
    "crm_master",
    "crm_mon",
    "crm_node",
    "crm_resource",
    "crm_rule",
    "crm_shadow",
    "crm_standby",
    "crm_ticket",
    "crm_verify",
    "crmadmin",
    "iso8601",
    "pacemakerd",
    "stonith_admin",
)
"""The commands, each the module of `engine.tools` with its name."""

_START = "import sys; from engine.tools.{} import main; sys.exit(main())"


def write_tools(folder: str, root: str) -> None:
    """Make the folder and the commands in it; they talk to the agent whose files are below `root`."""
    os.makedirs(folder, mode=0o755, exist_ok=True)
    os.chmod(folder, 0o755)
    packages = os.path.dirname(os.path.dirname(os.path.abspath(engine.__file__)))
    for name in TOOLS:
        path = os.path.join(folder, name)
        lines = (
            "#!/bin/sh",
            f"CRMSHELL_ROOT={shlex.quote(root)}",
            f"PYTHONPATH={shlex.quote(packages)}",
            "export CRMSHELL_ROOT PYTHONPATH",
            f"exec {shlex.quote(sys.executable)} -c '{_START.format(name)}' \"$@\"",
        )
        part = f"{path}.new"
        with open(part, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        os.chmod(part, 0o755)
        os.replace(part, path)
