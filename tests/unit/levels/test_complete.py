"""Completion of whole lines: levels, paths, aliases, arguments; nothing ever raised or printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crmshell.environment import Environment
from crmshell.grammar.expect import STATEMENTS
from crmshell.levels.frame.arguments import _MAKERS, _WANTS, ARGUMENTS
from crmshell.levels.frame.completion import compgen, complete
from crmshell.levels.frame.highlight import classify
from crmshell.levels.frame.registry import LEVELS, Registry
from crmshell.options import Options
from crmshell.session import Session
from crmshell.views.names import NamedResource, Names
from engine.agents.catalog import AgentFolders, Catalog
from engine.agents.metadata import AgentMetadata
from tests.calls import calls_in

REGISTRY = Registry()


class Known:
    def names(self) -> Names:
        return Names(
            resources=(
                NamedResource("web", "primitive", "", "ocf:heartbeat:nginx"),
                NamedResource("db", "primitive", "g", "ocf:heartbeat:pgsql"),
                NamedResource("g", "group"),
            ),
            nodes=("n1", "n2"),
            tags=("tier",),
            node_attributes={"rack": ("r1",)},
            active=frozenset({"web"}),
        )

    def catalog(self) -> Catalog:
        return Catalog(AgentFolders("/nowhere", (), (), ()))

    def metadata(self, agent: str) -> AgentMetadata | None:
        return None


def session(*levels: str) -> Session:
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), {"HOME": "/nowhere"})
    return Session(environment, Options(), levels=list(levels))


def offered(text: str, *levels: str) -> list[str]:
    found = complete(session(*levels), REGISTRY, text, Known())
    return [one.text for one in found.candidates]


@pytest.mark.parametrize(
    ("levels", "text", "words"),
    [
        ((), "opt", ["options"]),
        ((), "node stan", ["standby"]),
        ((), "no standby n", ["n1", "n2"]),
        (("node",), "standby n1 re", ["reboot"]),
        (("node",), "attribute n1 set ra", ["rack"]),
        (("configure",), "primi", ["primitive"]),
        (("configure",), "group x ", ["web"]),
        (("configure",), "../node sta", ["standby"]),
        (("configure",), "/node/sta", ["/node/standby"]),
        (("configure",), "show type:prim", ["type:primitive"]),
        (("configure",), "show tag:", ["tag:tier"]),
        (("configure",), "delete we", ["web"]),
        (("configure",), "rm we", ["web"]),
        (("configure",), "modgroup g remove ", ["db"]),
        (("configure",), "set we", ["web."]),
        (("configure",), "commit f", ["force"]),
        (("resource",), "start ", ["db", "g"]),
        (("resource",), "stop ", ["web"]),
        (("resource",), "move web n", ["n1", "n2"]),
        (("resource",), "maintenance web o", ["on", "off"]),
        ((), "cd conf", ["configure"]),
        (("node",), "cd ", [".."]),
        ((), "options set core.check_m", ["core.check_mode"]),
        ((), "options set check_mode re", ["relaxed"]),
        ((), "configure location l web rule #uname eq n", ["n1", "n2"]),
        ((), "nosuch thing ", []),
        ((), "node standby n9", []),
    ],
)
def test_lines_are_completed(levels: tuple[str, ...], text: str, words: list[str]) -> None:
    assert offered(text, *levels)[: len(words) or None] == words


def test_files_and_folders_are_offered(tmp_path: Path) -> None:
    (tmp_path / "a.crm").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").touch()
    found = offered(f"load replace {tmp_path}/", "configure")
    assert found == [f"{tmp_path}/a.crm", f"{tmp_path}/folder/"]
    assert offered(f"load replace {tmp_path}/.h", "configure") == [f"{tmp_path}/.hidden"]


def test_the_place_of_the_word_is_known_for_quoted_ones() -> None:
    assert complete(session("configure"), REGISTRY, 'delete "we', Known()).start == 7


def test_the_calling_shell_s_options_are_passed_over() -> None:
    def words(line: str) -> list[str]:
        return [one.text for one in compgen(session(), line)]

    assert words("crm -F opt") == ["options"]
    assert words("crm -c shadow -w opt") == ["options"]
    assert words("crm") == []
    assert words("crm -c") == []


@pytest.mark.parametrize("level", sorted(LEVELS))
@pytest.mark.parametrize("tail", ["", " ", "\\", "'", '"', " = ", " @", " ../..", " \0", " ü"])
def test_no_text_is_too_strange(level: str, tail: str) -> None:
    levels = [] if level == "root" else [level]
    for name in REGISTRY.visible(level):
        assert isinstance(offered(name + tail, *levels), list)


def test_the_table_of_arguments_names_commands_and_kinds_that_are_there() -> None:
    for (level, name), kinds in ARGUMENTS.items():
        if level != "*":
            made = REGISTRY.find(level, name)
            assert made is not None, (level, name)
        for kind in " ".join(kinds).split():
            assert kind.startswith("=") or kind in _MAKERS or kind in _WANTS, kind


def test_every_statement_is_a_command_of_configure() -> None:
    known = {
        word
        for made in REGISTRY.commands("configure").values()
        for word in (made.name, *made.aliases, *made.deprecated)
    }
    assert sorted(set(STATEMENTS) - known) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            "primitive a Dummy params x=1",
            ["keyword", "identifier", "", "keyword", "attr_name", "", "attr_value"],
        ),
        (
            "location l a inf: n1",
            ["keyword", "identifier", "resource_reference", "score", "resource_reference"],
        ),
        ("nosuch a", ["", ""]),
        ('set a.b "x y', ["keyword", "", ""]),
    ],
)
def test_words_have_their_colours(text: str, kinds: list[str]) -> None:
    parts = classify("configure", REGISTRY, "", text)
    assert "".join(part for _, part in parts) == text
    assert [kind for kind, part in parts if part.strip()] == kinds


def test_colours_go_on_in_a_continued_line() -> None:
    parts = classify("configure", REGISTRY, "primitive a Dummy ", "params x=1")
    assert parts[0] == ("keyword", "params")
    assert ("attr_name", "x") in parts


def test_completing_costs_at_most_in_proportion_to_the_configuration() -> None:
    class Large(Known):
        def __init__(self, count: int) -> None:
            self.count = count

        def names(self) -> Names:
            resources = tuple(NamedResource(f"p{n}", "primitive") for n in range(self.count))
            return Names(resources=resources, active=frozenset({"p1"}))

    def calls(line: str, count: int) -> int:
        known, place = Large(count), session("configure")
        return calls_in(lambda: complete(place, REGISTRY, line, known))

    for line in ("group g p432", "show p432", "delete p432"):
        found = complete(session("configure"), REGISTRY, line, Large(5000))
        assert len(found.candidates) == 11
        assert calls(line, 4000) < 5 * calls(line, 1000)
