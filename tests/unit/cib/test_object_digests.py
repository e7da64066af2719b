"""Kept digests are what digesting everything anew would give, after any sequence of changes."""

from __future__ import annotations

from copy import deepcopy
from hashlib import sha256
from random import Random

import pytest
from lxml import etree

from engine.cib.document import empty_cib
from engine.cib.object_digests import MANY, ObjectDigests
from engine.cib.patch import diff, patch_from_bytes, patch_to_bytes, plan_patch

SECTIONS = ("crm_config", "nodes", "resources", "constraints")


def digest(kept: ObjectDigests, root: etree._Element) -> bytes:
    whole = sha256()
    configuration = root.find("configuration")
    assert configuration is not None
    kept.update(whole, configuration)
    return whole.digest()


def edit(root: etree._Element, rng: Random, number: int) -> None:
    """Add, remove, move or change some objects of some sections, or a section."""
    for _ in range(rng.choice((1, 1, 2, 5, MANY + 10))):
        section = root.find(f"configuration/{rng.choice(SECTIONS)}")
        if section is None:
            continue
        number += 1000
        match rng.randint(0, 6):
            case 0 | 1 | 2:
                made = etree.Element("primitive", id=f"p{number}")
                etree.SubElement(made, "op", id=f"o{number}")
                section.insert(rng.randint(0, len(section)), made)
            case 3 if len(section):
                section.remove(section[rng.randrange(len(section))])
            case 4 if objects := list(section.iterchildren(etree.Element)):
                rng.choice(objects).set("class", str(number))
            case 5 if len(section) > 1:
                section.insert(0, section[-1])
            case 6:
                section.append(etree.Comment("the same"))
    if rng.random() < 0.1:
        tags = root.find("configuration/tags")
        configuration = root.find("configuration")
        assert configuration is not None
        if tags is None:
            etree.SubElement(etree.SubElement(configuration, "tags"), "tag", id=f"t{number}")
        else:
            configuration.remove(tags)


@pytest.mark.parametrize("seed", range(40))
def test_kept_digests_are_those_of_the_whole(seed: int) -> None:
    rng = Random(seed)
    root, kept = empty_cib().root, ObjectDigests()
    digest(kept, root)
    for number in range(12):
        wanted = deepcopy(root)
        edit(wanted, rng, number)
        patch = patch_from_bytes(patch_to_bytes(diff(root, wanted)))
        plan = plan_patch(root, patch)
        assert plan.conflicts == ()
        configuration = root.find("configuration")
        assert configuration is not None
        changed = kept.watch(configuration, plan, patch)
        plan.apply()
        changed({})
        assert digest(kept, root) == digest(ObjectDigests(), root)
