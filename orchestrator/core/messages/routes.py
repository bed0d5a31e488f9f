"""Events of workers, routes and breakers."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.messages.events import Event
from orchestrator.core.model import RouteName, WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBackedOff(Event):
    worker: WorkerId
    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWoke(Event):
    worker: WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed(Event):
    worker: WorkerId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFailed(Event):
    """A failure that counts against the route's breaker."""

    route: RouteName
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    route: RouteName
    until: float | None
    """None: for good, until a person resumes it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(Event):
    route: RouteName


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    route: RouteName
