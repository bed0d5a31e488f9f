"""Into the ready queue and out of it, and what that does to those that wait for the same files."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.claims import clash
from orchestrator.core.model import BeadId, Claim
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace

OVERTAKEN_MOST = 8
"""So often may others take files of a ready bead that comes before them, while it waits for the rest of its own."""


def queue(state: Standing, bead: BeadId, at: float) -> None:
    """Into the ready queue, or aside until its time."""
    record, rank = state.beads[bead], state.graph.ranks[bead]
    if record.vague:
        state.vague.add(bead, rank)
        if state.is_unlooked(bead):
            state.unlooked.add(bead, rank)
    if record.not_before > at:
        state.deadlines.set(("wake", bead), record.not_before)
        return
    entitled = record.put_backs >= state.policy.put_back_first or record.overtaken >= OVERTAKEN_MOST
    if entitled:
        state.entitled[bead] = None
    # Who goes first waits in no line with those who wait for it.
    line = (state.chain(record, at), record.spec.routes, state.wanted(record), bead if entitled else None)
    _wish(state, bead, state.wanted(record))
    state.ready.add(bead, rank, line)
    shunned = [until for _, until in record.shunned if until > at]
    if shunned:
        state.deadlines.set(("wake", bead), min(shunned))


def leave_queue(state: Standing, bead: BeadId) -> None:
    state.ready.drop(bead)
    _wish(state, bead, ())
    state.deadlines.drop(("wake", bead))
    state.vague.drop(bead)
    state.unlooked.drop(bead)
    if bead in state.entitled:
        del state.entitled[bead]
        state.ready.release(("files", bead))


def overtake(state: Standing, bead: BeadId, claims: Sequence[Claim], at: float) -> None:
    """It takes files that ready beads want which come before it: one that has a wide set would never find it free.

    Who was overtaken too often takes all of its set first.
    """
    for other in state.wished.of(claims):
        record = state.beads[other]
        if state.graph.ranks[other] < state.graph.ranks[bead] and clash(claims, state.wishes[other]):
            state.beads[other] = replace(record, overtaken=record.overtaken + 1)
            if record.overtaken + 1 == OVERTAKEN_MOST:
                queue(state, other, at)


def _wish(state: Standing, bead: BeadId, claims: tuple[Claim, ...]) -> None:
    state.wished.remove(bead, state.wishes.pop(bead, ()))
    if claims:
        state.wishes[bead] = claims
        state.wished.add(bead, claims)
