"""Session: what one run of the shell knows: environment, settings, where the CIB comes from, the
pending changes, and the levels entered. Commands get it as their first argument.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmshell.environment import Environment
from crmshell.errors import Cancelled, ShellError
from crmshell.options import Options
from crmshell.output.messages import format_report
from crmshell.output.pager import page_text
from crmshell.output.style import Style, style_for
from engine.base.reports import Report, Severity

if TYPE_CHECKING:
    from crmshell.pending.changes import PendingCib
    from crmshell.pending.checks import Facts
    from crmshell.pending.status_edit import StatusEdit
    from crmshell.ra.meta import AgentShelf
    from crmshell.sources.api import CibSource, Committed
    from crmshell.views.lookups import Lookups
    from engine.cib.document import Cib


class Mode(enum.Enum):
    """How commands reach the shell."""

    INTERACTIVE = "interactive"
    BATCH = "batch"
    ONE_SHOT = "one shot"


@dataclass(frozen=True, slots=True)
class Switches:
    """Options of the command line that commands look at."""

    force: bool = False
    refuse: bool = False
    wait: bool = False
    debug: bool = False
    regression: bool = False
    output_as: str = "text"
    history_source: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Session:
    """The state of one run. `levels` are names from below root downwards; empty at root.

    `temporary` is a shadow CIB to remove at the end.
    """

    environment: Environment
    options: Options
    switches: Switches = Switches()
    mode: Mode = Mode.ONE_SHOT
    levels: list[str] = field(default_factory=list)
    shadow: str | None = None
    temporary: str = ""
    failed_lines: int = 0
    leaving: bool = False
    source_line: Callable[[str, int], str | None] | None = None
    lookups: Lookups | None = None
    status_edit: StatusEdit | None = None
    remembered: dict[str, str] = field(default_factory=dict)
    _source: CibSource | None = None
    _agents: AgentShelf | None = None
    _styles: dict[bool, Style] = field(default_factory=dict)
    _pending: PendingCib | None = None
    _kept: str = ""
    _asked: bool = False

    # -- where we are ------------------------------------------------------------------------

    @property
    def level(self) -> str:
        """Name of the level we are in."""
        return self.levels[-1] if self.levels else "root"

    @property
    def interactive(self) -> bool:
        return self.mode is Mode.INTERACTIVE

    @property
    def force(self) -> bool:
        return self.switches.force or self.options.flag("core.force")

    @property
    def prompt(self) -> str:
        """`crm(live)configure# `, with the host if the user wants it (shell 1.2)."""
        where = self.source_name
        if self.options.flag("core.prompt_host"):
            where = f"{where}/{self.environment.hostname}"
        return f"crm({where}){' '.join(self.levels)}# "

    @property
    def script_failed(self) -> bool:
        """A line of this script has failed, and scripts are all or nothing (decision 9 f)."""
        return self.failed_lines > 0 and self.batch_errors != "continue"

    @property
    def on_leaving(self) -> str:
        """What becomes of pending changes when their level is left: ask, commit, or drop."""
        if self.interactive:
            return "ask"
        return "drop" if self.script_failed else "commit"

    @property
    def batch_errors(self) -> str:
        """What a script does after an error: atomic, stop or continue."""
        return "continue" if self.force else self.options.text("core.batch_errors")

    # -- saying and asking ---------------------------------------------------------------------

    def style(self, *, stderr: bool = False) -> Style:
        """The style for stdout or stderr; the settings may change, see `restyle`."""
        if stderr not in self._styles:
            self._styles[stderr] = style_for(self.environment, self.options, stderr=stderr)
        return self._styles[stderr]

    def restyle(self) -> None:
        """Forget the styles, after a change of the settings."""
        self._styles.clear()

    def report(self, *reports: Report) -> None:
        """Show findings on stderr, at once."""
        for report in reports:
            self.environment.complain(
                format_report(report, self.style(stderr=True), self.source_line)
            )

    def info(self, text: str) -> None:
        self.report(Report("info", Severity.INFO, text))

    def warn(self, text: str, code: str = "warning") -> None:
        self.report(Report(code, Severity.WARNING, text))

    def error(self, text: str, code: str = "error") -> None:
        self.report(Report(code, Severity.ERROR, text))

    def show(self, text: str) -> None:
        """Show a result on stdout, through the pager when it is long and we are interactive."""
        if self.interactive:
            page_text(text, self.environment, self.options.text("core.pager"))
        else:
            self.environment.write(text)

    def confirm(self, question: str, *, default: bool = False) -> bool:
        """Ask yes or no. -F answers yes, -n no; without a terminal the answer is `default`."""
        if self.force:
            return True
        if self.switches.refuse:
            return False
        if not (self.environment.stdin_tty and self.environment.stderr_tty):
            return default
        while True:
            hint = "Y/n" if default else "y/n"
            answer = self.environment.ask_line(f"{question} ({hint})? ")
            if answer is None:
                return False
            word = answer.strip().lower()
            if not word and default:
                return True
            if word in {"y", "yes"}:
                return True
            if word in {"n", "no"}:
                return False
            self.environment.complain("answer y (yes) or n (no)")

    def require(self, question: str) -> None:
        """Go on only if the user says yes; raises `Cancelled` otherwise."""
        if not self.confirm(question):
            how = "" if self.environment.stdin_tty else " (there is nobody to ask; -F says yes)"
            raise Cancelled(f"{question}: no{how}, nothing was changed")

    # -- the CIB --------------------------------------------------------------------------------

    @property
    def source_name(self) -> str:
        """What stands in the prompt; does not connect to anything."""
        return self._source.name if self._source is not None else self.shadow_name or "live"

    @property
    def shadow_name(self) -> str:
        """The shadow CIB in use, "" for the live one; `CIB_shadow` until something else is chosen."""
        if self.shadow is None:
            return self.environment.variables.get("CIB_shadow", "")
        return self.shadow

    @property
    def source(self) -> CibSource:
        """Where the CIB comes from; found at first use."""
        if self._source is None:
            from crmshell.sources.find import open_source

            shadow = self.shadow or self.environment.variables.get("CIB_shadow", "")
            self.environment.tools_as = self.options.text("core.user")
            self._source = open_source(self.environment, shadow)
        return self._source

    def use_shadow(self, name: str) -> None:
        """Work on a shadow CIB, or ("") on the live CIB, from now on."""
        self.shadow = name
        self._source = None
        self._pending = None
        self._kept = ""
        self._asked = False

    @property
    def agents(self) -> AgentShelf:
        """The agents of this machine and their meta-data; one shelf for the whole run."""
        if self._agents is None:
            from crmshell.ra.meta import AgentShelf

            self._agents = AgentShelf(self.environment)
        return self._agents

    def cib(self, *, sync: bool = False) -> Cib:
        """The CIB as it is now; the caller may change what it gets."""
        return self.source.read(sync=sync)

    @property
    def pending(self) -> PendingCib:
        """The configuration being worked on; read when first asked for."""
        if self._pending is None:
            from crmshell.pending.agents import agent_facts
            from crmshell.pending.changes import PendingCib

            base: Cib | None = None
            kept = self._kept_changes()
            if kept is not None:
                base, cib = kept
            else:
                cib = self.source.read(sync=True)
            advised = (
                self.options.flag("core.has_ra_advised_op"),
                self.options.flag("core.has_fa_advised_op"),
            )
            self._pending = PendingCib(
                cib,
                base=base,
                providers=lambda kind: tuple(self.agents.catalog.providers_of(kind)),
                agents=lambda agent: agent_facts(self.agents, agent, advised),
                advises=any(advised),
            )
        return self._pending

    def offer_kept(self) -> bool:
        """At the start: go on with changes that were kept? True: they are pending now."""
        from crmshell.pending.saved_edits import has_kept

        try:
            owner = self.source.identity
        except ShellError:
            return False  # The first command will say that there is no cluster.
        return has_kept(self.environment, owner) and self.pending.is_changed

    def _kept_changes(self) -> tuple[Cib, Cib] | None:
        """Changes that an earlier run could not hand over, if the user wants to go on with them."""
        from crmshell.pending.saved_edits import drop_kept, read_kept

        if self._asked or not self.interactive:
            return None
        self._asked = True
        for kept in read_kept(self.environment, self.source.identity):
            edit = self._brought_up_to_date(kept.base, kept.edited)
            if edit is None:
                drop_kept(self.environment, kept.path)
                continue
            question = f"Changes of {kept.when} could not be committed. Go on with them"
            if self.confirm(question, default=True):
                self._kept = kept.path
                return edit
            if self.confirm("Throw them away"):
                drop_kept(self.environment, kept.path)
        return None

    def _brought_up_to_date(self, base: Cib, edited: Cib) -> tuple[Cib, Cib] | None:
        """The edit made on the CIB of now, if it can be; None when that has it all already."""
        from crmshell.sources.merge import configuration_bytes, merge_commit

        try:
            now = self.source.read(sync=True)
            merged = merge_commit(now, base, edited, replace=False)
        except ShellError:
            return base, edited  # The commit will say what stands against it.
        return None if configuration_bytes(merged) == configuration_bytes(now) else (now, merged)

    def keep_pending(self) -> None:
        """Put the pending changes into a file, for the next start; they also stay here."""
        if self._pending is None or not self._pending.is_changed or self.temporary:
            return
        from crmshell.pending.saved_edits import write_kept

        where = write_kept(self.environment, self.source.identity, self._pending, self._kept)
        if where:
            self._kept = where
            self.info(f"the pending changes are kept in {where} and offered at the next start")
        else:
            self.warn("the pending changes could not be kept in a file either", "not-kept")

    def forget_kept(self) -> None:
        """The kept changes have been committed or dropped: their file goes."""
        if self._kept:
            from crmshell.pending.saved_edits import drop_kept

            drop_kept(self.environment, self._kept)
            self._kept = ""

    @property
    def has_pending_changes(self) -> bool:
        return self._pending is not None and self._pending.is_changed

    def facts(self) -> Facts:
        """What checks of the configuration know of agents, and how strict they are."""
        from crmshell.pending.checks import Facts

        return Facts(
            self.agents.metadata,
            self.agents.catalog.types,
            strict=self.options.text("core.check_mode") == "strict",
            may_lack=self.options.flag("core.ignore_missing_metadata"),
            now=self.environment.clock(),
        )

    def forget_pending(self) -> None:
        """Drop what is pending; the next look reads the CIB again.

        What a failed script could not hand over stays in its file.
        """
        self._pending = None
        if not self.script_failed:
            self.forget_kept()

    def edit(self, change: Callable[[Cib], Iterable[Report] | None]) -> Committed:
        """Read the CIB, let `change` edit a copy of it, and hand the difference over.

        The reports that `change` returns are shown when the commit has been taken; errors among
        them stop it.
        """
        base = self.source.read(sync=True)
        new = base.copy()
        reports = tuple(change(new) or ())
        errors = tuple(report for report in reports if report.severity >= Severity.ERROR)
        if errors:
            raise ShellError(reports=errors)
        committed = self.source.commit(base, new, force=self.force)
        self.report(*reports, *committed.reports)
        return committed

    def wait_if_wanted(self) -> None:
        """After a change of the cluster: wait if -w or the settings say so."""
        if self.switches.wait or self.options.flag("core.wait"):
            self.wait()

    def wait(self) -> None:
        """Wait for the cluster to settle; a warning when it does not."""
        if not self.source.wait():
            self.warn("the cluster has not settled within the time limit", "not-settled")
