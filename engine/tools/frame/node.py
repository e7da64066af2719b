"""The node that a program without `--node` means."""

from __future__ import annotations

import os
from collections.abc import Mapping

from engine.tools.frame.change import agent
from engine.tools.frame.cib import file_of

_HERE = ("", "auto", "localhost")


def target_node(environment: Mapping[str, str], given: str = "") -> str:
    """The named node; else the one whose resource an agent acts for; else this one.

    An agent in a container acts for the host where the resource says so. Raises `EngineError`
    where the cluster has to be asked and does not answer.
    """
    if given not in _HERE:
        return given
    prefix = "OCF_RESKEY_CRM_meta_"
    host = environment.get(f"{prefix}physical_host", "")
    if host and environment.get(f"{prefix}container_attribute_target") == "host":
        return host
    return environment.get(f"{prefix}on_node") or local_node(environment)


def local_node(environment: Mapping[str, str]) -> str:
    """The name of this node; with a file instead of a cluster, this machine's."""
    if file_of(environment):
        return os.uname().nodename
    with agent(environment) as client:
        return str(client.demand("hello").get("node", ""))
