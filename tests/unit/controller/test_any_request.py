"""Whatever somebody asks of the DC: it answers in words, and is afterwards what it was."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.controller.events import SetTimer, TimerFired
from engine.controller.messages import Ask, Told
from tests.unit.controller.bench import Bench, FromNode

KINDS = st.sampled_from(
    ["attribute", "cleanup", "fence", "confirm-fenced", "shutdown", "wait", "x"]
)
TEXTS = st.sampled_from(
    ["n1", "n2", "n9", "a", "fail-count-a#start_0", "value++", "", "\x00", "off"]
)
VALUES = st.one_of(
    TEXTS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.binary(max_size=3),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=1),
)
NAMES = ["node", "name", "value", "delay", "resource", "operation", "interval", "action"]
FIELDS = st.dictionaries(
    st.sampled_from([*NAMES, "failures_only"]), VALUES
) | st.fixed_dictionaries({"node": st.just("n2"), "name": VALUES, "value": VALUES, "delay": VALUES})


@given(st.lists(st.tuples(KINDS, FIELDS), min_size=1, max_size=3))
def test_any_request_is_answered_and_upsets_nothing(
    asked: list[tuple[str, dict[str, Any]]],
) -> None:
    bench = Bench()
    bench.settle(1, 2, 3)
    bench.schedule()
    for number, (kind, fields) in enumerate(asked):
        effects = bench.do(FromNode(2, Ask(number, kind, fields)))
        delays = [effect.delay for effect in effects if isinstance(effect, SetTimer)]
        assert all(math.isfinite(delay) and delay >= 0 for delay in delays)
        told = [message for _, message in bench.told if isinstance(message, Told)]
        assert not any("internal error" in str(reply.fields.get("error")) for reply in told)
        if kind not in ("wait", "fence"):
            assert [reply.number for reply in told][-1] == number
    bench.now += 2**32
    bench.do(TimerFired("dampening"))
    assert len(bench.find("node_state")) == 3
