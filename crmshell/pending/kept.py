"""Pending changes that could not be handed over, kept in a file until the next start.

One file per source, private, in the user's state folder: the configuration that was edited and what
it was made from, so that the commit is the same three-way one as before.
"""

from __future__ import annotations

import os
from datetime import datetime

from lxml import etree

from crmshell.environment import Environment
from crmshell.errors import ShellError
from crmshell.pending.changes import PendingCib
from engine.base.digits import is_digits
from engine.base.errors import EngineError
from engine.base.safexml import parse_xml
from engine.cib.document import Cib

_ROOT = "pending"


def write_kept(environment: Environment, source: str, pending: PendingCib) -> str:
    """Write the file; its path, "" when there is no place to write to."""
    path = _path(environment, source)
    if not environment.make_folder(os.path.dirname(path)):
        return ""
    root = etree.Element(_ROOT, saved=f"{environment.clock():.0f}", source=source)
    for tag, cib in (("base", pending.base), ("edited", pending.cib)):
        etree.SubElement(root, tag).append(cib.copy().root)
    try:
        environment.write_file(path, etree.tostring(root, encoding="utf-8"), private=True)
    except ShellError:
        return ""
    return path


def when_kept(environment: Environment, source: str) -> str:
    """When changes of this source were kept, "" if there are none (or not readable ones)."""
    root = _read(environment, source)
    saved = root.get("saved", "") if root is not None else ""
    if not is_digits(saved):
        return ""
    return datetime.fromtimestamp(int(saved)).astimezone().strftime("%Y-%m-%d %H:%M")


def read_kept(environment: Environment, source: str) -> tuple[Cib, Cib] | None:
    """What was edited: the base and the edited CIB."""
    root = _read(environment, source)
    if root is None:
        return None
    base, edited = root.find("base/cib"), root.find("edited/cib")
    if base is None or edited is None:
        return None
    # Trees of their own: what is searched from the document's root must not find the other one.
    return Cib(base).copy(), Cib(edited).copy()


def drop_kept(environment: Environment, source: str) -> None:
    """Remove the file."""
    environment.remove_file(_path(environment, source))


def _read(environment: Environment, source: str) -> etree._Element | None:
    path = _path(environment, source)
    if not environment.exists(path):
        return None
    try:
        root = parse_xml(environment.read_file(path), path)
    except (ShellError, EngineError):
        return None
    return root if root.tag == _ROOT else None


def _path(environment: Environment, source: str) -> str:
    safe = "".join(sign if sign.isalnum() or sign in "@_-" else "_" for sign in source)
    where = environment.variables.get("CRMSHELL_ROOT", "").strip("/").replace("/", "_")
    return os.path.join(
        environment.state_folder, f"pending-{safe}{f'-{where}' if where else ''}.xml"
    )
