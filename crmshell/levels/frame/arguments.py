"""Which arguments the commands of the levels take: a table of kinds, and what each kind offers.

A command that declares completers of its own needs no line here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from crmshell.grammar import expect as e
from crmshell.grammar.expect import STATEMENTS, Want
from crmshell.levels.frame.candidates import candidates, describe_resource, plain
from crmshell.levels.frame.registry import Candidate, Registry, follow_path
from crmshell.options import OPTIONS
from crmshell.session import Session
from crmshell.views.lookups import Lookups

# One entry for each argument place, the last one for all that follow; kinds are separated by blanks.
# A kind is a key of `_MAKERS` or `_WANTS`; a word after `=` stands for itself.
_ATTRIBUTE = ("node", "=set =delete =show", "node-attribute")
_NAMED = "=set =delete =show"
ARGUMENTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("*", "cd"): ("path",),
    ("root", "status"): (
        "=full =bynode =inactive =ops =timing =failcounts =verbose =quiet =xml =simple =tickets "
        "=noheaders =detail =brief =watch",
    ),
    ("root", "verify"): ("=scores",),
    ("root", "completion"): ("=bash =zsh =fish",),
    ("root", "report"): ("file",),
    ("configure", "show"): ("selection",),
    ("configure", "edit"): ("selection",),
    ("configure", "save"): ("selection file",),
    ("configure", "filter"): ("file", "selection"),
    ("configure", "delete"): ("id",),
    ("assist", "template"): ("primitive",),
    ("assist", "weak-bond"): ("resource",),
    ("configure", "rename"): ("id", "nothing"),
    ("configure", "validate-all"): ("primitive",),
    ("configure", "default-timeouts"): ("primitive",),
    ("configure", "rsctest"): ("primitive", "primitive node"),
    ("configure", "set"): ("set-path", "nothing"),
    ("configure", "modgroup"): (
        "group",
        "=add =remove",
        "joining",
        "=after =before",
        "member",
    ),
    ("configure", "commit"): ("=force =replace =--dry-run",),
    ("configure", "load"): ("=xml =replace =update =push", "file =replace =update =push", "file"),
    ("configure", "erase"): ("=nodes",),
    ("configure", "graph"): ("=dot", "file", "=svg =png =pdf =ps =dot"),
    ("configure", "get_property"): ("=-t property", "property"),
    ("configure", "simulate"): ("=nograph =scores =utilization =actions =v =vv",),
    ("configure", "ptest"): ("=nograph =scores =utilization =actions =v =vv",),
    ("configure", "upgrade"): ("=force",),
    ("ra", "list"): ("class", "provider"),
    ("ra", "info"): ("agent",),
    ("ra", "meta"): ("agent",),
    ("ra", "providers"): ("type", "class"),
    ("ra", "validate"): ("agent", "parameter"),
    ("resource", "status"): ("resource",),
    ("resource", "start"): ("stopped",),
    ("resource", "stop"): ("started",),
    ("resource", "restart"): ("started",),
    ("resource", "promote"): ("container",),
    ("resource", "demote"): ("container",),
    ("resource", "move"): ("top", "node =force", "=force"),
    ("resource", "ban"): ("top", "node =force", "=force"),
    ("resource", "clear"): ("resource", "node"),
    ("resource", "cleanup"): ("resource", "node", "=force"),
    ("resource", "refresh"): ("resource", "node", "=force"),
    ("resource", "manage"): ("resource",),
    ("resource", "unmanage"): ("resource",),
    ("resource", "maintenance"): ("resource", "=on =off"),
    ("resource", "failcount"): ("primitive", _NAMED, "node", "nothing"),
    ("resource", "param"): ("primitive", _NAMED, "parameter", "nothing"),
    ("resource", "meta"): ("resource", _NAMED, "meta", "nothing"),
    ("resource", "utilization"): ("primitive", _NAMED, "nothing"),
    ("resource", "locate"): ("resource",),
    ("resource", "operations"): ("primitive", "node"),
    ("resource", "constraints"): ("resource",),
    ("resource", "why"): ("resource", "node"),
    ("resource", "trace"): ("primitive", "action", "nothing"),
    ("resource", "untrace"): ("primitive", "action", "nothing"),
    ("node", "show"): ("node",),
    ("node", "standby"): ("node", "=reboot =forever"),
    ("node", "online"): ("node =--all", "node =reboot =forever"),
    ("node", "maintenance"): ("node",),
    ("node", "ready"): ("node",),
    ("node", "attribute"): _ATTRIBUTE,
    ("node", "status-attr"): _ATTRIBUTE,
    ("node", "utilization"): _ATTRIBUTE,
    ("node", "fence"): ("node",),
    ("node", "clearstate"): ("node",),
    ("node", "delete"): ("node",),
    ("node", "server"): ("node",),
    ("maintenance", "on"): ("resource",),
    ("maintenance", "off"): ("resource",),
    ("maintenance", "action"): ("primitive", "action", "=ssh"),
    ("cibstatus", "load"): ("file =live =shadow:",),
    ("cibstatus", "node"): ("node", "=online =offline =unclean"),
    ("cibstatus", "op"): ("=monitor =start =stop =promote =demote", "primitive", "nothing"),
    ("cibstatus", "quorum"): ("=yes =no",),
    ("cibstatus", "ticket"): ("ticket", "=grant =revoke =activate =standby"),
    ("cluster", "start"): ("node =--all",),
    ("cluster", "stop"): ("node =--all",),
    ("cluster", "restart"): ("node =--all",),
    ("cluster", "enable"): ("node =--all",),
    ("cluster", "disable"): ("node =--all",),
    ("cluster", "remove"): ("node",),
    ("cluster", "run"): ("nothing", "node"),
    ("cluster", "copy"): ("file", "node"),
    ("cluster", "diff"): ("file", "node"),
    ("history", "resource"): ("resource",),
    ("history", "node"): ("node",),
    ("history", "source"): ("file =live",),
    ("options", "set"): ("option", "option-value"),
    ("options", "show"): ("=all option",),
    ("options", "reset"): ("option",),
}


@dataclass(frozen=True, slots=True)
class Here:
    """Where an argument is being typed: `words` are the arguments before it."""

    session: Session
    registry: Registry
    lookups: Lookups
    levels: tuple[str, ...]
    words: tuple[str, ...]
    current: str

    @property
    def first(self) -> str:
        return self.words[0] if self.words else ""


def offer(kinds: str, here: Here) -> Iterator[Candidate]:
    """Candidates for the kinds of one place of the table."""
    for kind in kinds.split():
        if kind.startswith("="):
            yield Candidate(kind[1:])
        elif kind in _MAKERS:
            yield from _MAKERS[kind](here)
        else:
            want = _WANTS[kind]
            wanted = Want(want.kind, want.words, want.subject, want.name, here.words)
            yield from candidates(wanted, here.current, here.lookups)


def _by_state(here: Here, *, running: bool) -> Iterator[Candidate]:
    """Resources in that state; all of them where the status tells of none."""
    names = here.lookups.names()
    fits = [one for one in names.resources if names.is_active(one.id) == running]
    for one in fits or names.resources:
        if one.id not in here.words:
            yield Candidate(one.id, describe_resource(one, names))


def _members(here: Here) -> Iterator[Candidate]:
    for one in here.lookups.names().resources:
        if one.parent and one.parent == here.first:
            yield Candidate(one.id, one.agent)


def _joining(here: Here) -> Iterable[Candidate]:
    """Members to remove from a group, free primitives to add to it."""
    if here.words[1:2] == ("remove",):
        return _members(here)
    wanted = Want(e.RESOURCE, subject=e.FREE_PRIMITIVE)
    return candidates(wanted, here.current, here.lookups)


def _parameters(here: Here) -> Iterator[Candidate]:
    """Parameters of the resource or agent that is the first argument."""
    agent = here.lookups.names().agent_of(here.first)
    for one in candidates(Want(e.PARAM, subject=agent or here.first), "", here.lookups):
        yield Candidate(one.text.rstrip("=") if agent else one.text, one.remark)


def _meta(here: Here) -> Iterator[Candidate]:
    for one in candidates(Want(e.META, subject="clone"), "", here.lookups):
        yield Candidate(one.text.rstrip("="), one.remark)


def _property_names(here: Here) -> Iterator[Candidate]:
    for one in candidates(Want(e.PROPERTY, subject="property"), "", here.lookups):
        yield Candidate(one.text.rstrip("="), one.remark)


def _actions(here: Here) -> Iterable[Candidate]:
    agent = here.lookups.names().agent_of(here.first)
    return candidates(Want(e.OP_ACTION, subject=agent), "", here.lookups)


def _selection(here: Here) -> Iterator[Candidate]:
    """What `show`, `save` and `edit` take."""
    names = here.lookups.names()
    if not here.words:
        yield from plain(("changed", "xml"))
    heads = {"type:": sorted(STATEMENTS), "tag:": names.tags, "related:": tuple(names.objects())}
    for head, values in heads.items():
        if here.current.startswith(head):
            yield from plain(head + value for value in values)
        else:
            yield Candidate(head)
    known = names.by_id()
    for name in dict.fromkeys(names.objects()):
        if name not in here.words:
            one = known.get(name)
            yield Candidate(name, describe_resource(one, names) if one else "")


def _classes(here: Here) -> Iterable[Candidate]:
    del here
    return plain(("ocf", "systemd", "stonith", "lsb", "service"))


def _providers(here: Here) -> Iterable[Candidate]:
    return plain(here.lookups.catalog().providers() if here.first == "ocf" else ())


def _types(here: Here) -> Iterable[Candidate]:
    return plain(here.lookups.catalog().types("ocf"))


def _set_path(here: Here) -> Iterator[Candidate]:
    """`ID.NAME`, the first argument of `set`."""
    names = here.lookups.names()
    head, dot, _ = here.current.partition(".")
    if not dot:
        yield from (Candidate(f"{one.id}.", one.agent) for one in names.resources)
        return
    for one in candidates(Want(e.PARAM, subject=names.agent_of(head)), "", here.lookups):
        yield Candidate(f"{head}.{one.text.rstrip('=')}", one.remark)


def _paths(here: Here) -> Iterator[Candidate]:
    """Levels for `cd`."""
    head, slash, _ = here.current.rpartition("/")
    levels = follow_path(here.registry, here.levels, head or "/") if slash else list(here.levels)
    if levels and not slash:
        yield Candidate("..")
    for name in here.registry.sublevels(levels[-1] if levels else "root"):
        yield Candidate(f"{head}{slash}{name}", here.registry.level(name).help)


def _files(here: Here) -> Iterator[Candidate]:
    """Files, and folders with a slash; hidden ones only when a dot is typed."""
    folder, name = os.path.split(here.current)
    for entry, is_folder in here.session.environment.list_folder(folder or "."):
        if not entry.startswith(".") or name.startswith("."):
            yield Candidate(os.path.join(folder, entry) + ("/" if is_folder else ""))


def _option_values(here: Here) -> Iterator[Candidate]:
    from crmshell.help.meanings import meaning
    from crmshell.options import full_name

    option = OPTIONS.get(full_name(here.first))
    if option is not None:
        choices = ("yes", "no") if option.kind == "bool" else option.choices
        for value in choices:
            yield Candidate(value, meaning(option.name, value) or option.help)


_MAKERS: Mapping[str, Callable[[Here], Iterable[Candidate]]] = {
    "nothing": lambda here: (),
    "stopped": lambda here: _by_state(here, running=False),
    "started": lambda here: _by_state(here, running=True),
    "member": _members,
    "joining": _joining,
    "parameter": _parameters,
    "meta": _meta,
    "property": _property_names,
    "action": _actions,
    "selection": _selection,
    "class": _classes,
    "provider": _providers,
    "type": _types,
    "set-path": _set_path,
    "path": _paths,
    "file": _files,
    "option": lambda here: (Candidate(name, one.help) for name, one in OPTIONS.items()),
    "option-value": _option_values,
}
_WANTS: Mapping[str, Want] = {
    "id": Want(e.ID),
    "resource": Want(e.RESOURCE),
    "primitive": Want(e.RESOURCE, subject=e.PRIMITIVE),
    "group": Want(e.RESOURCE, subject=e.GROUP),
    "top": Want(e.RESOURCE, subject=e.TOP),
    "container": Want(e.RESOURCE, subject="container"),
    "node": Want(e.NODE),
    "node-attribute": Want(e.NODE_ATTRIBUTE, name="bare"),
    "ticket": Want(e.TICKET),
    "agent": Want(e.AGENT),
}
