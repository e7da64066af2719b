"""The command `cibadmin -Q`, as resource agents call it: the CIB, or the parts of it that an XPath finds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lxml import etree

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.crm_mon import read_cib

USAGE = """\
usage: cibadmin -Q [-o SECTION] [--xpath PATH]

  -Q, --query            show the CIB
  -o, --scope SECTION    only this section of it
  -A, --xpath PATH       only what PATH finds
  -l, --local            as this node has it
  -?, --help             this text
"""
_VALUES = {"-o": "scope", "--scope": "scope", "-A": "xpath", "--xpath": "xpath"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        values = _values(words)
        if "help" in values:
            sys.stdout.write(USAGE)
            return ExitStatus.OK
        root = read_cib().root
        found = [root]
        if "scope" in values:
            found = root.xpath("//*[name() = $name]", name=values["scope"])[:1]
        if "xpath" in values:
            found = root.xpath(values["xpath"])
    except EngineError as problem:
        sys.stderr.write(f"cibadmin: {problem}\n")
        return int(problem.status)
    except etree.XPathError as problem:
        sys.stderr.write(f"cibadmin: '{values['xpath']}' is no XPath: {problem}\n")
        return ExitStatus.USAGE
    if not found:
        sys.stderr.write("cibadmin: nothing was found\n")
        return ExitStatus.NOSUCH
    if len(found) > 1:
        holder = etree.Element("xpath-query")
        holder.extend(found)
        found = [holder]
    sys.stdout.write(
        etree.tostring(found[0], pretty_print=True, encoding="unicode", with_tail=False)
    )
    return ExitStatus.OK


def _values(words: Sequence[str]) -> dict[str, str]:
    rest, found = list(words), {}
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if word in {"-?", "--help"}:
            return {"help": ""}
        if word in {"-Q", "--query", "-l", "--local", "-Ql"}:
            found["query"] = ""
        elif name in _VALUES and (value or rest):
            found[_VALUES[name]] = value or rest.pop(0)
        else:
            text = f"'{word}' is unknown, --help lists the options"
            raise EngineError(text, status=ExitStatus.USAGE)
    if "query" not in found:
        raise EngineError("expected -Q", status=ExitStatus.USAGE)
    return found


if __name__ == "__main__":
    sys.exit(main())
