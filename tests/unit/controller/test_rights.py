"""What a user with rights may ask of the DC, and what of it is refused."""

from __future__ import annotations

import pytest
from lxml import etree

from engine.base.events import Outcome, Submission
from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.cib.schema import check_configuration
from engine.controller.events import ChangeStatus
from engine.controller.messages import Ask, Told
from engine.controller.rights import RIGHTS, Asking
from engine.replica.state import ReplicatedCib
from tests.unit.controller.bench import Bench, FromNode

ON = '<cluster_property_set id="s"><nvpair id="s-a" name="enable-acl" value="true"/></cluster_property_set>'
ACLS = """<acls><acl_role id="look"><acl_permission id="p1" kind="read" xpath="//resources"/></acl_role>
<acl_role id="work"><acl_permission id="p2" kind="write" xpath="//nvpair[@name='site']"/>
<acl_permission id="p3" kind="write" object-type="resources"/></acl_role>
<acl_target id="ann"><role id="look"/></acl_target>
<acl_group id="ops"><role id="work"/></acl_group></acls>"""
ANN, OPS = Asking("ann", ("users",)), Asking("bob", ("users", "ops"))


def guard(cib: Cib) -> None:
    cib.section("crm_config").append(etree.fromstring(ON))
    cib.configuration.append(etree.fromstring(ACLS))


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.settle(1, 2, 3)
    made.schedule()
    guard(made.cib)
    status = made.cib.root.find("status")
    assert status is not None
    status.append(etree.Element("tickets"))
    return made


def ask(bench: Bench, asking: Asking, kind: str, **fields: object) -> tuple[dict, bool]:
    effects = bench.do(FromNode(2, Ask(7, kind, {**fields, **asking.fields()}, asking.user)))
    told = [message for _, message in bench.told if isinstance(message, Told)]
    return told[-1].fields, any(isinstance(effect, ChangeStatus) for effect in effects)


def test_an_attribute_is_changed_only_with_a_right_to_write_it(bench: Bench) -> None:
    fields = {"node": "n2", "name": "site", "value": "x"}
    answer, changed = ask(bench, ANN, "attribute", **fields)
    assert answer["status"] == ExitStatus.INSUFFICIENT_PRIV
    assert not changed
    assert ask(bench, OPS, "attribute", **fields) == ({"ok": True}, True)
    other, changed = ask(bench, OPS, "attribute", **{**fields, "name": "standby"})
    assert not other["ok"]
    assert not changed


def test_an_attribute_is_read_only_with_a_right_to_read_it(bench: Bench) -> None:
    ask(bench, Asking(), "attribute", node="n2", name="site", value="x")
    wanted = {"node": "n2", "name": "site"}
    assert ask(bench, OPS, "attribute-value", **wanted)[0]["value"] == "x"
    assert not ask(bench, ANN, "attribute-value", **wanted)[0]["ok"]


def test_private_attributes_and_tickets_need_rights_as_well(bench: Bench) -> None:
    private = {"node": "n2", "name": "hidden", "value": "x", "private": True}
    assert not ask(bench, OPS, "attribute", **private)[0]["ok"]
    assert ask(bench, Asking(), "attribute", **private)[0]["ok"]
    ticket = {"ticket": "t", "values": {"granted": "true"}}
    assert not ask(bench, OPS, "ticket", **ticket)[0]["ok"]
    assert ask(bench, Asking(), "ticket", **ticket)[0]["ok"]


def test_root_and_hacluster_are_exempt(bench: Bench) -> None:
    for user in ("root", "hacluster"):
        answer, _ = ask(bench, Asking(user), "attribute", node="n2", name="a", value=user)
        assert answer["ok"]


def test_who_asks_survives_the_way_to_the_controller() -> None:
    assert Asking.of(Ask(1, "x", OPS.fields())) == OPS
    assert Asking.of(Ask(1, "x", {})) == Asking()
    assert Asking.of(Ask(1, "x", {RIGHTS: "root"})) == Asking()


def submit(asking: Asking, *, whole: bool, is_guarded: bool = False) -> object:
    held = ReplicatedCib(check_configuration, is_guarded=is_guarded)
    guard(held.cib)
    new = held.cib.copy()
    dummy = '<primitive id="d" class="ocf" provider="pacemaker" type="Dummy"/>'
    new.section("resources").append(etree.fromstring(dummy))
    change = {"replace": new.to_bytes()} if whole else {"patch": b""}
    if not whole:
        change = {"patch": patch_to_bytes(diff(held.cib.root, new.root))}
    rights = {"acl_user": asking.user, "acl_groups": asking.groups}
    return held.judge(Submission("r", held.version, **change, **rights))


@pytest.mark.parametrize("whole", [False, True])
def test_a_commit_is_judged_by_the_rights_in_the_present_configuration(whole: bool) -> None:
    refused = submit(ANN, whole=whole)
    assert isinstance(refused, Outcome)
    assert refused.status == ExitStatus.INSUFFICIENT_PRIV
    assert "primitive" in refused.error
    assert isinstance(submit(OPS, whole=whole), bytes)
    assert isinstance(submit(Asking(), whole=whole), bytes)


@pytest.mark.parametrize("whole", [False, True])
def test_rights_are_judged_beside_the_event_loop(whole: bool) -> None:
    from engine.base.events import Question
    from engine.replica.judgement import answer

    for asking, status in ((ANN, ExitStatus.INSUFFICIENT_PRIV), (OPS, 0)):
        question = submit(asking, whole=whole, is_guarded=True)
        assert isinstance(question, Question)
        assert answer(question, check_configuration).status == status
