"""Is a configuration still sound after a change: answered at the price of what changed, not of the whole.

Each object below a section is judged by the grammar alone, because sections hold any number of objects
in any order. What goes across objects, ids that are given once and references that lead somewhere, is
counted. Whatever this cannot tell is left to the check of the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

import msgpack
from lxml import etree

from engine.cib.patch import COMMENT, FEW_OPERATIONS, Patch, children_named, touched_paths
from engine.cib.schema import compiled_grammar, definitions, references, unique_ids

# With more changed objects than this the check of the whole costs no more.
MOST_OBJECTS = 500
# More names than this are not remembered: each change is then checked as a whole.
MOST_NAMES = 100_000

# Section and object, each as tag and id.
Key = tuple[str, str, str]


@dataclass(slots=True)
class Tally:
    """What objects define and refer to, counted: the same name may stand in several of them."""

    unique: Counter[str] = field(default_factory=Counter)
    defined: Counter[str] = field(default_factory=Counter)
    referred: Counter[str] = field(default_factory=Counter)

    def replace(self, old: Tally, new: Tally) -> None:
        """Count `new` in the place of `old`."""
        _replace(self.unique, old.unique, new.unique)
        _replace(self.defined, old.defined, new.defined)
        _replace(self.referred, old.referred, new.referred)

    def to_bytes(self) -> bytes:
        """For another process; empty when it is so large that taking it in would hold up a loop."""
        parts = [self.unique, self.defined, self.referred]
        if sum(map(len, parts)) > MOST_NAMES:
            return b""
        packed: bytes = msgpack.packb([dict(part) for part in parts], use_bin_type=True)
        return packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        return cls(*map(Counter, msgpack.unpackb(data, raw=False)))


@dataclass(slots=True)
class Trial:
    """A change that is being judged: the objects that it touches, and their counts before and after.

    `whole` is set instead where all was checked and found sound: the counts of everything.
    """

    keys: tuple[Key, ...] = ()
    old: Tally = field(default_factory=Tally)
    new: Tally = field(default_factory=Tally)
    whole: Tally | None = None


class Soundness:
    """Remembers of a sound configuration what the next change has to agree with."""

    def __init__(self) -> None:
        self._tally: Tally | None = None

    def forget(self) -> None:
        """The configuration was changed in a way that was not judged here."""
        self._tally = None

    def trial(self, root: etree._Element, patch: Patch) -> Trial | None:
        """Before a change: None when only the check of the whole can tell what it does."""
        keys = _touched_objects(patch)
        if self._tally is None or keys is None:
            return None
        return Trial(keys, tally(_excerpt(root, keys)))

    def holds(self, root: etree._Element, trial: Trial) -> bool:
        """After the change: whether nothing is wrong; False also when that cannot be told."""
        whole, old = self._tally, trial.old
        excerpt = _excerpt(root, trial.keys)
        if whole is None or not compiled_grammar().validate(excerpt):
            return False
        new = trial.new = tally(excerpt)
        if any(whole.unique[n] - old.unique[n] + count > 1 for n, count in new.unique.items()):
            return False

        def is_defined(name: str) -> bool:
            return whole.defined[name] - old.defined[name] + new.defined[name] > 0

        def is_referred_to(name: str) -> bool:
            return whole.referred[name] - old.referred[name] + new.referred[name] > 0

        return all(is_defined(name) for name in new.referred) and not any(
            is_referred_to(name) and not is_defined(name) for name in old.defined
        )

    def learn(self, root: etree._Element) -> Trial | None:
        """All of this configuration was checked and nothing was found: what to remember of it."""
        if not compiled_grammar().validate(_excerpt(root, ())):
            return None
        return Trial(whole=tally(root))

    def settle(self, trial: Trial) -> None:
        """The change that was judged last was made."""
        if trial.whole is not None:
            self._tally = trial.whole
        elif self._tally is not None:
            self._tally.replace(trial.old, trial.new)


def _replace(mine: Counter[str], old: Counter[str], new: Counter[str]) -> None:
    mine.subtract(old)
    mine.update(new)
    for name in old:
        if not mine[name]:
            del mine[name]


def tally(root: etree._Element) -> Tally:
    """The counts of a configuration."""
    found, configuration = Tally(), _configuration(root)
    found.unique.update(unique_ids(configuration))
    found.defined.update(f"{kind} {name}" for kind, name in definitions(configuration))
    found.referred.update(f"{kind} {name}" for _, _, name, kind in references(configuration))
    return found


def _touched_objects(patch: Patch) -> tuple[Key, ...] | None:
    """The objects that a patch changes, None when it changes more than objects."""
    found: dict[Key, None] = {}
    for path in touched_paths(patch):
        if len(path) < 3:
            return None
        (_, _, first), (section, _, second), (tag, identity, third) = path[:3]
        if first or second or third or tag == COMMENT or not identity:
            return None
        found[section, tag, identity] = None
    return tuple(found) if len(found) <= MOST_OBJECTS else None


def _excerpt(root: etree._Element, keys: tuple[Key, ...]) -> etree._Element:
    """The CIB with all of its sections, but of the objects only these."""
    excerpt = etree.Element("cib", dict(root.attrib))
    configuration = etree.SubElement(excerpt, "configuration")
    wanted: dict[str, set[tuple[str, str]]] = {}
    for section, tag, identity in keys:
        wanted.setdefault(section, set()).add((tag, identity))
    for each in _configuration(root):
        if isinstance(each.tag, str):
            copy = etree.SubElement(configuration, each.tag, dict(each.attrib))
            copy.extend(_chosen(each, wanted.get(each.tag, set())))
    return excerpt


def _chosen(section: etree._Element, wanted: set[tuple[str, str]]) -> Iterator[etree._Element]:
    if len(wanted) <= FEW_OPERATIONS:
        for tag, identity in wanted:
            yield from map(deepcopy, children_named(section, tag, identity))
        return
    for child in section.iterchildren(*sorted({tag for tag, _ in wanted})):
        if (child.tag, child.get("id")) in wanted:
            yield deepcopy(child)


def _configuration(root: etree._Element) -> etree._Element:
    found = root.find("configuration")
    return etree.Element("configuration") if found is None else found
