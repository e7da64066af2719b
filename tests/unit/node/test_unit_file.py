"""The unit of the agent: what systemd does when the agent ends."""

from pathlib import Path

UNIT = Path(__file__).resolve().parents[3] / "crmshell/levels/units/crm-agent.service"


def test_a_crash_of_the_agent_leaves_the_services_alone() -> None:
    lines = [line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line]
    said = dict(lines)
    assert said["KillMode"] == "process"
    assert said["Restart"] in ("on-failure", "always")
    assert said["Type"] == "notify"
