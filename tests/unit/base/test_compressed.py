"""Every reader of a CIB takes compressed ones, told by how they begin."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest

from engine.base.compressed import plain_bytes
from engine.base.errors import BadInput
from engine.cib.cut import CutCib
from engine.cib.document import Cib, empty_cib

PACKERS = [bz2.compress, gzip.compress, lzma.compress]


@pytest.mark.parametrize("pack", PACKERS)
def test_a_cib_may_be_compressed(pack: Callable[[bytes], bytes]) -> None:
    data = empty_cib().to_bytes()
    assert Cib.from_bytes(pack(data)).to_bytes() == data
    assert CutCib.from_bytes(pack(data)).root.tag == "cib"


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("damage", [lambda d: d[:-9], lambda d: d[:20] + b"\xff\xff\xff" + d[23:]])
def test_a_damaged_one_is_one_line(
    pack: Callable[[bytes], bytes], damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(BadInput, match=r"^x\.bz2: the compressed file is (damaged|cut off)"):
        plain_bytes(damage(pack(empty_cib().to_bytes() * 9)), "x.bz2")


def test_what_is_not_compressed_is_left_alone() -> None:
    assert plain_bytes(b"<cib/>", "x") == b"<cib/>"
    assert plain_bytes(b"", "x") == b""
