"""What is worth a person's attention: rules over events, each with a threshold, a window and a cool-down.

Pure: times come in with the events. A rule speaks of a *subject* (a bead, a route, a worker), and its threshold,
window and cool-down hold for each subject by itself.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import Ending
from orchestrator.core.values import Struct

_NO_FAILURE = frozenset(
    {Ending.DELIVERED, Ending.NO_CHANGE_NEEDED, Ending.STOPPED, Ending.CANCELLED, Ending.LOST, Ending.ASKED}
)
_NUMBERS = re.compile(r"\d+")


class Level(IntEnum):
    INFO = 1
    WARNING = 2
    ERROR = 3
    """It waits for a person."""


class Word(Struct, frozen=True, kw_only=True):
    """What a rule has to say of one event."""

    subject: str
    text: str
    level: Level | None = None
    """Where it is graver, or less grave, than its rule says."""


class Rule(Struct, frozen=True, kw_only=True):
    name: str
    says: Callable[[m.Event], Word | None]
    """None: the event does not concern it."""
    level: Level = Level.WARNING
    threshold: int = 1
    """How many such events within the window make an alert."""
    window_s: float = 600.0
    cooldown_s: float = 1800.0
    """How long the same subject is not spoken of again."""


class Alert(Struct, frozen=True, kw_only=True):
    at: float
    rule: str
    level: Level
    text: str
    kept_back: int = 0
    """How many like it the cool-down has kept back since the last one."""


@dataclass(slots=True)
class _Memory:
    """What a rule remembers of one subject."""

    times: deque[float] = field(default_factory=deque)
    spoke_at: float | None = None
    kept_back: int = 0


class Watch:
    """Holds every event against every rule."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._memory: dict[tuple[str, str], _Memory] = {}

    def hear(self, event: m.Event) -> Iterator[Alert]:
        for rule in self._rules:
            word = rule.says(event)
            if word is not None:
                yield from self._weighed(rule, word, event.at)

    def _weighed(self, rule: Rule, word: Word, at: float) -> Iterator[Alert]:
        memory = self._memory.setdefault((rule.name, word.subject), _Memory())
        memory.times.append(at)
        while memory.times[0] < at - rule.window_s:
            memory.times.popleft()
        if len(memory.times) < rule.threshold:
            return
        if memory.spoke_at is not None and at < memory.spoke_at + rule.cooldown_s:
            memory.kept_back += 1
            return
        text = word.text if rule.threshold == 1 else f"{word.text} ({len(memory.times)} times)"
        yield Alert(at=at, rule=rule.name, level=word.level or rule.level, text=text, kept_back=memory.kept_back)
        memory.spoke_at, memory.kept_back = at, 0
        memory.times.clear()


# ---------------------------------------------------------------- the built-in rules


def _held(event: m.Event) -> Word | None:
    if isinstance(event, m.BeadHeld):
        return Word(subject=event.bead, text=f"{event.bead} waits for a person: {event.reason}")
    return None


def _failed(event: m.Event) -> Word | None:
    if isinstance(event, m.BeadFailed):
        return Word(subject=event.bead, text=f"{event.bead} failed: {event.reason}")
    return None


def _worker_down(event: m.Event) -> Word | None:
    if isinstance(event, m.WorkerFailed):
        return Word(subject=event.worker, text=f"worker {event.worker} is given up: {event.reason}")
    if isinstance(event, m.WorkerQuarantined):
        return Word(subject=event.worker, text=f"worker {event.worker} is in quarantine: {event.reason}")
    return None


def _route_shut(event: m.Event) -> Word | None:
    """Only a person opens it again."""
    if isinstance(event, m.BreakerOpened) and event.until is None:
        return Word(subject=event.route, text=f"route {event.route} is shut until a person resumes it: {event.reason}")
    return None


def _route_resting(event: m.Event) -> Word | None:
    if isinstance(event, m.BreakerOpened) and event.until is not None:
        minutes = max(1, round((event.until - event.at) / 60))
        return Word(subject=event.route, text=f"route {event.route} is left alone for {minutes} min: {event.reason}")
    if isinstance(event, m.ProviderParked):
        minutes = max(1, round((event.until - event.at) / 60))
        return Word(subject=event.provider, text=f"{event.provider} is left alone for {minutes} min: {event.reason}")
    return None


def _budget(event: m.Event) -> Word | None:
    if isinstance(event, m.BudgetWarned):
        whose = {"run": "the run", "day": "the last 24 hours"}.get(event.scope, event.scope)
        spent, limit = (
            f"${n:.2f}" if event.what == "usd" else f"{n:,.0f} {event.what}" for n in (event.spent, event.limit)
        )
        said = "has reached its limit" if event.reached else "is near its limit"
        return Word(subject=f"{event.scope} {event.what} {event.reached}", text=f"{whose} {said}: {spent} of {limit}")
    return None


def _spiral(event: m.Event) -> Word | None:
    """The same failure again and again, whichever bead it befalls."""
    if isinstance(event, m.AttemptEnded) and event.ending not in _NO_FAILURE:
        kind = _NUMBERS.sub("#", event.reason)[:200]
        return Word(subject=f"{event.ending}: {kind}", text=f"attempts end alike, {event.ending}: {event.reason}")
    return None


def _unwell(event: m.Event) -> Word | None:
    if isinstance(event, m.HealthFell):
        said = f"worker {event.worker} on {event.bead} is unwell, {event.score:.2f} of 1"
        return Word(subject=event.worker, text=f"{said}: {event.reason}")
    return None


def _paused(event: m.Event) -> Word | None:
    if isinstance(event, m.RunPaused):
        return Word(subject="", text=f"the run is paused: {event.reason}")
    return None


def _not_pushed(event: m.Event) -> Word | None:
    if isinstance(event, m.PushDelayed):
        return Word(subject=event.remote, text=f"the target is not pushed to {event.remote}: {event.reason}")
    return None


def _not_proposed(event: m.Event) -> Word | None:
    match event:
        case m.PullRequestDelayed():
            return Word(subject=event.bead, text=f"no pull request of {event.bead or 'the night'} yet: {event.reason}")
        case m.PullRequestDoubted():
            what = event.bead or "the night"
            return Word(subject=event.bead, text=f"look whether a pull request of {what} is open: {event.reason}")
    return None


def _ended(event: m.Event) -> Word | None:
    if isinstance(event, m.RunFinished):
        return Word(subject="", text="the run has ended", level=Level.INFO)
    if isinstance(event, m.RunStopped):
        return Word(subject="", text=f"the run has stopped: {event.reason}")
    return None


BUILT_IN = (
    Rule(name="held", says=_held, level=Level.ERROR, cooldown_s=0.0),
    Rule(name="failed", says=_failed, cooldown_s=0.0),
    Rule(name="worker-down", says=_worker_down, level=Level.ERROR),
    Rule(name="route-shut", says=_route_shut, level=Level.ERROR),
    Rule(name="route-resting", says=_route_resting),
    Rule(name="budget", says=_budget),
    Rule(name="spiral", says=_spiral, threshold=5),
    Rule(name="unhealthy", says=_unwell),
    Rule(name="not-pushed", says=_not_pushed),
    Rule(name="not-proposed", says=_not_proposed),
    Rule(name="paused", says=_paused, level=Level.ERROR, cooldown_s=60.0),
    Rule(name="ended", says=_ended, cooldown_s=0.0),
)


def on(kind: type[m.Event]) -> Callable[[m.Event], Word | None]:
    """A rule of a person's own: every event of this kind, for whatever it is about."""

    def says(event: m.Event) -> Word | None:
        if not isinstance(event, kind):
            return None
        subject = next(
            (_text(event, name) for name in ("bead", "worker", "route", "token") if hasattr(event, name)), ""
        )
        about = [subject, m.name_of(kind), _text(event, "reason")]
        return Word(subject=subject, text=" ".join(part for part in about if part))

    return says


def _text(event: m.Event, field_name: str) -> str:
    value: Any = getattr(event, field_name, "")
    return str(value or "")
