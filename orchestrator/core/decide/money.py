"""Budgets: of a bead, of the run, of a day; in US dollars, tokens and minutes of agents.

Before a bead starts, what it may need is reserved: what it has left of its own limit, else what attempts have cost so
far on average. What nobody told is unknown, which is not zero: what was reserved for it stays taken. A budget that is
not hard only warns.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RunState, WorkerState
from orchestrator.core.records import Attempt, BeadRecord
from orchestrator.core.state import State
from orchestrator.core.values import Struct

WHATS = ("usd", "tokens", "minutes")
SCOPES = ("run", "day")
DAY_S = 86400.0


class Shortage(Struct, frozen=True, kw_only=True):
    """Why the budget does not let a bead start."""

    reason: str
    stays: bool
    """It is spent. Else what runs may give back what it does not need."""


class Committed(Struct, frozen=True, kw_only=True):
    spent: float
    """By ended attempts, and by those that run as far as they have said."""
    reserved: float
    """For what else those that run may need."""


def limit_of(state: State, scope: str, what: str) -> float | None:
    """`scope` is run, day or bead."""
    limit: float | None = getattr(state.budget, what if scope == "run" else f"{scope}_{what}")
    return limit


def shortage(state: State, bead: BeadId, at: float) -> Shortage | None:
    """None: there is enough left for it. A shell command costs nothing."""
    record = state.beads[bead]
    if not state.budget.hard or record.spec.command:
        return None
    for scope, what, limit in _limits(state):
        money, each = committed(state, scope, what, at), needed(state, record, what)
        taken = money.spent + money.reserved
        if taken >= limit or taken + each > limit:
            said = f"the budget {_of(scope)}is {_amount(limit, what)}, {_amount(taken, what)} are spent or reserved"
            reason = f"{said}, and a bead may need {_amount(each, what)}"
            return Shortage(reason=reason, stays=money.spent >= limit or money.spent + each > limit)
    return None


def needed(state: State, record: BeadRecord, what: str) -> float:
    """What its next attempt may need."""
    own = limit_of(state, "bead", what)
    if own is not None:
        return max(own - _of_bead(record, what), 0.0)
    totals = state.totals
    told = totals.attempts - {"usd": totals.unpriced, "tokens": totals.uncounted, "minutes": 0}[what]
    spent: float = getattr(totals, what)
    return spent / told if told else 0.0


def committed(state: State, scope: str, what: str, at: float) -> Committed:
    spent, reserved = _ended(state, scope, what, at), 0.0
    for attempt in state.attempts.values():
        if state.has_worker(attempt) and not state.beads[attempt.bead].spec.command:
            used = used_by(attempt, what, at)
            spent += used
            reserved += max(getattr(attempt, f"reserved_{what}") - used, 0.0)
    return Committed(spent=spent, reserved=reserved)


def used_by(attempt: Attempt, what: str, at: float) -> float:
    """By one that has not ended, as far as is known."""
    if what == "minutes":
        return max((attempt.agent_ended or at) - attempt.started, 0.0) / 60.0
    told: float | None = attempt.usage.usd if what == "usd" else attempt.usage.tokens
    return told or 0.0


def passed_by(state: State, attempt: Attempt, at: float) -> str:
    """Which limit of its bead a session has passed, in words; empty: none."""
    if not state.budget.hard or state.beads[attempt.bead].spec.command:
        return ""
    for what in WHATS:
        limit = limit_of(state, "bead", what)
        spent = _of_bead(state.beads[attempt.bead], what) + used_by(attempt, what, at)
        if limit is not None and (spent > limit or (what == "minutes" and spent > limit - 1e-6)):
            return f"it has {_cost(spent, what)}, and a bead may {_cost(limit, what, infinitive=True)}"
    return ""


def used_up(state: State, bead: BeadId) -> str:
    """Which limit of a bead is used up by its ended attempts, in words; empty: none."""
    record = state.beads[bead]
    if not state.budget.hard or record.spec.command:
        return ""
    for what in WHATS:
        limit, spent = limit_of(state, "bead", what), _of_bead(record, what)
        if limit is not None and spent >= limit:
            return f"it has {_cost(spent, what)} of {_amount(limit, what)}"
    return ""


def watched(state: State, signal: m.Signal) -> Iterator[m.Event]:
    """After what may have cost something: warns once of each limit that is near or reached, and ends what runs there,
    where that is wished."""
    if not isinstance(signal, m.Progressed | m.SessionEnded | m.Swept | m.TimePassed):
        return
    token = getattr(signal, "token", None)
    attempt = state.attempts.get(token) if token is not None else None
    reached = ""
    for scope, what, limit in _limits(state):
        spent = committed(state, scope, what, signal.at).spent
        yield from _warned(state, scope, what, spent, limit, signal.at)
        if spent >= limit:
            reached = f"the budget {_of(scope)}is {_amount(limit, what)}, and {_amount(spent, what)} are spent"
    if attempt is not None:
        for what in WHATS:
            own = limit_of(state, "bead", what)
            if own is not None:
                spent = _of_bead(state.beads[attempt.bead], what) + used_by(attempt, what, signal.at)
                yield from _warned(state, attempt.bead, what, spent, own, signal.at)
    if reached and state.budget.hard and state.budget.stop and state.run is RunState.RUNNING:
        yield from _stopped(state, reached, signal.at)


def _stopped(state: State, reason: str, at: float) -> Iterator[m.Event]:
    yield m.RunPaused(at=at, reason=reason)
    for worker in list(state.workers.values()):
        if worker.token is not None and worker.state in (WorkerState.STARTING, WorkerState.RUNNING):
            attempt = state.attempts[worker.token]
            if not state.beads[attempt.bead].spec.command:
                yield m.SessionGivenUp(at=at, token=attempt.token, ending=Ending.STOPPED, reason=reason)


def _warned(state: State, scope: str, what: str, spent: float, limit: float, at: float) -> Iterator[m.Event]:
    reached = spent >= limit
    if spent < limit * state.budget.warn or (scope, what, reached) in state.warned:
        return
    yield m.BudgetWarned(at=at, scope=scope, what=what, spent=round(spent, 6), limit=limit, reached=reached)


def _limits(state: State) -> Iterator[tuple[str, str, float]]:
    for scope in SCOPES:
        for what in WHATS:
            limit = limit_of(state, scope, what)
            if limit is not None:
                yield scope, what, limit


def _ended(state: State, scope: str, what: str, at: float) -> float:
    """By ended attempts: what they told, and what was reserved for those that did not tell."""
    if scope == "day":
        lately = [spent for hour, spent in state.spent_by_hour.items() if (hour + 1) * 3600 > at - DAY_S]
        return float(sum(getattr(spent, what) for spent in lately))
    told: float = getattr(state.totals, what)
    return told + (0.0 if what == "minutes" else getattr(state.totals, f"assumed_{what}"))


def _of_bead(record: BeadRecord, what: str) -> float:
    return getattr(record, what) or 0.0


def _of(scope: str) -> str:
    return "" if scope == "run" else "of a day "


def _amount(number: float, what: str) -> str:
    match what:
        case "usd":
            return f"${number:.2f}"
        case "tokens":
            return f"{number:,.0f} tokens"
        case _:
            return f"{number:.1f} minutes"


def _cost(number: float, what: str, *, infinitive: bool = False) -> str:
    verb = {"usd": ("cost", "cost"), "tokens": ("used", "use"), "minutes": ("taken", "take")}[what][infinitive]
    return f"{verb} {_amount(number, what)}"
