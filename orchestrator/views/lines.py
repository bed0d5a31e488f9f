"""Progress as plain lines: one per event that matters to somebody who watches, in words.

`12:03:11  health    landed  3f2a9c1  claude:opus  2m10s`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import Claim, Collisions
from orchestrator.core.state import State
from orchestrator.core.values import Struct
from orchestrator.views.naming import Level, level_of
from orchestrator.views.roll import Entry, Roll
from orchestrator.views.times import clock_time, moment, span

WIDEST_SUBJECT = 24
LONGEST_REASON = 200
"""Characters; the log has all of it."""


class Line(Struct, frozen=True, kw_only=True):
    text: str
    level: Level
    good: bool = False
    """A bead came home."""


class Lines:
    """Puts events into words. Hears all of them, in order."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._roll = Roll(state.attempts.values())
        longest = max((len(name) for name in (*state.beads, *state.breakers)), default=0)
        self._width = min(WIDEST_SUBJECT, max(8, longest))

    def line(self, event: m.Event) -> Line | None:
        entry = self._roll.hear(event)
        rule = _WORDS.get(type(event))
        if rule is None:
            return None
        told = rule(event, entry, self._state)
        if not told:
            return None
        subject, *words = (" ".join(word.split()) for word in told)
        text = f"{clock_time(event.at)}  {subject:<{self._width}}  {'  '.join(word for word in words if word)}"
        return Line(text=text, level=level_of(event), good=isinstance(event, m.BeadLanded | m.BeadDone))


Told = tuple[str, ...]
"""The subject, and what is said of it. Empty: nothing."""


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"


def _effort(event: m.Event, entry: Entry | None) -> Told:
    """By which route, in which time, at which attempt where it was not the first."""
    if entry is None:
        return ()
    return entry.route, span(event.at - entry.started), f"attempt {entry.number}" if entry.number > 1 else ""


def _opened(event: m.RunOpened, entry: Entry | None, state: State) -> Told:
    # The state is of now, which may be a moment later: by then agents have been started in any case.
    if state.begun_before is not None:
        word, rest = "goes on", f"{state.begun_before} of {len(state.beads)} beads done"
    else:
        word, rest = "opened", f"{_count(len(state.beads), 'bead')}, {_count(len(state.workers), 'worker')}"
    return "run", word, f"{state.manifest.name} → {state.manifest.target}", rest


def _swept(event: m.RunSwept, entry: Entry | None, state: State) -> Told:
    return ("run", "ended", f"{event.ended} processes that an earlier orchestrator had left") if event.ended else ()


def workers_in_words(event: m.WorkersStarted) -> str:
    """`14 of 16 started in 3.2 s; not started: w3 (reason), w9 (reason)`"""
    said = f"{event.started} of {event.asked} started in {event.seconds:.1f} s"
    if event.missing:
        said += "; not started: " + ", ".join(f"{worker} ({_short(reason)})" for worker, reason in event.missing)
    return said


def _attempt_started(event: m.AttemptStarted, entry: Entry | None, state: State) -> Told:
    again = f"attempt {event.number}" if event.number > 1 else ""
    resumed = "session resumed" if event.resume else ""
    return event.bead, "started", event.worker, event.route, again, resumed, "probe" if event.probe else ""


def _returned(event: m.BeadReturned, entry: Entry | None, state: State) -> Told:
    again = _again(event.not_before, event.at) if event.not_before > event.at else ""
    return event.bead, "sent back", _short(event.reason), *_effort(event, entry), again


def _crossed(event: m.FenceCrossed, entry: Entry | None, state: State) -> Told:
    """Only what is shown to be its agent's: a person need not be told what they did themselves."""
    shown = [f"{stray.what} ({stray.how})" for stray in event.strays if stray.shown]
    return (event.bead, "went beyond its worktree", _short(", ".join(shown))) if shown else ()


def _delayed(event: m.LandingDelayed, entry: Entry | None, state: State) -> Told:
    return event.bead, "landing delayed", _short(event.reason), _again(event.until, event.at)


def _again(when: float, now: float) -> str:
    return f"again in {span(when - now)}" if when - now < 3600 else f"again at {moment(when, now)}"


def _breaker_opened(event: m.BreakerOpened, entry: Entry | None, state: State) -> Told:
    until = "until a person resumes it" if event.until is None else f"until {moment(event.until, event.at)}"
    return event.route, f"shut {until}", _short(event.reason)


def budget_in_words(event: m.BudgetWarned) -> str:
    """`run: $42.00 of $50.00`."""
    form = "${:.2f}" if event.what == "usd" else "{:,.0f} " + event.what
    reached = "reached: " if event.reached else ""
    return f"{reached}{event.scope}: {form.format(event.spent)} of {form.format(event.limit)}"


def _stopping(event: m.RunStopping, entry: Entry | None, state: State) -> Told:
    how = "sessions are ended, their work is kept" if event.now else "what runs may end"
    return "run", "stopping", _short(event.reason), how


def _manifest_changed(event: m.ManifestChanged, entry: Entry | None, state: State) -> Told:
    parts = ((event.added, "added"), (event.changed, "changed"), (event.removed, "removed"))
    said = [f"{how}: {_short(', '.join(beads))}" for beads, how in parts if beads]
    return "run", "has another manifest", *said


def _answered(event: m.RequestAnswered, entry: Entry | None, state: State) -> Told:
    return f"request {event.request}", "accepted" if event.accepted else "refused", _short(event.text)


def _claimed(claims: tuple[Claim, ...]) -> str:
    return _short(", ".join(claim.pattern for claim in claims))


_WORDS: dict[type[m.Event], Callable[[Any, Entry | None, State], Told]] = {
    m.RunOpened: _opened,
    m.RunSwept: _swept,
    m.WorkersStarted: lambda event, entry, state: ("workers", workers_in_words(event)),
    m.WorkersTuned: lambda event, entry, state: (
        "workers",
        f"{event.workers}, they were {event.before}",
        _short(event.reason),
    ),
    m.RunPaused: lambda event, entry, state: ("run", "paused", _short(event.reason)),
    m.RunResumed: lambda event, entry, state: ("run", "resumed", _short(event.reason)),
    m.ManifestChanged: _manifest_changed,
    m.SettingsChanged: lambda event, entry, state: ("run", "has other settings", _short(", ".join(event.keys))),
    m.SessionSuspended: lambda event, entry, state: (event.bead, f"{event.worker} is suspended", _short(event.reason)),
    m.SessionWentOn: lambda event, entry, state: (event.bead, f"{event.worker} goes on"),
    m.RunStopping: _stopping,
    m.RunStopped: lambda event, entry, state: ("run", "stopped", _short(event.reason)),
    m.RunFinished: lambda event, entry, state: ("run", "finished", _short(event.reason)),
    m.AttemptStarted: _attempt_started,
    m.FenceCrossed: _crossed,
    m.HostTightened: lambda event, entry, state: (
        () if event.fits else ("run", "waits for the machine", _short(event.reason))
    ),
    m.HealthFell: lambda event, entry, state: (
        event.bead,
        f"{event.worker} is unwell ({event.score:.2f})",
        _short(event.reason),
    ),
    m.HealthRose: lambda event, entry, state: (event.bead, f"{event.worker} is well again ({event.score:.2f})"),
    m.CheckpointFailed: lambda event, entry, state: (event.bead, "no checkpoint", _short(event.reason)),
    m.BeadQueued: lambda event, entry, state: (event.bead, "verified", "in the merge queue"),
    m.BeadLanded: lambda event, entry, state: (event.bead, "landed", event.commit[:7], *_effort(event, entry)),
    m.BeadDone: lambda event, entry, state: (event.bead, "done", _short(event.reason), *_effort(event, entry)),
    m.BeadReturned: _returned,
    m.BeadFailed: lambda event, entry, state: (event.bead, "failed", _short(event.reason), *_effort(event, entry)),
    m.BeadBlocked: lambda event, entry, state: (event.bead, "blocked", f"needs {event.by}"),
    m.BeadHeld: lambda event, entry, state: (event.bead, "held", _short(event.reason)),
    m.BeadReplanned: lambda event, entry, state: (event.bead, "waits again", "by the changed manifest"),
    m.BeadReopened: lambda event, entry, state: (event.bead, "reopened"),
    m.BeadCancelled: lambda event, entry, state: (event.bead, "cancelled", _short(event.reason)),
    m.BeadCleared: lambda event, entry, state: (
        (event.bead, "worktree kept", _short(event.fault)) if event.fault else ()
    ),
    m.ClearingDelayed: lambda event, entry, state: (
        event.bead,
        "worktree not cleared away",
        _short(event.reason),
        _again(event.until, event.at),
    ),
    m.LandingDelayed: _delayed,
    m.LocksTaken: lambda event, entry, state: (
        (event.bead, "took", _claimed(event.claims)) if event.asked or event.waited else ()
    ),
    m.LocksAwaited: lambda event, entry, state: (
        event.bead,
        "waits for",
        _claimed(event.claims),
        f"held by {', '.join(event.holders)}",
    ),
    m.LocksYielded: lambda event, entry, state: (
        (event.bead, "lets go of", _claimed(event.claims), f"{event.to} needs them") if event.to else ()
    ),
    m.CollisionSeen: lambda event, entry, state: (
        event.bead,
        f"does not merge with {event.other or 'the target'}",
        _short(", ".join(event.paths)),
        "put back" if event.answer is Collisions.PUT_BACK else "it is told",
    ),
    m.PredictionFailed: lambda event, entry, state: ("run", "no files predicted", _short(event.reason)),
    m.WaitEnded: lambda event, entry, state: (event.bead, "waits no longer", _short(event.reason)),
    m.CheckFlickered: lambda event, entry, state: (
        event.bead,
        "flaky check",
        _short(event.command),
        f"failed {_times(event.failures)}, then passed on that tree",
    ),
    m.TargetMoved: lambda event, entry, state: ("target", "moved by somebody else", "the train goes on from there"),
    m.TargetPushed: lambda event, entry, state: ("target", "pushed", f"{event.commit[:7]} to {event.remote}"),
    m.PushDelayed: lambda event, entry, state: (
        "target",
        f"not pushed to {event.remote}",
        _short(event.reason),
        _again(event.until, event.at),
    ),
    m.BaseMoved: lambda event, entry, state: ("base", "has moved", event.new[:7]),
    m.BaseTaken: lambda event, entry, state: (
        "base",
        "taken in" if event.commit else "has nothing that the target does not have",
        (event.commit or event.base)[:7],
    ),
    m.BaseRefused: lambda event, entry, state: ("base", "not taken in", _short(event.reason)),
    m.BaseDelayed: lambda event, entry, state: (
        "base",
        "not taken in yet",
        _short(event.reason),
        _again(event.until, event.at),
    ),
    m.PullRequestOpened: lambda event, entry, state: (
        event.bead or "target",
        "pull request open",
        event.url or event.branch,
    ),
    m.PullRequestDelayed: lambda event, entry, state: (
        event.bead or "target",
        "no pull request yet",
        _short(event.reason),
        _again(event.until, event.at),
    ),
    m.PullRequestDoubted: lambda event, entry, state: (
        event.bead or "target",
        "pull request: look whether it is open",
        _short(event.reason),
    ),
    m.WorkerRenewed: lambda event, entry, state: (event.worker, "begins anew", _short(event.reason)),
    m.WorkerQuarantined: lambda event, entry, state: (event.worker, "in quarantine", _short(event.reason)),
    m.WorkerFailed: lambda event, entry, state: (event.worker, "given up", _short(event.reason)),
    m.BreakerOpened: _breaker_opened,
    m.BreakerClosed: lambda event, entry, state: (event.route, "open again"),
    m.ProviderParked: lambda event, entry, state: (
        event.provider,
        f"parked until {moment(event.until, event.at)}",
        _short(event.reason),
    ),
    m.ProviderRecovered: lambda event, entry, state: (event.provider, "goes on"),
    m.ProviderSlowed: lambda event, entry, state: (
        event.provider,
        f"slowed down: a start every {event.every_s:g} s",
        _short(event.reason),
    ),
    m.BudgetWarned: lambda event, entry, state: ("budget", budget_in_words(event)),
    m.DiskRanLow: lambda event, entry, state: (
        "run",
        f"the disk is nearly full: {event.free / 2**30:.1f} GiB free",
        f"nothing new starts below {event.floor / 2**30:.1f} GiB",
    ),
    m.DiskFreed: lambda event, entry, state: ("run", f"there is room again: {event.free / 2**30:.1f} GiB free"),
    m.TimeSkipped: lambda event, entry, state: (
        "run",
        f"{event.seconds:.0f} s passed that nobody saw: it slept, was stopped, or the clock was set forth",
    ),
    m.WritingResumed: lambda event, entry, state: (
        "run",
        f"the state can be written again, after {event.seconds:.0f} s",
        _short(event.reason),
    ),
    m.HoursClosed: lambda event, entry, state: ("run", f"nothing new starts until {moment(event.until, event.at)}"),
    m.RequestAnswered: _answered,
}


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
