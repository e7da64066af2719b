"""`user` and `role` of schemas before pacemaker-2.0: read, written, shown."""

from __future__ import annotations

import pytest

from crmshell.grammar.cursor import Dialect
from crmshell.grammar.errors import SyntaxProblem
from crmshell.grammar.statements import parse_line
from crmshell.grammar.tokens import Line
from crmshell.pending.changes import PendingCib
from crmshell.pending.listing import Listing, configuration_text
from engine.cib.document import Cib

OLD = """<cib validate-with="pacemaker-1.2" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config/><nodes/><resources/><constraints/><acls>
<acl_user id="alice"><role_ref id="monitor"/></acl_user>
<acl_user id="bob"><read id="bob-read" xpath="/cib"/>
<write id="bob-write" tag="node" ref="n1" attribute="x"/></acl_user>
<acl_role id="monitor"><read id="monitor-read" xpath="/cib/status"/><read id="own" ref="n1"/>
</acl_role></acls></configuration><status/></cib>"""
TEXT = """role monitor \\
\tread status \\
\tread own: ref:n1
user alice \\
\trole:monitor
user bob \\
\tread cib \\
\twrite tag:node ref:n1 attr:x"""


def pending(text: str) -> PendingCib:
    return PendingCib(Cib.from_bytes(text.encode(), "old"))


def apply(cib: PendingCib, text: str) -> None:
    for statement in text.replace("\\\n", "").split("\n"):
        cib.apply(parse_line(Line.single(statement), cib.dialect()))


def test_old_rights_are_shown_as_statements_and_read_back_the_same() -> None:
    cib = pending(OLD)
    shown = configuration_text(cib, cib.everything(), Listing(all_ids=True))
    assert shown == TEXT
    empty = pending(OLD[: OLD.index("<acls>")] + OLD[OLD.index("</acls>") + len("</acls>") :])
    apply(empty, shown)
    assert configuration_text(empty, empty.everything(), Listing(all_ids=True)) == TEXT
    found = empty.cib.configuration.find("acls/acl_user/write")
    assert found is not None
    assert dict(found.attrib) == {"id": "bob-write", "tag": "node", "ref": "n1", "attribute": "x"}


@pytest.mark.parametrize(
    ("text", "schema", "said"),
    [
        ("user u role:r read cib", (1, 2), "not both"),
        ("user u read", (1, 2), "what the right covers"),
        ("user u read attribute:x", (1, 2), "attribute: needs"),
        ("user u read ref:a ref:b", (1, 2), "named twice"),
        ("user u read cib", (3, 9), "acl_target USER ROLE"),
    ],
)
def test_a_wrong_user_is_refused(text: str, schema: tuple[int, int], said: str) -> None:
    with pytest.raises(SyntaxProblem, match=said):
        parse_line(Line.single(text), Dialect(schema))


def test_several_paths_of_one_right_become_rights_of_their_own() -> None:
    cib = pending(OLD)
    apply(cib, "user carol deny xpath:/cib xpath:/x")
    user = cib.find("carol")
    assert user is not None
    assert [each.get("id") for each in user] == ["carol-deny", "carol-deny-0"]
