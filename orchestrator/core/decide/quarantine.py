"""A worker on which bead after bead fails while others do well: something of its own is at fault.

Its ports, say, or what earlier beads left behind for it. First it begins anew: what its beads had in their worktrees is
in the attic, and they get fresh ones, and fresh sessions. Where as many fail again it is put aside, and a person looks
at it. Never the last one.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.health import GOOD, NO_VERDICT
from orchestrator.core.model import BeadId, WorkerId, WorkerState
from orchestrator.core.records import WorkerRecord
from orchestrator.core.state import State

BEADS = 3
"""So many different ones in a row."""
OTHERS = 6
"""Attempts of other workers that must have ended before anybody is compared with them."""
WELL = 0.75
"""The share of these that must have delivered."""


def looked_at(state: State, worker: WorkerId, at: float) -> Iterator[m.Event]:
    """When an attempt of it has ended."""
    record = state.workers.get(worker)
    if record is None or record.state is not WorkerState.IDLE or len(set(record.row)) < BEADS:
        return
    good, ended = _others(state, record)
    if ended < OTHERS or good < WELL * ended:
        return
    beads = ", ".join(dict.fromkeys(record.row))
    reason = f"{beads} failed on it in a row, and {good} of the last {ended} attempts of others did not"
    if not record.renewed:
        yield m.WorkerRenewed(at=at, worker=worker, reason=reason)
    elif len(state.workers) - state.worker_counts[WorkerState.FAILED] > max(state.policy.min_workers, 1):
        yield m.WorkerQuarantined(at=at, worker=worker, reason=reason)


def begins_anew(state: State, worker: WorkerId, bead: BeadId) -> bool:
    """Nothing that was there before is taken for granted; a merge that was begun is."""
    return state.workers[worker].renewed and not state.beads[bead].merge


def _others(state: State, record: WorkerRecord) -> tuple[int, int]:
    """Of attempts of other workers that say something of them: how many delivered, and how many ended."""
    told = [
        ending
        for other in state.workers.values()
        if other.id != record.id
        for ending in other.outcomes
        if ending not in NO_VERDICT
    ]
    return sum(ending in GOOD for ending in told), len(told)
