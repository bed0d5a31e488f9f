"""What the events of beads change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import leave_train, leave_worktree, let_go, move_bead, settle, try_out
from orchestrator.core.changes.queueing import queue
from orchestrator.core.model import (
    BeadId,
    BeadState,
)
from orchestrator.core.records import Car, Point
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def bead_readied(state: Standing, event: m.BeadReadied) -> None:
    move_bead(state, event.bead, event)
    state.readable.pop(event.bead, None)
    leave_worktree(state, event.bead)
    queue(state, event.bead, event.at)


def bead_woke(state: Standing, event: m.BeadWoke) -> None:
    """Its waiting time is over: in the queue, on a route that it was to leave alone, or before its landing."""
    record = move_bead(state, event.bead, event, not_before=0.0)
    state.deadlines.drop(("wake", event.bead))
    state.deadlines.drop(("land", event.bead))
    if record.state is BeadState.MERGING:
        state.merging[event.bead] = 0.0
    else:
        queue(state, event.bead, event.at)


def bead_held(state: Standing, event: m.BeadHeld) -> None:
    before, token = state.beads[event.bead].state, state.beads[event.bead].token
    asking = state.attempts[token] if token is not None else None
    move_bead(state, event.bead, event, reason=event.reason)
    if asking is not None:  # the answer goes to the session that asked
        record = state.beads[event.bead]
        merge = asking.merge or (before is BeadState.MERGING and record.spec.command is None)
        state.beads[event.bead] = replace(
            record, resume=asking.session, stay=asking.route, keep=True, merge=merge, briefing=event.briefing
        )
    settle(state, event.bead)


def bead_reopened(state: Standing, event: m.BeadReopened) -> None:
    record = state.beads[event.bead]
    unmet = state.unmet(record.spec)
    move_bead(
        state, event.bead, event,
        unmet=unmet, tries=0, vain=0, put_backs=0, reason="",
        released=record.released or record.state is BeadState.HELD,
        not_before=0.0, shunned=(), strikes=(), signatures=(),
        briefing="\n\n".join(filter(None, (record.briefing if record.merge else "", event.briefing)))
        or record.briefing,
    )  # fmt: skip
    leave_worktree(state, event.bead)
    # A person has seen to it, and what was red may have been the machine's fault.
    state.trials = {tree: trial for tree, trial in state.trials.items() if trial.passed}
    if not unmet:
        state.readable[event.bead] = None


def bead_returned(state: Standing, event: m.BeadReturned) -> None:
    record = state.beads[event.bead]
    shunned = tuple((route, until) for route, until in record.shunned if until > event.at)
    move_bead(
        state, event.bead, event,
        reason=event.reason,
        not_before=event.not_before, resume=event.resume, stay=event.route, keep=event.keep, merge=event.merge,
        briefing=event.briefing,
        tries=record.tries + event.tried, vain=record.vain + event.vain,
        put_backs=record.put_backs + event.handed_back,
        strikes=(*record.strikes, event.strike) if event.strike else record.strikes,
        signatures=(*record.signatures, event.signature) if event.signature else record.signatures,
        shunned=(*shunned, (event.shun, event.shun_until)) if event.shun else shunned,
    )  # fmt: skip
    let_go(state, event.bead)
    queue(state, event.bead, event.at)


def bead_reprioritized(state: Standing, event: m.BeadReprioritized) -> None:
    """Its place in every queue follows; what runs is not disturbed."""
    record = state.beads[event.bead]
    revised = replace(record.revised, priority=event.priority) if record.revised is not None else None
    spec = replace(record.spec, priority=event.priority)
    state.beads[event.bead] = replace(record, spec=spec, revised=revised)
    state.graph = state.graph.with_priority(event.bead, event.priority)
    if event.bead in state.ready:
        queue(state, event.bead, event.at)


def bead_queued(state: Standing, event: m.BeadQueued) -> None:
    move_bead(state, event.bead, event)
    state.merging[event.bead] = 0.0


def car_composed(state: Standing, event: m.CarComposed) -> None:
    """In its place: one that was composed before keeps the place that it had."""
    move_bead(state, event.bead, event)
    onto, made = Point(commit=event.onto, tree=event.onto_tree), Point(commit=event.commit, tree=event.tree)
    state.train[event.bead] = Car(bead=event.bead, onto=onto, made=made)
    if state.tip is None:
        state.tip = state.following.onto if state.following else onto


def car_set_aside(state: Standing, event: m.CarSetAside) -> None:
    move_bead(state, event.bead, event)
    onto = Point(commit=event.onto, tree=event.onto_tree)
    state.train[event.bead] = Car(bead=event.bead, onto=onto, refusal=event.ending, evidence=event.evidence)
    for other in event.beads:
        state.collided.setdefault(event.bead, {})[other] = None
        state.collided.setdefault(other, {})[event.bead] = None
    if state.tip is None:
        state.tip = state.following.onto if state.following else onto


def car_checked(state: Standing, event: m.CarChecked) -> None:
    move_bead(state, event.bead, event)
    try_out(state, event)


def check_flickered(state: Standing, event: m.CheckFlickered) -> None:
    state.flickers[event.command] = state.flickers.get(event.command, 0) + 1


def target_moved(state: Standing, event: m.TargetMoved) -> None:
    state.tip, state.landing, state.following = None, (), None
    state.shoves += 1


def landing_started(state: Standing, event: m.LandingStarted) -> None:
    move_bead(state, event.bead, event)
    state.landing = event.beads  # an older history has none: its landing is begun anew


def landing_delayed(state: Standing, event: m.LandingDelayed) -> None:
    record = state.beads[event.bead]
    move_bead(state, event.bead, event, reason=event.reason, vain=record.vain + 1)
    leave_train(state, event.bead)
    state.merging[event.bead] = event.until
    state.deadlines.set(("land", event.bead), event.until)


def bead_landed(state: Standing, event: m.BeadLanded) -> None:
    move_bead(state, event.bead, event, commit=event.commit, tree=event.tree, checks=event.checks, reason="")
    state.shoves = 0
    state.landings += 1
    state.landed[event.bead] = state.unproposed[event.bead] = None
    state.base_rests = False
    if event.bead in state.landing:
        state.tip = Point(commit=event.commit, tree=event.tree)
    _done(state, event.bead)


def bead_done(state: Standing, event: m.BeadDone) -> None:
    move_bead(state, event.bead, event, reason=event.reason)
    _done(state, event.bead)


def bead_failed(state: Standing, event: m.BeadFailed) -> None:
    record = state.beads[event.bead]
    move_bead(state, event.bead, event, reason=event.reason, tries=record.tries + event.tried)
    settle(state, event.bead)


def bead_blocked(state: Standing, event: m.BeadBlocked) -> None:
    move_bead(state, event.bead, event, reason=f"needs {event.by}")
    settle(state, event.bead)


def bead_cancelled(state: Standing, event: m.BeadCancelled) -> None:
    move_bead(state, event.bead, event, reason=event.reason)
    settle(state, event.bead)


def bead_cleared(state: Standing, event: m.BeadCleared) -> None:
    leave_worktree(state, event.bead)
    record = state.beads[event.bead]
    state.beads[event.bead] = replace(record, occupies=bool(event.fault))


def clearing_delayed(state: Standing, event: m.ClearingDelayed) -> None:
    state.clearings[event.bead] = event.failures
    state.deadlines.set(("clear", event.bead), event.until)


def clearing_woke(state: Standing, event: m.ClearingWoke) -> None:
    state.deadlines.drop(("clear", event.bead))


def _done(state: Standing, bead: BeadId) -> None:
    settle(state, bead)
    for dependent in state.graph.dependents(bead):
        record = state.beads[dependent]
        state.beads[dependent] = replace(record, unmet=record.unmet - 1)
        if record.unmet == 1 and record.state is BeadState.WAITING:
            state.readable[dependent] = None


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.BeadReadied: bead_readied,
    m.BeadWoke: bead_woke,
    m.BeadHeld: bead_held,
    m.BeadReopened: bead_reopened,
    m.BeadReturned: bead_returned,
    m.BeadReprioritized: bead_reprioritized,
    m.BeadQueued: bead_queued,
    m.CarComposed: car_composed,
    m.CarSetAside: car_set_aside,
    m.CarChecked: car_checked,
    m.CheckFlickered: check_flickered,
    m.TargetMoved: target_moved,
    m.LandingStarted: landing_started,
    m.LandingDelayed: landing_delayed,
    m.BeadLanded: bead_landed,
    m.BeadDone: bead_done,
    m.BeadFailed: bead_failed,
    m.BeadBlocked: bead_blocked,
    m.BeadCancelled: bead_cancelled,
    m.BeadCleared: bead_cleared,
    m.ClearingDelayed: clearing_delayed,
    m.ClearingWoke: clearing_woke,
}
