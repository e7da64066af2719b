"""Answers that are carried from one run to the next."""

from __future__ import annotations

from engine.base.carried_over import Kept


def test_an_answer_of_the_last_run_is_found() -> None:
    kept: Kept[str, int] = Kept()
    kept.keep("a", 1)
    kept.begin()

    assert kept.find("a") == 1
    assert kept.find("b") is None


def test_an_answer_in_use_lives_on_and_another_is_forgotten() -> None:
    kept: Kept[str, int] = Kept()
    kept.keep("used", 1)
    kept.keep("unused", 2)
    for _ in range(2):
        kept.begin()
        assert kept.find("used") == 1

    assert kept.find("unused") is None
    assert len(kept) == 1
