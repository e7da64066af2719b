"""What the scheduler finds in the configuration and the shell's own checks do not: the findings of
`crm_verify`, so that `verify`, `commit` and that command agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace

from lxml import etree

from crmshell.pending.tree import Element, WorkingTree
from engine.base.reports import Report, Severity
from engine.cib.document import Cib
from engine.cib.options import CLUSTER_OPTIONS

_QUOTED = re.compile(r"['\"]([^'\"]*)['\"]")
# The shell says this itself, with what to type, as soon as there is a resource to start.
_OURS = frozenset(("no-fencing-resources",))
# The scheduler calls every option by its new name.
_NEW_NAMES = {one.old_name: name for name, one in CLUSTER_OPTIONS.items() if one.old_name}
_ELEMENT = re.compile(r"\A<[^>]*>: ")


def unsaid_by_the_shell(
    tree: WorkingTree, said: Sequence[Report], now: float, *, changed_only: bool
) -> list[Report]:
    """Warnings and errors of the scheduler that none of the findings `said` tells.

    `now` is epoch seconds. With `changed_only` what the base says as well is left out, and so is
    the state of the cluster: a commit is about the change.
    """
    found = _findings(_configuration_of(tree.cib) if changed_only else tree.cib, now)
    if not found:
        return []
    owners = _owners(tree)
    found = [replace(each, subject=owners.get(each.subject, ""), span=None) for each in found]
    found = [each for each in found if not _is_said(each, said)]
    if found and changed_only and tree.base is not tree.cib:
        before = {each.message for each in _findings(_configuration_of(tree.base), now)}
        found = [each for each in found if each.message not in before]
    return [_in_our_words(each) for each in found]


def _findings(cib: Cib, now: float) -> list[Report]:
    from engine.scheduler.views.findings import findings

    return [
        each
        for each in findings(cib, now)
        if each.severity >= Severity.WARNING and each.code not in _OURS
    ]


def _configuration_of(cib: Cib) -> Cib:
    """The configuration without the state of the cluster."""
    root = etree.Element("cib", dict(cib.root.attrib))
    root.append(deepcopy(cib.configuration))
    etree.SubElement(root, "status")
    return Cib(root)


def _owners(tree: WorkingTree) -> dict[str, str]:
    """For ids and the names of options: the object that they belong to."""
    found: dict[str, str] = {}
    for element in tree.everything():
        name = str(element.get("uname") or element.get("id"))
        for part in _parts(element):
            given = part.get("id")
            if given is not None:
                found.setdefault(given, name)
            if element.tag == "cluster_property_set" and part.tag == "nvpair":
                label = str(part.get("name"))
                found.setdefault(_NEW_NAMES.get(label, label), name)
    return found


def _parts(element: Element) -> Iterable[Element]:
    return element.iter("*")


def _words(message: str) -> frozenset[str]:
    return frozenset(_QUOTED.findall(message))


def _is_said(report: Report, said: Sequence[Report]) -> bool:
    """A finding of the same kind about the same object, or one that quotes the same wrong value; an
    error is not said by a warning."""
    words = _words(_ELEMENT.sub("", report.message))
    return any(
        each.message == report.message
        or (each.subject == report.subject and each.code == report.code)
        or (each.subject == report.subject and words & _words(each.message))
        for each in said
        if each.severity >= report.severity
    )


def _in_our_words(report: Report) -> Report:
    """Elements are no matter of the shell: the object is named instead."""
    message = _ELEMENT.sub(f"{report.subject}: " if report.subject else "", report.message)
    return replace(report, message=message)
