"""What each way of ending leads to, for the bead and for its route. A table; the rules that read it are elsewhere.

What is nobody's fault (our own end, a conflict, a failed check) counts against no route.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from orchestrator.core.model import Ending
from orchestrator.core.values import Struct


class Blame(Enum):
    """What an ending does to the breaker of its route."""

    NOBODY = "counts against nobody"
    ROUTE = "counts as one failure of the route"
    PROVIDER_UNTIL = "parks every route of the provider until the time it named"
    PROVIDER_OUTAGE = "parks every route of the provider for a while, and longer each time"
    ROUTE_FOR_GOOD = "opens the route until a person has seen to it"


class Answer(Struct, frozen=True, kw_only=True):
    """What a way of ending leads to."""

    tried: bool
    """It is a try of the bead."""
    vain: bool = False
    """It is a start in vain, of which a bead has a bounded number; our own end is not one."""
    strike: bool = False
    """The route was not up to it; enough strikes put it behind the chain's others."""
    blame: Blame = Blame.NOBODY
    keep: bool = True
    """Go on in the same worktree, where the agent can."""
    stay: bool = False
    """With the same route first, in the same session where the agent can resume it."""
    wait: bool = False
    """Not before a back-off."""
    aside: bool = False
    """Try the bead's other routes first."""


ANSWERS: Mapping[Ending, Answer] = {
    Ending.RATE_LIMITED: Answer(tried=False, vain=True, blame=Blame.ROUTE, aside=True),
    Ending.USAGE_LIMITED: Answer(tried=False, vain=True, blame=Blame.PROVIDER_UNTIL),
    Ending.OVERLOADED: Answer(tried=False, vain=True, blame=Blame.ROUTE, aside=True),
    Ending.UNREACHABLE: Answer(tried=False, vain=True, blame=Blame.PROVIDER_OUTAGE),
    Ending.UNAVAILABLE: Answer(tried=False, vain=True, blame=Blame.ROUTE_FOR_GOOD),
    Ending.CONTEXT_OVERFLOW: Answer(tried=True, strike=True),
    Ending.SILENT: Answer(tried=True, strike=True, stay=True),
    Ending.CRASHED: Answer(tried=True, strike=True, stay=True, wait=True),
    Ending.TIMED_OUT: Answer(tried=True, strike=True),
    Ending.NOTHING_DONE: Answer(tried=True, strike=True, stay=True),
    Ending.CHECKS_FAILED: Answer(tried=True, strike=True, stay=True),
    Ending.CONFLICT: Answer(tried=True, stay=True),
    Ending.MERGED_RED: Answer(tried=True, stay=True),
    Ending.NOT_STARTED: Answer(tried=False, vain=True, wait=True),
    Ending.NOT_COLLECTED: Answer(tried=True, stay=True, wait=True),
    Ending.STRAYED: Answer(tried=True, strike=True, keep=False),
    Ending.LOST: Answer(tried=False, stay=True),
    Ending.STOPPED: Answer(tried=False, stay=True),
    Ending.ASKED: Answer(tried=False, vain=True, stay=True),
    Ending.PUT_BACK: Answer(tried=False, stay=True),
}
"""The endings that send a bead back; ASKED only where `on_question` has an answer. The others: DELIVERED and
NO_CHANGE_NEEDED go on to the checks, OVER_BUDGET fails, CANCELLED is cancelled."""

ANSWERED = frozenset(
    {
        Ending.DELIVERED,
        Ending.NO_CHANGE_NEEDED,
        Ending.NOTHING_DONE,
        Ending.CHECKS_FAILED,
        Ending.CONTEXT_OVERFLOW,
        Ending.ASKED,
        Ending.STRAYED,
    }
)
"""The route's model did answer, whatever came of it."""
