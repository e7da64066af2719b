"""Changes of the CIB by a program: in a file, or by the cluster's agent."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.cib import file_of, read_file

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.document import Cib
    from engine.ipc.client import Client

TRIES = 10
PATIENCE = 25.0
_PAUSE = 0.2
# For these no rights are looked up; engine.cib.access has the rule.
_EXEMPT = ("", "root", "hacluster")

Edit = Callable[["etree._Element"], "etree._Element"]
"""Changes a tree in place, or makes another; the result is the new CIB's root."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who changes, by which program, and by whose rights (`user`; "" for those of the process)."""

    environment: Mapping[str, str]
    client: str
    user: str = ""

    @property
    def acting_user(self) -> str:
        """Whose rights count: a named user's for a privileged caller, else the caller's own."""
        named = self.user or self.environment.get("CIB_user", "")
        if os.geteuid() == 0:
            return named
        import pwd

        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return str(os.geteuid())


def groups_of(user: str) -> list[str]:
    """The system's groups of a user."""
    import grp
    import pwd

    names = [group.gr_name for group in grp.getgrall() if user in group.gr_mem]
    with contextlib.suppress(KeyError):
        names.append(grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name)
    return names


def agent(environment: Mapping[str, str]) -> Client:
    """A connection to the agent of this machine."""
    from engine.ipc.client import Client
    from engine.ipc.messages import socket_path

    return Client(socket_path(environment.get("CRMSHELL_ROOT") or "/"))


def patiently(client: Client, kind: str, **fields: Any) -> dict[str, Any]:
    """A request that is made again while the cluster chooses its controller."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return dict(client.demand(kind, PATIENCE, **fields))
        except EngineError as problem:
            if problem.status is not ExitStatus.TEMPFAIL or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


def visible_cib(caller: Caller, cib: Cib) -> Cib:
    """What of a CIB from a file the caller may see; an agent's answer is filtered already."""
    user = caller.acting_user
    if user in _EXEMPT:
        return cib
    from engine.cib.access import seen_by
    from engine.cib.document import Cib as Document

    return Document(seen_by(cib.root, user, groups_of(user)))


def change(caller: Caller, edit: Edit, *, keeps_version: bool = False) -> Cib:
    """Carry out an edit; the result is the CIB after it. Raises `EngineError`, then nothing changed.

    A file is written at once; in a cluster the edit is made again when the CIB moved on meanwhile.
    `keeps_version`: the edit has set the version itself.
    """
    path = file_of(caller.environment)
    if path:
        return _change_file(caller, path, edit, keeps_version=keeps_version)
    return _change_live(caller, edit)


def changed(
    caller: Caller, cib: Cib, edit: Edit, *, keeps_version: bool = False, wall: float
) -> Cib | None:
    """The CIB that an edit makes of one in a file, None where nothing changed. Raises `EngineError`."""
    from engine.cib.document import Cib as Document
    from engine.cib.operations import is_same, settle_version

    new = edit(cib.copy().root)
    user = caller.acting_user
    if user not in _EXEMPT:
        from engine.cib.access import refuse_forbidden

        refuse_forbidden(cib.root, new, user, groups_of(user))
    if not keeps_version and not settle_version(cib.root, new):
        return None
    if not is_same(cib.root.find("configuration"), new.find("configuration")) or new.get(
        "validate-with"
    ) != cib.root.get("validate-with"):
        refuse_invalid(new)
        new.set("cib-last-written", time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(wall)))
    return Document(new)


def refuse_invalid(root: etree._Element) -> None:
    """Raise `EngineError` (CONFIG) with its findings for a CIB that does not conform to its schema."""
    from engine.base.reports import Severity
    from engine.cib.schema import validate

    found = tuple(each for each in validate(root) if each.severity is Severity.ERROR)
    if found:
        raise EngineError(
            "Update does not conform to the configured schema",
            status=ExitStatus.CONFIG,
            reports=found,
        )


def _change_file(caller: Caller, path: str, edit: Edit, *, keeps_version: bool) -> Cib:
    cib = read_file(path)
    new = changed(caller, cib, edit, keeps_version=keeps_version, wall=time.time())
    if new is None:
        return cib
    write_file(path, new)
    return new


def write_file(path: str, cib: Cib) -> None:
    """Write a CIB wholly or not at all; raises `EngineError` (CANTCREAT)."""
    import tempfile

    folder = os.path.dirname(path) or "."
    try:
        mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
        descriptor, part = tempfile.mkstemp(dir=folder, prefix=".cib-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(cib.to_bytes())
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(part, mode)
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as problem:
        raise EngineError(f"{path}: {problem.strerror}", status=ExitStatus.CANTCREAT) from None


def _change_live(caller: Caller, edit: Edit) -> Cib:
    from engine.cib.document import Cib as Document
    from engine.cib.patch import diff, patch_to_bytes

    with agent(caller.environment) as client:
        for number in range(TRIES):
            reply = patiently(client, "cib", scope="all", sync=True)
            base = Document.from_bytes(bytes(reply["cib"]), "the cluster's CIB")
            new = edit(base.copy().root)
            patch = diff(base.root, new)
            if not patch:
                return base
            fields: dict[str, Any] = {"patch": patch_to_bytes(patch)}
            try:
                client.demand(
                    "submit",
                    PATIENCE,
                    request_id=os.urandom(12).hex(),
                    base=list(base.version),
                    force=False,
                    user=caller.user or caller.environment.get("CIB_user", ""),
                    client=caller.client,
                    **fields,
                )
            except EngineError as problem:
                if problem.status is not ExitStatus.OLD or number == TRIES - 1:
                    raise
                time.sleep(_PAUSE * number)
                continue
            return Document(new)
    raise EngineError("the configuration changes too quickly", status=ExitStatus.TEMPFAIL)
