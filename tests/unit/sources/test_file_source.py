"""A CIB file as a source: versions, edits of two users, damage."""

from __future__ import annotations

import fcntl
import io
import os
from pathlib import Path

import pytest

from crmshell.environment import Environment
from crmshell.errors import CommitConflict, ShellError
from crmshell.sources import file
from crmshell.sources.file import FileSource
from engine.cib.document import CibVersion, empty_cib
from engine.cib.edits import node_names, set_node_attribute, set_property, set_transient_attribute


@pytest.fixture
def source(tmp_path: Path) -> FileSource:
    cib = empty_cib()
    node = cib.section("nodes").makeelement("node", {"id": "1", "uname": "n1"})
    cib.section("nodes").append(node)
    (tmp_path / "cib.xml").write_bytes(cib.to_bytes())
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), {"USER": "u"})
    return FileSource(environment, str(tmp_path / "cib.xml"))


def test_a_change_of_the_configuration_counts_the_epoch(source: FileSource) -> None:
    base = source.read()
    new = base.copy()
    set_property(new, "maintenance-mode", "true")
    assert source.commit(base, new).version == CibVersion(0, 1, 0)


def test_a_change_of_the_status_counts_the_updates(source: FileSource) -> None:
    base = source.read()
    new = base.copy()
    set_transient_attribute(new, "n1", "a", "1")
    assert source.commit(base, new).version == CibVersion(0, 0, 1)


def test_edits_of_two_users_at_different_places_are_both_kept(source: FileSource) -> None:
    base = source.read()
    mine, yours = base.copy(), base.copy()
    set_property(mine, "maintenance-mode", "true")
    set_node_attribute(yours, "n1", "rack", "7")
    source.commit(base, yours)
    source.commit(base, mine)
    text = source.read().to_bytes()
    assert b"maintenance-mode" in text
    assert b"rack" in text


def test_a_strict_commit_is_a_conflict_with_any_edit_of_another(source: FileSource) -> None:
    base = source.read()
    mine, yours = base.copy(), base.copy()
    set_property(mine, "maintenance-mode", "true")
    set_node_attribute(yours, "n1", "rack", "7")
    source.commit(base, yours, strict=True)
    with pytest.raises(CommitConflict, match="only"):
        source.commit(base, mine, strict=True)
    assert b"maintenance-mode" not in source.read().to_bytes()


def test_edits_of_two_users_at_one_place_are_a_conflict_and_nothing_is_lost(
    source: FileSource,
) -> None:
    base = source.read()
    set_property(base, "batch-limit", "1")
    source.commit(source.read(), base)
    base = source.read()
    mine, yours = base.copy(), base.copy()
    set_property(mine, "batch-limit", "5")
    set_property(yours, "batch-limit", "9")
    source.commit(base, yours)
    with pytest.raises(CommitConflict, match="batch-limit is '9' now, last written by u"):
        source.commit(base, mine)
    assert b'value="9"' in source.read().to_bytes()
    source.commit(base, mine, replace=True)
    assert b'value="5"' in source.read().to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<cib",
        b"<nocib/>",
        b"<!DOCTYPE cib><cib/>",
        b"\xff\xfe",
        b"<cib>" * 100 + b"</cib>" * 100,
    ],
)
def test_a_file_that_is_no_cib_is_refused_in_one_line(source: FileSource, data: bytes) -> None:
    Path(source.path).write_bytes(data)
    with pytest.raises(ShellError) as refusal:
        source.read()
    assert "\n" not in str(refusal.value)


def test_a_file_that_vanished_is_not_made_again(source: FileSource) -> None:
    base = source.read()
    new = base.copy()
    set_property(new, "maintenance-mode", "true")
    Path(source.path).unlink()
    with pytest.raises(ShellError, match="no such file; make an empty one"):
        source.commit(base, new)
    assert not Path(source.path).exists()
    assert node_names(base) == ["n1"]


def test_a_cib_of_a_form_that_no_cluster_takes_is_not_written_unless_forced(
    source: FileSource,
) -> None:
    base = source.read()
    new = base.copy()
    new.section("resources").append(new.root.makeelement("nonsense", {"id": "x"}))
    with pytest.raises(ShellError, match="nonsense"):
        source.commit(base, new)
    assert b"nonsense" not in source.read().to_bytes()
    source.commit(base, new, force=True)
    assert b"nonsense" in source.read().to_bytes()


def test_a_lock_that_is_held_for_long_is_one_line(
    source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LOCK_TIMEOUT", 0.1)
    base = source.read()
    new = base.copy()
    set_property(new, "maintenance-mode", "true")
    descriptor = os.open(Path(source.path).parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(ShellError, match="held its lock"):
            source.commit(base, new)
    finally:
        os.close(descriptor)
    source.commit(base, new)


def test_a_read_only_file_is_not_replaced(
    source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = source.read()
    new = base.copy()
    set_property(new, "maintenance-mode", "true")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(ShellError, match="read-only"):
        source.commit(base, new)
