"""Cluster options that the schemas since pacemaker-3.0 no longer accept, and what says the same today.

Pacemaker refuses a whole CIB with one of them, so whoever checks a configuration has to report them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from engine.base.reports import Report, Severity
from engine.base.values import version_key

_UNDERSCORED: Final = (
    "cluster_recheck_interval",
    "dc_deadtime",
    "election_timeout",
    "no_quorum_policy",
    "shutdown_escalation",
    "startup_fencing",
    "stonith_action",
    "stonith_enabled",
    "stop_orphan_actions",
    "stop_orphan_resources",
    "symmetric_cluster",
)
_REPLACED: Final = {
    **{name: name.replace("_", "-") for name in _UNDERSCORED},
    "default-action-timeout": "op_defaults timeout",
    "default_action_timeout": "op_defaults timeout",
    "default-resource-stickiness": "rsc_defaults resource-stickiness",
    "default_resource_stickiness": "rsc_defaults resource-stickiness",
    "default-migration-threshold": "rsc_defaults migration-threshold",
    "default_migration_threshold": "rsc_defaults migration-threshold",
    "is-managed-default": "rsc_defaults is-managed",
    "is_managed_default": "rsc_defaults is-managed",
    "default-resource-failure-stickiness": "rsc_defaults migration-threshold",
    "default_resource_failure_stickiness": "rsc_defaults migration-threshold",
    "notification-agent": "an alert",
    "notification-recipient": "an alert",
    "expected-quorum-votes": "",
    "remove_after_stop": "",
    "transition_idle_timeout": "",
}
_OLD_INFRASTRUCTURES: Final = frozenset(
    ("classic openais", "classic openais (with plugin)", "cman", "heartbeat", "openais")
)


def removed_option(name: str, value: str, schema: str) -> str:
    """Why a cluster option may not stand in a CIB of this schema, "" when it may.

    `schema`: the root's `validate-with`.
    """
    version = version_key(schema.removeprefix("pacemaker-"))
    if not schema.startswith("pacemaker-") or not version or version < (3,):
        return ""
    if name == "cluster-infrastructure" and value.lower() in _OLD_INFRASTRUCTURES:
        return f"{name}: '{value}' was removed in pacemaker-3.0, expected corosync"
    modern = _REPLACED.get(name)
    if modern is None:
        return ""
    instead = f"use {modern}" if modern else "leave it out"
    return f"option '{name}' was removed in pacemaker-3.0, {instead}"


def removed_option_findings(root: etree._Element) -> Iterator[Report]:
    """An error for each option of a CIB that its schema has removed."""
    schema = root.get("validate-with", "")
    for pair in root.iterfind("configuration/crm_config/cluster_property_set/nvpair"):
        why = removed_option(pair.get("name", ""), pair.get("value", ""), schema)
        if why:
            yield Report("removed-option", Severity.ERROR, why, subject=pair.get("id", ""))
