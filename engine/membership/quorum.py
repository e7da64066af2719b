"""Is a set of nodes quorate? One pure function over the static votes (engine 5.1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from engine.membership.view import Votes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and its reason, for people."""

    quorate: bool
    reason: str


def quorum(votes: Votes, present: Collection[int], all_seen: bool = True) -> Verdict:
    """Whether `present` may decide for the cluster.

    `all_seen` tells whether all configured nodes were seen together since this cluster's last
    cold start; only `wait_for_all` (and `two_node`, which implies it) asks for it.
    """
    total = sum(count for _, count in votes.votes)
    here = sum(count for node, count in votes.votes if node in present)
    text = f"{here} of {total} votes"
    if (votes.wait_for_all or votes.two_node) and not all_seen and here < total:
        return Verdict(False, f"{text}; waiting for all nodes to be seen once")
    if 2 * here > total:
        return Verdict(True, text)
    if votes.two_node and len(votes.votes) == 2 and here > 0:
        return Verdict(True, f"{text}; two_node lets one node go on alone")
    if 2 * here == total and votes.tie_breaker is not None and votes.tie_breaker in present:
        return Verdict(True, f"{text}; {votes.name(votes.tie_breaker)} breaks the tie")
    return Verdict(False, text)
