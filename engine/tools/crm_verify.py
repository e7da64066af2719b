"""The command `crm_verify`: is a configuration valid, and what does the scheduler find in it?

Sources are the cluster on this machine (`-L`), a file, a text or standard input. Findings go to
stderr with `-V`. The exit status is 78 for errors and for warnings, as Pacemaker's command has it;
old names that are still understood leave it 0.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from engine.cib.document import Cib

OPTIONS = (
    option("-L --live-check", "check the cluster on this machine (or the file in CIB_file)"),
    option("-x --xml-file", "check a file", value="FILE"),
    option("-X --xml-text", "check a text", value="TEXT"),
    option("-p --xml-pipe", "check standard input"),
    option("-V --verbose", "show the findings; twice: old names and remarks, too"),
    option("-q --quiet", "show nothing, the exit status says it"),
    option("-S --save-xml", "write what was checked to a file", value="FILE"),
    option("-? -h --help", "show this help"),
)
_SOURCES = ("live-check", "xml-file", "xml-text", "xml-pipe")
_WORDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.DEPRECATION: "warning",
    Severity.INFO: "info",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)


def _main(call: Call) -> int:
    from engine.scheduler.views.findings import findings

    cib = _read(call)
    found = findings(cib, time.time())
    place = call.options.get("save-xml")
    if place:
        _save(place, cib)
    return _tell(call, found)


def _read(call: Call) -> Cib:
    from engine.cib.document import Cib
    from engine.tools.frame.cib import read_cib

    options = call.options
    if options.words:
        text = f"'{options.words[0]}' is not an option; name a file with --xml-file"
        raise EngineError(text, status=ExitStatus.USAGE)
    source = options.last_of(_SOURCES)
    match source:
        case "xml-text":
            data = options.get(source).encode("utf-8", "surrogateescape")
            return Cib.from_bytes(data, "the text")
        case "xml-pipe":
            return Cib.from_bytes(sys.stdin.buffer.read(), "standard input")
        case "xml-file":
            return _from_file(options.get(source))
        case "live-check":
            return read_cib(call.environment)
    text = "say what to check: -L (the cluster), -x FILE, -X TEXT or -p (standard input)"
    raise EngineError(text, status=ExitStatus.USAGE)


def _from_file(path: str) -> Cib:
    from engine.tools.frame.cib import read_file

    try:
        return read_file(path)
    except EngineError as problem:
        if problem.status is not ExitStatus.NOSUCH:
            raise
        raise EngineError(str(problem), status=ExitStatus.NOINPUT) from None


def _save(path: str, cib: Cib) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(cib.to_bytes())
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.CANTCREAT) from None


def _tell(call: Call, found: Sequence[Report]) -> int:
    """Show the findings that were asked for, and the verdict."""
    out, verbose = call.out, call.options.count("verbose")
    quiet = "quiet" in call.options
    worst = max((report.severity for report in found), default=Severity.INFO)
    status = ExitStatus.CONFIG if worst >= Severity.WARNING else ExitStatus.OK
    verdict = ""
    if worst >= Severity.ERROR:
        verdict = "Errors found during check: config not valid"
    elif worst >= Severity.WARNING:
        verdict = "Warnings found during check: config may not be valid"
    if out.is_xml:
        least = Severity.WARNING if verbose < 2 else Severity.INFO
    elif quiet:
        return status
    else:
        least = Severity.WARNING if verbose == 1 else Severity.INFO
    for report in found if verbose or out.is_xml else ():
        if report.severity >= least:
            margin = "" if out.is_xml else "   "
            out.error(f"{margin}{_WORDS[report.severity]}: {report.message}")
    if verdict and not quiet:
        out.error(verdict if out.is_xml else f"crm_verify: {verdict}")
        if not verbose and not out.is_xml:
            out.error("-V may provide more details")
    return status


PROGRAM = Program(
    "crm_verify",
    "Check a configuration: against its schema, and for what the scheduler finds in it.",
    OPTIONS,
    _main,
    usage="-L | -x FILE | -X TEXT | -p [OPTIONS]",
)

if __name__ == "__main__":
    sys.exit(main())
