"""What the meta-data of an agent adds to the history of its resources."""

import hashlib
from dataclasses import replace

import pytest

from engine.agents.metadata import metadata_from_xml
from engine.agents.names import AgentName
from engine.cib.digests import EMPTY_DIGEST
from engine.lrm.api import LrmOp
from engine.lrm.reloads import ReloadRules, digest_attributes, rules_from_metadata

MODERN = """<resource-agent name="Db" version="7"><version>1.1</version><parameters>
<parameter name="state" unique-group="state"/>
<parameter name="fake" reloadable="1"/>
<parameter name="port"/>
<parameter name="passwd" reloadable="1"/>
</parameters><actions>
<action name="reload" timeout="20s"/><action name="reload-agent" timeout="20s"/>
</actions></resource-agent>"""
LEGACY = """<resource-agent name="Db"><version>1.0</version><parameters>
<parameter name="state" unique="1"/><parameter name="fake" unique="0"/><parameter name="port"/>
</parameters><actions><action name="reload" timeout="20s"/></actions></resource-agent>"""
START = LrmOp(
    "db",
    "ocf",
    "heartbeat",
    "Db",
    "start",
    parameters={"state": "/x", "fake": "a", "passwd": "<1>", "id": "db", "CRM_meta_timeout": "1"},
)
MONITOR = replace(START, operation="monitor", interval_ms=10_000, timeout_ms=20_000)


def rules(xml: str) -> ReloadRules:
    return rules_from_metadata(metadata_from_xml(xml.encode(), AgentName("ocf", "x", "Db")))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_in_ocf_1_1_all_that_is_not_reloadable_forces_a_restart() -> None:
    assert rules(MODERN) == ReloadRules("reload-agent", ("state", "port"), ("passwd",))


def test_in_ocf_1_0_only_what_is_unique_forces_a_restart() -> None:
    assert rules(LEGACY) == ReloadRules("reload", ("state",), ())


@pytest.mark.parametrize(
    "xml",
    [
        MODERN.replace('"reload-agent"', '"other"'),
        LEGACY.replace('"reload"', '"reload-agent"'),
        LEGACY.replace("<version>1.0", "<version>1.1"),
        MODERN.replace("<version>1.1</version>", "").replace('"reload"', '"other"'),
    ],
    ids=["1.1 with reload", "1.0 with reload-agent", "1.1 as 1.0", "no version of the API"],
)
def test_an_agent_without_the_action_of_its_api_is_never_reloaded(xml: str) -> None:
    found = rules(xml)
    assert found.action == ""
    assert "op-restart-digest" not in digest_attributes(START, found)


def test_parameters_that_are_called_private_are_so_instead_of_the_usual_names() -> None:
    said = MODERN.replace('name="port"', 'name="port" private="1"')
    assert rules(said).private == ("port",)


def test_a_start_records_the_values_that_need_a_restart_and_those_that_may_be_seen() -> None:
    assert digest_attributes(START, rules(MODERN)) == {
        "op-force-restart": " state port ",
        "op-restart-digest": md5(' <parameters state="/x"/>\n'),
        "op-secure-params": " passwd ",
        "op-secure-digest": md5(' <parameters fake="a" state="/x"/>\n'),
    }


def test_a_repeated_monitor_records_only_what_may_be_seen_with_its_timeout() -> None:
    text = ' <parameters CRM_meta_timeout="20000" fake="a" state="/x"/>\n'
    assert digest_attributes(MONITOR, rules(MODERN)) == {
        "op-secure-params": " passwd ",
        "op-secure-digest": md5(text),
    }


def test_an_agent_that_can_reload_everything_has_an_empty_list() -> None:
    found = digest_attributes(START, ReloadRules("reload-agent"))
    assert found == {"op-force-restart": "", "op-restart-digest": EMPTY_DIGEST}


def test_a_change_of_a_reloadable_value_leaves_the_restart_digest() -> None:
    fake = replace(START, parameters={**START.parameters, "fake": "b"})
    state = replace(START, parameters={**START.parameters, "state": "/y"})
    before, one, other = (
        digest_attributes(op, rules(MODERN))["op-restart-digest"] for op in (START, fake, state)
    )
    assert before == one != other
