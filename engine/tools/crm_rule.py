"""The command `crm_rule`: is a rule with a date in effect, not yet, or no longer?"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.errors import EngineError
from engine.base.exitcodes import ExitStatus
from engine.tools.frame.options import option
from engine.tools.frame.program import Call, Program, run

if TYPE_CHECKING:
    from lxml import etree

    from engine.cib.document import Cib

OPTIONS = (
    option("-c --check", "check whether rules are in effect"),
    option("-r --rule", "the id of a rule (may be repeated)", value="ID"),
    option("-d --date", "check at this date and time instead of now", value="DATE"),
    option("-X --xml-text", "use this configuration (- is standard input)", value="XML"),
)
_SAID = {
    "within": (ExitStatus.OK, "Rule {} is still in effect"),
    "satisfied": (ExitStatus.OK, "Rule {} satisfies conditions"),
    "after": (ExitStatus.EXPIRED, "Rule {} is expired"),
    "before": (ExitStatus.NOT_YET_IN_EFFECT, "Rule {} has not yet taken effect"),
}


def _main(call: Call) -> int:
    options = call.options
    if "check" not in options:
        raise EngineError("No mode operation given", status=ExitStatus.USAGE)
    if "rule" not in options:
        raise EngineError("--check requires use of --rule=", status=ExitStatus.USAGE)
    now = _moment(options.get("date")) if "date" in options else time.time()
    cib = _cib(call)
    worst: int = ExitStatus.OK
    for name in options.all("rule"):
        status = _check(call, cib, name, now)
        if status != ExitStatus.OK:
            worst = status
    return worst


def _moment(text: str) -> float:
    from engine.base.isodate import Zone, epoch_from_text

    epoch = epoch_from_text(text, Zone(time.localtime().tm_gmtoff))
    if epoch is None:
        raise EngineError(f"Invalid date/time: {text}", status=ExitStatus.USAGE)
    return epoch


def _cib(call: Call) -> Cib:
    from engine.cib.document import Cib
    from engine.tools.frame.cib import read_cib

    if "xml-text" not in call.options:
        return read_cib(call.environment)
    given = call.options.get("xml-text")
    text = sys.stdin.read() if given == "-" else given
    try:
        return Cib.from_bytes(text.encode("utf-8", "surrogateescape"))
    except EngineError:
        where = "input from STDIN" if given == "-" else f"input string: {given}"
        raise EngineError(f"Couldn't parse {where}", status=ExitStatus.DATAERR) from None


def _check(call: Call, cib: Cib, name: str, now: float) -> int:
    out = call.out
    try:
        effect = _effect(cib, name, now)
    except EngineError as problem:
        status = int(problem.status)
        out.error(f"Could not determine whether rule {name} is in effect: {problem}")
    else:
        code, text = _SAID[effect]
        status = int(code)
        out.line(text.format(name))
    out.element("rule-check", {"rule-id": name, "rc": str(status)})
    return status


def _effect(cib: Cib, name: str, now: float) -> str:
    """How the one date expression of a rule stands; raises `EngineError` where that is no answer."""
    from engine.base.isodate import Zone
    from engine.cib.refs import References
    from engine.cib.rules import RuleContext, date_effect, read_date

    found = [rule for rule in cib.root.iter("rule") if rule.get("id") == name]
    if not found:
        raise EngineError("Rule not found", status=ExitStatus.NOSUCH)
    if len(found) > 1:
        raise EngineError("Found more than one rule with this ID", status=ExitStatus.NOSUCH)
    dates = _dates_of(found[0])
    if not dates:
        raise _unimplemented("Rule does not have a date expression")
    if len(dates) > 1:
        raise _unimplemented("Rule has more than one date expression")
    spec = dates[0].find("date_spec")
    if dates[0].get("operation") == "date_spec" and (
        spec is None or spec.get("years") is None or spec.get("moon") is not None
    ):
        raise _unimplemented(
            "Rule must either not use date_spec, or use date_spec with years= but not moon="
            if spec is not None and spec.get("moon") is not None
            else "Rule must either not use date_spec, or use date_spec with years="
        )
    date = read_date(dates[0], References(cib.root))
    zone = Zone(time.localtime(now).tm_gmtoff)
    effect = None if date is None else date_effect(date, RuleContext(now=now, zone=zone))
    if effect is None:
        raise _unimplemented("Rule has a date expression that cannot be read")
    return effect


def _dates_of(rule: etree._Element) -> list[etree._Element]:
    return [child for child in rule if child.tag == "date_expression"]


def _unimplemented(text: str) -> EngineError:
    return EngineError(text, status=ExitStatus.UNIMPLEMENT_FEATURE)


PROGRAM = Program(
    "crm_rule",
    "Check whether rules with dates are in effect.",
    OPTIONS,
    _main,
    usage="--check --rule=ID [OPTIONS]",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    return run(PROGRAM, argv)
