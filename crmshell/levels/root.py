"""Commands of the top level: the state of the cluster and its checks (crm-shell 7)."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.registry import Answer, Call, command
from crmshell.session import Session
from engine.base.reports import ReportList
from engine.cib.document import Cib


@command(
    "root",
    "verify",
    usage="[scores]",
    args=(0, 1),
    help="check the configuration and the state of the cluster",
)
def verify(session: Session, call: Call) -> Answer:
    """Schema, then what the scheduler finds; errors make the status 1."""
    if call.args and call.args != ["scores"]:
        raise ShellError(f"verify: '{call.args[0]}' is unknown, expected scores or nothing")
    found = ReportList()
    check_cib(session.cib(), found)
    return Answer("", tuple(found.items), 1 if found.has_errors else 0)


def check_cib(cib: Cib, found: ReportList) -> None:
    """Add what is wrong with a CIB: its form, references to what does not exist."""
    from engine.cib.schema import dangling_references, validate

    found.extend(validate(cib.root))
    if not found.has_errors:
        found.extend(dangling_references(cib.root))
