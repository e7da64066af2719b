"""Scores, times and the XML door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import BadInput
from engine.base.safexml import parse_xml
from engine.base.score import INFINITY, add_scores, score_from_text, score_to_text
from engine.base.timespec import milliseconds_from_text

SCORES = st.integers(-INFINITY, INFINITY)


@given(SCORES, SCORES)
def test_adding_scores_is_commutative_and_bounded(a: int, b: int) -> None:
    assert add_scores(a, b) == add_scores(b, a)
    assert -INFINITY <= add_scores(a, b) <= INFINITY


def test_minus_infinity_wins_over_infinity() -> None:
    assert add_scores(INFINITY, -INFINITY) == -INFINITY


@given(SCORES)
def test_a_score_survives_its_text(score: int) -> None:
    assert score_from_text(score_to_text(score)) == score


@pytest.mark.parametrize("text", ["", "many", "1.5", "0x10"])
def test_a_word_that_is_no_score_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a score"):
        score_from_text(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("1min", 60_000), ("2h", 7_200_000)]
    + [("PT1M", 60_000), ("P1DT1S", 86_401_000), ("1500000us", 1500)],
)
def test_every_form_of_a_time_is_read(text: str, milliseconds: int) -> None:
    assert milliseconds_from_text(text) == milliseconds


@pytest.mark.parametrize("text", ["", "soon", "10 parsecs", "P", "PT"])
def test_a_word_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a time"):
        milliseconds_from_text(text)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"<cib>", "not well-formed"),
        (b"<!DOCTYPE cib [<!ENTITY a 'b'>]><cib>&a;</cib>", "DOCTYPE"),
        (b"<cib " + b" ".join(b'a%d="1"' % n for n in range(2000)) + b"/>", "attributes"),
        (b"<cib a='" + b"x" * 300_000 + b"'/>", "one tag"),
        (b"<a>" * 80 + b"</a>" * 80, "nested"),
    ],
)
def test_hostile_xml_is_refused_with_one_line(data: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        parse_xml(data, "cib.xml")
    assert "\n" not in str(caught.value)
