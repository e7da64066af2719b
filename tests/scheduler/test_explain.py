"""Why, asked about generated clusters: every answer is tried, and must come true."""

from __future__ import annotations

import pytest

from engine.cib.document import Cib
from tests.scheduler.explain import NOW, check
from tests.scheduler.random_clusters import random_cib


@pytest.mark.parametrize("seed", range(25))
def test_every_answer_comes_true(seed: int) -> None:
    cib = Cib.from_bytes(random_cib(seed).encode())
    found = list(check(cib, NOW, 2, seconds=60.0))
    assert found
    assert [question for word, question in found if word == "WRONG"] == []
