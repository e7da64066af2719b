"""The command `pacemakerd`, as agents ask it: which release this is compatible with, and its features."""

from __future__ import annotations

from collections.abc import Sequence

from engine.base.api_version import COMPATIBLE_WITH
from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.daemons import FEATURES
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    option("-F --features", "show the feature set and the features"),
    option("-$ --version", "show the release that this is compatible with"),
)


def _main(call: Call) -> int:
    if "features" not in call.options and "version" not in call.options:
        text = "expected --features or --version; the node agent is started by crm-agent"
        raise EngineError(text, status=ExitStatus.USAGE)
    if "features" not in call.options:
        # Agents ask this at every call: nothing is loaded for it.
        call.out.line(f"Pacemaker {COMPATIBLE_WITH}")
        call.out.line("Provided by crmshell")
        return ExitStatus.OK
    from importlib.metadata import version

    from engine.cib.document import FEATURE_SET

    build = f"crmshell {version('crmshell')}"
    call.out.line(f"Pacemaker {COMPATIBLE_WITH} (Build: {build})")
    call.out.line(f" Supporting v{FEATURE_SET}: {' '.join(FEATURES)}")
    values = {"version": COMPATIBLE_WITH, "build": build, "feature_set": FEATURE_SET}
    holder = call.out.element("features", parent=call.out.element("pacemakerd", values))
    for name in FEATURES:
        call.out.element("feature", text=name, parent=holder)
    return ExitStatus.OK


PROGRAM = Program(
    "pacemakerd",
    "Tell agents which release of Pacemaker this is compatible with.",
    OPTIONS,
    _main,
    usage="--features | --version",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
