"""Signals and events of pull requests. `bead` is whose it is; that of the whole night is of no bead (empty)."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Signal
from orchestrator.core.model import BeadId, Commit


class Proposed(Signal, frozen=True, kw_only=True):
    """A pull request is open, and has what it was to have."""

    bead: BeadId
    turn: int
    url: str
    branch: str
    commit: Commit
    found: bool = False
    """It was open before."""


class NotProposed(Signal, frozen=True, kw_only=True):
    bead: BeadId
    turn: int
    round: int
    evidence: str
    doubt: bool = False
    """It may be open all the same."""


class PullRequestBegun(Event, frozen=True, kw_only=True):
    """Its branch is pushed, and it is opened or brought up to date: from here on nobody can say that it is not open."""

    bead: BeadId
    turn: int
    """How much has landed of what it will have."""
    base: str
    """The branch that it is to go into."""
    grounds: tuple[Commit, ...] = ()
    """Where the branches are of those that it stands on."""


class PullRequestOpened(Event, frozen=True, kw_only=True):
    bead: BeadId
    turn: int
    url: str
    """Empty: the command did not say."""
    branch: str
    commit: Commit
    found: bool = False
    """It was open already: a death had kept us from writing that down."""


class PullRequestUpdated(Event, frozen=True, kw_only=True):
    """It has what has landed since."""

    bead: BeadId
    turn: int
    url: str
    branch: str
    commit: Commit


class PullRequestDelayed(Event, frozen=True, kw_only=True):
    """It failed, and is tried again later. Landings go on."""

    bead: BeadId
    reason: str
    until: float
    failures: int
    """In a row."""


class PullRequestWoke(Event, frozen=True, kw_only=True):
    """One that failed is due again."""

    bead: BeadId


class PullRequestDoubted(Event, frozen=True, kw_only=True):
    """It may be open, and there is no way to ask: it is not opened a second time, and a person is told to look."""

    bead: BeadId
    reason: str
