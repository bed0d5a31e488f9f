"""What is done while the machine runs out of memory, before its kernel ends processes of its own choice.

Starting has stopped by then (`host`). Of the sessions at work the least healthy is suspended, one at each look, until
there is memory again; they go on one by one, the first first. One always works. Where that does not help, whoever
stands still for longest is put back: its work is checkpointed and kept, and the attempt counts against nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestrator.core import messages as m
from orchestrator.core.health import health
from orchestrator.core.model import Ending, Room, Token, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State

PRESSED = 0.5
"""Of the memory that is to stay free when a session starts: less, and the machine is under pressure."""
PATIENCE_S = 60.0
"""How long a session stands still before it is put back for the memory that it holds."""


def weighed(state: State, signal: m.Sampled, room: Room) -> Iterator[m.Event]:
    if room.memory is None or not state.policy.heed_host:
        yield from _relieved(state, signal.at)
    elif room.memory < PRESSED * state.policy.memory_floor:
        yield from _pressed(state, signal, room.memory)
    elif room.memory >= state.policy.memory_floor:
        yield from _relieved(state, signal.at)


def _pressed(state: State, signal: m.Sampled, memory: int) -> Iterator[m.Event]:
    at_work = [attempt for attempt in state.attempts.values() if _works(state, attempt)]
    floor = PRESSED * state.policy.memory_floor / 2**20
    reason = f"only {memory / 2**20:,.0f} MiB of memory are free, and {floor:,.0f} should be"
    if len(at_work) > 1:
        victim = min(at_work, key=_worth(state, signal))
        yield m.SessionSuspended(
            at=signal.at, token=victim.token, bead=victim.bead, worker=victim.worker, reason=reason
        )
        return
    if not at_work:
        yield from _relieved(state, signal.at)
        return
    first = next((state.attempts[token] for token in state.suspended if _is_live(state, token)), None)
    if first is not None and first.suspended is not None and signal.at >= first.suspended + PATIENCE_S:
        reason = f"{reason}: it is put back, and goes on when there is room"
        yield m.SessionGivenUp(at=signal.at, token=first.token, ending=Ending.STOPPED, reason=reason)


def _relieved(state: State, at: float) -> Iterator[m.Event]:
    token = next((token for token in state.suspended if _is_live(state, token)), None)
    if token is not None:
        attempt = state.attempts[token]
        yield m.SessionWentOn(at=at, token=token, bead=attempt.bead, worker=attempt.worker)


def _works(state: State, attempt: Attempt) -> bool:
    running = state.has_worker(attempt) and state.worker_of(attempt).state is WorkerState.RUNNING
    return running and attempt.suspended is None and not attempt.question


def _is_live(state: State, token: Token) -> bool:
    return state.worker_of(state.attempts[token]).state is WorkerState.RUNNING


def _worth(state: State, signal: m.Sampled) -> Callable[[Attempt], tuple[float, int, int]]:
    """Less healthy goes first; of equals the less urgent, then the youngest."""
    scores: Mapping[Token, float] = {
        sample.token: health(state, attempt.worker, sample, signal.host).score
        for sample in signal.samples
        if (attempt := state.live(sample.token)) is not None
    }

    def worth(attempt: Attempt) -> tuple[float, int, int]:
        return scores.get(attempt.token, 1.0), -state.beads[attempt.bead].spec.priority, -attempt.token

    return worth
