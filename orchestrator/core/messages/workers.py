"""Events of how many workers there are, and of those that had to be put aside."""

from __future__ import annotations

from orchestrator.core.messages.events import Event


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
