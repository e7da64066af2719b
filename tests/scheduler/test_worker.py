"""The scheduler's own process decides what a call in this process decides, one request after another."""

from __future__ import annotations

import asyncio
import random

import pytest
from lxml import etree

from engine.base.safexml import parse_xml
from engine.cib.document import Cib
from engine.controller.events import Scheduled
from engine.edges import workers
from engine.edges.scheduling import SchedulerWorker
from engine.scheduler import api
from engine.scheduler.reading.warm import Warm
from tests.scheduler.random_extras import extended_cib
from tests.scheduler.test_warm_runs import EVENTS, NOW, play

GENEROUS_SECONDS = 100.0


def inputs(seed: int, count: int) -> list[bytes]:
    """A cluster's CIB after one event and the next."""
    rng = random.Random(f"worker {seed}")
    cib = Cib.from_bytes(extended_cib(seed).encode())
    found = []
    for _ in range(count):
        found.append(cib.to_bytes())
        play(cib, api.schedule(Cib.from_bytes(found[-1]), NOW), NOW)
        rng.choice(EVENTS)(cib, rng)
    return found


def test_the_process_answers_as_a_call_would() -> None:
    requests = inputs(1, 4) + inputs(2, 3)
    answers: dict[int, tuple[bytes, str]] = {}

    async def ask() -> None:
        done = asyncio.Event()

        def scheduled(found: Scheduled) -> None:
            answers[found.number] = (found.graph, found.error)
            if len(answers) == len(requests):
                done.set()

        worker = SchedulerWorker(scheduled)
        await worker.start()
        try:
            for number, data in enumerate(requests):
                worker.schedule(number, data, NOW)
            await asyncio.wait_for(done.wait(), GENEROUS_SECONDS)
        finally:
            worker.close()
            await asyncio.sleep(0)

    asyncio.run(ask())

    for number, data in enumerate(requests):
        assert answers[number] == (api.schedule(Cib.from_bytes(data), NOW).graph_xml(), "")


def test_each_request_takes_over_what_the_last_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    warm, parsed = Warm(), 0

    def counting(data: bytes, what: str = "XML") -> etree._Element:
        nonlocal parsed
        parsed += what == "history"
        return parse_xml(data, what)

    monkeypatch.setattr("engine.cib.history.parse_xml", counting)
    data = inputs(1, 2)[1]
    texts = []
    for _ in range(3):
        answer = workers._compute(api, {"cib": data, "now": NOW}, warm)
        texts.append((answer["graph"], parsed))

    assert texts[0][1] > 0
    assert texts[1] == texts[0]
    assert texts[2] == texts[0]
