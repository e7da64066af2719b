"""The command `report`; what it does is loaded when it is called, for every start loads this."""

from __future__ import annotations

from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.session import Session


@command(
    "root",
    "report",
    usage="[-f <from>] [-t <to>] [-n <node>]... [-S] [-d <folder>] [<name>]",
    help="collect logs, configuration and status of the nodes in one archive",
)
def report(session: Session, call: Call) -> Answer:
    from crmshell.levels.work.reporting import make_report

    return make_report(session, call)
