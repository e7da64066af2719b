"""Shadow CIBs: named copies of the configuration in a folder, to try changes on (shell 6).

The folder and the file names are Pacemaker's (`crm_shadow`), so both tools see the same ones.
"""

from __future__ import annotations

import os
import re

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.sources.file import FileSource

_NAME = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@+-]{0,63}")
_PREFIX = "shadow."


def shadow_folder(environment: Environment) -> str:
    """Where shadow CIBs are: `$CIB_shadow_dir`, `~/.cib`, for root Pacemaker's folder."""
    given = environment.variables.get("CIB_shadow_dir", "")
    if given:
        return given
    if environment.is_root and "CIB_file" not in environment.variables:
        return environment.under_root("/var/lib/pacemaker/cib")
    return os.path.join(environment.home, ".cib")


def shadow_path(environment: Environment, name: str) -> str:
    """The file of a shadow CIB; raises `ShellError` for a name that is none."""
    if _NAME.fullmatch(name) is None:
        raise ShellError(
            f"'{name}' is no name for a shadow CIB: expected letters, digits and _.@+-, 64 at most",
            code="bad-shadow-name",
        )
    return os.path.join(shadow_folder(environment), _PREFIX + name)


def shadow_names(environment: Environment) -> list[str]:
    """The shadow CIBs there are, sorted."""
    try:
        files = os.listdir(shadow_folder(environment))
    except OSError:
        return []
    names = [file.removeprefix(_PREFIX) for file in files if file.startswith(_PREFIX)]
    return sorted(name for name in names if _NAME.fullmatch(name) is not None)


def require_shadow(environment: Environment, name: str) -> str:
    """The file of a shadow CIB that exists; raises `ShellError` otherwise."""
    path = shadow_path(environment, name)
    if not os.path.isfile(path):
        raise ShellError(f"{name}: no such shadow CIB", code="no-such-shadow")
    return path


def open_shadow(environment: Environment, name: str) -> FileSource:
    """A shadow CIB as a source."""
    return FileSource(environment, require_shadow(environment, name), name)
