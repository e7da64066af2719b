"""The command line of `crm_simulate`: which options there are, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.base.digits import is_digits
from engine.base.errors import BadInput
from engine.base.exitcodes import ExitStatus
from engine.simulator.inject import Injections, OpSpec


@dataclass(slots=True)
class SimulateOptions:
    """What the command line asks for. `source` is a file name, `-` for stdin, "" for the cluster."""

    source: str = ""
    run: bool = False
    simulate: bool = False
    in_place: bool = False
    show_scores: bool = False
    show_utilization: bool = False
    show_attributes: bool = False
    show_failcounts: bool = False
    all_actions: bool = False
    quiet: bool = False
    verbose: int = 0
    date: str = ""
    save_input: str = ""
    save_output: str = ""
    save_graph: str = ""
    save_dot: str = ""
    profile: str = ""
    repeat: int = 1
    output_as: str = "text"
    output_to: str = ""
    version: bool = False
    help: bool = False
    op_fail: list[OpSpec] = field(default_factory=list)
    injections: Injections = field(default_factory=Injections)

    @property
    def only_plans(self) -> bool:
        """Whether nothing but a plan is wanted: the CIB is neither shown, changed nor written."""
        shows = self.simulate or self.in_place or not self.quiet or self.output_as != "text"
        return self.run and not (shows or self.injections or self.save_input or self.save_output)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its letter ("" if it has none), name, name of its value ("" for a switch)."""

    letter: str
    name: str
    value: str
    text: str


OPTIONS = (
    Option("R", "run", "", "Process the supplied input and show what actions would be taken"),
    Option("S", "simulate", "", "Like --run, but also show the state after the actions"),
    Option("X", "in-place", "", "Like --simulate, and store the result back to the input file"),
    Option("A", "show-attrs", "", "Show node attributes"),
    Option("c", "show-failcounts", "", "Show resource fail counts"),
    Option("s", "show-scores", "", "Show allocation scores"),
    Option("U", "show-utilization", "", "Show utilization information"),
    Option("P", "profile", "DIR", "Process all the XML files in DIR and show how long it took"),
    Option("N", "repeat", "N", "With --profile, repeat each test N times"),
    Option("", "pending", "", "Accepted for compatibility; pending operations are always shown"),
    Option("u", "node-up", "NODE", "Simulate bringing a node online"),
    Option("d", "node-down", "NODE", "Simulate taking a node offline"),
    Option("f", "node-fail", "NODE", "Simulate a node failing"),
    Option("i", "op-inject", "SPEC", "Simulate an operation result (RSC_TASK_INTERVALMS@NODE=RC)"),
    Option("F", "op-fail", "SPEC", "Let an operation fail if it is needed (same form)"),
    Option("t", "set-datetime", "TIME", "Use this moment (ISO 8601) instead of the current time"),
    Option("q", "quorum", "BOOL", "Set whether the cluster is quorate"),
    Option("w", "watchdog", "BOOL", "Set whether a watchdog device is active"),
    Option("g", "ticket-grant", "TICKET", "Simulate granting a ticket"),
    Option("r", "ticket-revoke", "TICKET", "Simulate revoking a ticket"),
    Option("b", "ticket-standby", "TICKET", "Simulate making a ticket standby"),
    Option("e", "ticket-activate", "TICKET", "Simulate activating a ticket"),
    Option("x", "xml-file", "FILE", "Retrieve the CIB from the file"),
    Option("p", "xml-pipe", "", "Retrieve the CIB from standard input"),
    Option("L", "live-check", "", "Use the current CIB of the cluster"),
    Option("I", "save-input", "FILE", "Save the input to the file"),
    Option("O", "save-output", "FILE", "Save the CIB after the simulation to the file"),
    Option("G", "save-graph", "FILE", "Save the transition graph (XML) to the file"),
    Option("D", "save-dotfile", "FILE", "Save the transition graph (dot) to the file"),
    Option("a", "all-actions", "", "Show all possible actions in the dot file"),
    Option("Q", "quiet", "", "Show only what was asked for"),
    Option("V", "verbose", "", "Show more; may be given several times"),
    Option("", "output-as", "FORMAT", "Form of the output: text or xml"),
    Option("", "output-to", "FILE", "Write the output to the file"),
    Option("$", "version", "", "Show the version"),
    Option("?", "help", "", "Show this help"),
)

_BY_LETTER = {option.letter: option for option in OPTIONS if option.letter}
_BY_LETTER["h"] = _BY_LETTER["?"]
_BY_NAME = {option.name: option for option in OPTIONS}
_BY_NAME["help-all"] = _BY_NAME["help"]  # nothing is hidden
_FORMATS = ("text", "xml")


def parse_options(argv: Sequence[str]) -> SimulateOptions:
    """Read the arguments (without the program's name); `BadInput` names what is wrong."""
    found = SimulateOptions()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            option = _BY_NAME.get(name)
            if option is None:
                raise _usage(f"unknown option --{name}{_nearest(name)}")
            if not option.value and equals:
                raise _usage(f"option --{name} takes no value")
            if option.value and not equals:
                value = _next(words, f"--{name}", option)
            _take(found, option, value)
        elif word.startswith("-") and len(word) > 1 and word != "--":
            _take_letters(found, word[1:], words)
        else:
            raise _usage(f"unexpected argument '{word}'; a file is given with --xml-file")
    return found


def _take_letters(found: SimulateOptions, letters: str, words: list[str]) -> None:
    """Letters may be bundled; the first that takes a value takes the rest, or the next word."""
    while letters:
        letter, letters = letters[0], letters[1:]
        option = _BY_LETTER.get(letter)
        if option is None:
            raise _usage(f"unknown option -{letter}")
        if not option.value:
            _take(found, option, "")
            continue
        _take(found, option, letters or _next(words, f"-{letter}", option))
        return


def _next(words: list[str], shown: str, option: Option) -> str:
    if not words:
        raise _usage(f"option {shown} needs a value ({option.value})")
    return words.pop(0)


def _take(found: SimulateOptions, option: Option, value: str) -> None:
    """Store one option."""
    injections = found.injections
    lists = {
        "node-up": injections.nodes_up,
        "node-down": injections.nodes_down,
        "node-fail": injections.nodes_fail,
        "ticket-grant": injections.tickets_grant,
        "ticket-revoke": injections.tickets_revoke,
        "ticket-standby": injections.tickets_standby,
        "ticket-activate": injections.tickets_activate,
    }
    name = option.name
    if name in lists:
        lists[name].append(value)
        return
    match name:
        case "op-inject":
            injections.operations.append(OpSpec.from_text(value))
        case "op-fail":
            found.op_fail.append(OpSpec.from_text(value))
            found.simulate = True
        case "quorum":
            injections.quorum = value
        case "watchdog":
            injections.watchdog = value
        case "xml-file":
            found.source = value
        case "xml-pipe":
            found.source = "-"
        case "live-check":
            found.source = ""
        case "repeat":
            if not is_digits(value) or int(value) < 1:
                raise _usage(f"--repeat: '{value}' is not a number above 0")
            found.repeat = int(value)
        case "output-as":
            if value not in _FORMATS:
                raise _usage(f"--output-as: '{value}' is not one of {', '.join(_FORMATS)}")
            found.output_as = value
        case "verbose":
            found.verbose += 1
        case "pending":
            pass
        case "in-place":
            found.in_place = found.simulate = True
        case _:
            attribute = _ATTRIBUTES.get(name, name.replace("-", "_"))
            setattr(found, attribute, value if option.value else True)


_ATTRIBUTES = {
    "show-attrs": "show_attributes",
    "set-datetime": "date",
    "save-dotfile": "save_dot",
}


def help_text() -> str:
    """The text of --help."""
    lines = [
        "crm_simulate - simulate a cluster's response to events",
        "",
        "Usage: crm_simulate [options]",
        "",
        "Without --xml-file or --xml-pipe the running cluster is asked for its CIB.",
        "",
    ]
    for option in OPTIONS:
        letter = f"-{option.letter}, " if option.letter else "    "
        value = f"={option.value}" if option.value else ""
        lines.append(f"  {letter}--{option.name + value:<24} {option.text}")
    return "\n".join(lines)


def _usage(message: str) -> BadInput:
    return BadInput(f"{message} (see --help)", status=ExitStatus.USAGE)


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, list(_BY_NAME), 1)
    return f"; did you mean --{found[0]}?" if found else ""
