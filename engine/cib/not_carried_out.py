"""What a configuration may say and the running agents do not do yet: refused, never passed over.

One table. The DC refuses a commit that brings in such a thing; the shell says so before. Files and
the scheduler's commands are not concerned, and what is in a configuration already does not stand
in the way of other changes. A row goes when the agents do what it names. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from engine.base.reports import Report, error

_BUNDLES: Final = etree.XPath("configuration/resources/bundle")
_OPTIONS: Final = etree.XPath("configuration/crm_config/cluster_property_set/nvpair")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of something that is not carried out: its row and the object that uses it."""

    row: str
    subject: str


@dataclass(frozen=True, slots=True)
class Row:
    """`words`: a change that holds none of them cannot bring the thing in. `advice`: what to do."""

    name: str
    what: str
    advice: str
    words: tuple[bytes, ...]
    find: Callable[[etree._Element], Iterator[str]]


def _ids(path: etree.XPath) -> Callable[[etree._Element], Iterator[str]]:
    def find(root: etree._Element) -> Iterator[str]:
        found = path(root)
        assert isinstance(found, list)
        for element in found:
            if isinstance(element, etree._Element):
                yield element.get("id", "")

    return find


def _option(name: str, counts: Callable[[str], bool]) -> Callable[[etree._Element], Iterator[str]]:
    def find(root: etree._Element) -> Iterator[str]:
        found = _OPTIONS(root)
        assert isinstance(found, list)
        for pair in found:
            if not isinstance(pair, etree._Element) or pair.get("name") != name:
                continue
            if counts(pair.get("value", "")):
                yield name

    return find


def _either(
    *finders: Callable[[etree._Element], Iterator[str]],
) -> Callable[[etree._Element], Iterator[str]]:
    def find(root: etree._Element) -> Iterator[str]:
        for finder in finders:
            yield from finder(root)

    return find


def _is_some_time(value: str) -> bool:
    return value.strip("0smin ") != "" or "-" in value


ROWS: Final[tuple[Row, ...]] = (
    Row(
        "bundles",
        "bundles are not run by the agents",
        "run the container as a primitive (ocf:heartbeat:podman or docker)",
        (b"<bundle",),
        _ids(_BUNDLES),
    ),
    Row(
        "fencing by watchdog",
        "fencing-watchdog-timeout is not carried out by the agents",
        "give every node a fence device; 'watchdog' in its node file restarts one that lost the cluster",
        (b"watchdog-timeout", b"crm_config"),
        _either(
            _option("fencing-watchdog-timeout", _is_some_time),
            _option("stonith-watchdog-timeout", _is_some_time),
        ),
    ),
)


def rows_in(change: bytes) -> tuple[Row, ...]:
    """The rows that the text of a change can concern: quick, and never one too few."""
    return tuple(row for row in ROWS if any(word in change for word in row.words))


def uses_of(root: etree._Element, rows: tuple[Row, ...] = ROWS) -> frozenset[Use]:
    """Everything in a `<cib>` that is not carried out, of these rows."""
    return frozenset(Use(row.name, subject) for row in rows for subject in row.find(root))


def refusals(
    before: frozenset[Use], root: etree._Element, rows: tuple[Row, ...] = ROWS
) -> tuple[Report, ...]:
    """One finding for each use that is new in the `<cib>`, in the order of the table."""
    known = {row.name: row for row in ROWS}
    order = list(known)
    new = sorted(uses_of(root, rows) - before, key=lambda use: (order.index(use.row), use.subject))
    return tuple(_refusal(known[use.row], use.subject) for use in new)


def _refusal(row: Row, subject: str) -> Report:
    is_named = row.what.replace("=", " ").split()[0] == subject
    about = "" if is_named else f"{subject}: "
    return error("not-carried-out", f"{about}{row.what}; {row.advice}", subject=subject)
