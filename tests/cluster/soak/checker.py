"""Whether a history could be that of one copy that takes one change after the other. Pure.

The versions of the configuration give the order, so nothing has to be searched: a history is linearizable when
the order of versions agrees with the order of time, and every read shows exactly what its version holds.
A change with an unknown end may have been applied or not, at any time after it began, but only one of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from soak.history import Change, Mark, Read, Version


def faults(changes: Sequence[Change], reads: Sequence[Read]) -> list[str]:
    """Every breach that the history shows, in words; the last read is that of the quiet end."""
    return [
        *_doubled_versions(changes),
        *_against_time(changes, reads),
        *_wrong_reads(changes, reads),
        *_wrong_counts(changes, reads),
    ]


def _acknowledged(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.end == "ok"]


def _doubled_versions(changes: Iterable[Change]) -> Iterator[str]:
    """No two commits have one version."""
    seen: dict[Version, Change] = {}
    for change in _acknowledged(changes):
        other = seen.setdefault(change.version, change)
        if other is not change:
            yield f"{_named(change)} and {_named(other)} both have version {_dotted(change.version)}"


def _against_time(changes: Sequence[Change], reads: Sequence[Read]) -> Iterator[str]:
    """What began after something had ended has no older version; a change has a newer one."""
    events: list[tuple[float, int, Version, str, bool]] = []
    for change in _acknowledged(changes):
        events.append((change.began, 1, change.version, _named(change), True))
        events.append((change.ended, 0, change.version, _named(change), True))
    for read in reads:
        events.append((read.began, 1, read.version, f"a read at {read.host}", False))
        events.append((read.ended, 0, read.version, f"a read at {read.host}", False))
    newest: Version = (0, 0)
    whose = ""
    for at, is_begin, version, name, is_change in sorted(events):
        if not is_begin:
            if version > newest:
                newest, whose = version, name
        elif version < newest or (is_change and version == newest):
            yield (
                f"{name}, begun at {at:.3f}, has version {_dotted(version)}, but {whose} had ended with {_dotted(newest)}"
            )


def _wrong_reads(changes: Sequence[Change], reads: Sequence[Read]) -> Iterator[str]:
    """Each read shows every acknowledged change up to its version, and no other one."""
    by_item: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind != "count":
            by_item[change.item].append(change)
    for read in reads:
        for item in read.items - by_item.keys():
            yield f"a read at {read.host} shows {item}, which nobody added"
        for item, ofs in by_item.items():
            can_be = _states_at(ofs, read)
            if (item in read.items) not in can_be:
                shows = "shows" if item in read.items else "does not show"
                told = ", ".join(f"{c.kind} {c.end} {_dotted(c.version)}" for c in ofs)
                where = f"a read at {read.host}, version {_dotted(read.version)},"
                yield f"{where} {shows} {item} ({told})"


def _states_at(ofs: Sequence[Change], read: Read) -> set[bool]:
    """Whether an item can be there, or not, at the version of a read."""
    present = False
    acknowledged = [c for c in ofs if c.end == "ok" and c.version <= read.version]
    for change in sorted(acknowledged, key=lambda c: c.version):
        present = change.kind == "add"
    can_be = {present}
    for change in ofs:
        if change.end == "unknown" and change.began <= read.ended:
            can_be.add(change.kind == "add")
    return can_be


def _wrong_counts(changes: Sequence[Change], reads: Sequence[Read]) -> Iterator[str]:
    """Strict count-ups never lose one another: each acknowledged value was written once."""
    counts = [change for change in changes if change.kind == "count"]
    seen: dict[int, Change] = {}
    for change in _acknowledged(counts):
        other = seen.setdefault(change.count, change)
        if other is not change:
            yield f"the count {change.count} was acknowledged twice"
    unknown = sum(1 for change in counts if change.end == "unknown")
    for read in reads:
        least = sum(1 for c in _acknowledged(counts) if c.version <= read.version)
        if not least <= read.count <= least + unknown:
            yield f"a read at {read.host} shows the count {read.count}, of {least} acknowledged and {unknown} unknown ones"


def double_activity(marks: Iterable[Mark]) -> list[str]:
    """Where a resource was starting on a host while another one could still run it; marks in their order."""
    found: list[str] = []
    holders: dict[str, dict[str, float]] = defaultdict(dict)
    for mark in marks:
        if mark.what == "off":
            for hosts in holders.values():
                hosts.pop(mark.host, None)
            continue
        hosts = holders[mark.resource]
        if mark.what == "stopped":
            hosts.pop(mark.host, None)
            continue
        for other, since in hosts.items():
            if other != mark.host:
                found.append(
                    f"{mark.resource} starts on {mark.host} at {mark.at:.3f}, on {other} since {since:.3f}"
                )
        hosts[mark.host] = mark.at
    return found


def _named(change: Change) -> str:
    return f"{change.kind} {change.item}"


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
