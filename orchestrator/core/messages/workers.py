"""Events of how many workers there are, and of those that had to be put aside."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.model import BeadId, Token, WorkerId


class WorkersTuned(Event, frozen=True, kw_only=True):
    """Another number of workers is at work from now on: what more of them bring was measured."""

    workers: int
    before: int
    reason: str
    rate: float | None = None
    """What those before brought in an hour; None: it was not measured."""
    what: str = ""
    """Of what: beads or tokens."""
    rest_until: float = 0.0
    """Before then no more are tried again."""


class WorkerRenewed(Event, frozen=True, kw_only=True):
    """Bead after bead fails on it, and not on others: it begins anew, in fresh worktrees and sessions."""

    worker: WorkerId
    reason: str


class WorkerQuarantined(Event, frozen=True, kw_only=True):
    """That did not help: it is given nothing more until a person releases it."""

    worker: WorkerId
    reason: str


class SessionSuspended(Event, frozen=True, kw_only=True):
    """The machine is under pressure: all of this session's processes stand still, and so does its time."""

    token: Token
    bead: BeadId
    worker: WorkerId
    reason: str


class SessionWentOn(Event, frozen=True, kw_only=True):
    """The pressure is over."""

    token: Token
    bead: BeadId
    worker: WorkerId
