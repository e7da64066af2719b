"""The line of `--version`."""

from __future__ import annotations


def version_line(program: str) -> str:
    """The program, the version of this package, and the feature set that it implements."""
    from importlib.metadata import version

    from engine.cib.document import FEATURE_SET

    return f"{program} {version('crmshell')} (feature set {FEATURE_SET})\n"
