"""How operations become programs and exit codes results."""

from dataclasses import replace

import pytest

from engine.base.programs import Command
from engine.lrm import lsb, ocf, service, systemd
from engine.lrm.api import LrmOp, OpStatus
from engine.lrm.command import AgentPaths, Outcome, exit_reason

PATHS = AgentPaths(resource_state="/tmp/state")
OCF = LrmOp(
    "db",
    "ocf",
    "heartbeat",
    "Dummy",
    "start",
    parameters={"state": "/x"},
    meta={"timeout": "20000"},
)
LSB = replace(OCF, standard="lsb", provider="", type="nginx")
UNIT = replace(LSB, standard="systemd")


def test_an_ocf_agent_gets_its_parameters_and_nothing_of_ours() -> None:
    command = ocf.command(OCF, PATHS)
    assert isinstance(command, Command)
    assert command.argv == ("/usr/lib/ocf/resource.d/heartbeat/Dummy", "start")
    assert command.env["OCF_RESKEY_state"] == "/x"
    assert command.env["OCF_RESKEY_CRM_meta_timeout"] == "20000"
    assert command.env["OCF_RESOURCE_INSTANCE"] == "db"
    assert command.env["HA_RSCTMP"] == "/tmp/state"
    deep = ocf.environment(replace(OCF, parameters={"OCF_CHECK_LEVEL": "10"}), PATHS)
    assert deep["OCF_CHECK_LEVEL"] == "10"
    assert set(command.env) & {"USER", "PWD", "PYTHONPATH"} == set()


@pytest.mark.parametrize("name", ["..", "../../bin/sh", "a/b", "", ".hidden", "a..b", "x" * 65])
def test_a_name_that_would_leave_its_directory_reaches_no_file_system(name: str) -> None:
    assert isinstance(ocf.command(replace(OCF, type=name), PATHS), Outcome)
    assert isinstance(ocf.command(replace(OCF, provider=name), PATHS), Outcome)
    assert isinstance(lsb.command(replace(LSB, type=name), PATHS), Outcome)
    if name != "x" * 65:
        assert isinstance(systemd.command(replace(UNIT, type=name), PATHS), Outcome)


def test_a_parameter_with_a_nul_is_refused() -> None:
    refused = ocf.command(replace(OCF, parameters={"a": "x\0y"}), PATHS)
    assert isinstance(refused, Outcome)
    assert "NUL" in refused.reason


def test_the_last_exit_reason_wins() -> None:
    assert (
        exit_reason(b"x\nocf-exit-reason:one\nocf-exit-reason: two \xff\n")
        == "two \N{REPLACEMENT CHARACTER}"
    )


def test_death_by_a_signal_is_an_error() -> None:
    result = ocf.outcome(OCF, -9, b"", b"")
    assert (result.rc, result.status) == (1, OpStatus.ERROR)


@pytest.mark.parametrize(("code", "rc"), [(0, 0), (1, 7), (2, 7), (3, 7), (4, 4), (150, 1)])
def test_lsb_status_codes_become_ocf_codes(code: int, rc: int) -> None:
    assert lsb.outcome(replace(LSB, operation="monitor"), code, b"", b"").rc == rc


@pytest.mark.parametrize(
    ("code", "text", "rc"),
    [
        (0, b"active\n", 0),
        (3, b"inactive\n", 7),
        (3, b"failed\n", 7),
        (3, b"activating\n", 1),
        (4, b"", 7),
    ],
)
def test_unit_states_become_ocf_codes(code: int, text: bytes, rc: int) -> None:
    assert systemd.outcome(replace(UNIT, operation="monitor"), code, text, b"").rc == rc


def test_a_missing_unit_is_not_installed() -> None:
    assert systemd.outcome(UNIT, 5, b"", b"Unit x.service not found.").rc == 5


def test_service_prefers_a_unit_of_that_name() -> None:
    op = replace(LSB, standard="service")
    unit = service.command(op, PATHS, frozenset({"nginx.service"}))
    script = service.command(op, PATHS, frozenset())
    assert isinstance(unit, Command)
    assert isinstance(script, Command)
    assert unit.argv[-1] == "nginx.service"
    assert script.argv[0] == "/etc/init.d/nginx"
