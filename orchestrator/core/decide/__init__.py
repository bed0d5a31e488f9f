"""All policy: from a state and a signal to the events that become true.

`decide` is a generator, and each event that it yields is applied before it is asked for the next: so every rule
sees the consequences of those before it. `advance` is the one way to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.decide import (
    ahead,
    clearing,
    collisions,
    disk,
    following,
    health,
    host,
    hours,
    landing,
    locks,
    money,
    opening,
    operator,
    predicting,
    pressure,
    pull_requests,
    pushing,
    questions,
    revising,
    scheduling,
    sessions,
    width,
)
from orchestrator.core.decide.scheduling import idle_and_paused
from orchestrator.core.state import State
from orchestrator.core.values import replace

__all__ = ["advance", "amend", "decide", "idle_and_paused"]


def advance(state: State, signal: m.Signal) -> list[m.Event]:
    """What the signal leads to. The state has moved on to it when this returns."""
    events = []
    for event in decide(state, signal):
        state.apply(event)
        events.append(event)
    return events


def amend(state: State, signal: m.Asked) -> list[m.Event]:
    """`advance`, of a run that nobody is at work on: what a person says becomes true, and nothing is begun."""
    events = []
    for event in operator.asked(state, replace(signal, at=max(signal.at, state.latest))):
        state.apply(event)
        events.append(event)
    return events


def decide(state: State, signal: m.Signal) -> Iterator[m.Event]:
    if signal.at < state.latest:  # threads overtake each other, and clocks are set back: what is due stays due
        signal = replace(signal, at=state.latest)
    yield from _REACTIONS[type(signal)](state, signal)
    if state.swept and state.ended_at is None:
        yield from revising.withdrawn(state, signal.at)
        yield from _due(state, signal.at)
        yield from _locks_and_landings(state, signal.at)
        yield from revising.returned(state, signal.at)  # also what has just left the train
        yield from scheduling.readied(state, signal.at)
        yield from money.watched(state, signal)
        yield from predicting.asked(state, signal.at)
        yield from scheduling.starts(state, signal.at)
        yield from scheduling.mustered(state, signal.at)
        yield from operator.stopping_now(state, signal.at)
        yield from operator.come_true(state, signal.at)
        yield from pull_requests.begun(state, signal.at)
        yield from scheduling.ended(state, signal.at)


def _locks_and_landings(state: State, at: float) -> Iterator[m.Event]:
    """Each frees what the other waits for: what is sent back lets go of its files, and who gets files may board."""
    yield from locks.granted(state, at)
    yield from landing.drive(state, at)
    while state.locks.grantable() is not None:
        yield from locks.granted(state, at)
        yield from landing.drive(state, at)


def _due(state: State, at: float) -> Iterator[m.Event]:
    """What the time has come for."""
    for kind, what in state.deadlines.due(at):
        match kind:
            case "start":
                yield from sessions.start_overdue(state, what, at)
            case "bead":
                yield from sessions.time_used_up(state, what, at)
            case "question":
                yield from questions.overdue(state, what, at)
            case "wake" | "land":
                yield m.BeadWoke(at=at, bead=what)
            case "wait":
                yield from locks.waited_enough(state, what, at)
            case "prediction":
                yield from predicting.overdue(state, at)
            case "breaker":
                yield m.BreakerHalfOpened(at=at, route=what)
            case "provider":
                yield m.ProviderHalfOpened(at=at, provider=what)
            case "pace" | "day" | "window":
                yield m.PoolFreed(at=at, pool=what)
            case "clear":
                yield m.ClearingWoke(at=at, bead=what)
            case "push":
                yield m.PushWoke(at=at)
            case "base":
                yield m.BaseWoke(at=at)
            case "pull-request":
                yield m.PullRequestWoke(at=at, bead=what)
            case "hours":
                yield from hours.turned(state, at)
            case "worker":
                yield m.WorkerWoke(at=at, worker=what)


def _time_passed(state: State, signal: m.TimePassed) -> Iterator[m.Event]:
    """Nothing by itself: what is due is looked for after every signal."""
    return iter(())


def _sampled(state: State, signal: m.Sampled) -> Iterator[m.Event]:
    yield from health.sampled(state, signal)
    yield from host.learned(state, signal)
    if signal.room is not None and state.swept and state.ended_at is None:
        used = {sample.token: sample.memory for sample in signal.samples}
        yield from host.weighed(state, signal.room, used, signal.at)
        yield from ahead.weighed(state, signal.room, used, signal.at)
        yield from pressure.weighed(state, signal, signal.room)
        yield from width.tuned(state, signal.room, signal.at)


_REACTIONS: dict[type[m.Signal], Callable[[State, Any], Iterator[m.Event]]] = {
    m.Opened: opening.opened,
    m.Swept: opening.swept,
    m.TimePassed: _time_passed,
    m.DiskMeasured: disk.measured,
    m.StoreWaited: disk.waited,
    m.TimeJumped: hours.jumped,
    m.Spawned: sessions.spawned,
    m.GaveSign: sessions.gave_sign,
    m.Progressed: sessions.progressed,
    m.LocksAsked: locks.asked,
    m.Touched: locks.touched,
    m.Foreseen: predicting.foreseen,
    m.NotForeseen: predicting.not_foreseen,
    m.Sampled: _sampled,
    m.Checkpointed: sessions.checkpointed,
    m.Collided: collisions.collided,
    m.WentSilent: sessions.went_silent,
    m.Questioned: questions.questioned,
    m.Typed: questions.typed,
    m.SessionEnded: sessions.session_ended,
    m.Saved: sessions.saved,
    m.Collected: landing.collected,
    m.Checked: landing.checked,
    m.Landed: landing.landed,
    m.Composed: landing.composed,
    m.NotComposed: landing.not_composed,
    m.Verified: landing.verified,
    m.NotVerified: landing.not_verified,
    m.Advanced: landing.advanced,
    m.BaseSeen: following.seen,
    m.Followed: following.followed,
    m.NotFollowed: following.not_followed,
    m.TargetFound: landing.target_found,
    m.LandingRefused: landing.refused,
    m.Cleared: clearing.cleared,
    m.Pushed: pushing.pushed,
    m.NotPushed: pushing.not_pushed,
    m.Proposed: pull_requests.proposed,
    m.NotProposed: pull_requests.not_proposed,
    m.Asked: operator.asked,
}
