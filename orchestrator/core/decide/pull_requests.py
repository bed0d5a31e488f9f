"""What becomes of a pull request: begun, open, tried again later, or in doubt. It keeps nothing from landing."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core import pull_requests
from orchestrator.core.decide.pushing import MOST_S
from orchestrator.core.graph import backoff
from orchestrator.core.state import State


def begun(state: State, at: float) -> Iterator[m.Event]:
    """One at a time: what it will have is settled before anybody acts on it."""
    if state.policy.requests is None or (state.stopping and state.stopping.now):
        return
    if found := pull_requests.due(state):
        bead, turn = found
        branches = (state.requests[need].commit for need in pull_requests.below(state, bead))
        grounds = tuple(each for each in branches if each is not None)
        base = pull_requests.base_of(state, bead)
        yield m.PullRequestBegun(at=at, bead=bead, turn=turn, base=base, grounds=grounds)


def interrupted(state: State, at: float) -> Iterator[m.Event]:
    """An earlier process died over it. Where we can ask whether it is open, that is done first, and nothing is lost."""
    asked, bead = state.policy.requests, state.proposing
    if bead is not None and not (asked and asked.find) and not state.requests[bead].url:
        reason = "the orchestrator died while it was being opened, and there is no `find` to ask whether it is open"
        yield m.PullRequestDoubted(at=at, bead=bead, reason=reason)


def proposed(state: State, signal: m.Proposed) -> Iterator[m.Event]:
    request = state.requests.get(signal.bead)
    if request is None or request.under_way != signal.turn:
        return
    opened = not request.turn and not request.doubt
    if opened:
        yield m.PullRequestOpened(
            at=signal.at,
            bead=signal.bead,
            turn=signal.turn,
            url=signal.url,
            branch=signal.branch,
            commit=signal.commit,
            found=signal.found,
        )
    else:
        yield m.PullRequestUpdated(
            at=signal.at,
            bead=signal.bead,
            turn=signal.turn,
            url=signal.url,
            branch=signal.branch,
            commit=signal.commit,
        )


def not_proposed(state: State, signal: m.NotProposed) -> Iterator[m.Event]:
    request = state.requests.get(signal.bead)
    if request is None or (request.under_way, request.failures) != (signal.turn, signal.round):
        return
    asked = state.policy.requests
    if signal.doubt and not (asked and asked.find):
        yield m.PullRequestDoubted(at=signal.at, bead=signal.bead, reason=signal.evidence)
        return
    failures = request.failures + 1
    wait = backoff(state.policy.backoff_s, failures, MOST_S, signal.turn)
    yield m.PullRequestDelayed(
        at=signal.at,
        bead=signal.bead,
        reason=signal.evidence,
        until=signal.at + wait,
        failures=failures,
    )
