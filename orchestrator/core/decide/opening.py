"""Taking a run into one's hands: for the first time, after a stop, or after a death.

Nothing is decided before the sweep is over: until then an orphan of an earlier process may still be writing.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import host, pull_requests
from orchestrator.core.decide.outcome import reopen
from orchestrator.core.model import BeadState, BreakerState, Ending, RunState, Verdict, WorkerState
from orchestrator.core.state import State


def opened(state: State, signal: m.Opened) -> Iterator[m.Event]:
    """Who starts a run again has seen to what stood in its way: failed beads and shut routes get another try."""
    again = state.run is RunState.FINISHED
    yield m.RunOpened(at=signal.at, epoch=signal.epoch, process=signal.process, host=signal.host, terms=signal.terms)
    if signal.terms is not None and signal.terms.room is not None:
        yield from host.weighed(state, signal.terms.room, {}, signal.at)
    for breaker in list(state.breakers.values()):
        if breaker.state is BreakerState.OPEN and breaker.until is None:
            yield m.BreakerHalfOpened(at=signal.at, route=breaker.route)
    for worker in list(state.workers.values()):
        if worker.state is WorkerState.FAILED:
            yield m.WorkerWoke(at=signal.at, worker=worker.id)
    for bead, record in list(state.beads.items()):
        if record.spec.hold and not record.released and record.state is BeadState.WAITING:
            yield m.BeadHeld(at=signal.at, bead=bead, reason=record.spec.hold)
    if again:
        for bead, record in list(state.beads.items()):
            if record.state is BeadState.FAILED:
                yield from reopen(state, bead, signal.at)


def swept(state: State, signal: m.Swept) -> Iterator[m.Event]:
    """What our own death interrupted counts against nobody."""
    if state.swept:
        return
    yield m.RunSwept(at=signal.at, ended=signal.ended)
    for worker in list(state.workers.values()):
        if worker.state is WorkerState.ERROR and worker.token is not None:
            attempt = state.attempts[worker.token]
            ending, reason = attempt.given_up or (Ending.LOST, "the orchestrator died while it ran")
            verdict = Verdict(ending=ending, reason=reason, session=attempt.session)
            yield m.SessionBroke(at=signal.at, token=attempt.token, verdict=verdict)
    yield from pull_requests.interrupted(state, signal.at)
