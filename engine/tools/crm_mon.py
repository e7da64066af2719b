"""The command `crm_mon`, as resource agents call it: the status of the cluster once, as text or XML.

The CIB comes from the file in `CIB_file`, which may be a pipe, or from the cluster on this machine.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib

API_VERSION = "2.38"
USAGE = """\
usage: crm_mon -1 [--output-as text|xml]

  -1, --one-shot         the status as it is now
  -X, --as-xml           the same as --output-as xml
      --output-as FORM   text or xml
  -r, --inactive         also what does not run
  -?, --help             this text
"""
_FLAGS = {"-1": "", "--one-shot": "", "-r": "", "--inactive": "", "-X": "xml", "--as-xml": "xml"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        form = _form(words)
        if form == "help":
            sys.stdout.write(USAGE)
            return ExitStatus.OK
        cib = read_cib()
        sys.stdout.write(_xml(cib, words) if form == "xml" else _text(cib))
    except EngineError as problem:
        sys.stderr.write(f"crm_mon: {problem}\n")
        return int(problem.status)
    return ExitStatus.OK


def read_cib() -> Cib:
    """The CIB in the file of `CIB_file`, else that of the cluster on this machine (102 without one)."""
    path = dict(os.environ).get("CIB_file")
    if not path:
        from engine.ipc.live import live_cib

        return Cib.from_bytes(live_cib(dict(os.environ)), "the cluster's CIB")
    try:
        with open(path, "rb") as stream:
            return Cib.from_bytes(stream.read(), path)
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.NOINPUT) from None


def _form(words: Sequence[str]) -> str:
    form, rest = "text", list(words)
    while rest:
        word = rest.pop(0)
        if word in {"-?", "--help"}:
            return "help"
        if word.startswith("--output-as"):
            form = word.partition("=")[2] or (rest.pop(0) if rest else "")
        elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
            rest[:0] = [f"-{letter}" for letter in word[1:]]
        elif word in _FLAGS:
            form = _FLAGS[word] or form
        else:
            text = f"'{word}' is unknown, --help lists the options"
            raise EngineError(text, status=ExitStatus.USAGE)
    if form not in {"text", "xml"}:
        raise EngineError(f"'{form}' is no format (text or xml)", status=ExitStatus.USAGE)
    return form


def _xml(cib: Cib, words: Sequence[str]) -> str:
    from engine.scheduler.reading.unpack import unpack_cib
    from engine.scheduler.views.status_parts import StatusParts
    from engine.scheduler.views.status_xml import element, fill_status

    root = etree.Element("pacemaker-result")
    root.set("api-version", API_VERSION)
    root.set("request", " ".join(["crm_mon", *words]))
    fill_status(root, unpack_cib(cib, time.time()), StatusParts(), pending=True)
    element(root, "status", {"code": "0", "message": "OK"})
    return '<?xml version="1.0"?>\n' + etree.tostring(root, pretty_print=True).decode()


def _text(cib: Cib) -> str:
    from engine.scheduler.reading.unpack import unpack_cib
    from engine.scheduler.views.status_text import status_lines

    lines = status_lines(unpack_cib(cib, time.time()), pending=True)
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
