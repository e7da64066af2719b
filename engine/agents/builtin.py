"""Agents that the node agents are themselves: their meta-data is here, and no program is run for them."""

from __future__ import annotations

from engine.agents.names import AgentName

REMOTE = """\
<?xml version="1.0"?>
<resource-agent name="remote" version="1.0">
<version>1.1</version>
<longdesc lang="en">The connection to a remote node: a machine that carries out operations for the cluster and is no member
of it. The id of the resource is the name of the node. A member of the cluster makes the connection itself; on the other
machine an agent runs that was started with --remote.</longdesc>
<shortdesc lang="en">Connection to a remote node</shortdesc>
<parameters>
<parameter name="server" unique="1">
<longdesc lang="en">Name or address of the machine; the id of the resource if left out.</longdesc>
<shortdesc lang="en">Name or address</shortdesc>
<content type="string"/>
</parameter>
<parameter name="port">
<longdesc lang="en">TCP port at which the remote agent listens.</longdesc>
<shortdesc lang="en">TCP port</shortdesc>
<content type="integer" default="3121"/>
</parameter>
<parameter name="reconnect_interval" reloadable="1">
<longdesc lang="en">How long to wait, once the connection was lost and the machine fenced, before another attempt. Without it the next
attempt comes at once.</longdesc>
<shortdesc lang="en">Time between attempts to connect</shortdesc>
<content type="time" default="0"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="60s"/>
<action name="stop" timeout="60s"/>
<action name="reload" timeout="60s"/>
<action name="reload-agent" timeout="60s"/>
<action name="monitor" timeout="30s" interval="30s"/>
<action name="migrate_to" timeout="60s"/>
<action name="migrate_from" timeout="60s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"""
_TEXTS = {("ocf", "pacemaker", "remote"): REMOTE}
SOURCE = __file__
"""What stands for the file of such an agent: its meta-data changes with it."""


def built_in(name: AgentName) -> str:
    """The meta-data of an agent that needs no program, "" for every other."""
    return _TEXTS.get((name.standard, name.provider, name.type), "")


def built_in_types(provider: str) -> list[str]:
    """The types of class ocf that a provider has without a program."""
    return [kind for standard, each, kind in _TEXTS if standard == "ocf" and each == provider]
