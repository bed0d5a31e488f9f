"""What events change in the ledgers of pools and in the accounts of providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.model import BreakerState, RouteName
from orchestrator.core.records import Account, Attempt, Pool, Window
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace

DAY_S = 86400.0


def session_asked_for(state: Standing, route: RouteName, at: float) -> None:
    """One more start: each pool of the route counts it, and the next one waits for its turn."""
    for name in state.pools_of(route):
        pool, limit = state.pools[name], state.limit_of(name)
        pace = pace_s(state, name, at)
        state.pools[name] = replace(
            pool,
            running=pool.running + 1,
            day=_asked(pool.day, at, DAY_S),
            window=_asked(pool.window, at, pool.length_s),
            next_at=at + pace if pace else pool.next_at,
        )
        window = state.pools[name].window
        if pool.holds is not None and window is not None and window.until < float("inf"):
            state.deadlines.set(("window", name), window.until)
        if pace:
            state.deadlines.set(("pace", name), at + pace)
        if limit is not None and limit.tokens_per_day is not None:
            watch_day(state, name)


def session_over(state: Standing, attempt: Attempt, at: float) -> None:
    """Its agent is gone, and has said what it used, or has not."""
    used = attempt.usage.tokens
    for name in state.pools_of(attempt.route):
        pool = state.pools[name]
        window = _used(pool.window, at, used)
        holds = pool.holds
        if holds is not None and window is not None and window.tokens > holds:
            holds = window.tokens + window.tokens // 4  # it holds more than it did, and nobody knows how much
        state.pools[name] = replace(
            pool,
            running=pool.running - 1,
            day=_used(pool.day, at, used),
            window=window,
            holds=holds,
            measured=pool.measured + (used is not None),
            tokens=pool.tokens + (used or 0),
        )
        state.ready.release(("pool", name))


def pace_s(state: Standing, name: str, at: float) -> float:
    """Seconds between two starts in a pool; 0: as many as like."""
    limit, account = state.limit_of(name), state.accounts.get(name)
    minute = 60.0 / limit.requests_per_minute if limit is not None and limit.requests_per_minute else 0.0
    return max(minute, account.slow_s if account is not None and account.slow_until > at else 0.0)


def watch_day(state: Standing, name: str) -> None:
    """At the end of its day there is room again."""
    day = state.pools[name].day
    if day is not None:
        state.deadlines.set(("day", name), day.until)


def pool_freed(state: Standing, event: m.PoolFreed) -> None:
    pool = state.pools[event.pool]
    if pool.next_at <= event.at:
        state.deadlines.drop(("pace", event.pool))
    if pool.day is None or pool.day.until <= event.at:
        state.deadlines.drop(("day", event.pool))
    state.deadlines.drop(("window", event.pool))
    if pool.window is not None and event.at < pool.window.until < float("inf"):
        state.deadlines.set(("window", event.pool), pool.window.until)
    state.ready.release(("pool", event.pool))


def provider_parked(state: Standing, event: m.ProviderParked) -> None:
    before = state.accounts[event.provider]
    fresh = before.state is not BreakerState.OPEN
    _move_account(
        state, event.provider, event,
        until=event.until, reason=event.reason, openings=before.openings + fresh, failures=(), probe=None,
    )  # fmt: skip
    state.deadlines.set(("provider", event.provider), event.until)
    if event.reset and before.state is BreakerState.CLOSED:
        _learn(state, event)
    elif event.reset and fresh:  # a probe that got no answer shows nothing: the window begins after the reset
        state.pools[event.provider] = replace(state.pools[event.provider], window=None)


def provider_half_opened(state: Standing, event: m.ProviderHalfOpened) -> None:
    _move_account(state, event.provider, event, until=None, probe=None)


def provider_recovered(state: Standing, event: m.ProviderRecovered) -> None:
    _move_account(state, event.provider, event, until=None, probe=None, openings=0, failures=(), reason="")


def provider_slowed(state: Standing, event: m.ProviderSlowed) -> None:
    state.accounts[event.provider] = replace(
        state.accounts[event.provider], slow_s=event.every_s, slow_since=event.at, slow_until=event.until
    )
    pool = state.pools[event.provider]
    state.pools[event.provider] = replace(pool, next_at=max(pool.next_at, event.at + event.every_s))
    state.deadlines.set(("pace", event.provider), state.pools[event.provider].next_at)


def _learn(state: Standing, event: m.ProviderParked) -> None:
    """A limit shows how long the account's window is, and how much it holds."""
    pool = state.pools[event.provider]
    if pool.window is None:
        return
    used = pool.window.tokens + sum(
        attempt.usage.tokens or 0
        for attempt in state.attempts.values()
        if attempt.agent_ended is None and event.provider in state.pools_of(attempt.route)
    )
    agree = pool.held is not None and abs(used - pool.held) * 4 <= max(used, pool.held)
    state.pools[event.provider] = replace(
        pool,
        window=None,
        length_s=event.until - pool.window.since,
        held=used or None,
        holds=used if used and agree else None,
    )


def _asked(window: Window | None, at: float, length_s: float | None) -> Window:
    """Where its length is not known it goes on until a limit ends it."""
    if window is None or window.until <= at:
        window = Window(since=at, until=float("inf") if length_s is None else at + length_s)
    return replace(window, requests=window.requests + 1)


def _used(window: Window | None, at: float, tokens: int | None) -> Window | None:
    if window is None or window.until <= at or not tokens:
        return window
    return replace(window, tokens=window.tokens + tokens)


def counted(pool: Pool, at: float) -> tuple[int, int]:
    """Requests and tokens of its day."""
    day = pool.day
    return (day.requests, day.tokens) if day is not None and day.until > at else (0, 0)


def _move_account(state: Standing, provider: str, event: m.Event, **changes: Any) -> Account:
    before = state.accounts[provider]
    after = machines.after(machines.PROVIDER, before.state, type(event), f"provider {provider}")
    record = replace(before, state=after, since=event.at, **changes)
    state.accounts[provider] = record
    state.deadlines.drop(("provider", provider))
    state.ready.release(("provider", provider))
    return record


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.PoolFreed: pool_freed,
    m.ProviderParked: provider_parked,
    m.ProviderHalfOpened: provider_half_opened,
    m.ProviderRecovered: provider_recovered,
    m.ProviderSlowed: provider_slowed,
}
