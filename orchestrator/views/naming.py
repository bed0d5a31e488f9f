"""How grave an event is, and its fields as flat data.

A class that is new needs no entry here; only its level, where that is not `info`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import Claim, Ending, Guess, Manifest, Policy, ProcessName, Stray, Usage, Verdict
from orchestrator.views.times import rfc3339


class Level(StrEnum):
    DEBUG = "debug"
    """What agents say while they work."""
    INFO = "info"
    WARNING = "warning"
    """Something that a person may want to look at; the run deals with it."""
    ERROR = "error"
    """Something that waits for a person."""


GOOD_ENDINGS = frozenset({Ending.DELIVERED, Ending.NO_CHANGE_NEEDED})
WISHED_ENDINGS = frozenset({Ending.STOPPED, Ending.CANCELLED})
"""A person asked for them."""

_RENAMED = {"number": "attempt", "ending": "outcome"}
_TIMES = frozenset({"until", "not_before", "shun_until", "retry_at", "since", "gone_at"})
_LEFT_OUT = frozenset({"at"})


def level_of(event: m.Event) -> Level:
    rule = _LEVELS.get(type(event))
    if rule is None:
        return Level.INFO
    return rule if isinstance(rule, Level) else rule(event)


def fields_of(event: m.Event) -> dict[str, Any]:
    """The event's own fields, ready for JSON: nothing nested but lists and plain maps. Its time is left out."""
    if isinstance(event, m.RunPlanned):
        return _planned(event)
    flat: dict[str, Any] = {}
    for name in event.__struct_fields__:
        if name not in _LEFT_OUT:
            flat.update(_flattened(name, getattr(event, name)))
    if isinstance(event, m.AttemptStarted):
        del flat["briefing"]  # said when the bead was returned
    return flat


def _flattened(name: str, value: Any) -> dict[str, Any]:
    match value:
        case (Claim(), *_):
            return {name: [("read:" if claim.shared else "") + claim.pattern for claim in value]}
        case (Guess(), *_):
            return {name: {guess.path: guess.confidence for guess in value}}
        case Usage():
            tokens = {"tokens": value.tokens, "tokens_in": value.tokens_in, "tokens_out": value.tokens_out}
            return {"usd": value.usd, "usd_computed": value.computed, **tokens}
        case Verdict():
            told = _flattened("usage", value.usage)
            return {
                "outcome": value.ending.value,
                "reason": value.reason,
                "session": value.session,
                "retry_at": rfc3339(value.retry_at),
                **told,
            }
        case ProcessName():
            return {"pid": value.pid}
        case m.Revision():
            return {"source": value.source}
        case m.Settings():
            return {"workers": value.policy.workers, "budget_usd": value.budget.usd}
        case Policy():
            return {"workers": value.workers}
        case StrEnum():
            return {_RENAMED.get(name, name): value.value}
        case tuple() if name == "missing":
            return {name: dict(value)}
        case tuple() if name == "strays":
            return {name: [_stray(each) for each in value]}
        case tuple():
            return {name: list(value)}
        case int() | float() if name in _TIMES:
            return {name: rfc3339(value) if value else None}
        case _:
            return {_RENAMED.get(name, name): value}


def _stray(stray: Stray) -> dict[str, Any]:
    return {"ground": stray.ground.value, "what": stray.what, "how": stray.how, "shown": stray.shown}


def _planned(event: m.RunPlanned) -> dict[str, Any]:
    """A summary: the manifest itself is in the store."""
    manifest: Manifest = event.manifest
    return {
        "name": manifest.name,
        "source": event.source,
        "target": manifest.target,
        "target_base": event.target_base,
        "beads": len(manifest.beads),
        "landed_before": len(event.landed),
        "skipped": len(manifest.skipped),
        "workers": manifest.policy.workers,
        "routes": list(dict.fromkeys(route for bead in manifest.beads for route in bead.routes)),
        "verify": list(manifest.verify),
        "budget_usd": manifest.budget.usd,
    }


def _of_attempt(event: Any) -> Level:
    return Level.INFO if event.ending in GOOD_ENDINGS | WISHED_ENDINGS else Level.WARNING


def _of_given_up(event: Any) -> Level:
    return Level.INFO if event.ending in WISHED_ENDINGS else Level.WARNING


def _of_broken(event: Any) -> Level:
    return Level.INFO if event.verdict.ending in WISHED_ENDINGS else Level.WARNING


def _when(faulty: Callable[[Any], bool], level: Level = Level.WARNING) -> Callable[[Any], Level]:
    return lambda event: level if faulty(event) else Level.INFO


_LEVELS: dict[type[m.Event], Level | Callable[[Any], Level]] = {
    m.AgentProgressed: Level.DEBUG,
    m.CheckpointMade: Level.DEBUG,
    m.CheckpointFailed: Level.WARNING,
    m.CollisionSeen: Level.WARNING,
    m.CollisionTold: Level.DEBUG,
    m.HealthFell: Level.WARNING,
    m.HostTightened: lambda event: Level.DEBUG if event.fits else Level.WARNING,
    m.HostFreed: Level.DEBUG,
    m.TrainSized: Level.DEBUG,
    m.SessionSuspended: Level.WARNING,
    m.AgentMeasured: Level.DEBUG,
    m.RunSwept: _when(lambda event: event.ended > 0),
    m.WorkersStarted: _when(lambda event: bool(event.missing)),
    m.DiskRanLow: Level.WARNING,
    m.WritingResumed: Level.WARNING,
    m.TimeSkipped: Level.WARNING,
    m.RunPaused: Level.WARNING,
    m.RunStopping: Level.WARNING,
    m.RunStopped: Level.WARNING,
    m.BeadHeld: Level.ERROR,
    m.BeadReturned: _when(lambda event: event.tried),
    m.LandingDelayed: Level.WARNING,
    m.PushDelayed: Level.WARNING,
    m.BaseRefused: Level.ERROR,
    m.BaseDelayed: Level.WARNING,
    m.PullRequestBegun: Level.DEBUG,
    m.PullRequestDelayed: Level.WARNING,
    m.PullRequestDoubted: Level.ERROR,
    m.LocksAwaited: _when(lambda event: not event.asked),
    m.CheckFlickered: Level.WARNING,
    m.TargetMoved: Level.WARNING,
    m.BeadFailed: Level.ERROR,
    m.BeadBlocked: Level.WARNING,
    m.BeadCleared: _when(lambda event: bool(event.fault)),
    m.ClearingDelayed: Level.WARNING,
    m.SessionGivenUp: _of_given_up,
    m.SessionBroke: _of_broken,
    m.FenceCrossed: _when(lambda event: any(stray.shown for stray in event.strays)),
    m.AttemptEnded: _of_attempt,
    m.WorkerBackedOff: Level.WARNING,
    m.WorkerFailed: Level.ERROR,
    m.WorkerRenewed: Level.WARNING,
    m.WorkerQuarantined: Level.ERROR,
    m.RouteFailed: Level.WARNING,
    m.ProviderParked: Level.WARNING,
    m.BudgetWarned: Level.WARNING,
    m.ProviderSlowed: Level.WARNING,
    m.BreakerOpened: lambda event: Level.ERROR if event.until is None else Level.WARNING,
    m.RequestAnswered: _when(lambda event: not event.accepted),
}
