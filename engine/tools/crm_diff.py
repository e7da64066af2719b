"""The command `crm_diff`: the difference of two configurations as a patch, and patches applied."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

OPTIONS = (
    option("-o --original", "the file with the XML to begin with", value="FILE"),
    option("-O --original-string", "the XML to begin with", value="XML"),
    option("-n --new", "compare with the XML in this file", value="FILE"),
    option("-N --new-string", "compare with this XML", value="XML"),
    option("-p --patch", "apply the patch in this file", value="FILE"),
    option("-c --cib", "the XML is a CIB: the order of attributes has no meaning, add a digest"),
    option("-s --stdin", "read the XML to begin with from standard input"),
    option("-u --no-version", "leave the versions out of the patch"),
)


def _main(call: Call) -> int:
    options = call.options
    as_cib, no_version = "cib" in options, "no-version" in options
    if as_cib and no_version:
        raise _usage("-u/--no-version incompatible with -c/--cib")
    if no_version and "patch" in options:
        call.out.error("Warning: -u/--no-version ignored with -p/--patch")
    old = _xml(call, "original")
    if "patch" in options:
        return _apply(call, old, _from_file(options.get("patch")))
    return _compare(call, old, _xml(call, "new"))


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


def _xml(call: Call, what: str) -> etree._Element:
    options = call.options
    if f"{what}-string" in options:
        return _parsed(options.get(f"{what}-string").encode("utf-8", "surrogateescape"), "string")
    if what == "original" and "stdin" in options:
        return _parsed(sys.stdin.buffer.read(), "standard input")
    if what in options:
        return _from_file(options.get(what))
    letters = "-o, -O or -s" if what == "original" else "-n, -N or -p"
    raise _usage(f"no {what} XML was given, expected {letters}")


def _from_file(path: str) -> etree._Element:
    if path == "-":
        return _parsed(sys.stdin.buffer.read(), "standard input")
    try:
        with open(path, "rb") as stream:
            return _parsed(stream.read(), path)
    except OSError as problem:
        text = f"Could not read {path}: {problem.strerror}"
        raise EngineError(text, status=ExitStatus.NOINPUT) from None


def _parsed(data: bytes, what: str) -> etree._Element:
    from engine.base.compressed import plain_bytes
    from engine.base.safexml import parse_xml

    return parse_xml(plain_bytes(data, what), what)


def _apply(call: Call, old: etree._Element, patch: etree._Element) -> int:
    from engine.cib.patchset import apply_patchset

    try:
        new = apply_patchset(old, patch)
    except EngineError as problem:
        text = f"Could not apply patch: {problem}"
        raise EngineError(text, status=problem.status) from None
    _show(call, "updated", new)
    return ExitStatus.OK


def _compare(call: Call, old: etree._Element, new: etree._Element) -> int:
    from engine.cib.patchset import Style, make_patchset

    as_cib = "cib" in call.options
    style = Style(
        with_version="no-version" not in call.options,
        ordered_attributes=not as_cib,
        with_digest=as_cib,
    )
    patch = make_patchset(old, new, style)
    if patch is None:
        return ExitStatus.OK
    _show(call, "patchset", patch)
    return ExitStatus.ERROR


def _show(call: Call, name: str, element: etree._Element) -> None:
    from lxml import etree

    text = etree.tostring(element, pretty_print=True, encoding="unicode")
    call.out.line(text.removesuffix("\n"))
    call.out.document(name, text)


PROGRAM = Program(
    "crm_diff",
    "Compare two configurations, which gives a patch, or apply such a patch.",
    OPTIONS,
    _main,
    usage="-o FILE (-n FILE | -p PATCH) [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status: 0 without a difference, 1 with one."""
    return run(PROGRAM, argv)
