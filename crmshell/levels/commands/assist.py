"""Level assist: helpers that write several statements at once."""

from __future__ import annotations

from crmshell.levels.frame.registry import Call, command
from crmshell.pending.assist import make_template, make_weak_bond
from crmshell.pending.problems import Refused
from crmshell.session import Session


@command(
    "assist",
    "template",
    usage="<primitive> <primitive> …",
    args=(2, -1),
    help="make a template of what primitives have in common",
)
def template(session: Session, call: Call) -> None:
    pending = session.pending
    pending.begin(call.line.text.strip())
    mark = pending.mark()
    try:
        made = make_template(pending, call.args, call.line)
    except Refused as refusal:
        pending.roll_back(mark)
        raise refusal.at(call.line, call.tokens) from None
    session.info(f"assist.template: {made} made of {', '.join(call.args)}")


@command(
    "assist",
    "weak-bond",
    usage="<rsc> <rsc> …",
    args=(2, -1),
    help="keep resources together that do not depend on each other",
)
def weak_bond(session: Session, call: Call) -> None:
    pending = session.pending
    pending.begin(call.line.text.strip())
    mark = pending.mark()
    try:
        dummy, colocation = make_weak_bond(pending, call.args)
    except Refused as refusal:
        pending.roll_back(mark)
        raise refusal.at(call.line, call.tokens) from None
    session.info(f"assist.weak-bond: {colocation} keeps {', '.join(call.args)} with {dummy}")
