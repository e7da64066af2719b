"""What each value of an option means, in a few words: shown beside it where values are offered.

Options of the cluster, of resources and of operations as the field names them (the new name where
there is an old one), and the settings of this shell.
"""

from __future__ import annotations

from collections.abc import Mapping

_ROLES = {
    "started": "runs; an instance that can be promoted may be",
    "stopped": "does not run",
    "promoted": "runs and is promoted",
    "unpromoted": "runs and is not promoted",
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "no-quorum-policy": {
        "stop": "stop all resources of this partition",
        "freeze": "go on with what runs, start nothing anew",
        "ignore": "go on as with quorum: two partitions may run the same",
        "demote": "demote what is promoted, stop the rest",
        "fence": "fence all nodes of this partition",
        "suicide": "old word for fence",
    },
    "fencing-action": {
        "reboot": "switch the node off and on again",
        "off": "switch the node off and leave it so",
    },
    "fencing-reaction": {
        "stop": "stop the cluster's programs at once",
        "panic": "reboot the machine at once",
    },
    "node-health-strategy": {
        "none": "health counts for nothing",
        "migrate-on-red": "a red attribute drives everything away",
        "only-green": "a red or yellow attribute drives everything away",
        "progressive": "each colour adds its score",
        "custom": "only rules on the attributes count",
    },
    "placement-strategy": {
        "default": "scores, then the fewest resources; capacity does not count",
        "utilization": "only nodes with room; then the fewest resources",
        "minimal": "only nodes with room; as few nodes as possible",
        "balanced": "only nodes with room; the most room that is left",
    },
    "target-role": _ROLES,
    "role": _ROLES,
    "requires": {
        "nothing": "may start without quorum",
        "quorum": "most nodes must be there",
        "fencing": "and lost nodes must have been fenced",
        "unfencing": "and the node must have been unfenced",
    },
    "multiple-active": {
        "block": "leave it alone until somebody looks",
        "stop_only": "stop it everywhere and leave it stopped",
        "stop_start": "stop it everywhere, start it on one node",
        "stop_unexpected": "stop only those that should not run",
    },
    "container-attribute-target": {"host": "those of the node on which the container runs"},
    "on-fail": {
        "ignore": "as if nothing had failed",
        "block": "leave the resource alone until somebody looks",
        "stop": "stop it and leave it stopped",
        "restart": "stop it and start it, perhaps elsewhere",
        "standby": "move everything off the node",
        "fence": "fence the node",
        "demote": "demote it without a full restart",
        "restart-container": "restart what it runs in",
    },
    "resource-discovery": {
        "always": "look for it on the node before it is started",
        "never": "do not look for it on the node",
        "exclusive": "look for it, and run it, only on such nodes",
    },
    "loss-policy": {
        "stop": "stop what depends on the ticket",
        "demote": "demote it",
        "fence": "fence the nodes where it runs",
        "freeze": "leave it as it is",
    },
    "order kind": {
        "mandatory:": "the second waits for the first, and stops before it",
        "optional:": "counts only when both happen at once",
        "serialize:": "never both at the same time, in any order",
    },
    "core.skill_level": {
        "operator": "steers what is there",
        "administrator": "and configures",
        "expert": "does everything",
    },
    "core.check_frequency": {
        "always": "when a statement is typed, and at verify and commit",
        "on-verify": "at verify and commit",
        "never": "the same; nothing is looked at when it is typed",
    },
    "core.check_mode": {
        "strict": "what is wrong stands against a commit",
        "relaxed": "wrong parameters are warnings",
    },
    "core.manage_children": {
        "ask": "ask each time; keep them where nobody can be asked",
        "always": "remove them",
        "never": "keep them",
    },
    "core.batch_errors": {
        "atomic": "read on to find all errors, commit nothing",
        "stop": "end at the first error",
        "continue": "go on, and commit what is right",
    },
    "color.style": {
        "plain": "nothing is set off",
        "color": "in colours, on a terminal",
        "color-always": "in colours, also into pipes and files",
        "uppercase": "keywords in capitals",
    },
}


def meaning(option: str, value: str) -> str:
    """What the value of an option means, "" where the word says it."""
    return MEANINGS.get(option, {}).get(value.lower(), "")
