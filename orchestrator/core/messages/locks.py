"""Events of locks: what a bead takes beyond what it began with, and what it waits for."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.model import BeadId, Claim, Token


class LocksTaken(Event, frozen=True, kw_only=True):
    """A bead at work holds more than before; its wait, where it had one, is over."""

    token: Token
    bead: BeadId
    claims: tuple[Claim, ...]
    asked: bool = True
    """Its agent asked; else it was seen to have changed these files."""
    waited: bool = False
    """It is what it waited for."""
    predicted: bool = False
    """It was at work already when they were predicted."""


class LocksAwaited(Event, frozen=True, kw_only=True):
    """A bead wants what others hold: all that it waits for by now, in the place of what it waited for before."""

    token: Token
    bead: BeadId
    claims: tuple[Claim, ...]
    holders: tuple[BeadId, ...]
    asked: bool = True
    requests: tuple[int, ...] = ()
    until: float | None = None
    """When it gives up waiting; None: not by itself."""


class LocksYielded(Event, frozen=True, kw_only=True):
    """A bead lets go of files that it held because they were predicted: it has not touched them."""

    token: Token
    bead: BeadId
    claims: tuple[Claim, ...]
    to: BeadId | None = None
    """Who needs them; None: its work is done without them."""


class WaitEnded(Event, frozen=True, kw_only=True):
    """It waits no longer, and did not get what it waited for."""

    token: Token
    bead: BeadId
    reason: str
