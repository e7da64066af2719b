"""The command `crm_shadow`: copies of the configuration to try changes on, before they are made."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.cib import read_cib, read_file, shadow_path
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.document import Cib

OPTIONS = (
    option("-w --which", "show the name of the active shadow"),
    option("-p --display", "show the active shadow"),
    option("-d --diff", "show what the active shadow changes; 1 if it does"),
    option("-F --file", "show the file of the active shadow"),
    option("-E --edit", "edit the active shadow with $EDITOR"),
    option("-c --create", "make a shadow from the cluster's configuration", value="NAME"),
    option("-e --create-empty", "make a shadow with an empty configuration", value="NAME"),
    option("-r --reset", "make a shadow again from the cluster's configuration", value="NAME"),
    option("-C --commit", "give the shadow's configuration to the cluster", value="NAME"),
    option("-D --delete", "delete a shadow", value="NAME"),
    option("-s --switch", "make another shadow the active one", value="NAME"),
    option("-f --force", "overwrite and delete"),
    option("-b --batch", "do not start a shell, show what to enter instead"),
    option("-a --all", "with --commit into a file: the status too"),
    option("-v --validate-with", "with --create-empty: the schema", value="SCHEMA"),
)
_COMMANDS = (
    *("which", "display", "diff", "file", "edit", "create", "create-empty", "reset", "commit"),
    *("delete", "switch"),
)


def _main(call: Call) -> int:
    command = call.options.last_of(_COMMANDS)
    if not command:
        text = "A query or command is required, --help lists them"
        raise EngineError(text, status=ExitStatus.USAGE)
    return _DO[command](call)


# -- queries ------------------------------------------------------------------------------------------


def _active(call: Call) -> str:
    name = call.environment.get("CIB_shadow", "")
    if not name:
        text = "No active shadow configuration defined"
        raise EngineError(text, status=ExitStatus.NOSUCH)
    return name


def _which(call: Call) -> int:
    name = _active(call)
    call.out.line(name)
    call.out.element("shadow", {"instance": name})
    return ExitStatus.OK


def _file(call: Call) -> int:
    name = _active(call)
    path = shadow_path(call.environment, name)
    call.out.line(path)
    call.out.element("shadow", {"instance": name, "file": path})
    return ExitStatus.OK


def _display(call: Call) -> int:
    name = _active(call)
    text = _shadow(call, name).to_bytes().decode()
    call.out.line(text.removesuffix("\n"))
    holder = call.out.element("shadow", {"instance": name})
    call.out.document("content", text, parent=holder)
    return ExitStatus.OK


def _diff(call: Call) -> int:
    from lxml import etree

    from engine.cib.patchset import Style, make_patchset, patchset_lines

    name = _active(call)
    shadow = _shadow(call, name)
    patch = make_patchset(_real(call).root, shadow.root, Style(ordered_attributes=True))
    holder = call.out.element("shadow", {"instance": name})
    if patch is None:
        return ExitStatus.OK
    for line in patchset_lines(patch):
        call.out.line(line)
    text = etree.tostring(patch, pretty_print=True, encoding="unicode")
    call.out.document("xml-patchset", text, parent=holder)
    return ExitStatus.ERROR


def _edit(call: Call) -> int:
    import shlex
    import subprocess

    name = _active(call)
    _shadow(call, name)
    editor = call.environment.get("EDITOR", "")
    if not editor:
        raise EngineError("No value for EDITOR defined", status=ExitStatus.NOT_CONFIGURED)
    argv = [*shlex.split(editor), shadow_path(call.environment, name)]
    try:
        done = subprocess.run(argv, check=False)
    except OSError as problem:
        text = f"Could not invoke EDITOR ({editor}): {problem.strerror}"
        raise EngineError(text, status=ExitStatus.OSFILE) from None
    return ExitStatus.OK if done.returncode == 0 else ExitStatus.ERROR


# -- the two CIBs -------------------------------------------------------------------------------------


def _shadow(call: Call, name: str) -> Cib:
    path = shadow_path(call.environment, name)
    _refuse_missing(path, name)
    return read_file(path)


def _refuse_missing(path: str, name: str) -> None:
    try:
        os.stat(path)
    except OSError as problem:
        text = f"Could not access shadow instance '{name}': {problem.strerror}"
        raise EngineError(text, status=ExitStatus.NOSUCH) from None


def _without_shadow(call: Call) -> dict[str, str]:
    return {name: value for name, value in call.environment.items() if name != "CIB_shadow"}


def _real(call: Call) -> Cib:
    """The CIB that the shadows are of."""
    try:
        return read_cib(_without_shadow(call))
    except EngineError as problem:
        is_missing = problem.status is ExitStatus.NOSUCH
        why = "No such device or address" if is_missing else str(problem)
        text = f"Could not connect to CIB: {why}"
        raise EngineError(text, status=problem.status) from None


# -- commands -----------------------------------------------------------------------------------------


def _create(call: Call) -> int:
    name = call.options.get("create")
    _refuse_existing(call, name)
    return _made(call, name, _real(call))


def _reset(call: Call) -> int:
    name = call.options.get("reset")
    _demand_force(
        call, name, "The reset command overwrites the active shadow configuration.", "configuration"
    )
    if "force" not in call.options:
        _refuse_missing(shadow_path(call.environment, name), name)
    return _made(call, name, _real(call))


def _create_empty(call: Call) -> int:
    from engine.cib.document import empty_cib
    from engine.cib.schema import SCHEMAS

    name, schema = call.options.get("create-empty"), call.options.get("validate-with")
    cib = empty_cib()
    if schema:
        if schema not in (*SCHEMAS, "none"):
            text = f"unknown schema '{schema}', the newest known is {SCHEMAS[-1]}"
            raise EngineError(text, status=ExitStatus.USAGE)
        cib.root.set("validate-with", schema)
    _refuse_existing(call, name)
    call.out.line(f"Created new {cib.root.get('validate-with')} configuration")
    return _made(call, name, cib)


def _made(call: Call, name: str, cib: Cib) -> int:
    from engine.tools.frame.change import write_file

    path = shadow_path(call.environment, name)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
    write_file(path, cib)
    return _use(call, name, "A new shadow instance was created. To begin using it")


def _switch(call: Call) -> int:
    name = call.options.get("switch")
    _refuse_missing(shadow_path(call.environment, name), name)
    return _use(call, name, "To switch to the named shadow instance")


def _use(call: Call, name: str, text: str) -> int:
    """Start a shell in which the shadow is active, or say how it becomes that."""
    if "batch" not in call.options and sys.stdin.isatty():
        shell = call.environment.get("SHELL", "/bin/sh")
        call.out.finish(ExitStatus.OK, sys.stdout)
        variables = {**call.environment, "CIB_shadow": name, "PS1": f"shadow[{name}] # "}
        try:
            os.execve(shell, [shell], variables)
        except OSError as problem:
            why = f"Could not start {shell}: {problem.strerror}"
            raise EngineError(why, status=ExitStatus.OSFILE) from None
    _instruct(call, f"{text}, enter the following into your shell:\n\texport CIB_shadow={name}")
    return ExitStatus.OK


def _instruct(call: Call, text: str) -> None:
    call.out.line(text)
    call.out.element("instruction", text=text)


def _commit(call: Call) -> int:
    from engine.cib.operations import replace, section_of
    from engine.tools.frame.change import Caller, change
    from engine.tools.frame.cib import file_of

    name = call.options.get("commit")
    _demand_force(
        call, name, "The commit command overwrites the active cluster configuration.", "cluster"
    )
    shadow = _shadow(call, name).root
    _real(call)
    environment = _without_shadow(call)
    whole = "all" in call.options
    if whole and not file_of(environment):
        text = "--all is for files: the status of a running cluster is not replaced"
        raise EngineError(text, status=ExitStatus.USAGE)

    def edit(root: etree._Element) -> etree._Element:
        if whole:
            return replace(root, "", shadow)
        new = section_of(shadow, "configuration")
        if new is None:
            text = f"shadow instance '{name}' has no configuration"
            raise EngineError(text, status=ExitStatus.DATAERR)
        return replace(root, "configuration", new)

    try:
        change(Caller(environment, "crm_shadow"), edit)
    except EngineError as problem:
        text = f"Could not commit shadow instance '{name}' to the CIB: {problem}"
        raise EngineError(text, status=problem.status, reports=problem.reports) from None
    return ExitStatus.OK


def _delete(call: Call) -> int:
    name = call.options.get("delete")
    _demand_force(call, name, "The delete command removes the specified shadow file.", "file")
    path = shadow_path(call.environment, name)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as problem:
        text = f"Could not remove shadow instance '{name}': {problem.strerror}"
        raise EngineError(text, status=ExitStatus.CANTCREAT) from None
    if name == call.environment.get("CIB_shadow", ""):
        _unset(call)
    return ExitStatus.OK


def _unset(call: Call) -> None:
    text = "Remember to unset the CIB_shadow variable by entering the following into your shell:"
    _instruct(call, f"{text}\n\tunset CIB_shadow")


_WHAT_IS_LOST = {
    "cluster": "the cluster",
    "configuration": "the shadow file",
    "file": "the shadow file",
}


def _demand_force(call: Call, name: str, what: str, lost: str) -> None:
    if "force" in call.options:
        return
    active = call.environment.get("CIB_shadow", "")
    lines = [what]
    if active and name != active:
        lines.append(
            f"Additionally, the supplied shadow instance ({name}) is not the same as the active "
            f"one ({active})."
        )
    lines.append(
        f"To prevent accidental destruction of {_WHAT_IS_LOST[lost]}, the --force flag is required "
        "in order to proceed."
    )
    raise EngineError("\n".join(lines), status=ExitStatus.USAGE)


def _refuse_existing(call: Call, name: str) -> None:
    if "force" in call.options or not os.path.exists(shadow_path(call.environment, name)):
        return
    text = (
        f"A shadow instance '{name}' already exists.\nTo prevent accidental destruction of the "
        "shadow file, the --force flag is required in order to proceed."
    )
    raise EngineError(text, status=ExitStatus.CANTCREAT)


_DO = {
    "which": _which,
    "display": _display,
    "diff": _diff,
    "file": _file,
    "edit": _edit,
    "create": _create,
    "create-empty": _create_empty,
    "reset": _reset,
    "commit": _commit,
    "delete": _delete,
    "switch": _switch,
}

PROGRAM = Program(
    "crm_shadow",
    "Copies of the configuration for trying changes; every program uses the one in CIB_shadow.",
    OPTIONS,
    _main,
    usage="COMMAND [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
