"""Events of workers, routes and breakers."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId


class WorkersAdded(Event, frozen=True, kw_only=True):
    workers: tuple[WorkerId, ...]
    by: str
    forced: bool = False
    """From now on agents start however short the machine is."""


class WorkerReleased(Event, frozen=True, kw_only=True):
    """It goes as soon as it has nothing to do."""

    worker: WorkerId
    reason: str


class WorkerBackedOff(Event, frozen=True, kw_only=True):
    worker: WorkerId
    until: float
    reason: str


class WorkerWoke(Event, frozen=True, kw_only=True):
    worker: WorkerId


class WorkerFailed(Event, frozen=True, kw_only=True):
    worker: WorkerId
    reason: str


class HealthFell(Event, frozen=True, kw_only=True):
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


class HealthRose(Event, frozen=True, kw_only=True):
    """It is clear of the floor again."""

    worker: WorkerId
    bead: BeadId
    token: Token
    score: float


class RouteFailed(Event, frozen=True, kw_only=True):
    """A failure that counts against the route's breaker."""

    route: RouteName
    reason: str


class BreakerOpened(Event, frozen=True, kw_only=True):
    route: RouteName
    until: float | None
    """None: for good, until a person resumes it."""
    reason: str


class BreakerHalfOpened(Event, frozen=True, kw_only=True):
    route: RouteName


class BreakerClosed(Event, frozen=True, kw_only=True):
    route: RouteName


class ProviderParked(Event, frozen=True, kw_only=True):
    """Nothing is asked of any of its routes until then: its limit is used up, or it is not to be reached."""

    provider: str
    until: float
    reason: str
    reset: bool = False
    """A usage window of its account ends then."""


class ProviderHalfOpened(Event, frozen=True, kw_only=True):
    """One attempt, on whichever of its routes, may find out."""

    provider: str


class ProviderRecovered(Event, frozen=True, kw_only=True):
    provider: str


class ProviderSlowed(Event, frozen=True, kw_only=True):
    """One of its routes was limited: the others are gone about more slowly for a while."""

    provider: str
    every_s: float
    """Between two starts."""
    until: float
    reason: str


class PoolFreed(Event, frozen=True, kw_only=True):
    """The next start of what shares this limit is due, or its day is over."""

    pool: str
