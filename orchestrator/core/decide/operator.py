"""What a person may ask of a run, and `^C`."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing, questions, reloading
from orchestrator.core.decide.outcome import REOPENABLE, cancel, reopen
from orchestrator.core.decide.revising import difference, refusals, revise, told
from orchestrator.core.model import BeadId, BeadState, BreakerState, Ending, RunState, WorkerId, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import ACTIVE, State

_TOO_LATE = "its session is just being ended, unanswered: answer again in a moment, and it is resumed with that"

OVER = frozenset({BeadState.DONE, BeadState.FAILED, BeadState.CANCELLED})
UNDER_WAY = ACTIVE | {BeadState.WAITING, BeadState.HELD, BeadState.BLOCKED}
TAKE_TIME = frozenset({m.Verb.ABORT, m.Verb.DRAIN_WORKER, m.Verb.ABORT_WORKER})
"""Requests that are answered when they have happened, not when they are taken."""
OF_A_WORKER = frozenset({m.Verb.DRAIN_WORKER, m.Verb.ABORT_WORKER, m.Verb.RELEASE_WORKER})
LOG_LEVELS = ("debug", "info", "warning", "error")
PRIORITIES = frozenset("01234")
MOST_ADDED = 1000

Answer = Generator[m.Event, None, tuple[bool, str]]
"""What becomes true, and whether the request is accepted and in which words."""


def asked(state: State, signal: m.Asked) -> Iterator[m.Event]:
    if signal.request is not None and signal.request in state.pending:
        return  # it was taken before a death of ours, and is still under way
    by = signal.by or "the operator"
    accepted, text = True, ""
    match signal.verb:
        case m.Verb.APPLY if signal.revision is not None:
            if against := refusals(state, signal.revision):
                accepted, text = False, "; ".join(against)
            else:
                text = told(difference(state, signal.revision))
                yield from revise(state, signal.revision, by, signal.at)
        case m.Verb.APPLY:
            accepted, text = False, "no manifest came with it"
        case m.Verb.RELOAD if signal.settings is None:
            accepted, text = False, "no settings came with it"
        case _ if state.ended_at is not None:
            accepted, text = False, f"the run is {state.run}: start it again first"
        case m.Verb.PAUSE | m.Verb.STOP | m.Verb.DRAIN if _is_stale(state, signal):
            accepted, text = False, "the run had left by then; it has been started again since"
        case m.Verb.RELOAD if signal.settings is not None:
            if against := reloading.refusals(state, signal.settings):
                accepted, text = False, "; ".join(against)
            else:
                text = reloading.told(state, signal.settings, signal.at)
                yield from reloading.reload(state, signal.settings, by, signal.at)
        case m.Verb.PAUSE:
            yield m.RunPaused(at=signal.at, reason=signal.text or f"{by} asked for it")
            text = "nothing new starts; what runs may end"
        case m.Verb.RESUME:
            usd = _dollars(signal.text)
            again = yield from _resume(state, signal.at, by, usd)
            text = "goes on" if usd is None else f"goes on, and may cost ${usd:.2f}"
            text += f"; asks again, before its time: {', '.join(again)}" if again else ""
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
        case m.Verb.ADD_WORKERS:
            accepted, text = yield from _add_workers(state, signal, by)
        case m.Verb.DRAIN_WORKER | m.Verb.ABORT_WORKER:
            accepted, text = yield from _release_worker(state, signal, by)
        case m.Verb.RELEASE_WORKER:
            accepted, text = yield from _give_another_chance(state, signal)
        case m.Verb.LOG_LEVEL:
            accepted, text = signal.text in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)} is a level"
            if accepted:
                yield m.LogLevelSet(at=signal.at, level=signal.text, by=by)
                text = f"from now on {signal.text} and graver"
        case _ if signal.bead is None or signal.bead not in state.beads:
            accepted, text = False, f"there is no bead {signal.bead!r} in this run"
        case m.Verb.RETRY | m.Verb.ANSWER if state.beads[signal.bead].removed:
            accepted, text = False, "the manifest has it no more: put it back there, and apply that"
        case m.Verb.ABORT:
            accepted = state.beads[signal.bead].state not in OVER and signal.bead not in state.landing
            was = "just being landed" if signal.bead in state.landing else state.beads[signal.bead].state.value
            yield from _cancel(state, signal.bead, by, signal.at)
            text = "given up" if accepted else f"it is {was}: nothing to give up"
        case m.Verb.PRIORITY:
            accepted, text = yield from _reprioritize(state, signal.bead, signal.text, by, signal.at)
        case m.Verb.RETRY | m.Verb.ANSWER if (asking := _asking(state, signal.bead)) is not None:
            accepted, text = signal.verb is m.Verb.ANSWER and questions.waits_for_an_answer(state, asking), _TOO_LATE
            if signal.verb is m.Verb.RETRY:
                text = "its session waits for an answer: `answer` it, or `abort`"
            elif accepted:
                yield from questions.settled(state, asking, signal.at, answer=signal.text, by=by)
                text = "typed into its session"
        case m.Verb.RETRY | m.Verb.ANSWER:
            accepted = state.beads[signal.bead].state in REOPENABLE
            was = state.beads[signal.bead].state
            yield from reopen(state, signal.bead, signal.at, told=briefing.answered(signal.text) if signal.text else "")
            text = "is tried again" if accepted else f"it is {was}: nothing to try again"
    if signal.request is None:
        return
    worker = WorkerId(signal.text) if signal.verb in OF_A_WORKER else None
    taken = m.RequestTaken(
        at=signal.at, request=signal.request, verb=signal.verb, bead=signal.bead, worker=worker, by=by
    )
    yield taken if accepted and signal.verb in TAKE_TIME else _answered(taken, accepted, text, signal.at)


def come_true(state: State, at: float) -> Iterator[m.Event]:
    """Requests that were under way, and have happened."""
    for taken in list(state.pending.values()):
        if taken.worker is not None:
            happened, text = taken.worker not in state.workers, f"{taken.worker} is gone"
        elif taken.bead is not None:
            now = state.beads[taken.bead].state
            happened = now in OVER
            text = "given up" if now is BeadState.CANCELLED else f"it is {now}: its end came first"
        else:
            happened = not any(state.counts[each] for each in UNDER_WAY)
            text = "all that was not done is given up"
        if happened:
            yield _answered(taken, True, text, at)


def _answered(taken: m.RequestTaken, accepted: bool, text: str, at: float) -> m.RequestAnswered:
    return m.RequestAnswered(
        at=at,
        request=taken.request,
        accepted=accepted,
        text=text,
        verb=taken.verb,
        bead=taken.bead,
        worker=taken.worker,
        by=taken.by,
    )


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


def _resume(state: State, at: float, by: str, usd: float | None) -> Generator[m.Event, None, list[str]]:
    """A person who resumes has seen to what was shut, or knows better when it is lifted: one attempt may find out.

    Says what would have been asked later by itself."""
    if state.run is RunState.PAUSED or usd is not None:
        yield m.RunResumed(at=at, reason=f"{by} asked for it", budget_usd=usd)
    early = []
    for account in list(state.accounts.values()):
        if account.state is BreakerState.OPEN:
            early.append(account.provider)
            yield m.ProviderHalfOpened(at=at, provider=account.provider)
    for breaker in list(state.breakers.values()):
        if breaker.state is BreakerState.OPEN:
            early += [breaker.route] if breaker.until is not None else []
            yield m.BreakerHalfOpened(at=at, route=breaker.route)
    for bead, record in list(state.beads.items()):
        if record.state is BeadState.READY and record.not_before > at:
            yield m.BeadWoke(at=at, bead=bead)
    return early


def _cancel(state: State, bead: BeadId, by: str, at: float) -> Iterator[m.Event]:
    """A bead whose worktree is in use is cancelled when its session has ended and its work is saved, or checked."""
    record = state.beads[bead]
    reason = f"{by} gave it up"
    if record.state in OVER or bead in state.landing:
        return
    if record.token is not None and record.state is not BeadState.MERGING:
        yield m.SessionGivenUp(at=at, token=record.token, ending=Ending.CANCELLED, reason=reason)
        return
    yield from cancel(state, bead, reason, at)


def _add_workers(state: State, signal: m.Asked, by: str) -> Answer:
    text = signal.text
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_ADDED):
        return False, f"{text!r} is no number of workers between 1 and {MOST_ADDED}"
    names = [f"w{n}" for n in range(1, len(state.workers) + len(state.released) + int(text) + 1)]
    free = [WorkerId(name) for name in names if WorkerId(name) not in state.workers]
    added = tuple(free[: int(text)])
    yield m.WorkersAdded(at=signal.at, workers=added, by=by, forced=signal.forced)
    if signal.forced and state.fits is not None:
        yield m.HostFreed(at=signal.at)
    return True, f"{', '.join(added)} at work: {len(state.workers)} workers"


def _release_worker(state: State, signal: m.Asked, by: str) -> Answer:
    worker = state.workers.get(WorkerId(signal.text))
    if worker is None:
        return False, f"there is no worker {signal.text!r}; there are {', '.join(state.workers)}"
    if len(state.workers) - state.surplus <= 1 and worker.id not in state.released:
        return False, "it is the last one: `orchestrator drain` ends the run, `orchestrator pause` halts it"
    reason = f"{by} let it go"
    if worker.id not in state.released:
        yield m.WorkerReleased(at=signal.at, worker=worker.id, reason=reason)
    aborted = signal.verb is m.Verb.ABORT_WORKER and worker.token is not None
    if aborted and worker.state in (WorkerState.STARTING, WorkerState.RUNNING):
        assert worker.token is not None
        yield m.SessionGivenUp(at=signal.at, token=worker.token, ending=Ending.STOPPED, reason=reason)
    return True, f"{worker.id} is gone"


def _give_another_chance(state: State, signal: m.Asked) -> Answer:
    worker = state.workers.get(WorkerId(signal.text))
    if worker is None:
        return False, f"there is no worker {signal.text!r}; there are {', '.join(state.workers)}"
    if worker.state is not WorkerState.FAILED:
        return False, f"{worker.id} is {worker.state}: nothing keeps it from work"
    yield m.WorkerWoke(at=signal.at, worker=worker.id)
    return True, f"{worker.id} may have beads again"


def _reprioritize(state: State, bead: BeadId, text: str, by: str, at: float) -> Answer:
    if text not in PRIORITIES:
        return False, f"{text!r} is no priority between 0 and 4"
    if state.beads[bead].state in OVER:
        return False, f"it is {state.beads[bead].state}: its turn is over"
    yield m.BeadReprioritized(at=at, bead=bead, priority=int(text), by=by)
    return True, f"is P{text} now"


def _asking(state: State, bead: BeadId) -> Attempt | None:
    """The attempt whose live session the bead is held by."""
    record = state.beads[bead]
    return state.attempts[record.token] if record.state is BeadState.HELD and record.token is not None else None


def _dollars(text: str) -> float | None:
    """What the run may cost from now on; a word that is no amount says nothing."""
    try:
        usd = float(text)
    except ValueError:
        return None
    return usd if 0.0 <= usd < float("inf") else None
