"""Signals: what comes in from the world, in the past tense, with its own time."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.core.messages.terms import Revision, Terms
from orchestrator.core.model import (
    BeadId,
    Claim,
    Commit,
    Ending,
    Host,
    ProcessName,
    Room,
    Sample,
    Stray,
    Token,
    Tree,
    Usage,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    at: float
    """When it happened, seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Signal):
    """An orchestrator process took the run into its hands: the first one, or the next after a death."""

    epoch: int
    process: ProcessName
    host: str
    terms: Terms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept(Signal):
    """Whatever an earlier process of ours left running is gone."""

    ended: int
    """How many processes were found and ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed(Signal):
    """The clock reached a deadline that the state named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeJumped(Signal):
    """Time passed that nobody saw: the machine slept, we were stopped, or its clock was set forth."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreWaited(Signal):
    """The store could not be written for a while: all that came meanwhile comes after this."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMeasured(Signal):
    """How many bytes are free where worktrees and state are; the fuller disk counts."""

    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned(Signal):
    token: Token
    process: ProcessName
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveSign(Signal):
    """The agent's first sign of life: it is up and at work."""

    token: Token
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed(Signal):
    token: Token
    note: str = ""
    """What it does now, in a few words."""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocksAsked(Signal):
    """A session wants files beyond those that its bead holds."""

    token: Token
    """Of the attempt that asks: one that is over is refused."""
    claims: tuple[Claim, ...]
    request: int | None = None
    wait_s: float = 0.0
    """How long it waits where somebody holds them; 0: it wants to know at once."""
    hand_back: bool = False
    """Where somebody holds them, it would rather be put back, and start again when all that it needs is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched(Signal):
    """A look at its worktree: all files that differ from where the bead began."""

    token: Token
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled(Signal):
    """What live sessions use, and how lively they are, all at one moment."""

    samples: tuple[Sample, ...]
    host: Host = field(default_factory=Host)
    room: Room | None = None
    """None: not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointed(Signal):
    """What the worktree holds now is in a commit that a ref holds; without a commit that failed again and again."""

    token: Token
    commit: Commit | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WentSilent(Signal):
    """No event, no changed file, no processor time for as long as the bead allows."""

    token: Token
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Questioned(Signal):
    """Its screen is at rest and shows a question that no rule of its profile answers; empty: it does no more."""

    token: Token
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed(Signal):
    """A text went into the terminal, or was not taken."""

    token: Token
    turn: int
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Signal):
    """The agent is gone, and so is every process that it started."""

    token: Token
    verdict: Verdict
    gone_at: float | None = None
    """When the agent's own process was found to be gone; None: it was ended by us, or never there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Signal):
    """The half-done work is in a commit that a ref keeps. None: there was nothing to save."""

    token: Token
    commit: Commit | None
    fault: str = ""
    """Why it could not be saved; the worktree then stays as it is."""
    strays: tuple[Stray, ...] = ()
    """What else has changed in its agent's turn, as `Collected` tells it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected(Signal):
    """The delivered work is one commit on the bead's branch. Without a commit nothing had changed."""

    token: Token
    commit: Commit | None
    tree: Tree | None = None
    files: tuple[str, ...] = ()
    fault: str = ""
    strays: tuple[Stray, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Signal):
    """The bead's own checks ran in its worktree."""

    token: Token
    passed: bool
    command: str = ""
    """The one that failed."""
    output: str = ""
    """The end of what it printed."""
    fault: str = ""
    """Why they could not be run: then they say nothing of the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed(Signal):
    """The bead's work is one commit on top of `onto`."""

    token: Token
    onto: Commit
    onto_tree: Tree
    commit: Commit
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComposed(Signal):
    """It conflicts with `onto` (CONFLICT), or `onto` holds all of it already (NO_CHANGE_NEEDED)."""

    token: Token
    onto: Commit
    onto_tree: Tree
    ending: Ending
    evidence: str = ""
    beads: tuple[BeadId, ...] = ()
    """Whose work it conflicts with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Signal):
    """The manifest's checks ran on a composed tree, or were known to pass on it."""

    bead: BeadId
    tree: Tree
    round: int
    passed: bool
    commands: tuple[str, ...] | None = None
    """What was run; None: what the manifest says."""
    command: str = ""
    """The one that failed."""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotVerified(Signal):
    """The checks could not be run: that says nothing of the tree."""

    bead: BeadId
    tree: Tree
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced(Signal):
    """The target is at, or past, `commit`."""

    commit: Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFound(Signal):
    """The target was not where the train began: somebody else has moved it, or the commit to move it to is gone."""

    old: Commit
    commit: Commit
    """Where the landing would have taken it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed(Signal):
    """The bead stood on the target already: an earlier landing whose signal was lost."""

    token: Token
    commit: Commit
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingRefused(Signal):
    """The repository could not be read or written; nothing has moved."""

    token: Token
    """Of the attempt that was to be composed, or of the last that was to land."""
    evidence: str
    commit: Commit | None = None
    """Where the target was to move; None: it was still to be composed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Signal):
    """The remote has the target as it was."""

    turn: int
    commit: Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPushed(Signal):
    turn: int
    round: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Signal):
    """The bead's worktree is gone, after all of it was kept elsewhere."""

    bead: BeadId
    fault: str = ""


class Verb(StrEnum):
    """What an operator may ask of a run."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    DRAIN = "drain"
    ABORT = "abort"
    RETRY = "retry"
    ANSWER = "answer"
    PRIORITY = "priority"
    ADD_WORKERS = "add-workers"
    DRAIN_WORKER = "drain-worker"
    """It finishes what it has, and goes."""
    ABORT_WORKER = "abort-worker"
    """It goes now; its work is kept, and its bead goes back into the queue."""
    LOG_LEVEL = "log-level"
    APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Signal):
    """An operator's request; `^C` is a `stop` without a number."""

    verb: Verb
    request: int | None = None
    bead: BeadId | None = None
    text: str = ""
    """What the verb needs beside a bead: an answer, a priority, a worker's name, how many, a level."""
    by: str = ""
    revision: Revision | None = None
    """Of `apply`: what the run is to be from now on."""
    asked_at: float | None = None
    """When the operator asked; a request waits while nobody is at work."""
