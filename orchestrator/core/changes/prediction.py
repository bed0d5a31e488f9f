"""What the events of prediction change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.queueing import queue
from orchestrator.core.claims import escaped
from orchestrator.core.model import Claim
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace

DUE = ("prediction", "")
"""Its deadline: as long as there is one, beads wait for it."""
BARRIER = ("prediction",)


def prediction_asked(state: Standing, event: m.PredictionAsked) -> None:
    state.unforeseen = dict.fromkeys(event.beads)
    for bead in event.beads:
        state.unlooked.drop(bead)
    state.foresights, state.foreseen_at = event.round, state.landings
    if event.until is not None:
        state.deadlines.set(DUE, event.until)


def files_predicted(state: Standing, event: m.FilesPredicted) -> None:
    record = state.beads[event.bead]
    claims = tuple(Claim(pattern=escaped(guess.path)) for guess in event.guesses)
    state.beads[event.bead] = replace(record, predicted=claims)
    if event.bead in state.ready:  # it stands in another line now
        queue(state, event.bead, event.at)


def prediction_made(state: Standing, event: m.PredictionMade) -> None:
    for bead in state.unforeseen:
        if state.beads[bead].predicted is None:
            state.beads[bead] = replace(state.beads[bead], predicted=())
    _over(state)


def prediction_failed(state: Standing, event: m.PredictionFailed) -> None:
    _over(state)


def prediction_late(state: Standing, event: m.PredictionLate) -> None:
    state.deadlines.drop(DUE)
    state.ready.release(BARRIER)


def _over(state: Standing) -> None:
    state.unforeseen = {}
    state.deadlines.drop(DUE)
    state.ready.release(BARRIER)


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.PredictionAsked: prediction_asked,
    m.FilesPredicted: files_predicted,
    m.PredictionMade: prediction_made,
    m.PredictionFailed: prediction_failed,
    m.PredictionLate: prediction_late,
}
