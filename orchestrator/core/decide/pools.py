"""Whether what shares a limit has room for one more start: its pace, its sessions, its day, its provider's window.

A limit that a person has set is kept. What a provider's window holds is only guessed, from what it held the last
time: where that will not do for one more session beside those that run, sessions go one at a time.
"""

from __future__ import annotations

from orchestrator.core.model import RouteName
from orchestrator.core.records import Pool
from orchestrator.core.state import State


def has_room(state: State, route: RouteName, at: float) -> bool:
    return all(_has_room(state, state.pools[name], at) for name in state.pools_of(route))


def _has_room(state: State, pool: Pool, at: float) -> bool:
    if pool.next_at > at:
        return False
    limit = state.limit_of(pool.name) if state.policy.limits else None
    if limit is not None and limit.sessions is not None and pool.running >= limit.sessions:
        return False
    if limit is not None and limit.tokens_per_day is not None:
        used = pool.day.tokens if pool.day is not None and pool.day.until > at else 0
        needed = used + _expected(state, pool) + pool.each
        if needed > limit.tokens_per_day and (used or pool.running):  # one alone may need more than any day has
            return False
    if pool.holds is not None and pool.running and pool.window is not None and pool.window.until > at:
        return pool.window.tokens + _expected(state, pool) + pool.each <= pool.holds
    return True


def _expected(state: State, pool: Pool) -> float:
    """Tokens of the sessions under way, once they are over: what is usual, or what they have used already."""
    return sum(
        max(attempt.usage.tokens or 0, pool.each)
        for attempt in state.attempts.values()
        if attempt.agent_ended is None and pool.name in state.pools_of(attempt.route)
    )
