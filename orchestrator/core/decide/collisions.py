"""Unfinished work that does not merge, seen while those who do it are still at work: who is told, or gives way.

The later of two gives way: it has less to lose, and the other one may land before it. Nobody gives way for this so
often that it would starve, nor while the run is to end with what is at work: then it is only told.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing
from orchestrator.core.decide.locks import at_work, put_back
from orchestrator.core.model import BeadId, Collisions, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State


def collided(state: State, signal: m.Collided) -> Iterator[m.Event]:
    """Of an attempt that is over, or has delivered meanwhile, it is void: the merge queue sees to finished work."""
    attempt, other = at_work(state, signal.token), None
    if signal.other is not None:
        other = at_work(state, signal.other)
        if other is None:
            return
    if attempt is None or state.policy.collisions is Collisions.IGNORE or _is_known(attempt, other, signal.paths):
        return
    commit, against = signal.commit, signal.against
    if other is not None and _goes_first(state, attempt, other):
        attempt, other, commit, against = other, attempt, against, commit
    gives_way = state.policy.collisions is Collisions.PUT_BACK and state.stopping is None
    gives_way = gives_way and state.beads[attempt.bead].put_backs < state.policy.put_back_first
    beside = other.bead if other is not None else BeadId("")
    text = ""
    if not gives_way and state.traits_of(attempt.route).nudge and not attempt.typing and _is_up(state, attempt):
        text = briefing.collided(beside, signal.paths, state.manifest.target)
    answer = Collisions.PUT_BACK if gives_way else Collisions.TELL
    yield m.CollisionSeen(
        at=signal.at, token=attempt.token, bead=attempt.bead, other=beside, paths=signal.paths,
        commit=commit, against=against, answer=answer, text=text,
    )  # fmt: skip
    if gives_way:
        reason = f"its work does not merge with {_whose(state, beside)}: {briefing.some(signal.paths)}"
        yield from put_back(state, attempt.bead, reason, signal.at)


def _goes_first(state: State, one: Attempt, other: Attempt) -> bool:
    """Who holds what the other one waits for lands before it in any case; else who began before it."""
    for first, second in ((one, other), (other, one)):
        if first.bead in state.locks.blockers.get(second.bead, ()):
            return first is one
    return (one.started, one.token) < (other.started, other.token)


def _is_known(attempt: Attempt, other: Attempt | None, paths: tuple[str, ...]) -> bool:
    """Those paths of the two were in a collision before, whichever of them was the later one."""
    known = {path for each in attempt.collisions if other is None and not each.other for path in each.paths}
    if other is not None:
        for one, beside in ((attempt, other.bead), (other, attempt.bead)):
            known |= {path for each in one.collisions if each.other == beside for path in each.paths}
    return known.issuperset(paths)


def _is_up(state: State, attempt: Attempt) -> bool:
    return state.worker_of(attempt).state is WorkerState.RUNNING


def _whose(state: State, other: BeadId) -> str:
    return f"that of {other}, which began before it" if other else f"what has landed on {state.manifest.target}"
