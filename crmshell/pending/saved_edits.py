"""Pending changes that could not be handed over, kept in files until the next start.

Private files in the user's state folder, each for one cluster or CIB file: the configuration that
was edited and what it was made from, so that the commit is the same three-way one as before.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from lxml import etree

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.pending.changes import PendingCib
from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.base.safexml import parse_xml
from engine.cib.document import Cib

_ROOT = "pending"
_MOST = 50


@dataclass(frozen=True, slots=True)
class Kept:
    """One file: when it was written (local time), the base of the edit, and the edited CIB."""

    path: str
    when: str
    base: Cib
    edited: Cib


def write_kept(environment: Environment, owner: str, pending: PendingCib, path: str = "") -> str:
    """Write the changes to `path`, or to a new file; its path, "" when they cannot be written.

    `owner` says what they belong to: the identity of the source.
    """
    path = path or _free_path(environment, owner)
    if not path or not environment.make_folder(os.path.dirname(path)):
        return ""
    root = etree.Element(_ROOT, saved=f"{environment.clock():.0f}", source=owner)
    for tag, cib in (("base", pending.base), ("edited", pending.cib)):
        etree.SubElement(root, tag).append(cib.copy().root)
    try:
        environment.write_file(path, etree.tostring(root, encoding="utf-8"), private=True)
    except ShellError:
        return ""
    return path


def read_kept(environment: Environment, owner: str) -> list[Kept]:
    """What was kept for this owner, the oldest first; files that cannot be read are left out."""
    found = (_read(environment, path, owner) for path in _paths(environment, owner))
    return [kept for kept in found if kept is not None]


def has_kept(environment: Environment, owner: str) -> bool:
    """Whether there may be something; looks at no file's content."""
    return any(environment.exists(path) for path in _paths(environment, owner))


def drop_kept(environment: Environment, path: str) -> None:
    """Remove a file."""
    environment.remove_file(path)


def _read(environment: Environment, path: str, owner: str) -> Kept | None:
    if not environment.exists(path):
        return None
    try:
        root = parse_xml(environment.read_file(path), path)
    except (ShellError, EngineError):
        return None
    saved = root.get("saved", "")
    base, edited = root.find("base/cib"), root.find("edited/cib")
    if root.tag != _ROOT or root.get("source", "") != owner or not is_digits(saved):
        return None
    if base is None or edited is None:
        return None
    when = datetime.fromtimestamp(int(saved)).astimezone().strftime("%Y-%m-%d %H:%M")
    # Trees of their own: what is searched from the document's root must not find the other one.
    return Kept(path, when, Cib(base).copy(), Cib(edited).copy())


def _free_path(environment: Environment, owner: str) -> str:
    """Nothing that was kept before is overwritten; "" when there is too much of it."""
    free = (path for path in _paths(environment, owner) if not environment.exists(path))
    return next(free, "")


def _paths(environment: Environment, owner: str) -> list[str]:
    """The files that an owner may have, in the order of their use."""
    where = environment.variables.get("CRMSHELL_ROOT", "").strip("/").replace("/", "_")
    if os.path.isabs(owner):
        name = "".join(sign if sign.isalnum() else "_" for sign in os.path.basename(owner))[:40]
        whole = os.fsencode(owner)
        stem = f"pending-{name}-{sha256(whole).hexdigest()[:12]}"
    else:
        stem = f"pending-{owner}{f'-{where}' if where else ''}"
    numbers = ["", *(f".{number}" for number in range(2, _MOST + 1))]
    return [os.path.join(environment.state_folder, f"{stem}{number}.xml") for number in numbers]
