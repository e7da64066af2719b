"""The command `crm_verify`: is a configuration valid, and what does the scheduler find in it?

Sources are the cluster on this machine (`-L`), a file, a text or standard input. Findings go to
stderr with `-V`. The exit status is 78 for errors and for warnings, as Pacemaker's command has it;
old names that are still understood leave it 0.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.reports import Report, Severity
from engine.cib.document import Cib

USAGE = """\
usage: crm_verify SOURCE [OPTIONS]

Source:
  -L, --live-check       the cluster on this machine (or the file in CIB_file)
  -x, --xml-file FILE    a file
  -X, --xml-text TEXT    a text
  -p, --xml-pipe         standard input

  -V, --verbose          show the findings; twice: old names and remarks too
  -q, --quiet            show nothing, the exit status says it
  -S, --save-xml FILE    write what was checked to a file
      --output-as FORM   text or xml
  -?, -h, --help         this text
      --version          the version

Exit status: 0 valid, 78 errors or warnings were found, 64 wrong usage, 65 no CIB, 66 no such file,
102 no cluster is running.
"""


@dataclass(slots=True)
class Wishes:
    """What the command line asks for."""

    source: str = ""
    operand: str = ""
    verbose: int = 0
    quiet: bool = False
    save: str = ""
    output_as: str = "text"
    only: str = ""


_FLAGS = {
    "-L": "live",
    "--live-check": "live",
    "-p": "pipe",
    "--xml-pipe": "pipe",
    "-V": "verbose",
    "--verbose": "verbose",
    "-q": "quiet",
    "--quiet": "quiet",
    "-?": "help",
    "-h": "help",
    "--help": "help",
    "--version": "version",
}
_VALUES = {
    "-x": "file",
    "--xml-file": "file",
    "-X": "text",
    "--xml-text": "text",
    "-S": "save",
    "--save-xml": "save",
    "--output-as": "output",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    try:
        wishes = wishes_from_words(sys.argv[1:] if argv is None else argv)
        if wishes.only == "help":
            sys.stdout.write(USAGE)
            return ExitStatus.OK
        if wishes.only == "version":
            from importlib.metadata import version

            sys.stdout.write(f"crm_verify {version('crmshell')}\n")
            return ExitStatus.OK
        cib = _read(wishes)
        from engine.scheduler.views.findings import findings

        found = findings(cib, time.time())
        if wishes.save:
            _save(wishes.save, cib)
    except EngineError as problem:
        sys.stderr.write(f"crm_verify: {problem}\n")
        return int(problem.status)
    return _tell(found, wishes)


def wishes_from_words(words: Sequence[str]) -> Wishes:
    """The options taken apart; raises `EngineError` (USAGE)."""
    wishes = Wishes()
    rest = _separated(words)
    while rest:
        word = rest.pop(0)
        if word in _FLAGS:
            _take_flag(wishes, _FLAGS[word])
        elif word in _VALUES:
            if not rest:
                raise _usage(f"{word} needs a value")
            _take_value(wishes, _VALUES[word], rest.pop(0))
        else:
            raise _usage(f"'{word}' is unknown, crm_verify --help lists the options")
    if not wishes.source and not wishes.only:
        raise _usage("say what to check: -L (the cluster), -x FILE, -X TEXT or -p (standard input)")
    return wishes


def _separated(words: Sequence[str]) -> list[str]:
    """`-LV` as `-L -V`, `-xFILE` as `-x FILE`, `--xml-file=F` as two words."""
    found: list[str] = []
    for word in words:
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            found += [name, value]
        elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
            if word[:2] in _VALUES:
                found += [word[:2], word[2:]]
            else:
                found += [f"-{letter}" for letter in word[1:]]
        else:
            found.append(word)
    return found


def _take_flag(wishes: Wishes, flag: str) -> None:
    if flag in {"live", "pipe"}:
        wishes.source = flag
    elif flag == "verbose":
        wishes.verbose += 1
    elif flag == "quiet":
        wishes.quiet = True
    else:
        wishes.only = flag


def _take_value(wishes: Wishes, name: str, value: str) -> None:
    if name in {"file", "text"}:
        wishes.source, wishes.operand = name, value
    elif name == "save":
        wishes.save = value
    elif value in {"text", "xml"}:
        wishes.output_as = value
    else:
        raise _usage(f"--output-as {value}: expected text or xml")


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _read(wishes: Wishes) -> Cib:
    if wishes.source == "text":
        return Cib.from_bytes(wishes.operand.encode("utf-8", "surrogateescape"), "the text")
    if wishes.source == "pipe":
        return Cib.from_bytes(sys.stdin.buffer.read(), "standard input")
    if wishes.source == "file":
        return _read_file(wishes.operand)
    variables = dict(os.environ)
    if variables.get("CIB_file"):
        return _read_file(variables["CIB_file"])
    from engine.ipc.live import live_cib

    return Cib.from_bytes(live_cib(variables), "the cluster's CIB")


def _read_file(path: str) -> Cib:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.NOINPUT) from None
    return Cib.from_bytes(data, path)


def _save(path: str, cib: Cib) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(cib.to_bytes())
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.CANTCREAT) from None


_WORDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.DEPRECATION: "warning",
    Severity.INFO: "info",
}


def _tell(found: Sequence[Report], wishes: Wishes) -> int:
    """Show the findings that were asked for, and the verdict."""
    worst = max((report.severity for report in found), default=Severity.INFO)
    status = ExitStatus.CONFIG if worst >= Severity.WARNING else ExitStatus.OK
    verdict = ""
    if worst >= Severity.ERROR:
        verdict = "Errors found during check: config not valid"
    elif worst >= Severity.WARNING:
        verdict = "Warnings found during check: config may not be valid"
    if wishes.quiet:
        return status
    if wishes.output_as == "xml":
        sys.stdout.write(_as_xml(found, status, verdict))
        return status
    least = Severity.WARNING if wishes.verbose == 1 else Severity.INFO
    for report in found if wishes.verbose else ():
        if report.severity >= least:
            sys.stderr.write(f"   {_WORDS[report.severity]}: {report.message}\n")
    if verdict:
        sys.stderr.write(f"crm_verify: {verdict}\n")
        if not wishes.verbose:
            sys.stderr.write("-V may provide more details\n")
    return status


def _as_xml(found: Sequence[Report], status: int, verdict: str) -> str:
    from lxml import etree

    root = etree.Element("pacemaker-result", {"api-version": "2.30", "request": "crm_verify"})
    result = etree.SubElement(root, "status", code=str(int(status)), message=verdict or "OK")
    errors = etree.SubElement(result, "errors")
    for report in found:
        if report.severity >= Severity.DEPRECATION:
            line = etree.SubElement(errors, "error")
            line.text = f"{_WORDS[report.severity]}: {report.message}"
    return etree.tostring(root, pretty_print=True, encoding="unicode")


if __name__ == "__main__":
    sys.exit(main())
