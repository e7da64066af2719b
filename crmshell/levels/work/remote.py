"""Commands on other nodes over ssh: run one, read a file, write a file.

The user's own ssh configuration and agent are used; no password is asked for. A program other than
`ssh` may stand in (`CRM_SSH`, split like a command line), for tests and for containers.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from crmshell.environment import Finished
from crmshell.errors import ShellError
from crmshell.session import Session

SSH = (
    "ssh",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "StrictHostKeyChecking=accept-new",
)
TIMEOUT = 120.0


def run_on(
    session: Session,
    node: str,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float = TIMEOUT,
) -> Finished:
    """Run a command on a node; here when the node is this machine. Raises `ShellError`."""
    command = command_on(session, node, argv)
    return session.environment.run(command, stdin=stdin, timeout=timeout)


def command_on(session: Session, node: str, argv: Sequence[str]) -> list[str]:
    """What runs a command on a node; the command itself when the node is this machine.

    Raises `ShellError` for a word that is no name of a node.
    """
    check_node_name(node)
    if is_here(session, node):
        return list(argv)
    given = session.environment.variables.get("CRM_SSH", "")
    command = shlex.split(given) if given else list(SSH)
    return [*command, node, " ".join(shlex.quote(word) for word in argv)]


def must_run_on(
    session: Session,
    node: str,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float = TIMEOUT,
) -> str:
    """Run a command on a node; its output. Raises `ShellError` with the first line of its complaint."""
    done = run_on(session, node, argv, stdin=stdin, timeout=timeout)
    if done.status:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        reason = said.splitlines()[-1] if said else f"status {done.status}"
        raise ShellError(f"{node}: {argv[0]}: {reason}", code="remote")
    return done.stdout.decode("utf-8", "replace")


def read_from(session: Session, node: str, path: str) -> bytes:
    """The content of a file on a node."""
    done = run_on(session, node, ["cat", "--", path])
    if done.status:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ShellError(f"{node}: {path}: {said[-1] if said else 'cannot be read'}", code="remote")
    return done.stdout


def copy_to(session: Session, node: str, path: str, *, mode: str = "644") -> None:
    """Write a file of ours to the same place on a node, whole or not at all."""
    write_to(session, node, path, session.environment.read_file(path), mode=mode)


def write_to(session: Session, node: str, path: str, data: bytes, *, mode: str = "644") -> None:
    """Write a file on a node, whole or not at all; when this returns it is on the disk."""
    must_run_on(session, node, ["sh", "-c", _writing(path, mode, "true")], stdin=data)


def replace_on(session: Session, node: str, path: str, old: bytes, new: bytes) -> None:
    """As `write_to`, but only while the file is still `old`; raises `ShellError` otherwise."""
    from hashlib import sha256

    is_old = f'[ "$(sha256sum < {shlex.quote(path)})" = "{sha256(old).hexdigest()}  -" ]'
    must_run_on(session, node, ["sh", "-c", _writing(path, "644", is_old)], stdin=new)


def _writing(path: str, mode: str, condition: str) -> str:
    """A script that puts its input in the place of a file where a condition holds."""
    quoted = shlex.quote(path)
    return (
        f"umask 077; new={quoted}.$$.new; trap 'rm -f \"$new\"' EXIT; "
        f'mkdir -p $(dirname {quoted}) && cat > "$new" && chmod {mode} "$new" && sync "$new" && '
        f'if {condition}; then mv "$new" {quoted}; '
        f"else echo {quoted} was changed by somebody else meanwhile >&2; exit 1; fi"
    )


def is_here(session: Session, node: str) -> bool:
    host = session.environment.hostname
    return node in (host, host.partition(".")[0], "localhost")


def check_node_name(node: str) -> None:
    """A name that could be an option or more than a name never reaches ssh."""
    if not node or node.startswith("-") or not all(c.isalnum() or c in "._-:@" for c in node):
        raise ShellError(f"'{node}' is no name or address of a node", code="bad-node")
