"""The command `crm_simulate`: what would the cluster do with this CIB?

The edge of the scheduler: it reads and writes files, knows the time and prints. Everything else is
in the modules that it calls; they are imported when they are needed, with the cyclic collector off,
which together is a good part of the cost of a small run.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.base.errors import BadInput, EngineError
from engine.base.exitcodes import ExitStatus
from engine.ipc.files import file_of

if TYPE_CHECKING:
    from engine.base.reports import Report
    from engine.cib.document import Cib
    from engine.scheduler.api import Schedule
    from engine.scheduler.model.model import Model
    from engine.scheduler.placement.scores import ScoreLine
    from engine.simulator.inject import Modification
    from engine.simulator.options import SimulateOptions
    from engine.simulator.player import Done

_STANDARD_OUTPUT = frozenset(("-", "/dev/stdout"))


class Output(Protocol):
    """What both forms of output offer."""

    def date(self, text: str) -> None: ...

    def notices(self, model: Model) -> None: ...

    def status(self, model: Model, heading: str, *, pending: bool) -> None: ...

    def modifications(self, made: Sequence[Modification]) -> None: ...

    def scores(self, heading: str, notices: Sequence[str], lines: Sequence[ScoreLine]) -> None: ...

    def summary(self, schedule: Schedule) -> None: ...

    def executed(self, done: Sequence[Done]) -> None: ...

    def timings(self, rows: Sequence[tuple[str, float]]) -> None: ...

    def take(self) -> str: ...

    def finish(self, status: int, message: str, errors: Iterable[str] = ()) -> str: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the result is its exit status."""
    collecting = gc.isenabled()
    gc.disable()  # a run makes no garbage in cycles that it could not hold until its end
    try:
        status = _run(sys.argv[1:] if argv is None else list(argv))
    except EngineError as refusal:
        for report in refusal.reports:
            sys.stderr.write(f"crm_simulate: {report.message}\n")
        if not refusal.reports:
            sys.stderr.write(f"crm_simulate: {refusal}\n")
        status = int(refusal.status)
    finally:
        if collecting and argv is not None:
            gc.enable()
    if argv is None:
        _leave(status)
    return status


def _leave(status: int) -> None:
    """End the process without taking its data apart piece by piece: a quarter of a run's cost."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = int(ExitStatus.IOERR)
    os._exit(status)


def _run(arguments: Sequence[str]) -> int:
    from engine.simulator.options import help_text, parse_options

    try:
        options = parse_options(arguments)
    except EngineError as refusal:
        if not _wants_xml(arguments):
            raise
        from engine.scheduler.views.status_parts import StatusParts
        from engine.simulator.xml_output import XmlOutput

        document = XmlOutput("crm_simulate " + " ".join(arguments), StatusParts())
        sys.stdout.write(document.finish(refusal.status, "Incorrect usage", [str(refusal)]))
        return int(refusal.status)
    if options.help:
        sys.stdout.write(help_text() + "\n")
        return ExitStatus.OK
    if options.version:
        from importlib.metadata import version

        from engine.cib.document import FEATURE_SET

        sys.stdout.write(f"crm_simulate {version('crmshell')} (feature set {FEATURE_SET})\n")
        return ExitStatus.OK
    output = _new_output(options, arguments)
    errors: list[str] = []
    status = int(ExitStatus.OK)
    try:
        if options.profile:
            _profile(options, output)
        else:
            status = _simulate(options, output, errors)
        message = "OK" if status == ExitStatus.OK else "Error occurred"
    except EngineError as refusal:
        if options.output_as == "text":
            raise
        status, message = int(refusal.status), "Error occurred"
        errors += [report.message for report in refusal.reports] or [str(refusal)]
    _write_text(options.output_to, output.finish(status, message, errors))
    return status


def _wants_xml(arguments: Sequence[str]) -> bool:
    """Whether options that could not be read ask for a document."""
    pairs = zip(arguments, (*arguments[1:], ""), strict=True)
    return "--output-as=xml" in arguments or ("--output-as", "xml") in set(pairs)


def _simulate(options: SimulateOptions, output: Output, errors: list[str]) -> int:
    """Read the CIB, do what the options ask for; the exit status."""
    if options.only_plans and options.source not in {"", "-"}:
        from engine.cib.cut import CutCib

        try:
            cut = _read_source(options.source, CutCib.from_bytes)
            return Simulation(options, cut, output, errors).run()
        except BadInput:
            pass  # The place of what is wrong is known only when the file is read as a whole.
    return Simulation(options, _read_source(options.source), output, errors).run()


def _new_output(options: SimulateOptions, arguments: Sequence[str]) -> Output:
    from engine.scheduler.views.status_parts import StatusParts
    from engine.simulator.text_output import TextOutput

    parts = StatusParts(options.show_attributes, options.show_failcounts)
    if options.output_as == "xml":
        from engine.simulator.xml_output import XmlOutput

        return XmlOutput("crm_simulate " + " ".join(arguments), parts)
    return TextOutput(options.quiet, parts)


class Simulation:
    """One run: the status, the injected changes, the schedule, and playing it.

    `errors` takes what a document holds in its end, and what goes to stderr beside a text.
    """

    def __init__(
        self, options: SimulateOptions, cib: Cib, output: Output, errors: list[str]
    ) -> None:
        from engine.ipc.live import local_zone

        self._options = options
        self._cib = cib
        self._output = output
        self._errors = errors
        self._silent = options.quiet and options.output_as == "text"
        self._zone = local_zone()

    def run(self) -> int:
        """Do what the options ask for and tell the output; the result is the exit status."""
        options = self._options
        now = self._announce_date()
        plans = options.run or options.simulate or options.show_scores
        plans = plans or options.show_utilization or bool(options.save_graph or options.save_dot)
        schedule_first = plans and not options.injections and self._silent
        if not schedule_first:
            from engine.base.reports import ReportList
            from engine.scheduler.reading.unpack import unpack_cib

            found = ReportList()
            model = unpack_cib(self._cib, now, zone=self._zone, reporter=found)
            if not plans:
                self._tell_findings(found.items)
            self._show_status(model)
            if options.injections:
                now = self._inject(model)
        self._save(options.save_input, self._cib_text)
        if not plans:
            self._save(options.save_output, self._cib_text)
            return ExitStatus.OK
        decided = self._plan(now)
        complete = not decided.plan.loops
        if options.simulate:
            complete = self._play(decided) and complete
        return ExitStatus.OK if complete else ExitStatus.ERROR

    def _cib_text(self) -> Iterable[bytes]:
        return (self._cib.to_bytes(),)

    def _save(self, path: str, content: Callable[[], Iterable[bytes]]) -> None:
        """Write a file that was asked for."""
        if not path:
            return
        if path in _STANDARD_OUTPUT:
            self._write_pending()
        _write_pieces(path, content())

    def _write_pending(self) -> None:
        """Write what is to be seen before something that does not pass through the output."""
        if not self._options.output_to:
            sys.stdout.write(self._output.take())
            sys.stdout.flush()

    def _announce_date(self) -> float:
        """The moment to schedule at, and a line that says so if it is not the present (0.2)."""
        from engine.base.isodate import epoch_from_text
        from engine.base.values import int_from_text

        options = self._options
        if options.date:
            moment = epoch_from_text(options.date, self._zone)
            if moment is None:
                raise BadInput(
                    f"--set-datetime: '{options.date}' is no ISO 8601 time "
                    "(for example 2026-11-20 09:30:00)",
                    status=ExitStatus.USAGE,
                )
            self._output.date(f"Setting effective cluster time: {options.date}")
            return moment
        original = int_from_text(self._cib.root.get("execution-date"))
        if original is None:
            return time.time()
        try:
            shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(original))
        except (OverflowError, ValueError, OSError):
            self._complain(
                f"warning: execution-date {original} is in no calendar, expected seconds"
            )
            return time.time()
        self._output.date(f"Using the original execution date of: {shown}")
        return original

    def _show_status(self, model: Model) -> None:
        if not self._silent:
            self._output.notices(model)
            self._output.status(model, "Current cluster status", pending=True)

    def _inject(self, model: Model) -> float:
        """Change the CIB as asked for; the moment is announced again, as the input is new."""
        from engine.simulator.inject import inject

        for spec in self._options.injections.operations:
            if model.find(spec.resource) is None and model.find(f"{spec.resource}:0") is not None:
                raise EngineError(
                    f"{spec.resource} is a clone's primitive: name an instance, "
                    f"for example {spec.resource}:0",
                    status=ExitStatus.NOSUCH,
                )
        # Like played actions, injected results happen in the present.
        wanted = self._options.injections
        implied = _implied_agents(model)
        lines = inject(self._cib, wanted, time.time(), nodes_may_join=True, implied=implied)
        self._output.modifications(lines)
        return self._announce_date()

    def _plan(self, now: float) -> Schedule:
        from engine.scheduler.api import schedule

        options, output = self._options, self._output
        sink = None
        if options.show_scores or options.show_utilization:
            from engine.scheduler.placement.scores import ScoreRecord

            sink = ScoreRecord(options.show_scores, options.show_utilization)
        decided = schedule(
            self._cib, now, scores=sink, zone=self._zone, sanitized=bool(options.source)
        )
        if sink is not None:
            output.scores(_score_heading(options), decided.plan.notices, sink.lines)
        self._tell_findings(decided.reports)
        self._save(options.save_graph, decided.graph_pieces)
        if options.save_dot:
            from engine.scheduler.graph.dot import dot_text

            text = dot_text(decided.plan, all_actions=options.all_actions)
            self._save(options.save_dot, lambda: (text.encode(),))
        if not self._silent:
            output.summary(decided)
        return decided

    def _tell_findings(self, reports: Iterable[Report]) -> None:
        """Loops always, everything else with --verbose: a CIB with faults still has a plan."""
        for report in reports:
            if self._options.verbose or report.code == "ordering-loop":
                known = report.subject in report.message
                about = "" if known else f"{report.subject}: "
                self._complain(f"{report.severity.name.lower()}: {about}{report.message}")

    def _complain(self, text: str) -> None:
        """Tell what is wrong, once."""
        if text in self._errors:
            return
        self._errors.append(text)
        if self._options.output_as == "text":
            self._write_pending()
            sys.stderr.write(f"{text}\n")

    def _play(self, decided: Schedule) -> bool:
        """Play the transition and show the status after it; False if it cannot complete."""
        from engine.simulator.player import Player

        options, output = self._options, self._output
        # Played actions happen in the present, whatever moment the plan is for: their entries are
        # newer than all others, also where only the time tells (cts: on_fail_demote1).
        player = Player(
            self._cib,
            time.time(),
            lambda name: decided.model.find(name) is not None,
            failures=options.op_fail,
            start_failure_is_fatal=decided.model.options.start_failure_is_fatal,
        )
        complete = player.play(decided.transition)
        if not self._silent:
            output.executed(player.done)
        if not complete or decided.plan.loops:
            self._complain("Transition failed: terminated")
            self._complain("An invalid transition was produced")
        self._save(options.save_output, self._cib_text)
        if options.in_place:
            _write_bytes(options.source or file_of(os.environ), self._cib.to_bytes())
        if not self._silent:
            from engine.scheduler.reading.unpack import unpack_cib

            now = self._announce_date()
            model = unpack_cib(self._cib, now, zone=self._zone)
            output.status(model, "Revised Cluster Status", pending=False)
        return complete


def _implied_agents(model: Model) -> dict[str, dict[str, str]]:
    """Agents of the primitives that are there although the configuration does not name them."""
    from engine.scheduler.views.status_parts import tree_of

    found: dict[str, dict[str, str]] = {}
    for each in (each for top in model.resources for each in tree_of(top)):
        is_implied = each.removed or each.bundle_replica is not None or each.is_remote_connection
        if each.is_primitive and is_implied and not each.container_inner:
            parts = (each.agent_class, each.agent_provider, each.agent_type)
            values = zip(("class", "provider", "type"), parts, strict=True)
            found[each.id] = {name: value for name, value in values if value}
    return found


def _score_heading(options: SimulateOptions) -> str:
    if not options.show_utilization:
        return "Assignment Scores"
    if not options.show_scores:
        return "Utilization Information"
    return "Assignment Scores and Utilization Information"


# Many inputs.


def _profile(options: SimulateOptions, output: Output) -> None:
    """Schedule every XML file of a folder and say how long it took (--profile)."""
    from engine.base.values import int_from_text
    from engine.ipc.live import local_zone
    from engine.scheduler.api import schedule

    folder = Path(options.profile)
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix == ".xml")
    except OSError as problem:
        raise _file_refusal(options.profile, problem) from None
    zone = local_zone()
    timings: list[tuple[str, float]] = []
    for path in names:
        cib = _read_source(str(path))
        started = time.process_time()
        for _ in range(options.repeat):
            original = int_from_text(cib.root.get("execution-date"))
            now = time.time() if original is None else original
            schedule(cib, now, zone=zone, sanitized=True)
        timings.append((str(path), time.process_time() - started))
    output.timings(timings)


# Files, the cluster.


def _read_source(source: str, read: Callable[[bytes, str], Cib] | None = None) -> Cib:
    """The CIB to work on, checked against the schema; `read` makes it of the text."""
    if read is None:
        from engine.cib.document import Cib

        read = Cib.from_bytes
    what = source or "CIB"
    if source == "-":
        what = "stdin"
        cib = read(sys.stdin.buffer.read(), what)
    elif place := source or file_of(os.environ):
        what = place
        try:
            data = Path(what).read_bytes()
        except OSError as problem:
            raise _file_refusal(what, problem) from None
        cib = read(data, what)
    else:
        cib = read(_cib_of_the_cluster(), what)
    _check_form(cib, what)
    return cib


def _check_form(cib: Cib, what: str) -> None:
    from engine.base.reports import Severity
    from engine.cib.schema import dangling_references, validate

    found = validate(cib.root)
    if not found:
        found = dangling_references(cib.root)
    errors = [report for report in found if report.severity >= Severity.ERROR]
    if errors:
        raise BadInput(
            f"{what}: does not fit its schema", status=ExitStatus.CONFIG, reports=tuple(errors)
        )
    if any(report.code == "schema-none" for report in found):
        sys.stderr.write(
            "Schema validation of configuration is disabled (support for validate-with set to "
            '"none" is deprecated and will be removed in a future release)\n'
        )


def _cib_of_the_cluster() -> bytes:
    from engine.ipc.live import live_cib

    return live_cib(os.environ)


def _write_text(path: str, text: str) -> None:
    if path:
        _write_bytes(path, text.encode())
    else:
        sys.stdout.write(text)


def _write_bytes(path: str, data: bytes) -> None:
    _write_pieces(path, (data,))


def _write_pieces(path: str, pieces: Iterable[bytes]) -> None:
    if path in {"", "-"}:
        for piece in pieces:
            sys.stdout.write(piece.decode())
        return
    try:
        with Path(path).open("wb") as file:
            file.writelines(pieces)
    except OSError as problem:
        raise _file_refusal(path, problem, writing=True) from None


def _file_refusal(path: str, problem: OSError, *, writing: bool = False) -> EngineError:
    status = ExitStatus.CANTCREAT if writing else ExitStatus.NOINPUT
    if isinstance(problem, FileNotFoundError) and not writing:
        status = ExitStatus.NOSUCH
    elif isinstance(problem, PermissionError):
        status = ExitStatus.INSUFFICIENT_PRIV
    return EngineError(f"{path}: {problem.strerror}", status=status)


if __name__ == "__main__":
    sys.exit(main())
