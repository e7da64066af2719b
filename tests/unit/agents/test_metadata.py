"""Meta-data of agents: OCF 1.0, OCF 1.1, LSB headers, units, and what is none of these."""

from __future__ import annotations

import pytest

from engine.agents.metadata import metadata_from_lsb, metadata_from_unit, metadata_from_xml
from engine.agents.names import AgentName
from engine.base.errors import BadInput

NAME = AgentName("ocf", "test", "Thing")
OCF = b"""<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Thing" version="1.0">
<longdesc lang="de">Lang</longdesc><longdesc lang="en">Long text</longdesc>
<shortdesc lang="en">Short text</shortdesc>
<parameters>
 <parameter name="ip" unique="1" required="1"><shortdesc>address</shortdesc>
  <content type="string" default=""/></parameter>
 <parameter name="mode" unique-group="address"><content type="select" default="a">
  <option value="a"/><option value="b"/></content></parameter>
 <parameter name="old"><deprecated><replaced-with name="ip"/></deprecated><content type="string"/></parameter>
</parameters>
<actions>
 <action name="start" timeout="20s"/>
 <action name="monitor" timeout="20" interval="10" depth="0" role="Master"/>
 <action name="monitor" timeout="20" interval="11" role="Slave"/>
 <action name="promote" timeout="5"/><action name="demote" timeout="5"/>
</actions>
</resource-agent>
"""


def test_parameters_say_type_default_and_legal_values() -> None:
    data = metadata_from_xml(OCF, NAME)
    ip = data.parameter("ip")
    mode = data.parameter("mode")
    assert ip is not None
    assert mode is not None
    assert (ip.required, ip.unique, ip.default, ip.shortdesc) == (True, True, "", "address")
    assert (mode.type, mode.values, mode.unique_group) == ("select", ("a", "b"), "address")


def test_a_deprecated_parameter_names_its_successor() -> None:
    old = metadata_from_xml(OCF, NAME).parameter("old")
    assert old is not None
    assert old.deprecated
    assert old.replaced_with == ("ip",)


def test_the_english_description_is_taken() -> None:
    assert metadata_from_xml(OCF, NAME).longdesc == "Long text"


def test_a_monitor_is_found_by_its_role_in_modern_words() -> None:
    data = metadata_from_xml(OCF, NAME)
    monitor = data.action("monitor", "Unpromoted")
    assert monitor is not None
    assert monitor.interval == "11"
    assert data.is_promotable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"usage: start|stop",
        b"<html></html>",
        b"<resource-agent><parameters>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><resource-agent>&a;</resource-agent>",
        b"\xff\xfe<resource-agent/>\0",
        b"<resource-agent>" + b"x" * 2_000_000,
    ],
)
def test_what_is_no_metadata_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(BadInput) as refusal:
        metadata_from_xml(data, NAME)
    assert "\n" not in str(refusal.value)


def test_an_init_script_is_described_by_its_header() -> None:
    text = (
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: cron\n# Short-Description: runs jobs\n"
        "# Description: runs jobs\n#   at times\n### END INIT INFO\n"
    )
    data = metadata_from_lsb(text, AgentName("lsb", "", "cron"))
    assert data.shortdesc == "runs jobs"
    assert data.longdesc == "runs jobs\nat times"
    assert {action.name for action in data.actions} >= {"start", "stop", "monitor"}


def test_a_unit_is_described_by_its_description() -> None:
    data = metadata_from_unit("[Unit]\nDescription=web server\n", AgentName("systemd", "", "x"))
    assert data.shortdesc == "web server"
