"""The guard process judges as the agent itself would, and what it prepares is applied alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from engine.base.events import Entry, Outcome, Prepare, Question, Submission, Verdict
from engine.cib.document import Cib, empty_cib
from engine.cib.patch import diff, patch_to_bytes
from engine.cib.schema import check_configuration
from engine.cib.soundness import Soundness
from engine.edges.guard import Guard
from engine.replica.entries import chained
from engine.replica.preparation import PreparedPatch, PreparedTree
from engine.replica.state import ReplicatedCib

GENEROUS_SECONDS = 100.0


def many(count: int) -> Cib:
    cib = empty_cib()
    for number in range(count):
        attributes = {"id": f"p{number}", "class": "ocf", "provider": "pacemaker", "type": "Dummy"}
        etree.SubElement(cib.section("resources"), "primitive", attributes)
    return cib


def ask(call: Callable[[Guard, Callable[[Any], None]], None], **more: Any) -> Any:
    async def run() -> Any:
        guard, answer = Guard(**more), asyncio.get_running_loop().create_future()
        try:
            call(guard, answer.set_result)
            return await asyncio.wait_for(answer, GENEROUS_SECONDS)
        finally:
            guard.close()
            await asyncio.sleep(0)

    return asyncio.run(run())


def verdict_on(question: Question) -> Verdict:
    found = ask(lambda guard, done: guard.judge(question, done))
    assert isinstance(found, Verdict)
    return found


def guarded() -> ReplicatedCib:
    return ReplicatedCib(check_configuration, Soundness(), is_guarded=True)


def large_submissions() -> dict[str, Submission]:
    """One whole configuration, one change of thousands of objects, and both with a mistake."""
    good, bad = many(2000), many(2000)
    bad.section("resources")[-1].set("clas", "ocf")
    old = empty_cib().root
    return {
        "replace": Submission("r", (0, 0, 0), replace=good.to_bytes()),
        "patch": Submission("p", (0, 0, 0), patch=patch_to_bytes(diff(old, good.root))),
        "bad replace": Submission("br", (0, 0, 0), replace=bad.to_bytes()),
        "bad patch": Submission("bp", (0, 0, 0), patch=patch_to_bytes(diff(old, bad.root))),
    }


@pytest.mark.parametrize("name", ["replace", "patch", "bad replace", "bad patch"])
def test_a_large_change_is_judged_elsewhere_as_it_would_be_here(name: str) -> None:
    submission, machine = large_submissions()[name], guarded()
    question = machine.judge(submission)
    assert isinstance(question, Question)
    found = machine.conclude(submission, verdict_on(question))
    assert found == ReplicatedCib(check_configuration, Soundness()).judge(submission)
    assert isinstance(found, Outcome) == name.startswith("bad")


def test_a_small_change_of_a_large_configuration_is_judged_here_once_the_whole_was_checked() -> (
    None
):
    machine = guarded()
    submission = large_submissions()["replace"]
    question = machine.judge(submission)
    assert isinstance(question, Question)
    payload = machine.conclude(submission, verdict_on(question))
    assert isinstance(payload, bytes)
    machine.apply(chained(b"", 1, 64, payload))
    wanted = deepcopy(machine.cib.root)
    wanted.findall("configuration/resources/primitive")[7].set("description", "x")
    patch = patch_to_bytes(diff(machine.cib.root, wanted))
    assert isinstance(machine.judge(Submission("s", machine.version, patch=patch)), bytes)
    # A node that was not DC then knows nothing of the check: it has the whole checked once more.
    other = guarded()
    other.apply(chained(b"", 1, 64, payload))
    asked = other.judge(Submission("s", other.version, patch=patch))
    assert isinstance(asked, Question)
    assert verdict_on(asked).problem == ""


@pytest.mark.parametrize("name", ["replace", "patch"])
def test_a_prepared_entry_is_applied_as_one_that_was_not(name: str) -> None:
    payload = ReplicatedCib().judge(large_submissions()[name])
    assert isinstance(payload, bytes)
    entry = chained(b"", 1, 64, payload)
    machine, plain = guarded(), ReplicatedCib()
    machine.digest()
    assert not machine.is_ready(entry)
    content = ask(lambda guard, done: guard.prepare(entry, done))
    assert isinstance(content, PreparedTree if name == "replace" else PreparedPatch)
    assert content.digests
    machine.take_prepared(entry.digest, content)
    assert machine.is_ready(entry)
    assert machine.apply(entry) == plain.apply(entry)
    assert machine.digest() == plain.digest()
    assert machine.cib.to_bytes() == plain.cib.to_bytes()


def test_a_change_that_takes_too_long_is_refused_in_words() -> None:
    question = Question(replace=many(2000).to_bytes())
    found = ask(lambda guard, done: guard.judge(question, done), deadline=0.0)
    assert "more time or memory" in found.problem


def test_what_cannot_be_prepared_is_left_to_be_applied_as_it_is() -> None:
    effect = Prepare(Entry(1, 64, b"\x81\xa1x\xc4\x01<", b"digest"))
    assert ask(lambda guard, done: guard.prepare(effect.entry, done)) is None
