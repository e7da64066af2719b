"""Parameters that every fencing resource takes besides those of its agent.

The cluster reads them itself (Pacemaker's fencer documents them in its own meta-data).
"""

from __future__ import annotations

from engine.agents.metadata import Parameter

ACTIONS = ("reboot", "off", "on", "list", "monitor", "status")
SET_BY_THE_CLUSTER = frozenset({"action", "port", "plug", "nodename"})
"""Required parameters of fence agents that the cluster fills in."""


def _of_action(action: str) -> tuple[Parameter, ...]:
    return (
        Parameter(
            f"pcmk_{action}_action",
            default=action,
            shortdesc=f"The word that the agent wants instead of '{action}'",
        ),
        Parameter(
            f"pcmk_{action}_timeout",
            type="time",
            default="60s",
            shortdesc=f"Time limit for '{action}' instead of stonith-timeout",
        ),
        Parameter(
            f"pcmk_{action}_retries",
            type="integer",
            default="2",
            shortdesc=f"How often '{action}' is tried within its time limit",
        ),
    )


FENCE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("priority", type="integer", default="0", shortdesc="Priority of the device"),
    Parameter(
        "pcmk_host_argument",
        default="port",
        shortdesc="Name of the parameter that names the target, none to send no such parameter",
    ),
    Parameter(
        "pcmk_host_map",
        shortdesc="Names of hosts as the device knows them: node1:1;node2:2,3",
    ),
    Parameter("pcmk_host_list", shortdesc="Hosts that the device controls, by blank"),
    Parameter(
        "pcmk_host_check",
        type="select",
        default="dynamic-list",
        values=("dynamic-list", "static-list", "status", "none"),
        shortdesc="How to find out which hosts the device controls",
    ),
    Parameter(
        "pcmk_delay_max",
        type="time",
        default="0s",
        shortdesc="Random delay before fencing, at most",
    ),
    Parameter(
        "pcmk_delay_base",
        type="string",
        default="0s",
        shortdesc="Fixed delay before fencing, also per host: node1:1s;node2:5s",
    ),
    Parameter(
        "pcmk_action_limit",
        type="integer",
        default="1",
        shortdesc="How many actions the device does at once, -1 for any number",
    ),
    Parameter("provides", shortdesc="What the device provides: unfencing"),
    Parameter("stonith-timeout", type="time", shortdesc="Time limit of fencing with this device"),
    *(each for action in ACTIONS for each in _of_action(action)),
)
