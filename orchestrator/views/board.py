"""The run at one moment, as data: how many beads are where, who is busy with what, which routes are shut.

A snapshot shares nothing with the state it was taken from, so any thread may read it. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.model import BeadId, BeadState, BreakerState, RouteName, RunState, WorkerId, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State
from orchestrator.core.values import Struct
from orchestrator.views.spending import Spending, spending


class Busy(Struct, frozen=True, kw_only=True):
    """A worker that has a bead."""

    worker: WorkerId
    bead: BeadId
    title: str
    attempt: int
    route: RouteName
    state: WorkerState
    started: float
    doing: str
    """What goes on now, in the agent's words or in ours."""


class Shut(Struct, frozen=True, kw_only=True):
    """A route that does not let everything through."""

    route: RouteName
    state: BreakerState
    until: float | None
    reason: str


class Board(Struct, frozen=True, kw_only=True):
    name: str
    target: str
    run: RunState
    reason: str
    stopping: bool
    began: float
    """When this process, or the last one, took the run up."""
    ended: float | None
    total: int
    counts: Mapping[BeadState, int]
    busy: tuple[Busy, ...]
    landing: BeadId | None
    queued: int
    """Beads that wait for their turn to land."""
    shut: tuple[Shut, ...]
    closed_until: float | None
    """Nothing new starts before then."""
    lost_workers: tuple[tuple[WorkerId, str], ...]
    """Workers that were given up, and why."""
    spent: Spending
    over_at: float | None = None
    """When it may be over, as far as anybody can tell."""


def board(state: State, *, over_at: float | None = None) -> Board:
    """Costs about a microsecond per busy worker and bead."""
    return Board(
        name=state.manifest.name,
        target=state.manifest.target,
        run=state.run,
        reason=state.run_reason,
        stopping=state.stopping is not None,
        began=state.opened_at,
        ended=state.ended_at,
        total=len(state.beads),
        counts=dict(state.counts),
        busy=tuple(
            _busy(state, worker.state, state.attempts[worker.token])
            for worker in state.workers.values()
            if worker.token is not None and worker.token in state.attempts
        ),
        landing=next(iter(state.train), None),
        queued=len(state.merging) - bool(state.train),
        shut=tuple(
            Shut(route=route, state=gate.state, until=gate.until, reason=gate.reason)
            for route, gate in ((route, state.gate(route)) for route in state.breakers)
            if gate.state is not BreakerState.CLOSED
        ),
        closed_until=state.closed_until,
        lost_workers=tuple(
            (worker.id, worker.reason) for worker in state.workers.values() if worker.state is WorkerState.FAILED
        ),
        spent=spending(state),
        over_at=over_at,
    )


def _busy(state: State, worker: WorkerState, attempt: Attempt) -> Busy:
    return Busy(
        worker=attempt.worker,
        bead=attempt.bead,
        title=state.beads[attempt.bead].spec.title,
        attempt=attempt.number,
        route=attempt.route,
        state=worker,
        started=attempt.started,
        doing=doing(worker, attempt, checked=bool(state.beads[attempt.bead].spec.verify)),
    )


def doing(worker: WorkerState, attempt: Attempt, *, checked: bool) -> str:
    match worker:
        case WorkerState.STARTING:
            return "its agent starts"
        case WorkerState.COMPLETING:
            return "its checks run" if attempt.collected and checked else "its work is collected"
        case WorkerState.TIMEOUT:
            return f"is being ended: {attempt.given_up[1]}" if attempt.given_up else "is being ended"
        case WorkerState.RECOVERY:
            return "its half-done work is saved"
        case WorkerState.ERROR:
            return "what an earlier session left is being ended"
        case _:
            return attempt.note
