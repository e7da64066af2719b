"""The help pages: every page is found, complete, and printed without RST marks."""

from __future__ import annotations

import pytest

from crmshell.help.topics import Topics, overview_list, page_text, pages_from_rst

TOPICS = Topics()
ALL = [("root", p.name) for p in TOPICS.commands("root")] + [
    (level, page.name) for level in TOPICS.levels() for page in TOPICS.commands(level)
]


def text_of(*words: str, level: str = "root") -> str:
    page = TOPICS.find(words, level)
    assert page is not None
    return page_text(TOPICS, page)


@pytest.mark.parametrize(("level", "name"), ALL, ids=[f"{a}-{b}" for a, b in ALL])
def test_every_command_page_has_a_summary_and_a_usage_that_names_it(level: str, name: str) -> None:
    page = TOPICS.command(level, name)
    assert page is not None
    assert 0 < len(page.summary) <= 80
    assert page.usage
    assert all(usage.split()[0] == name for usage in page.usage)
    assert "``" not in page_text(TOPICS, page)


@pytest.mark.parametrize("name", TOPICS.overviews())
def test_every_overview_has_text(name: str) -> None:
    page = TOPICS.overview(name)
    assert page is not None
    assert page.summary
    assert page.body
    assert "``" not in page_text(TOPICS, page)


@pytest.mark.parametrize(("level", "name"), ALL, ids=[f"{a}-{b}" for a, b in ALL])
def test_see_also_names_pages_that_exist(level: str, name: str) -> None:
    page = TOPICS.command(level, name)
    assert page is not None
    assert [word for word in page.see if TOPICS.find([word], level) is None] == []


def test_help_alone_lists_levels_commands_and_topics() -> None:
    text = text_of()
    for word in ("configure", "resource", "status", "rules", "help LEVEL COMMAND"):
        assert word in text


def test_help_inside_a_level_lists_its_commands() -> None:
    text = text_of(level="node")
    assert "standby" in text
    assert "primitive" not in text


def test_a_command_of_the_level_is_found_before_a_level_of_that_name() -> None:
    assert TOPICS.find(["node"], "configure").usage[0].startswith("node [ID:]")  # type: ignore[union-attr]
    assert TOPICS.find(["node"]).is_level  # type: ignore[union-attr]


def test_level_and_command_may_be_shortened() -> None:
    assert "promotable" in text_of("resource", "prom")
    assert text_of("conf", "prim") == text_of("configure", "primitive")


def test_an_alias_finds_its_command() -> None:
    assert text_of("resource", "migrate") == text_of("resource", "move")


def test_a_command_that_only_one_level_has_is_found_from_the_root() -> None:
    assert text_of("modgroup") == text_of("configure", "modgroup")


def test_a_misspelt_word_finds_nothing_but_near_names() -> None:
    assert TOPICS.find(["primitve"], "configure") is None
    assert TOPICS.nearest(["primitve"], "configure") == ("primitive",)
    assert TOPICS.nearest(["configure", "primitve"]) == ("primitive",)
    assert TOPICS.nearest(["re"], "resource") == ("restart", "refresh", "report")


@pytest.mark.parametrize("word", ["../../etc/passwd", "a/b", "", "\0", "x" * 5000, "ü"])
def test_a_strange_word_is_no_page(word: str) -> None:
    assert TOPICS.find([word, "x"]) is None


def test_overviews_are_listed_with_their_summaries() -> None:
    assert "scores" in overview_list(TOPICS)
    assert "numbers that weigh places" in overview_list(TOPICS)


def test_paragraphs_are_filled_and_examples_kept() -> None:
    text = "t\n=\n\nsum\n\none two\nthree::\n\n    a   b\n\nc\n-\n\nother\n"
    pages = pages_from_rst("t", text, "t")
    assert [page.name for page in pages] == ["t", "c"]
    assert "one two three:\n\n    a   b\n" in page_text(Topics("/nowhere"), pages[0])
