"""The node agent dies while an operation runs: nothing is done to its resource before that is over.

What the service itself wrote down is the truth: when each action on it began and ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_steering import OneNode

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

AGENT = """#!/bin/sh
log="{folder}/truth"; state="{folder}/$OCF_RESOURCE_INSTANCE"
note() {{ echo "$1 $action" >> "$log"; }}
action=$1
case "$action" in
meta-data)
    echo '<resource-agent name="Slow" version="1.0"><version>1.1</version><parameters/><actions>'
    echo '<action name="start" timeout="60s"/><action name="stop" timeout="60s"/>'
    echo '<action name="monitor" timeout="20s" interval="10s"/></actions></resource-agent>'
    exit 0;;
esac
note begin
case "$action" in
start) while [ -e "{folder}/hold" ]; do sleep 0.1; done; touch "$state";;
stop) rm -f "$state";;
monitor) [ -e "$state" ] || {{ note end; exit 7; }};;
esac
note end
exit 0
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OneNode]:
    made = OneNode(tmp_path)
    agent = tmp_path / "ocf/resource.d/test/Slow"
    agent.write_text(AGENT.format(folder=tmp_path))
    agent.chmod(0o755)
    made.start()
    yield made
    (tmp_path / "hold").unlink(missing_ok=True)
    made.kill()


def truth(node: OneNode) -> list[str]:
    path = node.folder / "truth"
    return path.read_text().splitlines() if path.exists() else []


def overlaps(lines: list[str]) -> list[str]:
    """The actions that began while another one was under way."""
    under_way: list[str] = []
    found = []
    for line in lines:
        word, action = line.split()
        if word == "begin":
            found += [action] if under_way else []
            under_way.append(action)
        else:
            under_way.remove(action)
    return found


def test_a_start_that_outlives_its_agent_is_awaited_and_then_looked_at(node: OneNode) -> None:
    (node.folder / "hold").touch()
    script = (
        "property stonith-enabled=false\n"
        "primitive db ocf:test:Slow op start timeout=60s op monitor interval=1s timeout=20s\ncommit\n"
    )
    node.do("configure", stdin=script)
    node.until("its start is under way", lambda: "begin start" in truth(node))
    for _ in range(2):  # the second life is as short as the first
        node.kill()
        node.start()
    # The user wants it away meanwhile, and back: nothing of that may overtake what still runs.
    node.do("resource", "stop", "db")
    assert truth(node)[-1] == "begin start"
    node.do("resource", "start", "db")
    assert truth(node)[-1] == "begin start"
    (node.folder / "hold").unlink()
    node.until("it is watched", lambda: truth(node)[-6:].count("begin monitor") >= 2)
    node.do("-w", "status")
    assert overlaps(truth(node)) == []
    after = truth(node)[truth(node).index("end start") + 1 :]
    assert after[0] == "begin monitor"
    assert node.runs("db")
