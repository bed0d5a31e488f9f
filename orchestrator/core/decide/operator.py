"""What a person may ask of a run, and `^C`."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide.outcome import REOPENABLE, cancel, reopen
from orchestrator.core.model import BeadId, BeadState, BreakerState, Ending, RunState, WorkerState
from orchestrator.core.state import State

OVER = frozenset({BeadState.DONE, BeadState.FAILED, BeadState.CANCELLED})


def asked(state: State, signal: m.Asked) -> Iterator[m.Event]:
    by = signal.by or "the operator"
    accepted, text = True, ""
    match signal.verb:
        case _ if state.ended_at is not None:
            accepted, text = False, f"the run is {state.run}: start it again first"
        case m.Verb.PAUSE | m.Verb.STOP | m.Verb.DRAIN if _is_stale(state, signal):
            accepted, text = False, "the run had left by then; it has been started again since"
        case m.Verb.PAUSE:
            yield m.RunPaused(at=signal.at, reason=signal.text or f"{by} asked for it")
            text = "nothing new starts; what runs may end"
        case m.Verb.RESUME:
            yield from _resume(state, signal.at, by)
            text = "goes on"
        case m.Verb.STOP:
            yield from stop(state, f"{by} stopped it", signal.at)
            text = "its sessions are being ended, their work is kept"
        case m.Verb.DRAIN:
            if state.stopping is None:
                yield m.RunStopping(at=signal.at, reason=f"{by} let it drain", now=False, asked=True)
            text = "ends when what runs has ended"
        case m.Verb.ABORT if signal.bead is None:
            for bead in list(state.beads):
                yield from _cancel(state, bead, by, signal.at)
            text = "all that is not done is given up"
        case _ if signal.bead is None or signal.bead not in state.beads:
            accepted, text = False, f"there is no bead {signal.bead!r} in this run"
        case m.Verb.ABORT:
            accepted = state.beads[signal.bead].state not in OVER and state.landing != signal.bead
            was = "just being landed" if state.landing == signal.bead else state.beads[signal.bead].state.value
            yield from _cancel(state, signal.bead, by, signal.at)
            text = "given up" if accepted else f"it is {was}: nothing to give up"
        case m.Verb.RETRY | m.Verb.ANSWER:
            accepted = state.beads[signal.bead].state in REOPENABLE
            was = state.beads[signal.bead].state
            yield from reopen(state, signal.bead, signal.at, told=_answer(signal.text))
            text = "is tried again" if accepted else f"it is {was}: nothing to try again"
    if signal.request is not None:
        yield m.RequestAnswered(at=signal.at, request=signal.request, accepted=accepted, text=text)


def _is_stale(state: State, signal: m.Asked) -> bool:
    """It was meant for a process that is gone."""
    return signal.asked_at is not None and signal.asked_at < state.opened_at


def stop(state: State, reason: str, at: float) -> Iterator[m.Event]:
    """Every session is ended now; its work is saved, its bead goes on from there at the next start."""
    yield m.RunStopping(at=at, reason=reason, now=True, asked=True)


def stopping_now(state: State, at: float) -> Iterator[m.Event]:
    """A run that stops now has no session left running, whoever stopped it."""
    if state.stopping is None or not state.stopping.now:
        return
    reason = state.stopping.reason
    for worker in list(state.workers.values()):
        if worker.token is not None and worker.state in (WorkerState.STARTING, WorkerState.RUNNING):
            yield m.SessionGivenUp(at=at, token=worker.token, ending=Ending.STOPPED, reason=reason)


def _resume(state: State, at: float, by: str) -> Iterator[m.Event]:
    """A person who resumes has seen to what was shut for good."""
    if state.run is RunState.PAUSED:
        yield m.RunResumed(at=at, reason=f"{by} asked for it")
    for breaker in list(state.breakers.values()):
        if breaker.state is BreakerState.OPEN and breaker.until is None:
            yield m.BreakerHalfOpened(at=at, route=breaker.route)


def _cancel(state: State, bead: BeadId, by: str, at: float) -> Iterator[m.Event]:
    """A bead whose worktree is in use is cancelled when its session has ended and its work is saved, or checked."""
    record = state.beads[bead]
    reason = f"{by} gave it up"
    if record.state in OVER or state.landing == bead:
        return
    if record.state in (BeadState.RUNNING, BeadState.VERIFYING):
        assert record.token is not None
        yield m.SessionGivenUp(at=at, token=record.token, ending=Ending.CANCELLED, reason=reason)
        return
    yield from cancel(state, bead, reason, at)


def _answer(text: str) -> str:
    return f"A person answers:\n\n{text}" if text else ""
