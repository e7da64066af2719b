"""Words, quotes, continuation lines, and their places."""

from __future__ import annotations

import pytest

from crmshell.grammar.errors import SyntaxProblem, nearest_word, shortened
from crmshell.grammar.tokens import MAX_LINE, MAX_WORD, Line, join_lines, split_words


def words(text: str) -> list[str]:
    return [token.text for token in split_words(Line.single(text))]


def test_words_are_split_by_posix_rules() -> None:
    assert words("a  b\tc") == ["a", "b", "c"]
    assert words("""x="two words" y='a "b" c' z=a\\ b""") == ["x=two words", 'y=a "b" c', "z=a b"]
    assert words(r'"say \"hi\" \\ \n"') == ['say "hi" \\ \\n']
    assert words("''") == [""]


def test_a_no_break_space_is_part_of_a_word() -> None:
    assert words("a\u00a0b c") == ["a\u00a0b", "c"]


def test_tokens_know_where_they_stand() -> None:
    (line,) = join_lines(["primitive p \\", "   params 'a b'=1"], "f.crm")
    assert line.text == "primitive p params 'a b'=1"
    last = split_words(line)[-1]
    span = line.span(last.start, last.end)
    assert (span.file, span.line, span.column, span.length) == ("f.crm", 2, 11, 7)


def test_a_continuation_at_the_end_of_the_input_is_run_as_it_is() -> None:
    (line,) = join_lines(["node alpha \\"], "stdin")
    assert line.text == "node alpha "


def test_a_comment_does_not_continue() -> None:
    lines = list(join_lines(["# remark \\", "node alpha"], "stdin"))
    assert [line.is_comment for line in lines] == [True, False]


def test_parts_are_joined_without_a_blank_when_there_is_none() -> None:
    (line,) = join_lines(["a\\", "  b"], "stdin")
    assert line.text == "ab"


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("primitive p 'x", 13, "unclosed quote '"),
        ('primitive p x="y', 15, 'unclosed quote "'),
        ("primitive p \\", 13, "backslash"),
        ("a\x00b", 2, "U+0000"),
        (b"node \xff".decode("utf-8", "surrogateescape"), 6, "0xFF is not valid UTF-8"),
    ],
)
def test_what_cannot_be_split_is_refused_with_its_place(text: str, column: int, what: str) -> None:
    with pytest.raises(SyntaxProblem) as refused:
        split_words(Line.single(text))
    assert what in refused.value.report.message
    assert refused.value.report.span is not None
    assert refused.value.report.span.column == column


def test_long_words_and_lines_are_refused_at_once() -> None:
    with pytest.raises(SyntaxProblem, match="the limit"):
        split_words(Line.single("x" * (MAX_WORD + 1)))
    with pytest.raises(SyntaxProblem, match="the limit"):
        split_words(Line.single("x " * (MAX_LINE // 2 + 1)))
    with pytest.raises(SyntaxProblem):
        split_words(Line.single('"' + "a\\\\" * 300_000))


def test_the_nearest_word_is_found_by_likeness_not_by_prefix() -> None:
    assert nearest_word("primitve", ["primitive", "property"]) == "primitive"
    assert nearest_word("META", ["meta"]) == "meta"
    assert nearest_word("zzz", ["meta"]) == ""


def test_a_long_text_is_quoted_on_one_line() -> None:
    assert len(shortened("word " * 10_000)) <= 120
