"""How fast failures were known, and how fast their workers were at work again: folded from the events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Token, WorkerId
from orchestrator.core.values import Struct

FAILURES = frozenset({Ending.CRASHED, Ending.SILENT, Ending.TIMED_OUT, Ending.NOT_STARTED})


class Recoveries(Struct, frozen=True, kw_only=True):
    failures: int
    known_s: tuple[float, ...]
    """From a failure to the event that told of it: of a crash, from the end of its process; of a worker that hung or
    fell silent, from its last sign of life."""
    back_s: tuple[float, ...]
    """From that event to the next agent of that worker at work."""


def percentiles(seconds: Sequence[float]) -> dict[str, float] | None:
    """By the nearest rank. None: there are none."""
    ranked = sorted(seconds)
    if not ranked:
        return None
    return {f"p{share}": round(ranked[max(ceil(len(ranked) * share / 100), 1) - 1], 3) for share in (50, 90, 95, 100)}


def recoveries(events: Iterable[m.Event]) -> Recoveries:
    fold = _Fold()
    for event in events:
        fold.hear(event)
    return Recoveries(failures=fold.failures, known_s=tuple(fold.known), back_s=tuple(fold.back))


class _Fold:
    def __init__(self) -> None:
        self.failures = 0
        self.known: list[float] = []
        self.back: list[float] = []
        self._worker: dict[Token, WorkerId] = {}
        self._told: set[Token] = set()
        """Sessions whose trouble is known already."""
        self._signs: dict[Token, float] = {}
        self._down: dict[WorkerId, float] = {}

    def hear(self, event: m.Event) -> None:
        match event:
            case m.AttemptStarted():
                self._worker[event.token] = event.worker
            case m.AgentStarted():
                self._signs[event.token] = event.at
                if (worker := self._worker.get(event.token)) in self._down:
                    self.back.append(event.at - self._down.pop(worker))
            case m.SessionSpawned() | m.AgentProgressed():
                self._signs[event.token] = event.at
            case m.HealthFell():
                self._know(event.token, event.at, event.since)
            case m.SessionGivenUp() if event.ending is Ending.TIMED_OUT:
                self._told.add(event.token)  # it was known all along
            case m.SessionGivenUp() if event.ending in FAILURES:
                self._know(event.token, event.at, self._signs.get(event.token, event.at))
            case m.SessionBroke() if event.verdict.ending in FAILURES:
                self.failures += 1
                if event.gone_at is not None:
                    self._know(event.token, event.at, event.gone_at)
                if (worker := self._worker.get(event.token)) is not None:
                    self._down[worker] = event.at
            case m.AttemptEnded():
                for known in (self._worker, self._signs):
                    known.pop(event.token, None)
                self._told.discard(event.token)
            case m.RunOpened():
                self._down.clear()  # nobody was there

    def _know(self, token: Token, at: float, since: float) -> None:
        if token not in self._told:
            self._told.add(token)
            self.known.append(max(0.0, at - since))
