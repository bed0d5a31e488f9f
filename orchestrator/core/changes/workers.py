"""What the events of how many workers there are change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import update_attempt
from orchestrator.core.changes.staffing import move_worker, staff
from orchestrator.core.model import BeadState, Ending
from orchestrator.core.records import Tuning
from orchestrator.core.standing import Standing


def workers_tuned(state: Standing, event: m.WorkersTuned) -> None:
    state.width = event.workers
    grew = event.workers > event.before
    fewer = (event.before, event.rate, event.what) if grew and event.rate is not None else None
    measure(state, event.at, fewer, event.rest_until)
    staff(state, event.at)


def measure(state: Standing, at: float, fewer: tuple[int, float, str] | None = None, rest_until: float = 0.0) -> None:
    """From now on, of so many as there are."""
    done, tokens = state.counts[BeadState.DONE], state.used_tokens()
    state.tuning = Tuning(since=at, done=done, tokens=tokens, fewer=fewer, rest_until=rest_until)


def worker_renewed(state: Standing, event: m.WorkerRenewed) -> None:
    move_worker(state, event.worker, event, row=(), renewed=True, reason=event.reason)


def worker_quarantined(state: Standing, event: m.WorkerQuarantined) -> None:
    move_worker(state, event.worker, event, row=(), renewed=False, reason=event.reason)


def tells_of_worker(ending: Ending) -> bool:
    """A failure that may be its worker's: of its start there is a count of its own."""
    return ending in SUSPICIOUS


def session_suspended(state: Standing, event: m.SessionSuspended) -> None:
    """Its time stands still with it."""
    ends = state.deadlines.at(("bead", event.token))
    left = 0.0 if ends is None else max(ends - event.at, 0.0)
    update_attempt(state, event.token, suspended=event.at, time_left=left)
    state.suspended[event.token] = None
    state.deadlines.drop(("bead", event.token))


def session_went_on(state: Standing, event: m.SessionWentOn) -> None:
    attempt = update_attempt(state, event.token, suspended=None)
    state.suspended.pop(event.token, None)
    if not attempt.question:
        state.deadlines.set(("bead", event.token), event.at + attempt.time_left)


SUSPICIOUS = frozenset(
    {Ending.CRASHED, Ending.SILENT, Ending.TIMED_OUT, Ending.NOTHING_DONE, Ending.CHECKS_FAILED, Ending.NOT_COLLECTED}
)

CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.WorkersTuned: workers_tuned,
    m.WorkerRenewed: worker_renewed,
    m.WorkerQuarantined: worker_quarantined,
    m.SessionSuspended: session_suspended,
    m.SessionWentOn: session_went_on,
}
