"""Events of workers, routes and breakers."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.messages.events import Event
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersAdded(Event):
    workers: tuple[WorkerId, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReleased(Event):
    """It goes as soon as it has nothing to do."""

    worker: WorkerId
    reason: str


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
class HealthFell(Event):
    """A worker's score is below the floor, or no process of its agent runs."""

    worker: WorkerId
    bead: BeadId
    token: Token
    score: float
    floor: float
    reason: str
    """Its weakest part, and why."""
    since: float
    """When it last showed life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRose(Event):
    """It is clear of the floor again."""

    worker: WorkerId
    bead: BeadId
    token: Token
    score: float


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderParked(Event):
    """Nothing is asked of any of its routes until then: its limit is used up, or it is not to be reached."""

    provider: str
    until: float
    reason: str
    reset: bool = False
    """A usage window of its account ends then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHalfOpened(Event):
    """One attempt, on whichever of its routes, may find out."""

    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRecovered(Event):
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSlowed(Event):
    """One of its routes was limited: the others are gone about more slowly for a while."""

    provider: str
    every_s: float
    """Between two starts."""
    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFreed(Event):
    """The next start of what shares this limit is due, or its day is over."""

    pool: str
