from copy import deepcopy
from dataclasses import replace

import pytest
from lxml import etree

from engine.base.events import Entry, Outcome, Snapshot, StatusChange, Submission
from engine.base.exitcodes import ExitStatus
from engine.base.reports import error
from engine.cib.document import Cib
from engine.cib.patch import diff, patch_to_bytes
from engine.replica.entries import chained
from engine.replica.state import ReplicatedCib


def changed(machine: ReplicatedCib, edit) -> bytes:
    new = deepcopy(machine.cib.root)
    edit(new)
    return patch_to_bytes(diff(machine.cib.root, new))


def add_primitive(ident, **attributes):
    def edit(root):
        resources = root.find("configuration/resources")
        etree.SubElement(resources, "primitive", {"id": ident, "class": "ocf", **attributes})

    return edit


def commit(machines, submission: Submission):
    payload = machines[0].judge(submission)
    assert isinstance(payload, bytes), payload
    entry = chained(b"", machines[0].index + 1, 64, payload)
    return [machine.apply(entry) for machine in machines]


def submission(machine, number, edit, **more) -> Submission:
    return Submission(f"r{number}", machine.version, patch=changed(machine, edit), wall=1e9, **more)


def test_a_commit_raises_the_epoch_and_says_who_wrote():
    machine = ReplicatedCib()
    machine.change_status((StatusChange((("node_state", "1"),), b'<node_state id="1"/>'),), None)
    assert machine.version == (0, 0, 1)
    commit([machine], submission(machine, 1, add_primitive("a"), user="alice", origin="n1"))
    assert machine.version == (0, 1, 0)
    assert machine.cib.root.get("update-user") == "alice"
    assert machine.cib.root.get("cib-last-written") == "Sun Sep 09 01:46:40 2001"
    assert machine.cib.root.find("status/node_state") is not None


def test_judging_changes_nothing():
    machine = ReplicatedCib()
    before = machine.cib.to_bytes()
    machine.judge(submission(machine, 1, add_primitive("a")))
    assert machine.cib.to_bytes() == before


def test_replicas_have_equal_digests_and_another_state_another_one():
    one, two = ReplicatedCib(), ReplicatedCib()
    seen = {one.digest()}
    for number in range(5):
        commit([one, two], submission(one, number, add_primitive(f"p{number}")))
        assert one.digest() == two.digest()
        seen.add(one.digest())
    assert len(seen) == 6


def test_kept_digests_are_those_of_a_fresh_replica():
    machine = ReplicatedCib()
    commit([machine], submission(machine, 1, add_primitive("a")))
    machine.digest()
    rename = lambda root: root.find(".//primitive").set("type", "Dummy")  # noqa: E731 - short
    commit([machine], submission(machine, 2, rename))
    state, side = machine.state()
    fresh = ReplicatedCib()
    fresh.restore(Snapshot(machine.index, b"", state, side))
    assert fresh.digest() == machine.digest()
    assert fresh.outcome("r2") == machine.outcome("r2")


def test_a_conflict_names_the_object_and_its_last_author():
    machine = ReplicatedCib()
    commit([machine], submission(machine, 1, add_primitive("db", type="x")))
    mine = submission(machine, 2, lambda root: root.find(".//primitive").set("type", "mine"))
    commit(
        [machine],
        submission(
            machine, 3, lambda root: root.find(".//primitive").set("type", "hers"), user="alice"
        ),
    )
    outcome = machine.judge(Submission("r2", (0, 1, 0), patch=mine.patch, wall=1e9 + 12))
    assert isinstance(outcome, Outcome)
    assert outcome.status == ExitStatus.OLD
    assert outcome.error == (
        "conflict: primitive db: type is 'hers' now, changed by alice 12 s ago (epoch 2)"
    )
    assert outcome.conflicts[0]["by"] == "alice"


def test_a_replacement_needs_the_current_epoch_unless_forced():
    machine = ReplicatedCib()
    commit([machine], submission(machine, 1, add_primitive("db")))
    other = Cib.from_bytes(b"<cib epoch='7'><configuration><resources/></configuration></cib>")
    late = Submission("r2", (0, 0, 0), replace=other.to_bytes())
    refused = machine.judge(late)
    assert isinstance(refused, Outcome)
    assert "epoch 1 now" in refused.error
    forced = Submission("r3", (0, 0, 0), replace=other.to_bytes(), force=True)
    commit([machine], forced)
    assert machine.version == (0, 8, 0)
    assert machine.cib.root.find(".//primitive") is None


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"not msgpack",
        patch_to_bytes(diff(etree.fromstring("<cib/>"), etree.fromstring("<cib><status/></cib>"))),
    ],
)
def test_a_patch_that_is_none_or_leaves_the_configuration_is_refused(bad):
    outcome = ReplicatedCib().judge(Submission("r", (0, 0, 0), patch=bad))
    assert isinstance(outcome, Outcome)
    assert not outcome.ok
    assert outcome.status == ExitStatus.DATAERR


def test_versions_written_by_a_client_are_left_out():
    machine = ReplicatedCib()

    def cheat(root):
        root.set("epoch", "1000")
        add_primitive("a")(root)

    commit([machine], submission(machine, 1, cheat))
    assert machine.version == (0, 1, 0)


def test_what_the_check_refuses_is_not_committed_unless_it_may_be_forced():
    reports = [error("bad", "primitive a: no agent", force_code="-F")]
    machine = ReplicatedCib(lambda root: reports)
    refused = machine.judge(submission(machine, 1, add_primitive("a")))
    assert isinstance(refused, Outcome)
    assert refused.error == "primitive a: no agent"
    assert isinstance(machine.judge(submission(machine, 2, add_primitive("a"), force=True)), bytes)


def test_a_change_of_nothing_succeeds_without_a_record():
    machine = ReplicatedCib()
    outcome = machine.judge(submission(machine, 1, lambda root: None))
    assert isinstance(outcome, Outcome)
    assert outcome.ok


def test_status_changes_put_and_remove_by_path():
    machine = ReplicatedCib()
    path = (("node_state", "1"), ("lrm", "1"), ("lrm_resources", ""), ("lrm_resource", "db"))
    machine.change_status((StatusChange(path, b'<lrm_resource id="db" class="ocf"/>'),), None)
    found = machine.cib.root.find("status/node_state[@id='1']/lrm/lrm_resources/lrm_resource")
    assert found is not None
    machine.change_status((StatusChange(path),), 7)
    assert machine.cib.root.find(".//lrm_resource") is None
    assert machine.version == (0, 0, 7)
    machine.change_status((StatusChange((), b"<status/>"),), None)
    assert machine.status() == b"<status/>"


def test_the_oldest_request_ids_are_forgotten():
    machine = ReplicatedCib()
    for number in range(1030):
        entry = Entry(number + 1, 64, machine_payload(number), b"")
        machine.apply(entry)
    assert machine.outcome("r5") is None
    assert machine.outcome("r6") is not None


def machine_payload(number: int) -> bytes:
    machine = ReplicatedCib()
    payload = machine.judge(submission(machine, number, add_primitive("same")))
    assert isinstance(payload, bytes)
    return payload


def set_root(name, value):
    return lambda root: root.set(name, value)


@pytest.mark.parametrize("value", ["abc", "-1", "9" * 18, "9" * 40, "²"])
def test_a_version_that_nodes_could_not_count_on_from_never_gets_into_the_log(value):
    machine = ReplicatedCib()
    patched = machine.judge(submission(machine, 1, set_root("admin_epoch", value)))
    assert isinstance(patched, Outcome)
    assert patched.status == ExitStatus.DATAERR
    whole = deepcopy(machine.cib.root)
    whole.set("epoch", value)
    replaced = machine.judge(Submission("r", machine.version, replace=etree.tostring(whole)))
    assert isinstance(replaced, Outcome)
    assert replaced.status == ExitStatus.DATAERR
    assert machine.version == (0, 0, 0)


def test_names_that_xml_cannot_hold_do_not_stop_the_replicas():
    one, two = ReplicatedCib(), ReplicatedCib()
    words = {"user": "a\x00b", "client": "\x1b[0m", "origin": "\ufffe"}
    commit([one, two], submission(one, 1, add_primitive("a"), **words))
    assert one.cib.root.get("update-user") == "a?b"
    assert one.digest() == two.digest()


def test_a_bug_while_judging_refuses_the_request_and_leaves_the_state_as_it_was():
    def check(root):
        raise KeyError("surprise")

    machine = ReplicatedCib(check)
    before = machine.cib.to_bytes()
    outcome = machine.judge(submission(machine, 1, add_primitive("a")))
    assert isinstance(outcome, Outcome)
    assert outcome.status == ExitStatus.SOFTWARE
    assert "surprise" in outcome.error
    assert machine.cib.to_bytes() == before


def test_of_two_changes_for_one_version_the_second_is_refused_even_if_it_changes_nothing():
    machine = ReplicatedCib()
    commit([machine], submission(machine, 1, add_primitive("db")))
    mine = replace(submission(machine, 2, add_primitive("lock")), expected=(0, 1))
    hers = replace(mine, request_id="r3", user="alice", force=True)
    commit([machine], mine)
    refused = machine.judge(hers)
    assert isinstance(refused, Outcome)
    assert (refused.status, refused.version[:2]) == (ExitStatus.OLD, (0, 2))
    assert "is at version 0.2 now, the change is for 0.1 only" in refused.error
    assert machine.outcome("r2") is not None
