"""Which route an attempt takes, what each way of ending means, and when a breaker opens.

Two directions of the chain, never mixed: what was not to be had (limits, outages) goes to whatever else is to be
had; what was not up to it (failed checks, time run out) counts as a strike, and enough strikes put the route behind
the others of the chain. What is nobody's fault counts against nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.core import messages as m
from orchestrator.core.graph import backoff
from orchestrator.core.model import BeadId, BreakerState, Ending, RouteName, Usage, Verdict
from orchestrator.core.records import Attempt
from orchestrator.core.state import State


class Blame(Enum):
    """What an ending does to the breaker of its route."""

    NOBODY = "counts against nobody"
    ROUTE = "counts as one failure of the route"
    PROVIDER_UNTIL = "parks every route of the provider until the time it named"
    ROUTE_FOR_GOOD = "opens the route until a person has seen to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
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
    Ending.UNAVAILABLE: Answer(tried=False, vain=True, blame=Blame.ROUTE_FOR_GOOD),
    Ending.CONTEXT_OVERFLOW: Answer(tried=True, strike=True),
    Ending.SILENT: Answer(tried=True, strike=True, stay=True),
    Ending.CRASHED: Answer(tried=True, strike=True, stay=True, wait=True),
    Ending.TIMED_OUT: Answer(tried=True, strike=True),
    Ending.NOTHING_DONE: Answer(tried=True, strike=True, stay=True),
    Ending.CHECKS_FAILED: Answer(tried=True, strike=True, stay=True),
    Ending.CONFLICT: Answer(tried=True, keep=False),
    Ending.MERGED_RED: Answer(tried=True, keep=False),
    Ending.NOT_STARTED: Answer(tried=False, vain=True, wait=True),
    Ending.NOT_COLLECTED: Answer(tried=True, stay=True, wait=True),
    Ending.LOST: Answer(tried=False, stay=True),
    Ending.STOPPED: Answer(tried=False, stay=True),
}
"""The endings that send a bead back. The others: DELIVERED and NO_CHANGE_NEEDED go on to the checks, ASKED is held,
OVER_BUDGET fails, CANCELLED is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    route: RouteName
    probe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hopeless:
    """Every route of the chain is shut for good."""

    reason: str


def pick(state: State, bead: BeadId, at: float) -> Pick | Hopeless | None:
    """The first route of the bead's chain that lets an attempt through now. None: one will, later."""
    shut: list[str] = []
    chain = state.chain(state.beads[bead], at)
    for route in chain:
        breaker = state.breakers[route]
        if breaker.state is BreakerState.CLOSED:
            return Pick(route=route)
        if breaker.state is BreakerState.HALF_OPEN and breaker.probe is None:
            return Pick(route=route, probe=True)
        if breaker.state is BreakerState.OPEN and breaker.until is None:
            shut.append(f"{route}: {breaker.reason}")
    every = state.beads[bead].spec.routes
    if len(shut) == len(chain) and all(_shut_for_good(state, route) for route in every):
        return Hopeless(reason="no route is left: " + "; ".join(shut))
    return None


def _shut_for_good(state: State, route: RouteName) -> bool:
    breaker = state.breakers[route]
    return breaker.state is BreakerState.OPEN and breaker.until is None


def blame(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    """What the end of an attempt says of its route: events for the breakers."""
    answer = ANSWERS.get(verdict.ending)
    route, policy = attempt.route, state.policy
    match answer.blame if answer else Blame.NOBODY:
        case Blame.ROUTE:
            yield m.RouteFailed(at=at, route=route, reason=verdict.reason)
            breaker = state.breakers[route]
            if breaker.state is BreakerState.OPEN:  # whoever started before it opened says nothing new
                if breaker.until is not None and (verdict.retry_at or 0.0) > breaker.until:
                    yield m.BreakerOpened(at=at, route=route, until=verdict.retry_at, reason=verdict.reason)
            elif breaker.state is BreakerState.HALF_OPEN or len(breaker.failures) >= policy.breaker_failures:
                yield _opened(state, route, verdict, at)
            elif verdict.retry_at is not None:
                yield m.BreakerOpened(at=at, route=route, until=max(verdict.retry_at, at), reason=verdict.reason)
        case Blame.PROVIDER_UNTIL:
            for other in sorted(state.breakers):
                if state.traits_of(other).provider == state.traits_of(route).provider:
                    until = max(verdict.retry_at or at + policy.breaker_cooldown_max_s, at + policy.breaker_cooldown_s)
                    known = state.breakers[other].until
                    shut = state.breakers[other].state is BreakerState.OPEN
                    if not shut or (known is not None and known < until):
                        yield m.BreakerOpened(at=at, route=other, until=until, reason=verdict.reason)
        case Blame.ROUTE_FOR_GOOD:
            if not _shut_for_good(state, route):
                yield m.BreakerOpened(at=at, route=route, until=None, reason=verdict.reason)
        case Blame.NOBODY:
            if answered(verdict.ending):
                yield from vindicated(state, attempt, at)


def answered(ending: Ending) -> bool:
    """The route's model did answer, whatever came of it."""
    return ending in {
        Ending.DELIVERED,
        Ending.NO_CHANGE_NEEDED,
        Ending.NOTHING_DONE,
        Ending.CHECKS_FAILED,
        Ending.CONTEXT_OVERFLOW,
        Ending.ASKED,
    }


def vindicated(state: State, attempt: Attempt, at: float) -> Iterator[m.Event]:
    """A probe that got an answer closes its breaker."""
    breaker = state.breakers[attempt.route]
    if breaker.state is BreakerState.HALF_OPEN and breaker.probe == attempt.token:
        yield m.BreakerClosed(at=at, route=attempt.route)


def spoke(usage: Usage) -> bool:
    """Tokens came out: a model answered."""
    return bool(usage.tokens_out)


def _opened(state: State, route: RouteName, verdict: Verdict, at: float) -> m.BreakerOpened:
    policy, openings = state.policy, state.breakers[route].openings
    cooldown = backoff(policy.breaker_cooldown_s, openings + 1, policy.breaker_cooldown_max_s, state.token)
    until = max(verdict.retry_at or 0.0, at + cooldown)
    return m.BreakerOpened(at=at, route=route, until=until, reason=verdict.reason)
