"""Lenient values, names and dates of configurations."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.base.isodate import Zone, add_period, calendar_of, epoch_from_text, text_of
from engine.base.values import (
    bool_from_text,
    bounded_int,
    duration_seconds,
    int_from_text,
    interval_milliseconds,
    name_key,
    score_or_none,
    seconds_from_milliseconds,
    unit_milliseconds,
    version_key,
)

BERLIN = Zone(3600, dt.date(2024, 5, 1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("ON", True),
        ("1", True),
        ("No", False),
        ("0", False),
        ("", None),
        ("2", None),
    ],
)
def test_a_boolean_is_one_of_ten_words(text: str, value: bool | None) -> None:
    assert bool_from_text(text) is value


@pytest.mark.parametrize(
    ("text", "value"), [("5abc", 5), (" -7", -7), ("abc", None), ("", None), ("9" * 30, 2**63 - 1)]
)
def test_an_integer_is_read_as_far_as_it_goes(text: str, value: int | None) -> None:
    assert int_from_text(text) == value


def test_a_bounded_integer_never_leaves_its_bounds() -> None:
    assert [bounded_int(text, 1) for text in ("x", "0", "7", None, "9999999999")] == [
        1,
        1,
        7,
        1,
        2**31 - 1,
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("INFINITY", 1_000_000),
        ("-INFINITY", -1_000_000),
        ("infinity", None),
        ("2000000", 1_000_000),
    ],
)
def test_infinity_is_written_in_capitals(text: str, value: int | None) -> None:
    assert score_or_none(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10_000),
        ("1.9s", 1000),
        ("500ms", 500),
        ("2 min", 120_000),
        ("1h", 3_600_000),
        ("PT1M30S", 90_000),
        ("P40S", 40_000),
        ("-5s", None),
        ("10 parsecs", None),
        (None, None),
    ],
)
def test_an_interval_has_a_unit_or_is_an_iso_duration(text: str | None, value: int | None) -> None:
    assert interval_milliseconds(text) == value


def test_a_timeout_is_no_iso_duration() -> None:
    assert unit_milliseconds("PT30S") is None


@pytest.mark.parametrize("text", ["P", "P5", "P1X", "1D", "PT1.5S"])
def test_a_bad_duration_is_refused(text: str) -> None:
    assert duration_seconds(text) is None


def test_versions_compare_by_numbers_and_missing_segments_are_zero() -> None:
    assert version_key("3.10") > version_key("3.9.9")
    assert version_key("3.0") == version_key("3") == version_key("3.0.0-rc1")


def test_timers_round_half_up_but_never_to_nothing() -> None:
    assert [seconds_from_milliseconds(ms) for ms in (0, 1, 1499, 1500)] == [0, 1, 1, 2]


def test_names_sort_by_their_numbers_and_without_case() -> None:
    names = ["n10", "N2", "n2a", "n02", "b", "a-1"]
    assert sorted(names, key=name_key) == ["a-1", "b", "N2", "n2a", "n02", "n10"]


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-02", 86400),
        ("1970-002", 86400),
        ("19700102", 86400),
        ("1970-W01-5", 86400),
        ("1970-01-02T00:00:00Z", 86400),
        ("1970-01-02 01:00", 86400),
        ("1970-01-02 02:00+02", 86400),
        ("1970-01-01T24:00:00Z", 86400),
        ("epoch", 0),
        ("1970-02-30", None),
        ("1970-01-02T25:00", None),
        ("soon", None),
    ],
)
def test_dates_come_in_many_forms(text: str, epoch: int | None) -> None:
    assert epoch_from_text(text, BERLIN) == epoch


def test_a_time_without_date_is_today() -> None:
    assert epoch_from_text("T12:00Z", BERLIN) == epoch_from_text("2024-05-01T12:00Z", BERLIN)


def test_a_month_later_is_never_a_day_that_does_not_exist() -> None:
    start = epoch_from_text("2024-01-31T00:00Z", Zone())
    assert start is not None
    assert text_of(add_period(start, Zone(), months=1)) == "2024-02-29 00:00:00Z"


def test_calendar_fields_are_local_and_weeks_follow_iso() -> None:
    fields = calendar_of(epoch_from_text("2023-12-31T23:30Z", Zone()) or 0, BERLIN)
    assert (fields.years, fields.monthdays, fields.hours) == (2024, 1, 0)
    assert (fields.weekyears, fields.weeks, fields.weekdays) == (2024, 1, 1)
