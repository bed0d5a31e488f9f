"""Where events and requests are kept, and what may be wrong with that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from orchestrator.core.messages import Asked, Event, LocksAsked
from orchestrator.core.model import ProcessName
from orchestrator.core.values import Struct


class Holder(Struct, frozen=True, kw_only=True):
    """The process that writes a repository's state."""

    process: ProcessName
    host: str
    since: float
    run: str


class StoreFault(Exception):
    """The state cannot be read or written. Its message says why, and what to do."""


class StoreFull(StoreFault):
    """No space is left. Nothing of the last batch is kept; all before it is."""


class StoreReadOnly(StoreFault):
    """The state folder cannot be written."""


class StoreDamaged(StoreFault):
    """The database is not one, or not whole."""


class StoreTooNew(StoreFault):
    """A newer orchestrator made it."""


class StoreTaken(StoreFault):
    """Another orchestrator writes it now."""

    def __init__(self, message: str, holder: Holder | None) -> None:
        super().__init__(message)
        self.holder = holder


Request = Asked | LocksAsked
"""What is written down for a run by somebody outside its process."""


class Store(Protocol):
    """The event log with its projections. One writer at a time; everybody else reads."""

    def append(self, events: Sequence[Event]) -> None:
        """Commit events and what follows from them in one transaction.

        Raises `StoreFault`; nothing of the batch is then kept.
        """
        ...

    def events(self) -> Iterable[Event]:
        """Every event of the run, in order."""
        ...

    def requests(self) -> Sequence[Request]:
        """Requests of operators and sessions that no event has answered yet, oldest first."""
        ...

    def beat(self, at: float) -> None:
        """A heartbeat: what the run holds is still held. To be told every few seconds. Raises `StoreFault`."""
        ...

    def tidy(self) -> int:
        """Let go of what agents muttered in attempts that are over, and make one event of what they did in each that is
        not; how many events went. Raises `StoreFault`."""
        ...

    def close(self) -> None: ...
