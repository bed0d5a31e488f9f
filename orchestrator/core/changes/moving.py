"""Beads and attempts change their state, and leave what they had: files, places, clocks, worktrees."""

from __future__ import annotations

from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.changes.planning import respecify
from orchestrator.core.changes.queueing import leave_queue
from orchestrator.core.model import BeadId, BeadState, Token
from orchestrator.core.records import Attempt, BeadRecord, Trial
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def move_bead(state: Standing, bead: BeadId, event: m.Event, **changes: Any) -> BeadRecord:
    before = state.beads[bead]
    after = machines.after(machines.BEAD, before.state, type(event), f"bead {bead}")
    record = replace(before, state=after, since=event.at if after is not before.state else before.since, **changes)
    state.beads[bead] = record
    if after is not before.state:
        state.counts[before.state] -= 1
        state.counts[after] += 1
        if before.state is BeadState.READY:
            leave_queue(state, bead)
    return record


def let_go(state: Standing, bead: BeadId) -> None:
    """The bead is with nobody any more: its attempt, its files and its place in the merge queue are free."""
    record = state.beads[bead]
    if record.token is not None:
        state.attempts.pop(record.token, None)
        state.beads[bead] = replace(record, token=None)
    if record.revised is not None and record.state is not BeadState.DONE:
        respecify(state, bead, record.revised, state.revised_tasks.get(bead, ""))
    if state.locks.release(bead) or bead in state.collided:
        state.ready.release(("files", bead))
    state.deadlines.drop(("wait", bead))
    state.merging.pop(bead, None)
    state.deadlines.drop(("land", bead))
    leave_train(state, bead)


def settle(state: Standing, bead: BeadId) -> None:
    let_go(state, bead)
    state.readable.pop(bead, None)
    state.withdrawn.pop(bead, None)
    state.misplaced.pop(bead, None)
    if state.beads[bead].occupies:
        state.to_clear[bead] = None


def stop_waiting(state: Standing, bead: BeadId) -> None:
    """It waits for no more files than it holds."""
    if state.locks.stop_waiting(bead):
        state.ready.release(("files", bead))
    state.deadlines.drop(("wait", bead))


def leave_train(state: Standing, bead: BeadId) -> None:
    """An empty train looks for the target anew."""
    state.landing = tuple(each for each in state.landing if each != bead)
    if state.train.pop(bead, None) and not state.train:
        state.tip = None


def leave_worktree(state: Standing, bead: BeadId) -> None:
    """It is not to be cleared away any more: it is gone, or may be worked in again."""
    state.to_clear.pop(bead, None)
    state.clearings.pop(bead, None)
    state.deadlines.drop(("clear", bead))


def update_attempt(state: Standing, token: Token, **changes: Any) -> Attempt:
    attempt = replace(state.attempts[token], **changes)
    state.attempts[token] = attempt
    return attempt


def stop_clocks(state: Standing, token: Token) -> None:
    """Nothing is waited for of this session any more."""
    for clock in ("start", "bead", "question"):
        state.deadlines.drop((clock, token))


def try_out(state: Standing, event: m.CarChecked | m.BaseChecked) -> None:
    """What the manifest's checks have said of its tree."""
    before = state.trials.get(event.tree)
    failures = (before.failures if before else 0) + (not event.passed)
    state.trials[event.tree] = Trial(passed=event.passed, failures=failures, command=event.command, output=event.output)
