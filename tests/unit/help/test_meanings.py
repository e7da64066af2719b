"""Every value that is offered says what it means; and every level and command has its help."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crmshell.app import run
from crmshell.environment import Environment
from crmshell.help.meanings import MEANINGS, meaning
from crmshell.levels.frame.registry import LEVELS, Registry
from crmshell.options import OPTIONS
from engine.cib.options import CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META

CIB = """<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>"""


@pytest.mark.parametrize("table", [CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META])
def test_every_word_of_an_option_has_a_meaning(table: dict) -> None:  # type: ignore[type-arg]
    for option in table.values():
        if option.name != "cluster-infrastructure":
            assert [word for word in option.words if not meaning(option.name, word)] == []


def test_every_choice_of_a_setting_has_a_meaning() -> None:
    for option in OPTIONS.values():
        if option.kind != "colour":
            assert [word for word in option.choices if not meaning(option.name, word)] == []


def test_a_meaning_is_of_a_value_that_there_is() -> None:
    words = {
        option.name: {word.lower() for word in option.words}
        for table in (CLUSTER_OPTIONS, OPERATION_OPTIONS, RESOURCE_META)
        for option in table.values()
    } | {option.name: set(option.choices) for option in OPTIONS.values()}
    for name, values in MEANINGS.items():
        if name in words:
            assert set(values) <= words[name], name


def helped(folder: Path, *words: str) -> str:
    path = folder / "cib.xml"
    path.write_text(CIB)
    out = io.StringIO()
    environment = Environment(
        stdin=io.TextIOWrapper(io.BytesIO()),
        stdout=out,
        stderr=out,
        variables={"CIB_file": str(path), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert run((*words, "--help"), environment) == 0, out.getvalue()
    return out.getvalue()


@pytest.mark.parametrize("level", [name for name in LEVELS if name != "root"])
def test_every_level_and_command_explains_itself(level: str, tmp_path: Path) -> None:
    parents = LEVELS[level].parents
    path = [level] if "root" in parents else [parents[0], level]
    assert helped(tmp_path, *path).startswith(f"{level} - ")
    for name in Registry().commands(level):
        said = helped(tmp_path, *path, name)
        assert " - " in said.splitlines()[0]
        assert "Usage:" in said or len(said.splitlines()) > 2
