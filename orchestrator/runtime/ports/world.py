"""The clock, whoever listens, and what every process of ours carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from orchestrator.core.messages import Event, Signal
from orchestrator.core.model import Token
from orchestrator.core.values import Struct

Emit = Callable[[Signal], None]
"""Hands a signal to the control loop, from any thread; never blocks."""


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Leaving(Exception):
    """The orchestrator is on its way out, and what was asked for is cut short: it is owed again at the next start."""


class Listener(Protocol):
    """Sees every event once it is committed: logs, progress. Decides nothing; must not raise."""

    def heard(self, event: Event) -> None: ...

    def close(self) -> None:
        """The last event was heard."""
        ...


class Marks(Struct, frozen=True, kw_only=True):
    """What every process of ours carries in its environment, so that it is found whatever became of its group."""

    repository: str
    """The value of ORCHESTRATOR_MARK: names the repository's state folder."""

    def of(self, token: Token) -> Mapping[str, str]:
        return {"ORCHESTRATOR_MARK": self.repository, "ORCHESTRATOR_TOKEN": str(token)}
