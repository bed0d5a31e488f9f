"""How many workers are worth their while, where nobody has said: `workers: auto`.

Begins modestly. As long as beads wait for a worker, and the machine has room, half as many again are put to work, and
what all bring in an hour is held against what the fewer brought. More that bring next to nothing more go again, and are
tried anew after a rest: what held them up (a provider, the checks, the machine) may be gone by then.

What is brought is counted in beads. Where beads take longer than anybody would wait for a verdict, it is counted in the
tokens that agents say to have used.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Room, RunState, WorkerState
from orchestrator.core.records import Tuning
from orchestrator.core.state import State

PER_CORE = 16
"""Workers for each physical core at the most: agents wait for their models, but they build and test as well."""
STEP = 1.5
WORTH = 0.25
"""Of what more workers would bring at the best, they must bring at least this share."""
SHORTEST_S = 120.0
LONGEST_S = 900.0
"""After which progress decides where no beads can."""
ENOUGH = 2
"""Beads for each worker before they say anything: those who have just been put to work have none to show."""
REST_S = 1800.0
BEADS, TOKENS = "beads", "tokens"


def tuned(state: State, room: Room, at: float) -> Iterator[m.Event]:
    tuning, workers = state.tuning, state.width or state.policy.workers
    if tuning is None or not state.policy.auto or at < max(tuning.rest_until, tuning.since + SHORTEST_S):
        return
    if not _wanted(state):  # idle workers bring nothing, and that says nothing
        return
    rates = _rates(state, tuning, workers, at)
    what = tuning.fewer[2] if tuning.fewer else BEADS if BEADS in rates else TOKENS
    if what not in rates:
        return
    rate = rates[what]
    if tuning.fewer is not None:
        fewer, before, _ = tuning.fewer
        if rate < before * (1.0 + WORTH * (workers / fewer - 1.0)):
            reason = f"{workers} bring {rate:.1f} {what} an hour, and {fewer} brought {before:.1f}"
            yield m.WorkersTuned(
                at=at, workers=fewer, before=workers, reason=reason, rate=rate, what=what, rest_until=at + REST_S
            )
            return
    more = min(max(ceil(workers * STEP), workers + 1), most(state, room))
    if more > workers and state.fits is None:
        reason = f"{workers} bring {rate:.1f} {what} an hour: more may bring more"
        yield m.WorkersTuned(at=at, workers=more, before=workers, reason=reason, rate=rate, what=what)


def most(state: State, room: Room) -> int:
    by_cores = PER_CORE * room.cores
    return by_cores if state.policy.most_workers is None else state.policy.most_workers


def _wanted(state: State) -> bool:
    """A bead waits for a worker, and for nothing else that the state knows of."""
    may_start = (
        state.run is RunState.RUNNING and state.stopping is None and state.disk_low is None and not state.suspended
    )
    busy = not state.worker_counts[WorkerState.IDLE]
    return may_start and busy and state.closed_until is None and bool(state.counts[BeadState.READY])


def _rates(state: State, tuning: Tuning, workers: int, at: float) -> dict[str, float]:
    """In an hour, of what can be told by now."""
    period = at - tuning.since
    done, tokens = state.counts[BeadState.DONE] - tuning.done, state.used_tokens() - tuning.tokens
    rates = {}
    if done >= ENOUGH * workers:
        rates[BEADS] = 3600.0 * done / period
    if period >= LONGEST_S and tokens > 0:
        rates[TOKENS] = 3600.0 * tokens / period
    return rates
