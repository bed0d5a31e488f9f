"""Signals and events of prediction: which files beads are expected to touch that do not say so themselves."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Signal
from orchestrator.core.model import BeadId, Guess


class Foreseen(Signal, frozen=True, kw_only=True):
    """Files that each bead of a round may touch, the likeliest first, and how likely each is."""

    round: int
    guesses: tuple[tuple[BeadId, tuple[Guess, ...]], ...]
    seconds: float


class NotForeseen(Signal, frozen=True, kw_only=True):
    """The repository could not be read for it."""

    round: int
    evidence: str


class PredictionAsked(Event, frozen=True, kw_only=True):
    """A round begins: these beads do not say which files they touch, and have not been at work yet."""

    round: int
    beads: tuple[BeadId, ...]
    until: float | None = None
    """How long those of them that nobody has looked at wait for it; None: not at all."""


class FilesPredicted(Event, frozen=True, kw_only=True):
    """A bead takes these files from its next start on, until it is known what it touches."""

    bead: BeadId
    guesses: tuple[Guess, ...]
    """The likeliest first; none any more, where there were some before."""


class PredictionMade(Event, frozen=True, kw_only=True):
    """All beads of a round have been looked at: those of which nothing is said have no likely file."""

    round: int
    beads: int
    seconds: float


class PredictionLate(Event, frozen=True, kw_only=True):
    """Beads wait for it no longer; when it comes it counts for those that are still to start."""


class PredictionFailed(Event, frozen=True, kw_only=True):
    """Beads start without one. The next round tries again."""

    round: int
    reason: str
