"""Templates: what they declare, what a filled-in one makes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmshell.errors import ShellError
from crmshell.grammar.cursor import Dialect
from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import join_lines
from crmshell.pending.templates import (
    Template,
    configuration_from_text,
    configuration_to_text,
    fill,
    generate,
    template_from_text,
)

IP = """%name ip
%short an address
%desc
It moves.
%required
# The address
%% ip
%optional
# Mask
%% mask
%generate
primitive %_ IPaddr2
  params ip=%_:ip
  opt mask=%_:mask
"""
WEB = """%name web
%depends_on ip as addr
%optional
%% port 80
%generate
primitive %_-s nginx
    params port=%_:port url=http://%addr:ip/
group %_ %addr %_-s
"""
OURS = sorted((Path(__file__).parents[3] / "crmshell/levels/wizards").glob("*.tmpl"))


def templates() -> dict[str, Template]:
    made = (template_from_text(text, "t") for text in (IP, WEB))
    return {one.name: one for one in made}


def made(name: str, *wanted: str, **values: str) -> list[str]:
    given = {key.replace("__", ":"): value for key, value in values.items()}
    return generate(name, fill(templates(), wanted, given), templates())


def test_a_template_knows_its_parameters() -> None:
    ip = templates()["ip"]
    assert (ip.short, ip.text) == ("an address", "It moves.")
    assert [(p.name, p.required, p.text) for p in ip.parameters] == [
        ("ip", True, "The address"),
        ("mask", False, "Mask"),
    ]


def test_an_optional_line_needs_its_value() -> None:
    assert made("v", "ip", ip="1") == ["primitive v IPaddr2 \\", "  params ip=1"]
    assert made("v", "ip", ip="1", mask="24")[-1] == "  mask=24"


def test_a_dependency_has_a_name_of_its_own_and_its_values_can_be_used() -> None:
    lines = made("w", "web", ip="1")
    assert lines[0] == "primitive w-addr IPaddr2 \\"
    assert "    params port=80 url=http://1/" in lines
    assert lines[-1] == "group w w-addr w-s"


def test_a_value_with_blanks_and_quotes_is_quoted() -> None:
    assert made("v", "ip", ip='a "b\\')[1] == '  params ip="a \\"b\\\\"'


def test_a_value_may_be_given_to_one_of_several_templates() -> None:
    assert "  params ip=7" in made("w", "web", addr__ip="7")


def test_a_missing_value_is_refused_by_name() -> None:
    with pytest.raises(ShellError, match="required parameter 'ip' has no value"):
        made("v", "ip")


@pytest.mark.parametrize(
    ("wanted", "values", "say"),
    [
        (("wep",), {}, "did you mean 'web'"),
        (("ip",), {"msk": "1"}, "did you mean 'mask'"),
        (("web",), {"addr:nosuch": "1"}, "no template here has a parameter"),
    ],
)
def test_unknown_names_have_their_nearest(
    wanted: tuple[str, ...], values: dict[str, str], say: str
) -> None:
    with pytest.raises(ShellError, match=say):
        fill(templates(), wanted, values)


def test_templates_that_depend_on_each_other_are_refused() -> None:
    loop = {
        "a": Template("a", depends=(("b", "b"),)),
        "b": Template("b", depends=(("a", "a"),)),
    }
    with pytest.raises(ShellError, match="a -> b -> a"):
        fill(loop, ("a",), {})


def test_a_configuration_is_read_back_as_it_was_written() -> None:
    filled = fill(templates(), ("web",), {"ip": "10.0.0.1", "port": "8 0"})
    text = configuration_to_text("w", filled, templates())
    assert configuration_from_text(text, "c") == ("w", filled)


def test_all_mistakes_of_a_text_are_told_with_their_lines() -> None:
    with pytest.raises(ShellError) as caught:
        template_from_text("%name a/b\n%nosuch\nstray\n%% p\n%depends_on\n", "t")
    assert [r.span.line for r in caught.value.reports if r.span] == [1, 2, 3, 4, 5]
    with pytest.raises(ShellError) as caught:
        configuration_from_text("%% p v\nstray\n%template\n", "c")
    assert [r.span.line for r in caught.value.reports if r.span] == [1, 2, 3]


@pytest.mark.parametrize("path", OURS, ids=[path.stem for path in OURS])
def test_every_template_of_ours_makes_statements_that_are_understood(path: Path) -> None:
    known = {
        one.name: one for each in OURS for one in [template_from_text(each.read_text(), each.name)]
    }
    template = known[path.stem]
    parts = [known[name] for name, _ in template.depends] + [template]
    values = {one.name: "x" for part in parts for one in part.parameters}
    lines = generate("made", fill(known, [path.stem], values), known)
    for line in join_lines(lines, "made"):
        assert parse_line(line, Dialect(typed=False)).statement is not None
