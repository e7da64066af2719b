"""corosync.conf: what is read comes back, changes touch only their lines, checks name the line."""

from __future__ import annotations

import pytest

from engine.base.errors import BadInput
from engine.base.reports import Severity
from engine.membership.corosync_check import check_conf, token_ms
from engine.membership.corosync_conf import CorosyncConf

GOOD = """\
# made by hand
totem {
	version: 2
	cluster_name: web
	transport: knet
	crypto_cipher: aes256
	crypto_hash: sha256
	# milliseconds
	token: 5000
}

nodelist {
	node {
		ring0_addr: 10.0.0.1
		name: n1
		nodeid: 1
	}
	node {
		ring0_addr: 10.0.0.2
		name: n2
		nodeid: 2
	}
}

quorum {
	provider: corosync_votequorum
	two_node: 1
}

logging {
	to_syslog: yes
	logger_subsys {
		subsys: QUORUM
		debug: off
	}
}
"""


def conf(text: str = GOOD) -> CorosyncConf:
    return CorosyncConf.from_text(text)


def messages(text: str, severity: Severity = Severity.ERROR) -> list[str]:
    return [r.message for r in check_conf(conf(text)) if r.severity == severity]


def test_what_is_read_is_printed_again() -> None:
    assert conf().text() == GOOD


def test_a_good_file_has_no_findings() -> None:
    assert check_conf(conf()) == ()


def test_values_are_found_by_their_path() -> None:
    assert conf().get("totem.token") == ("5000",)
    assert conf().get("nodelist.node.name") == ("n1", "n2")
    assert conf().get("totem.nosuch") == ()


def test_set_changes_one_line_and_keeps_comments() -> None:
    made = conf()
    made.set("totem.token", "8000")
    assert made.text() == GOOD.replace("5000", "8000")


def test_set_adds_a_key_after_the_others_and_makes_a_section() -> None:
    made = conf()
    made.set("totem.ip_version", "ipv4")
    made.set("system.sched_rr", "no")
    assert "\ttoken: 5000\n\tip_version: ipv4\n}" in made.text()
    assert made.text().endswith("system {\n\tsched_rr: no\n}\n")


def test_set_in_one_of_several_sections_wants_an_index() -> None:
    made = conf()
    with pytest.raises(BadInput, match=r"2 times"):
        made.set("nodelist.node.name", "x")
    made.set("nodelist.node.name", "x", 1)
    assert made.get("nodelist.node.name") == ("n1", "x")


@pytest.mark.parametrize(
    ("path", "value"), [("token", "1"), ("a.b c", "1"), ("a.b", "x\ny: 2"), ("a.b", "{")]
)
def test_what_the_file_cannot_hold_is_refused(path: str, value: str) -> None:
    with pytest.raises(BadInput):
        conf().set(path, value)


def test_a_third_node_gets_the_free_number_and_clears_two_node() -> None:
    made = conf()
    assert made.add_node(("10.0.0.3",), "n3").nodeid == 3
    assert made.get("quorum.two_node") == ()
    assert check_conf(made) == ()
    assert made.remove_node("n1").nodeid == 1
    assert made.get("quorum.two_node") == ("1",)
    assert made.add_node(("10.0.0.9",), "n9").nodeid == 1


def test_a_node_with_a_known_address_or_too_few_addresses_is_refused() -> None:
    with pytest.raises(BadInput, match=r"address 10\.0\.0\.1"):
        conf().add_node(("10.0.0.1",), "n3")
    with pytest.raises(BadInput, match="expected 1 addresses"):
        conf().add_node(("10.0.0.3", "10.1.0.3"), "n3")
    with pytest.raises(BadInput, match="did you mean n1"):
        conf().remove_node("nn1")


def test_syntax_errors_are_all_reported_with_their_lines() -> None:
    with pytest.raises(BadInput) as caught:
        conf("totem {\n\tversion 2\n}\n}\nquorum {\n")
    assert [r.span.line for r in caught.value.reports if r.span] == [2, 4, 5]


@pytest.mark.parametrize("text", ["{\n" * 50, "a {\n" * 300, "\0: \0", ":", "}", "x" * 2_000_000])
def test_strange_texts_are_refused_in_one_piece(text: str) -> None:
    with pytest.raises(BadInput):
        conf(text)


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ("version: 2", "version: 3", "totem.version must be 2"),
        ("token: 5000", "token: 5000\n\tconsensus: 5500", "1.2 times"),
        ("token: 5000", "token: soon", "expected a whole number"),
        ("transport: knet", "transport: tcp", "expected one of knet"),
        ("nodeid: 2", "nodeid: 1", "nodeid 1 is that of the node in line 13 too"),
        ("10.0.0.2", "10.0.0.1", "address 10.0.0.1"),
        ("name: n2", "name: n1", "name n1"),
        ("\t\tnodeid: 2\n", "", "needs a nodeid"),
        ("\t\tring0_addr: 10.0.0.2\n", "", "no ring0_addr"),
        ("ring0_addr: 10.0.0.2", "ring9_addr: 10.0.0.2", "link 9"),
        ("name: n2", "ring1_addr: 10.1.0.2\n\t\tname: n2", "has links 0, 1"),
        ("two_node: 1", "two_node: maybe", "expected one of 0, 1"),
        ("transport: knet", "transport: udpu", "does not encrypt"),
    ],
)
def test_errors_say_what_is_wrong(old: str, new: str, say: str) -> None:
    assert any(say in message for message in messages(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ("token: 5000", "tokn: 5000", "unknown name totem.tokn"),
        ("logging {", "loging {", "unknown section loging"),
        ("token: 5000", "token: 500", "a short pause"),
        ("crypto_hash: sha256", "crypto_hash: none", "not encrypted"),
        ("two_node: 1", "two_node: 1\n\twait_for_all: 0", "fence each other"),
        ("\ttwo_node: 1\n", "", "two nodes without"),
        ("corosync_votequorum", "none", "every partition"),
        ("two_node: 1", "two_node: 1\n\texpected_votes: 3", "2 votes together"),
        ("\t\tname: n2\n", "", "has no name"),
    ],
)
def test_warnings_say_what_is_unwise(old: str, new: str, say: str) -> None:
    assert any(say in message for message in messages(GOOD.replace(old, new), Severity.WARNING))


def test_an_unknown_name_has_its_nearest() -> None:
    (report,) = check_conf(conf(GOOD.replace("token:", "tokn:")))
    assert report.nearest == "token"


def test_the_token_timeout_grows_with_the_nodes() -> None:
    made = conf(GOOD.replace("\ttoken: 5000\n", ""))
    assert token_ms(made) == 3000
    made.add_node(("10.0.0.3",), "n3")
    assert token_ms(made) == 3650
