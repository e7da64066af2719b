"""The command `configure simulate`: what the cluster would do with the pending configuration."""

from __future__ import annotations

from crmshell.errors import ShellError
from crmshell.levels.frame.registry import Answer, Call, command
from crmshell.session import Session

WORDS = ("nograph", "scores", "utilization", "actions", "graph")


@command(
    "configure",
    "simulate",
    usage="[nograph] [v...] [scores] [utilization] [actions] [graph]",
    aliases=("ptest",),
    help="what the cluster would do with the pending configuration",
)
def simulate(session: Session, call: Call) -> Answer:
    """The summary of the transition; with words more of it. The status may have been edited."""
    for word in call.args:
        if word not in WORDS and word.strip("v"):
            known = ", ".join((*WORDS, "v"))
            raise ShellError(
                f"configure.simulate: '{word}' is not one of {known}", code="arguments"
            )
    from crmshell.levels.work import simulation as scheduled

    cib = session.pending.cib
    if session.status_edit is not None:
        cib = session.status_edit.put_into(cib)
    now = session.environment.clock()
    done = scheduled.run_scheduler(cib, now)
    if "graph" in call.args:
        return Answer(scheduled.dot_text(done), done.reports)
    wants_actions = "actions" in call.args or any(word.startswith("v") for word in call.args)
    text = "Transition Summary:\n"
    text += scheduled.actions_text(done) if wants_actions else scheduled.summary_text(done)
    scores, utilization = "scores" in call.args, "utilization" in call.args
    if scores or utilization:
        text += "\n\n" + scheduled.scores_text(cib, now, scores=scores, utilization=utilization)
    return Answer(text, done.reports)
