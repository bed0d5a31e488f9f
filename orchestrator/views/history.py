"""What the events tell beyond the state: every attempt with its end, time spent, deaths of ours, breakers opened."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, Ending, RouteName, Stray, Token, Usage, WorkerId
from orchestrator.core.values import Struct, field, replace


class Try(Struct, frozen=True, kw_only=True):
    """One attempt, as it is remembered."""

    number: int
    worker: WorkerId
    route: RouteName
    started: float
    agent_ended: float | None = None
    ended: float | None = None
    seconds: float | None = None
    """Until it was booked, its checks included; without the time in which nobody was there."""
    ending: Ending | None = None
    """None: it is under way."""
    reason: str = ""
    refused: str = ""
    """Why what it delivered was sent back by the merge."""
    usage: Usage = field(default_factory=Usage)
    files: tuple[str, ...] = ()
    saved: Commit | None = None
    strays: tuple[Stray, ...] = ()
    """What changed beyond its own ground."""
    beside: tuple[BeadId, ...] = ()
    """Whose agents were at work meanwhile."""


class Opening(Struct, frozen=True, kw_only=True):
    """A breaker that opened, of a route or of a whole provider."""

    at: float
    route: str
    until: float | None
    reason: str


class History(Struct, frozen=True, kw_only=True):
    tries: dict[BeadId, tuple[Try, ...]]
    """In the order of their numbers."""
    ended: dict[BeadId, float]
    """When each bead that is done became so."""
    openings: tuple[Opening, ...]
    wall_s: float
    """While an orchestrator had the run in its hands."""
    agent_s: float
    """Of all agents together, from the start of an attempt to its agent's end."""
    deaths: int
    """How often an orchestrator was gone without having ended the run."""

    def of(self, bead: BeadId) -> tuple[Try, ...]:
        return self.tries.get(bead, ())


def history(events: Iterable[m.Event]) -> History:
    fold = _Fold()
    for event in events:
        fold.hear(event)
    return fold.told()


class _Fold:
    def __init__(self) -> None:
        self.tries: dict[BeadId, dict[Token, Try]] = {}
        self.running: dict[Token, BeadId] = {}
        self.ended: dict[BeadId, float] = {}
        self.openings: list[Opening] = []
        self.open_since: float | None = None
        self.paused = False
        self.wall_s = 0.0
        self.deaths = 0
        self.last = 0.0

    def hear(self, event: m.Event) -> None:
        match event:
            case m.RunOpened():
                self._taken_up(event.at)
            case m.RunPaused() | m.RunResumed():
                self.paused = isinstance(event, m.RunPaused)
            case m.RunStopped() | m.RunFinished():
                self._close(event.at)
            case m.AttemptStarted():
                self.running[event.token] = event.bead
                self.tries.setdefault(event.bead, {})[event.token] = Try(
                    number=event.number, worker=event.worker, route=event.route, started=event.at
                )
            case m.SessionBroke() | m.WorkDelivered():
                self._agent_gone(event.token, event.at)
            case m.FenceCrossed():
                known = self.tries[event.bead][event.token]
                self.tries[event.bead][event.token] = replace(known, strays=event.strays, beside=event.beside)
            case m.AttemptEnded():
                self._attempt_ended(event)
            case m.BeadReturned() | m.BeadFailed():
                self._refused(event.bead, event.reason)
            case m.BeadLanded() | m.BeadDone():
                self.ended[event.bead] = event.at
            case m.BreakerOpened():
                self.openings.append(Opening(at=event.at, route=event.route, until=event.until, reason=event.reason))
            case m.ProviderParked():
                self.openings.append(Opening(at=event.at, route=event.provider, until=event.until, reason=event.reason))
        self.last = max(self.last, event.at)

    def told(self) -> History:
        self._close(self.last)
        tries = {bead: tuple(each.values()) for bead, each in self.tries.items()}
        return History(
            tries=tries,
            ended=self.ended,
            openings=tuple(self.openings),
            wall_s=self.wall_s,
            agent_s=sum(
                (self.last if each.agent_ended is None else each.agent_ended) - each.started
                for of_bead in tries.values()
                for each in of_bead
            ),
            deaths=self.deaths,
        )

    def _taken_up(self, at: float) -> None:
        """What ran when an earlier process died ended with the last that was heard of it."""
        if self.open_since is not None:
            self.deaths += bool(self.running) or not self.paused
            for token in list(self.running):
                self._agent_gone(token, self.last)
            self._close(self.last)
        self.open_since, self.paused = at, False

    def _close(self, at: float) -> None:
        if self.open_since is not None:
            self.wall_s += at - self.open_since
            self.open_since = None

    def _agent_gone(self, token: Token, at: float) -> None:
        bead = self.running.get(token)
        if bead is not None and self.tries[bead][token].agent_ended is None:
            self.tries[bead][token] = replace(self.tries[bead][token], agent_ended=at)

    def _attempt_ended(self, event: m.AttemptEnded) -> None:
        self._agent_gone(event.token, event.at)
        self.running.pop(event.token, None)
        known = self.tries.get(event.bead, {}).get(event.token)
        if known is None or known.agent_ended is None:
            return
        lost = event.ending is Ending.LOST
        self.tries[event.bead][event.token] = replace(
            known,
            ended=event.at,
            seconds=known.agent_ended - known.started if lost else event.seconds,
            ending=event.ending,
            reason=event.reason,
            usage=event.usage,
            files=event.files,
            saved=event.saved,
        )

    def _refused(self, bead: BeadId, reason: str) -> None:
        """A bead that goes back although its attempt had delivered was refused by the merge."""
        tries = self.tries.get(bead, {})
        if tries:
            token, newest = list(tries.items())[-1]
            if newest.ending is Ending.DELIVERED and not newest.refused:
                tries[token] = replace(newest, refused=reason)
