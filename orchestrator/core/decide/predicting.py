"""Which guesses become locks: how likely one must be, who waits for them, and when they are made anew.

A guess is a weak lock: it keeps other beads from starting, and whoever is at work and needs the file takes it over,
unless it has been touched (`decide.locks`). So a wrong one costs a little time, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.changes.prediction import BARRIER, DUE
from orchestrator.core.claims import escaped, lacking
from orchestrator.core.decide.locks import AT_WORK
from orchestrator.core.model import BeadId, BeadState, Claim, Guess, Predict
from orchestrator.core.ready import Barrier
from orchestrator.core.state import State

LEAST = {Predict.CAREFUL: 0.5, Predict.BOLD: 0.25}
"""How likely a file must be."""
MOST = 20
"""Files that one bead takes on suspicion."""
PATIENCE_S = 5.0
"""How long beads wait to be looked at, while others are at work."""
AT_ONCE = 200
"""Beads of one round."""
AGAIN_AFTER = 8
"""Landings after which those that are still to start are looked at again: the target has moved on."""


def asked(state: State, at: float) -> Iterator[m.Event]:
    """A round begins where beads came that nobody has looked at, or much has landed."""
    if state.policy.predict is Predict.OFF or state.unforeseen or not state.vague:
        return
    if state.unlooked:
        beads, until = _with_what_follows(state, state.unlooked.first(AT_ONCE)), at + PATIENCE_S
    elif state.landings >= state.foreseen_at + AGAIN_AFTER:
        beads, until = state.vague.first(AT_ONCE), None
    else:
        return
    yield m.PredictionAsked(at=at, round=state.foresights + 1, beads=beads, until=until)


def _with_what_follows(state: State, beads: tuple[BeadId, ...]) -> tuple[BeadId, ...]:
    """And those that need them, so that hardly one has to wait for a round of its own when its turn comes."""
    asked, every = dict.fromkeys(beads), list(beads)
    for bead in every:
        for following in state.graph.dependents(bead):
            if len(every) < AT_ONCE and following not in asked and state.is_unlooked(following):
                asked[following] = None
                every.append(following)
    return tuple(every)


def foreseen(state: State, signal: m.Foreseen) -> Iterator[m.Event]:
    if not state.unforeseen or signal.round != state.foresights:
        return
    for bead, guesses in signal.guesses:
        if bead in state.unforeseen:
            yield from _predicted(state, bead, likely(state.policy.predict, guesses), signal.at)
    seconds = round(signal.seconds, 3)
    yield m.PredictionMade(at=signal.at, round=signal.round, beads=len(state.unforeseen), seconds=seconds)


def likely(boldness: Predict, guesses: tuple[Guess, ...]) -> tuple[Guess, ...]:
    """Those that are locked, of guesses that begin with the likeliest."""
    if boldness is Predict.OFF:
        return ()
    return tuple(guess for guess in guesses if guess.confidence >= LEAST[boldness])[:MOST]


def _predicted(state: State, bead: BeadId, guesses: tuple[Guess, ...], at: float) -> Iterator[m.Event]:
    record = state.beads[bead]
    claims = tuple(Claim(pattern=escaped(guess.path)) for guess in guesses)
    if claims != (record.predicted or ()):
        yield m.FilesPredicted(at=at, bead=bead, guesses=guesses)
    attempt = state.attempts.get(record.token) if record.token is not None else None
    if attempt is None or record.state is not BeadState.RUNNING or state.worker_of(attempt).state not in AT_WORK:
        return
    # It began before anybody knew: it takes what is free, and what is not it does not hold.
    free = tuple(
        claim
        for claim in lacking(claims, state.locks.held.get(bead, ()))
        if next(state.locks.against(bead, (claim,)), None) is None and state.locks.wanting(bead, (claim,)) is None
    )
    if free:
        yield m.LocksTaken(at=at, token=attempt.token, bead=bead, claims=free, asked=False, predicted=True)


def not_foreseen(state: State, signal: m.NotForeseen) -> Iterator[m.Event]:
    if state.unforeseen and signal.round == state.foresights:
        yield m.PredictionFailed(at=signal.at, round=signal.round, reason=signal.evidence)


def overdue(state: State, at: float) -> Iterator[m.Event]:
    yield m.PredictionLate(at=at)


def barrier(state: State, bead: BeadId) -> tuple[Barrier, ...]:
    """One that is being looked at waits for it while there is somebody to get in the way of: the first agent never."""
    asked_for = bead in state.unlooked or (bead in state.unforeseen and state.beads[bead].predicted is None)
    return (BARRIER,) if asked_for and state.attempts and state.deadlines.at(DUE) is not None else ()
