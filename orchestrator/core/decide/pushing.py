"""What becomes of a push: done, or tried again later. It keeps nothing from landing."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core import pushing
from orchestrator.core.graph import backoff
from orchestrator.core.state import State

MOST_S = 300.0
"""The longest wait before the next try."""


def pushed(state: State, signal: m.Pushed) -> Iterator[m.Event]:
    """What landed since is owed another push."""
    if pushing.is_behind(state) and signal.turn > state.pushed:
        remote = state.policy.push_to
        yield m.TargetPushed(at=signal.at, remote=remote, commit=signal.commit, landings=signal.turn)


def not_pushed(state: State, signal: m.NotPushed) -> Iterator[m.Event]:
    """One that was asked for before something else landed has failed all the same."""
    if not pushing.is_due(state) or signal.round != state.push_failures or signal.turn <= state.pushed:
        return
    failures = state.push_failures + 1
    wait = backoff(state.policy.backoff_s, failures, MOST_S, signal.turn)
    yield m.PushDelayed(
        at=signal.at,
        remote=state.policy.push_to,
        reason=signal.evidence,
        until=signal.at + wait,
        failures=failures,
    )
