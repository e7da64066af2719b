"""Texts that are whole numbers and texts that only look like it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from engine.base.digits import clipped, is_digits, is_whole
from engine.base.values import duration_seconds, int_from_text, name_key, unit_milliseconds

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("text", ["0", "7", "007", "9" * 18])
def test_digits_are_digits_and_int_reads_them(text: str) -> None:
    assert is_digits(text) and is_whole(text) and is_whole("-" + text) and is_whole("+" + text)
    assert int(text) >= 0


@pytest.mark.parametrize("text", ["", "-", "²", "٣", "1²", "--5", "+-5", "1 ", "1_0", "9" * 5000])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert not is_digits(text) and not is_whole(text)


def test_long_numbers_are_cut_to_64_bits() -> None:
    assert clipped("9" * 5000) == int_from_text("9" * 5000) == 2**63 - 1
    assert clipped("-" + "9" * 5000) == int_from_text("-" + "9" * 5000) == -(2**63)
    assert clipped("-007") == -7
    assert unit_milliseconds("9" * 5000 + "s") == 2**63 - 1
    assert duration_seconds("P" + "9" * 5000 + "D") == (2**63 - 1) * 86400


def test_names_with_signs_that_call_themselves_digits_sort_as_letters() -> None:
    assert sorted(["n10", "n²", "n2"], key=name_key) == ["n2", "n10", "n²"]
    assert name_key("n" + "9" * 5000)


def test_nothing_else_asks_a_text_whether_it_is_digits() -> None:
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("engine", "crmshell")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "digits.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"isdigit", "isdecimal", "isnumeric"}
    ]
    assert not asked
