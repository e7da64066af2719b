"""Real agents under faults drawn by a seed, with clients and a judge; and the judge itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import needs_namespaces
from soak.checker import double_activity, faults
from soak.history import Change, Mark, Read
from soak.run import soak


def change(kind, item, began, ended, end="ok", version=(0, 0), count=0):
    return Change(kind, item, began, ended, end, version, count)


def read(began, ended, version, *items, count=0):
    return Read(began, ended, version, frozenset(items), count, "h1")


SOUND = [
    change("add", "a", 1, 2, version=(0, 5)),
    change("add", "b", 1, 3, version=(0, 6)),
    change("drop", "a", 4, 5, version=(0, 7)),
    change("add", "c", 4, 6, "unknown"),
    change("add", "d", 4, 6, "refused"),
    change("count", "count", 4, 6, version=(0, 8), count=1),
]


def test_a_sound_history_has_no_faults():
    reads = [
        read(2.5, 3.5, (0, 5), "a"),
        read(3.5, 4.5, (0, 7), "b", "c"),
        read(7, 8, (0, 8), "b", count=1),
    ]
    assert faults(SOUND, reads) == []


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (read(7, 8, (0, 8), count=1), "does not show b"),
        (read(7, 8, (0, 8), "a", "b", count=1), "shows a"),
        (read(7, 8, (0, 8), "b", "d", count=1), "shows d"),
        (read(7, 8, (0, 8), "b", "x", count=1), "which nobody added"),
        (read(7, 8, (0, 6), "a", "b"), "has version 0.6, but"),
        (read(7, 8, (0, 8), "b", count=2), "the count 2, of 1 acknowledged"),
    ],
)
def test_a_read_that_one_copy_could_not_give_is_named(seen, words):
    assert words in "\n".join(faults(SOUND, [seen]))


def test_an_unknown_change_is_not_there_before_it_began():
    [found] = faults(SOUND, [read(2.5, 3.5, (0, 6), "a", "b", "c")])
    assert "shows c" in found


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (change("add", "e", 1, 2, version=(0, 6)), "both have version 0.6"),
        (change("add", "e", 9, 10, version=(0, 4)), "has version 0.4, but"),
        (change("count", "count", 9, 10, version=(0, 9), count=1), "acknowledged twice"),
    ],
)
def test_a_commit_that_one_copy_could_not_make_is_named(other, words):
    assert words in "\n".join(faults([*SOUND, other], []))


def test_a_resource_that_starts_while_another_host_has_it_is_named():
    marks = [Mark(1, "starting", "h1", "db"), Mark(2, "starting", "h2", "db")]
    assert double_activity(marks) == ["db starts on h2 at 2.000, on h1 since 1.000"]


@pytest.mark.parametrize("gone", [Mark(1.5, "stopped", "h1", "db"), Mark(1.5, "off", "h1")])
def test_a_resource_that_was_stopped_or_lost_its_host_may_start_elsewhere(gone):
    marks = [Mark(1, "starting", "h1", "db"), gone, Mark(2, "starting", "h2", "db")]
    assert double_activity(marks) == []


@needs_namespaces
@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_and_nothing_runs_twice(tmp_path: Path) -> None:
    result = soak(str(tmp_path), "sample", 20.0)
    assert result.faults == ()
    assert result.changes["ok"] > 10
    assert result.starts >= 4
