"""Listings as they stand in guides and reports, and what an edit may not lose."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_runner import Shell

GUEST = "primitive vm Dummy meta remote-node=guest1\nprimitive r1 ocf:pacemaker:remote\n"


def loaded(shell: Shell, tmp_path: Path, text: str | bytes, method: str = "update") -> str:
    path = tmp_path / "listing.crm"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return shell("configure", "load", method, str(path)).err


def test_a_byte_order_mark_is_skipped_in_files_and_scripts(shell: Shell, tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfprimitive a Dummy\r\nproperty stonith-enabled=false\r\n"
    assert "ERROR" not in loaded(shell, tmp_path, text)
    said = shell("configure", stdin=text.replace(b" a ", b" b "))
    assert said.status == 0
    assert '<primitive id="a"' in said.cib
    assert '<primitive id="b"' in said.cib


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "\ufeff", "\r\n"])
@pytest.mark.parametrize("method", ["replace", "push"])
def test_a_text_of_nothing_replaces_nothing(
    shell: Shell, tmp_path: Path, text: str, method: str
) -> None:
    assert "erase is the command" in loaded(shell, tmp_path, text, method)
    assert "IPaddr2" in shell("configure", "show", "ip").out


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("node 1: zeta", "id 1 is node n1"),
        ("node 5: n1", "node n1 has id 1"),
        ("node 3: c\nnode 3: d", "id 3 is node c"),
        ('xml <node id="2" uname="zeta"/>', "id 2 is node n2"),
    ],
)
def test_a_node_keeps_its_name_and_id(
    shell: Shell, tmp_path: Path, statement: str, said: str
) -> None:
    before = shell("configure", "show").cib
    assert said in loaded(shell, tmp_path, f"{statement}\n")
    assert shell("configure", stdin=f"{statement}\n").status == 1
    assert shell("configure", "show").cib == before


@pytest.mark.parametrize("node", ["r1", "guest1"])
def test_remote_and_guest_nodes_are_nodes(shell: Shell, node: str) -> None:
    shell("-F", "configure", stdin=GUEST)
    for words in (
        ("standby", node),
        ("maintenance", node),
        ("attribute", node, "set", "x", "1"),
        ("utilization", node, "set", "cpu", "2"),
        ("status-attr", node, "set", "y", "3"),
    ):
        assert shell("node", *words).status == 0, words
    said = shell("node", "show", node)
    assert f"{node}: remote" in said.out
    assert "\tstandby=on" in said.out
    assert "\tx=1" in said.out
    assert f'<node id="{node}" type="remote" uname="{node}">' in said.cib
    assert "ERROR" in shell("node", "standby", "r2").err


def test_set_adds_what_an_operation_may_have(shell: Shell) -> None:
    shell("-F", "configure", stdin="primitive a Dummy op monitor interval=10s\n")
    for path, value in (
        ("a.monitor.on-fail", "ignore"),
        ("a.monitor.10s.timeout", "30"),
        ("a.monitor.OCF_CHECK_LEVEL", "10"),
        ("a.monitor.role", "started"),
    ):
        assert shell("-F", "configure", "set", path, value).status == 0, path
    text = shell("configure", "show", "a").out
    assert "on-fail=ignore" in text
    assert "timeout=30s" in text
    assert "OCF_CHECK_LEVEL=10" in text
    assert "role=Started" in text
    assert "did you mean 'ignore'" in shell("configure", "set", "a.monitor.on-fail", "ignor").err
    assert "may not have it" in shell("configure", "set", "a.monitor.color", "red").err


def test_constraints_survive_the_group_around_their_resources(shell: Shell) -> None:
    before = (
        "primitive a Dummy\nprimitive b Dummy\nprimitive c Dummy\n"
        "location l { a b } inf: n1\norder o Mandatory: ( a b ) c\ncolocation cc inf: ( a b ) c\n"
    )
    shell("-F", "configure", stdin=before)
    kept = shell("configure", "show", "l", "o", "cc").out
    shell("-F", "configure", "group", "g", "a", "b")
    said = shell("-F", "configure", "delete", "g")
    assert said.status == 0
    assert shell("configure", "show", "l", "o", "cc").out == kept


def test_a_bundle_outlives_its_primitive(shell: Shell) -> None:
    text = (
        "primitive a Dummy\n"
        "bundle hb podman image=i network ip-range-start=192.0.2.1 primitive a\n"
        "location l hb inf: n1\n"
    )
    shell("-F", "configure", stdin=text)
    shell("-F", "configure", "delete", "a")
    said = shell("configure", "show", "hb", "l").out
    assert "image=" in said
    assert "ip-range-start=192.0.2.1" in said
    assert "location l hb inf: n1" in said


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("property expected-quorum-votes=2", "'expected-quorum-votes' was removed"),
        ("property default-resource-stickiness=1", "use rsc_defaults resource-stickiness"),
        ("property no_quorum_policy=stop", "use no-quorum-policy"),
        ('property cluster-infrastructure="classic openais"', "expected corosync"),
    ],
)
def test_removed_options_are_refused_by_name(shell: Shell, statement: str, said: str) -> None:
    found = shell("configure", stdin=f"{statement}\n")
    assert found.status == 1
    assert said in found.err
    assert found.err.count("was removed") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("primitive a Dummy\nbundle hb docker image=i primitive a", "ip-range-start"),
        ("primitive a Dummy\nrsc_ticket t T: a loss-policy=fence", "loss-policy"),
        ("primitive a Dummy\nlocation l a rule $role=Promotd 10: #uname eq n1", "Promotd"),
    ],
)
def test_verify_and_commit_find_what_crm_verify_finds(shell: Shell, text: str, said: str) -> None:
    script = f"{text}\nproperty stonith-enabled=false\n"
    refused = shell("configure", stdin=script)
    assert refused.status == 1
    assert said in refused.err
    shell("-F", "configure", stdin=script)
    assert said in shell("configure", "verify").err
