"""Which beads start, on which worker, and when a run is over.

A ready bead starts when a worker is free, its files are held by nobody, a route lets it through and the budget has
room; the order is the graph's ranks. At most `max_starts` workers are starting at once, each with its own time-out,
so that one that hangs never holds up another.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import clearing, pull_requests, pushing
from orchestrator.core import messages as m
from orchestrator.core.claims import clash
from orchestrator.core.decide import predicting, quarantine
from orchestrator.core.decide.money import WHATS, needed, shortage
from orchestrator.core.decide.outcome import fail
from orchestrator.core.decide.routing import Hopeless, Pick, barriers, pick
from orchestrator.core.model import BeadId, BeadState, Budget, RunState, Token, WorkerId, WorkerState
from orchestrator.core.ready import Barrier
from orchestrator.core.records import WorkerRecord
from orchestrator.core.state import ACTIVE, State

NO_BUDGET = Budget()


def readied(state: State, at: float) -> Iterator[m.Event]:
    """Waiting beads whose needs are done; held again where their author said so and only another bead was let go."""
    while state.readable:
        bead = next(iter(state.readable))
        record = state.beads[bead]
        if record.spec.hold and not record.released:
            yield m.BeadHeld(at=at, bead=bead, reason=record.spec.hold)
        else:
            yield m.BeadReadied(at=at, bead=bead)


def starts(state: State, at: float) -> Iterator[m.Event]:
    while may_start(state) and (worker := _free_worker(state)) is not None:
        bead = state.ready.best(lambda each: _barriers(state, each, at))
        if bead is None:
            return
        match pick(state, bead, at):
            case Hopeless(reason=reason):
                yield from fail(state, bead, reason, at, tried=False)
            case Pick() as picked:
                if short := shortage(state, bead, at):
                    if short.stays:
                        yield m.RunPaused(at=at, reason=short.reason)
                    return
                yield _start(state, bead, worker, picked, at)


def may_start(state: State) -> bool:
    return (
        state.run is RunState.RUNNING
        and state.stopping is None
        and state.closed_until is None
        and state.disk_low is None
        and state.fits != 0
        and not state.suspended
        and state.worker_counts[WorkerState.STARTING] < state.policy.max_starts
    )


def _barriers(state: State, bead: BeadId, at: float) -> tuple[Barrier, ...]:
    record = state.beads[bead]
    if unforeseen := predicting.barrier(state, bead):
        return unforeseen
    wanted = state.wanted(record)
    holder = next(state.locks.against(bead, wanted), None) or state.locks.wanting(bead, wanted)
    if holder is None:  # what did not go together with it before is not run beside it again
        apart = (other for other in state.collided.get(bead, ()) if state.beads[other].token is not None)
        holder = next(apart, None)
    if holder is not None:
        return (("files", holder),)
    for first in state.entitled:
        if first == bead:
            break  # they go in turn
        before = state.beads[first]
        if clash(wanted, state.wanted(before)) and isinstance(pick(state, first, at), Pick):
            return (("files", first), *barriers(state, first))
    if pick(state, bead, at) is None:
        return barriers(state, bead)
    return ()


def _start(state: State, bead: BeadId, worker: WorkerId, picked: Pick, at: float) -> m.AttemptStarted:
    record = state.beads[bead]
    traits = state.traits_of(picked.route)
    same_agent = record.route is not None and state.traits_of(record.route).name == traits.name
    anew = quarantine.begins_anew(state, worker, bead)
    resume = record.resume if same_agent and traits.resumes and not anew else None
    priced = not record.spec.command and state.budget != NO_BUDGET
    reserved = {f"reserved_{what}": needed(state, record, what) for what in WHATS} if priced else {}
    return m.AttemptStarted(
        at=at,
        token=Token(state.token + 1),
        bead=bead,
        number=record.number + 1,
        worker=worker,
        route=picked.route,
        resume=resume,
        keep=record.keep and not anew and (resume is not None or traits.continues or record.merge),
        merge=record.merge,
        briefing=record.briefing,
        probe=picked.probe,
        **reserved,
        claims=state.wanted(record),
    )


def _free_worker(state: State) -> WorkerId | None:
    if not state.worker_counts[WorkerState.IDLE]:
        return None
    idle = (worker for worker in state.workers.values() if worker.state is WorkerState.IDLE)
    return min(idle, key=lambda worker: (worker.failures, len(worker.row))).id  # who failed may well fail again


def mustered(state: State, at: float) -> Iterator[m.Event]:
    """Once the first wave of starts is over, says how it went; too few, and the run ends."""
    if not state.mustering or any(outcome is None for outcome in state.muster.values()):
        return
    if not state.muster or state.worker_counts[WorkerState.STARTING] >= state.policy.max_starts:
        return
    missing = tuple((worker, reason) for worker, reason in state.muster.items() if reason)
    asked = len(state.muster)
    started, needed = asked - len(missing), min(state.policy.min_workers, asked)
    more = state.counts[BeadState.READY] + state.counts[BeadState.RUNNING]
    if started < needed and asked < len(state.workers) and more:
        return  # one bead that did not start is no verdict on workers that nobody has tried
    yield m.WorkersStarted(at=at, asked=asked, started=started, seconds=round(at - state.opened_at, 3), missing=missing)
    if started < needed:
        reason = f"only {started} of {asked} workers started, and at least {needed} must"
        yield m.RunStopping(at=at, reason=reason, now=True)


def ended(state: State, at: float) -> Iterator[m.Event]:
    """A run is over when nothing of it is under way and nothing more can be."""
    if state.ended_at is not None:
        return
    if state.stopping is not None and state.stopping.now:
        if all(worker.token is None or _left_for_later(state, worker) for worker in state.workers.values()):
            yield m.RunStopped(at=at, reason=state.stopping.reason)
    elif (
        state.attempts
        or clearing.holds_the_end(state)
        or pushing.holds_the_end(state)
        or pull_requests.holds_the_end(state)
        or state.following is not None
    ):  # who is held with a live session is under way as well
        return
    elif not any(state.counts[each] for each in ACTIVE):
        yield m.RunFinished(at=at)
    elif state.stopping is not None:
        yield m.RunStopped(at=at, reason=state.stopping.reason)
    elif state.worker_counts[WorkerState.FAILED] == len(state.workers):
        yield m.RunStopped(at=at, reason="no worker is left that could start an agent")


def _left_for_later(state: State, worker: WorkerRecord) -> bool:
    """Its agent is gone and its work is collected: the checks wait for the next start."""
    assert worker.token is not None
    return worker.state is WorkerState.COMPLETING and state.attempts[worker.token].collected


def idle_and_paused(state: State) -> bool:
    """A paused run with nothing under way: its process may go."""
    busy = any(worker.token is not None for worker in state.workers.values())
    at_rest = not busy and not state.merging and not any(clearing.due(state)) and not pushing.is_due(state)
    at_rest = at_rest and not pull_requests.is_one_under_way(state) and state.following is None
    return state.run is RunState.PAUSED and at_rest
