"""Other settings for a run that is at work: which of them may change, and what differs."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.model import Budget, Policy
from orchestrator.core.state import State

FROM_THE_NEXT_START = frozenset(
    {
        "max_starts",
        "verify_slots",
        "train",
        "unasked",
        "watch_s",
        "checkpoint_s",
        "collisions",
        "push_to",
        "requests",
        "heed_host",
        "pack_logs",
        "recordings",
    }
)
"""Fields of the policy that the shell is built by: its pools of threads, its beats, the remote."""
HOURS = 3
"""Times of closing that tell whether they are others: each reading of the hours reaches a little farther."""


def changed(state: State, settings: m.Settings, at: float) -> list[str]:
    """What differs, as a person calls it."""
    now, wanted = state.policy, settings.policy
    found = [name for name in _policy(now, wanted) if name != "closed"]
    if _coming(now, at) != _coming(wanted, at):
        found.append("closed")
    budget = state.allowed(settings.budget)
    money = [name for name in Budget.__struct_fields__ if getattr(state.budget, name) != getattr(budget, name)]
    return [settings.names.get(name, name) for name in found] + [f"budget.{name}" for name in money]


def refusals(state: State, settings: m.Settings) -> list[str]:
    """All that stands against it; empty: nothing does."""
    fixed = [name for name in _policy(state.policy, settings.policy) if name in FROM_THE_NEXT_START]
    return [
        f"{settings.names.get(name, name)} cannot change while the run is at work: it holds from the next start on"
        for name in fixed
    ]


def reload(state: State, settings: m.Settings, by: str, at: float) -> Iterator[m.Event]:
    """Only where nothing stands against it."""
    yield m.SettingsChanged(at=at, settings=settings, keys=tuple(changed(state, settings, at)), by=by)


def told(state: State, settings: m.Settings, at: float) -> str:
    keys = changed(state, settings, at)
    return f"from now on otherwise: {', '.join(keys)}" if keys else "its settings are what they were"


def _policy(now: Policy, wanted: Policy) -> list[str]:
    return [name for name in Policy.__struct_fields__ if getattr(now, name) != getattr(wanted, name)]


def _coming(policy: Policy, at: float) -> list[tuple[float, float]]:
    return [hours for hours in policy.closed if hours[1] > at][:HOURS]
