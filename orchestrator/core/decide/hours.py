"""The hours in which nothing new starts. The manifest turns them into times; here they are only looked up.

And the hours that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.state import State


def jumped(state: State, signal: m.TimeJumped) -> Iterator[m.Event]:
    """Before anything is found to be due."""
    yield m.TimeSkipped(at=signal.at, seconds=signal.seconds)


def turned(state: State, at: float) -> Iterator[m.Event]:
    """The hours begin or end, or another start of the run has other hours."""
    for begins, ends in state.policy.closed:
        if begins <= at < ends:
            yield m.HoursClosed(at=at, until=ends)
            return
    following = [begins for begins, _ in state.policy.closed if begins > at]
    yield m.HoursOpened(at=at, until=min(following, default=None))
