"""What the events of workers, routes and breakers change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.changes.staffing import move_worker, staff
from orchestrator.core.model import (
    BreakerState,
    RouteName,
)
from orchestrator.core.records import Breaker
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def workers_added(state: Standing, event: m.WorkersAdded) -> None:
    for worker in event.workers:
        state.added[worker] = None
        state.released.pop(worker, None)
    if event.forced:
        state.policy = replace(state.policy, heed_host=False)
    staff(state, event.at)


def worker_released(state: Standing, event: m.WorkerReleased) -> None:
    state.released[event.worker] = None
    state.added.pop(event.worker, None)
    staff(state, event.at)


def worker_backed_off(state: Standing, event: m.WorkerBackedOff) -> None:
    record = state.workers[event.worker]
    move_worker(state, event.worker, event, failures=record.failures + 1, reason=event.reason)
    state.deadlines.set(("worker", event.worker), event.until)


def worker_woke(state: Standing, event: m.WorkerWoke) -> None:
    move_worker(state, event.worker, event)
    state.deadlines.drop(("worker", event.worker))


def worker_failed(state: Standing, event: m.WorkerFailed) -> None:
    record = state.workers[event.worker]
    move_worker(state, event.worker, event, failures=record.failures + 1, reason=event.reason)


def health_told(state: Standing, event: m.HealthFell | m.HealthRose) -> None:
    """It moves no worker: its state is what it waits for, not how it does."""
    record = state.workers[event.worker]
    state.workers[event.worker] = replace(record, unwell_at=event.at if isinstance(event, m.HealthFell) else None)


def route_failed(state: Standing, event: m.RouteFailed) -> None:
    breaker = state.breakers[event.route]
    recent = tuple(at for at in breaker.failures if at > event.at - state.policy.breaker_window_s)
    state.breakers[event.route] = replace(breaker, failures=(*recent, event.at), reason=event.reason)
    account = state.account_of(event.route)
    lately = tuple(each for each in account.failures if each[0] > event.at - state.policy.breaker_window_s)
    state.accounts[account.provider] = replace(account, failures=(*lately, (event.at, event.route)))


def note_answer(state: Standing, route: RouteName, at: float) -> None:
    """Kept only where a rate is asked for."""
    breaker = state.breakers[route]
    recent = tuple(each for each in breaker.answers if each > at - state.policy.breaker_window_s)
    state.breakers[route] = replace(breaker, answers=(*recent, at))


def breaker_opened(state: Standing, event: m.BreakerOpened) -> None:
    before = state.breakers[event.route]
    openings = before.openings + (before.state is not BreakerState.OPEN)
    _move_breaker(
        state,
        event.route,
        event,
        until=event.until,
        reason=event.reason,
        openings=openings,
        failures=(),
        answers=(),
        probe=None,
    )
    if event.until is not None:
        state.deadlines.set(("breaker", event.route), event.until)


def breaker_half_opened(state: Standing, event: m.BreakerHalfOpened) -> None:
    _move_breaker(state, event.route, event, until=None, probe=None)


def breaker_closed(state: Standing, event: m.BreakerClosed) -> None:
    _move_breaker(state, event.route, event, until=None, probe=None, openings=0, failures=(), reason="")


def _move_breaker(state: Standing, route: RouteName, event: m.Event, **changes: Any) -> Breaker:
    before = state.breakers.get(route) or Breaker(route=route, since=event.at)
    after = machines.after(machines.BREAKER, before.state, type(event), f"breaker of {route}")
    record = replace(before, state=after, since=event.at, **changes)
    state.breakers[route] = record
    state.deadlines.drop(("breaker", route))
    state.ready.release(("route", route))
    return record


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.WorkersAdded: workers_added,
    m.WorkerReleased: worker_released,
    m.WorkerBackedOff: worker_backed_off,
    m.WorkerWoke: worker_woke,
    m.WorkerFailed: worker_failed,
    m.HealthFell: health_told,
    m.HealthRose: health_told,
    m.RouteFailed: route_failed,
    m.BreakerOpened: breaker_opened,
    m.BreakerHalfOpened: breaker_half_opened,
    m.BreakerClosed: breaker_closed,
}
