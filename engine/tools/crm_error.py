"""The command `crm_error`: names and texts of result codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.base.result_codes import (
    EXIT,
    LEGACY,
    LIBRARY,
    Code,
    exit_code,
    legacy_code,
    library_code,
    system_codes,
)
from engine.tools.frame.options import option
from engine.tools.frame.output import Output
from engine.tools.frame.program import Call, Program, run

OPTIONS = (
    option("-n --name", "show the names of the codes too"),
    option("-l --list", "show all known codes"),
    option("-X --exit", "codes are exit statuses of programs"),
    option("-r --rc", "codes are return codes of the libraries"),
)


def _main(call: Call) -> int:
    options, out = call.options, call.out
    family = options.last_of(("exit", "rc"))
    named = "name" in options
    if "list" in options:
        for number, code in sorted(_all(family).items()):
            _show_listed(out, number, code, named=named)
        return ExitStatus.OK
    find = {"exit": exit_code, "rc": library_code}.get(family, legacy_code)
    for word in options.words:
        number = _number(word)
        _show(out, number, find(number), named=named)
    return ExitStatus.OK


def _all(family: str) -> Mapping[int, Code]:
    if family == "exit":
        return EXIT
    if family == "rc":
        return {**LIBRARY, **system_codes()}
    return {0: ("pcmk_ok", "OK"), **system_codes(), **LEGACY}


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        text = f"'{word}' is not a result code, expected a whole number"
        raise EngineError(text, status=ExitStatus.USAGE) from None


def _values(number: int, code: Code, *, named: bool) -> dict[str, str]:
    name = {"name": code[0]} if named else {}
    return {"code": str(number), **name, "description": code[1]}


def _show(out: Output, number: int, code: Code, *, named: bool) -> None:
    out.line(f"{code[0]} - {code[1]}" if named else code[1])
    out.element("result-code", _values(number, code, named=named))


def _show_listed(out: Output, number: int, code: Code, *, named: bool) -> None:
    name = f"{code[0]:26}  " if named else ""
    out.line(f"{number:5}: {name}{code[1]}")
    out.element("result-code", _values(number, code, named=named))


PROGRAM = Program(
    "crm_error",
    "Show names and texts of result codes.",
    OPTIONS,
    _main,
    usage="[OPTIONS] [CODE...]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
