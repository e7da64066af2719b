"""The command `cibsecret`: values of parameters that stand in files of the nodes, not in the configuration."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.lrm.command import PLACEHOLDER, SECRETS_FOLDER
from engine.tools.frame.change import Caller, change
from engine.tools.frame.cib import file_of, read_cib
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

OPTIONS = (
    option("-C --no-cib", "neither read nor change the configuration"),
)  # fmt: skip
SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
_ARGUMENTS = {
    "set": ("RESOURCE", "PARAMETER", "VALUE"),
    "get": ("RESOURCE", "PARAMETER"),
    "check": ("RESOURCE", "PARAMETER"),
    "stash": ("RESOURCE", "PARAMETER"),
    "unstash": ("RESOURCE", "PARAMETER"),
    "delete": ("RESOURCE", "PARAMETER"),
    "sync": (),
}


def _main(call: Call) -> int:
    words = call.options.words
    command = words[0] if words else ""
    if command not in _ARGUMENTS:
        raise _usage(f"expected a command: {', '.join(_ARGUMENTS)}")
    if len(words) - 1 != len(_ARGUMENTS[command]):
        raise _usage(f"expected '{command} {' '.join(_ARGUMENTS[command])}'".replace(" '", "'"))
    if "no-cib" in call.options and command in ("stash", "unstash"):
        raise _usage(f"-C cannot be used with {command}")
    for word in words[1:3]:
        if "/" in word or word in (".", "..") or not word or "\0" in word:
            raise _usage(f"'{word}' cannot be the name of a resource or parameter")
    return _DO[command](call, *words[1:])


def _usage(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.USAGE)


# -- files --------------------------------------------------------------------------------------------


def _folder(call: Call) -> str:
    return os.path.join(call.environment.get("CRMSHELL_ROOT") or "/", SECRETS_FOLDER)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().rstrip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise EngineError(f"{path}: {problem}", status=ExitStatus.NOPERM) from None


def _stored(call: Call, resource: str, parameter: str) -> str:
    value = _read(os.path.join(_folder(call), resource, parameter))
    if value is None:
        text = f"no secret is stored for {parameter} of {resource}"
        raise EngineError(text, status=ExitStatus.NOSUCH)
    return value


def _store(call: Call, resource: str, parameter: str, value: str) -> None:
    from engine.cib.digests import md5_of_text

    folder = os.path.join(_folder(call), resource)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for name, text in ((parameter, value), (f"{parameter}.sign", md5_of_text(value))):
            path = os.path.join(folder, name)
            part = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(part, "w", encoding="utf-8") as stream:
                stream.write(f"{text}\n")
            os.replace(f"{path}.new", path)
    except OSError as problem:
        text = f"{folder}: {problem.strerror}"
        raise EngineError(text, status=ExitStatus.CANTCREAT) from None


def _drop(call: Call, resource: str, parameter: str) -> None:
    for name in (parameter, f"{parameter}.sign"):
        path = os.path.join(_folder(call), resource, name)
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as problem:
            text = f"{path}: {problem.strerror}"
            raise EngineError(text, status=ExitStatus.CANTCREAT) from None


# -- the configuration --------------------------------------------------------------------------------


def _value_in_cib(call: Call, resource: str, parameter: str) -> str | None:
    from engine.cib.edits import find_resource, value_of

    owner = find_resource(read_cib(call.environment), resource)
    return value_of(owner, "instance_attributes", parameter)


def _set_in_cib(call: Call, resource: str, parameter: str, value: str | None) -> None:
    from engine.cib.document import Cib
    from engine.cib.edits import drop_value, find_resource, set_value

    if "no-cib" in call.options:
        return

    def edit(root: etree._Element) -> etree._Element:
        owner = find_resource(Cib(root), resource)
        if value is None:
            drop_value(owner, "instance_attributes", parameter)
        else:
            set_value(owner, "instance_attributes", parameter, value)
        return root

    change(Caller(call.environment, "cibsecret"), edit)


# -- the other nodes ----------------------------------------------------------------------------------


def _others(call: Call) -> list[str]:
    """The other nodes of a running cluster; none where a file stands for it."""
    from engine.cib.edits import node_names
    from engine.tools.frame.node import local_node

    if file_of(call.environment):
        return []
    here = local_node(call.environment)
    return [name for name in node_names(read_cib(call.environment)) if name != here]


def _on_others(call: Call, script: str, data: bytes = b"") -> int:
    """Run a script on every other node; each one that fails is named."""
    import subprocess

    status = ExitStatus.OK
    for node in _others(call):
        try:
            done = subprocess.run(
                [*SSH, "--", node, script], input=data, capture_output=True, timeout=60, check=False
            )
            why = done.stderr.decode("utf-8", "replace").strip() if done.returncode else ""
            failed = done.returncode != 0
        except (OSError, subprocess.TimeoutExpired) as problem:
            failed, why = True, str(problem)
        if failed:
            call.out.error(
                f"cibsecret: {node} was not reached by ssh, 'cibsecret sync' later: {why}"
            )
            status = ExitStatus.ERROR
    return status


def _copy(call: Call, resource: str, parameter: str) -> int:
    folder = os.path.join(_folder(call), resource)
    status: int = ExitStatus.OK
    for name in (parameter, f"{parameter}.sign"):
        text = _read(os.path.join(folder, name))
        if text is None:
            continue
        where, path = shlex.quote(folder), shlex.quote(os.path.join(folder, name))
        script = f"umask 077 && mkdir -p {where} && cat > {path}"
        status = max(status, _on_others(call, script, f"{text}\n".encode()))
    return status


def _drop_on_others(call: Call, resource: str, parameter: str) -> int:
    path = shlex.quote(os.path.join(_folder(call), resource, parameter))
    return _on_others(call, f"rm -f {path} {path}.sign")


# -- commands -----------------------------------------------------------------------------------------


def _set(call: Call, resource: str, parameter: str, value: str) -> int:
    if "no-cib" not in call.options:
        present = _value_in_cib(call, resource, parameter)
        if present not in (None, PLACEHOLDER, value):
            text = (
                f"the configuration has another value for {parameter} of {resource}; "
                "set that one with 'stash', or delete it first"
            )
            raise EngineError(text, status=ExitStatus.EXISTS)
    _store(call, resource, parameter, value)
    status = _copy(call, resource, parameter)
    _set_in_cib(call, resource, parameter, PLACEHOLDER)
    return status


def _get(call: Call, resource: str, parameter: str) -> int:
    call.out.line(_stored(call, resource, parameter))
    return ExitStatus.OK


def _check(call: Call, resource: str, parameter: str) -> int:
    from engine.cib.digests import md5_of_text

    value = _stored(call, resource, parameter)
    sign = _read(os.path.join(_folder(call), resource, f"{parameter}.sign"))
    if sign is None or sign.lower() != md5_of_text(value):
        text = f"the sum of {parameter} of {resource} is missing or another: set it again"
        raise EngineError(text, status=ExitStatus.DIGEST)
    return ExitStatus.OK


def _stash(call: Call, resource: str, parameter: str) -> int:
    present = _value_in_cib(call, resource, parameter)
    if present is None:
        text = f"{parameter} of {resource} is not set"
        raise EngineError(text, status=ExitStatus.NOSUCH)
    if present == PLACEHOLDER:
        text = f"{parameter} of {resource} is a secret already"
        raise EngineError(text, status=ExitStatus.EXISTS)
    return _set(call, resource, parameter, present)


def _unstash(call: Call, resource: str, parameter: str) -> int:
    if _value_in_cib(call, resource, parameter) != PLACEHOLDER:
        text = f"{parameter} of {resource} is not a secret"
        raise EngineError(text, status=ExitStatus.NOSUCH)
    _set_in_cib(call, resource, parameter, _stored(call, resource, parameter))
    _drop(call, resource, parameter)
    return _drop_on_others(call, resource, parameter)


def _delete(call: Call, resource: str, parameter: str) -> int:
    _set_in_cib(call, resource, parameter, None)
    _drop(call, resource, parameter)
    return _drop_on_others(call, resource, parameter)


def _sync(call: Call) -> int:
    status: int = ExitStatus.OK
    folder = _folder(call)
    for resource in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        for name in sorted(os.listdir(os.path.join(folder, resource))):
            if not name.endswith((".sign", ".new")):
                status = max(status, _copy(call, resource, name))
    return status


_DO: dict[str, Callable[..., int]] = {
    "set": _set,
    "get": _get,
    "check": _check,
    "stash": _stash,
    "unstash": _unstash,
    "delete": _delete,
    "sync": _sync,
}

PROGRAM = Program(
    "cibsecret",
    "Keep values of parameters in files of the nodes instead of the configuration.",
    OPTIONS,
    _main,
    usage="[-C] set RESOURCE PARAMETER VALUE | get|check|stash|unstash|delete RESOURCE PARAMETER | sync",
    formatted=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
