"""What the end of an attempt says of its route and of its provider: breakers open and close, starts slow down.

A route's breaker opens on its failures; a provider's when its limit is used up, when it is not to be reached, or when
several of its routes fail. Either lets exactly one attempt through when its time is over, and waits for what becomes
of that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide.endings import ANSWERS, Blame
from orchestrator.core.decide.routing import shut_for_good
from orchestrator.core.graph import backoff, spread
from orchestrator.core.model import BreakerState, Ending, RouteName, Usage, Verdict
from orchestrator.core.records import Attempt, Breaker
from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Probe(Struct, frozen=True, kw_only=True):
    """What an attempt was let through to find out. Asked before its end is booked: then others may probe."""

    route: bool
    provider: bool


def probe_of(state: State, attempt: Attempt) -> Probe:
    breaker, account = state.breakers[attempt.route], state.account_of(attempt.route)
    return Probe(
        route=breaker.state is BreakerState.HALF_OPEN and breaker.probe == attempt.token,
        provider=account.state is BreakerState.HALF_OPEN and account.probe == attempt.token,
    )


def blame(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    """As soon as its session is over, before its work is saved: whoever starts meanwhile must know."""
    probe = probe_of(state, attempt)
    answer = ANSWERS.get(verdict.ending)
    match answer.blame if answer else Blame.NOBODY:
        case Blame.ROUTE:
            yield from _route_failed(state, attempt, verdict, at)
            if verdict.ending is Ending.RATE_LIMITED:
                yield from _slowed(state, attempt, verdict, at)
            yield from _several_failed(state, attempt, verdict, probe, at)
        case Blame.PROVIDER_UNTIL:
            yield from _limit_used_up(state, attempt, verdict, at)
        case Blame.PROVIDER_OUTAGE:
            yield from _outage(state, attempt, verdict.reason, probe, at)
        case Blame.ROUTE_FOR_GOOD:
            if not shut_for_good(state, attempt.route):
                yield m.BreakerOpened(at=at, route=attempt.route, until=None, reason=verdict.reason)


def vindicated(state: State, attempt: Attempt, probe: Probe, at: float) -> Iterator[m.Event]:
    """A probe that got an answer closes what it probed."""
    if probe.route:
        yield m.BreakerClosed(at=at, route=attempt.route)
    if probe.provider:
        yield m.ProviderRecovered(at=at, provider=state.account_of(attempt.route).provider)


def spoke(usage: Usage) -> bool:
    """Tokens came out: a model answered."""
    return bool(usage.tokens_out)


def _route_failed(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    route = attempt.route
    yield m.RouteFailed(at=at, route=route, reason=verdict.reason)
    breaker = state.breakers[route]
    if breaker.state is BreakerState.OPEN:  # whoever started before it opened says nothing new
        if breaker.until is not None and (verdict.retry_at or 0.0) > breaker.until:
            yield m.BreakerOpened(at=at, route=route, until=verdict.retry_at, reason=verdict.reason)
    elif breaker.state is BreakerState.HALF_OPEN or _trips(state, breaker):
        cooldown = _cooldown(state, breaker.openings)
        until = max(verdict.retry_at or 0.0, at + cooldown)
        yield m.BreakerOpened(at=at, route=route, until=until, reason=verdict.reason)
    elif verdict.retry_at is not None:
        yield m.BreakerOpened(at=at, route=route, until=max(verdict.retry_at, at), reason=verdict.reason)


def _trips(state: State, breaker: Breaker) -> bool:
    """On a count, or on a count that is a large enough share as well."""
    failed, rate = len(breaker.failures), state.policy.breaker_rate
    if failed < state.policy.breaker_failures:
        return False
    return rate is None or failed >= rate * (failed + len(breaker.answers))


def _several_failed(state: State, attempt: Attempt, verdict: Verdict, probe: Probe, at: float) -> Iterator[m.Event]:
    """The failures of several routes are their provider's; so is that of the one that was to find out."""
    account = state.account_of(attempt.route)
    several = len({route for _, route in account.failures}) > 1
    if probe.provider or (several and len(account.failures) >= state.policy.provider_failures):
        yield from _outage(state, attempt, verdict.reason, probe, at)


def _slowed(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    """A rate belongs to the account: its other routes slow down as well. A crowd that hits it at once is one hit."""
    account, policy = state.account_of(attempt.route), state.policy
    if account.slow_until > at and attempt.started <= account.slow_since:
        return
    every = min(max(policy.slow_s, 2.0 * account.slow_s if account.slow_until > at else 0.0), policy.slow_max_s)
    until = max(verdict.retry_at or 0.0, at) + policy.breaker_window_s
    yield m.ProviderSlowed(at=at, provider=account.provider, every_s=every, until=until, reason=verdict.reason)


def _limit_used_up(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    """Until the reset, and a little longer: whoever shares the account comes at that very second."""
    policy, account = state.policy, state.account_of(attempt.route)
    if verdict.retry_at is None:
        reset = at + policy.breaker_cooldown_max_s
    elif verdict.retry_at > at:
        reset = verdict.retry_at
    else:  # a time that is over was read late: it is not tried at once again and again
        reset = at + _cooldown(state, account.openings)
    until = reset + policy.reset_jitter_s * spread(state.token)
    if of_one_model(state, attempt.route, verdict.reason):
        breaker = state.breakers[attempt.route]
        if not shut_for_good(state, attempt.route) and (breaker.until is None or breaker.until < reset):
            yield m.BreakerOpened(at=at, route=attempt.route, until=until, reason=verdict.reason)
    elif account.until is None or account.until < reset:
        yield m.ProviderParked(at=at, provider=account.provider, until=until, reason=verdict.reason, reset=True)


def _outage(state: State, attempt: Attempt, reason: str, probe: Probe, at: float) -> Iterator[m.Event]:
    """No network and no service comes back for being asked at once; it is asked again by itself."""
    account = state.account_of(attempt.route)
    if account.state is BreakerState.CLOSED or probe.provider:  # whoever started before says nothing new
        policy = state.policy
        most = min(policy.outage_cooldown_max_s, policy.breaker_cooldown_max_s)
        until = at + backoff(policy.breaker_cooldown_s, account.openings + 1, most, state.token)
        yield m.ProviderParked(at=at, provider=account.provider, until=until, reason=reason)


def of_one_model(state: State, route: RouteName, reason: str) -> bool:
    """The limit's own words name the route's model, or say `this model`: the account's others have their own limits."""
    _, _, model = route.partition(":")
    if not model:
        return False
    traits, name, said = state.traits_of(route), _plain(model), _plain(reason)
    if name in said or re.search(r"\b(?:on|for|of) this model\b", said):
        return True
    common = {traits.name.lower(), *re.findall("[a-z]+", traits.provider.lower())}
    words = {word for word in re.findall("[a-z]{4,}", name) if word not in common}
    return bool(words & set(re.findall("[a-z]{4,}", said)))


def _plain(text: str) -> str:
    """In small letters, and with blanks for what sets words apart: `Gemini 2.5 Pro` is `gemini-2.5-pro`."""
    return re.sub(r"[^a-z0-9.]+", " ", text.lower())


def _cooldown(state: State, openings: int) -> float:
    policy = state.policy
    return backoff(policy.breaker_cooldown_s, openings + 1, policy.breaker_cooldown_max_s, state.token)
