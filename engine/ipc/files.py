"""Which file stands for the cluster, where one does: a shadow CIB or the file in `CIB_file`."""

from __future__ import annotations

import os
from collections.abc import Mapping

ROOTS_SHADOWS = "/var/lib/pacemaker/cib"


def shadow_folder(environment: Mapping[str, str]) -> str:
    """Where shadow CIBs are: `$CIB_shadow_dir`, `~/.cib`, for root Pacemaker's folder."""
    given = environment.get("CIB_shadow_dir", "")
    if given:
        return given
    if os.geteuid() == 0 and "CIB_file" not in environment:
        return ROOTS_SHADOWS
    return os.path.join(environment.get("HOME", "/"), ".cib")


def shadow_path(environment: Mapping[str, str], name: str) -> str:
    """The file of a shadow CIB."""
    return os.path.join(shadow_folder(environment), f"shadow.{name}")


def file_of(environment: Mapping[str, str]) -> str:
    """The file that stands for the cluster: the shadow CIB in use, else `CIB_file`; "" for none."""
    name = environment.get("CIB_shadow", "")
    if name:
        return shadow_path(environment, name)
    return environment.get("CIB_file", "")
