"""The user's crm.conf: a change touches only its own lines."""

from __future__ import annotations

from crmshell.levels.commands.options import merged_ini

OLD = """\
; mine
[core]
editor = vi
# keep
foreign = 1

[color]
style = plain
"""


def test_nothing_changes_when_the_values_are_the_same() -> None:
    assert merged_ini(OLD, {"core.editor": "vi", "color.style": "plain"}) == OLD


def test_a_value_is_replaced_in_its_place() -> None:
    values = {"core.editor": "nano", "color.style": "plain"}
    assert merged_ini(OLD, values) == OLD.replace("vi\n", "nano\n")


def test_a_dropped_setting_loses_its_line_and_comments_stay() -> None:
    assert merged_ini(OLD, {"color.style": "plain"}) == OLD.replace("editor = vi\n", "")


def test_a_new_setting_joins_its_section() -> None:
    made = merged_ini("[core]\nwait = no\n", {"core.wait": "yes", "core.pager": "more"})
    assert made == "[core]\nwait = yes\npager = more\n"


def test_sections_are_made_where_there_are_none() -> None:
    made = merged_ini("", {"core.pager": "more", "color.score": "red"})
    assert made == "[core]\npager = more\n[color]\nscore = red\n"
