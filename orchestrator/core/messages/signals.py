"""Signals: what comes in from the world, in the past tense, with its own time.

Those of a concern whose messages have a file of their own stand there, with its events.
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.core.messages.terms import Revision, Settings, Terms
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
from orchestrator.core.values import Struct, field


class Signal(Struct, frozen=True, kw_only=True):
    at: float
    """When it happened, seconds since the epoch."""


class Opened(Signal, frozen=True, kw_only=True):
    """An orchestrator process took the run into its hands: the first one, or the next after a death."""

    epoch: int
    process: ProcessName
    host: str
    terms: Terms | None = None


class Swept(Signal, frozen=True, kw_only=True):
    """Whatever an earlier process of ours left running is gone."""

    ended: int
    """How many processes were found and ended."""


class TimePassed(Signal, frozen=True, kw_only=True):
    """The clock reached a deadline that the state named."""


class TimeJumped(Signal, frozen=True, kw_only=True):
    """Time passed that nobody saw: the machine slept, we were stopped, or its clock was set forth."""

    seconds: float


class StoreWaited(Signal, frozen=True, kw_only=True):
    """The store could not be written for a while: all that came meanwhile comes after this."""

    seconds: float
    reason: str


class DiskMeasured(Signal, frozen=True, kw_only=True):
    """How many bytes are free where worktrees and state are; the fuller disk counts."""

    free: int


class Spawned(Signal, frozen=True, kw_only=True):
    token: Token
    process: ProcessName
    worktree: str


class GaveSign(Signal, frozen=True, kw_only=True):
    """The agent's first sign of life: it is up and at work."""

    token: Token
    session: str | None = None


class Progressed(Signal, frozen=True, kw_only=True):
    token: Token
    note: str = ""
    """What it does now, in a few words."""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)


class LocksAsked(Signal, frozen=True, kw_only=True):
    """A session wants files beyond those that its bead holds."""

    token: Token
    """Of the attempt that asks: one that is over is refused."""
    claims: tuple[Claim, ...]
    request: int | None = None
    wait_s: float = 0.0
    """How long it waits where somebody holds them; 0: it wants to know at once."""
    hand_back: bool = False
    """Where somebody holds them, it would rather be put back, and start again when all that it needs is free."""
    edits: bool = False
    """It did not ask by itself: its agent is about to change them, and asks before each change."""
    proof: str = ""
    """Made with the session's start token."""
    genuine: bool = True
    """The proof was held against that token, by whoever knows it."""


class Touched(Signal, frozen=True, kw_only=True):
    """A look at its worktree: all files that differ from where the bead began."""

    token: Token
    files: tuple[str, ...]


class Sampled(Signal, frozen=True, kw_only=True):
    """What live sessions use, and how lively they are, all at one moment."""

    samples: tuple[Sample, ...]
    host: Host = field(default_factory=Host)
    room: Room | None = None
    """None: not measured."""


class Checkpointed(Signal, frozen=True, kw_only=True):
    """What the worktree holds now is in a commit that a ref holds; without a commit that failed again and again."""

    token: Token
    commit: Commit | None
    fault: str = ""


class WentSilent(Signal, frozen=True, kw_only=True):
    """No event, no changed file, no processor time for as long as the bead allows."""

    token: Token
    evidence: str


class Questioned(Signal, frozen=True, kw_only=True):
    """Its screen is at rest and shows a question that no rule of its profile answers; empty: it does no more."""

    token: Token
    question: str


class Typed(Signal, frozen=True, kw_only=True):
    """A text went into the terminal, or was not taken."""

    token: Token
    turn: int
    fault: str = ""


class SessionEnded(Signal, frozen=True, kw_only=True):
    """The agent is gone, and so is every process that it started."""

    token: Token
    verdict: Verdict
    gone_at: float | None = None
    """When the agent's own process was found to be gone; None: it was ended by us, or never there."""


class Saved(Signal, frozen=True, kw_only=True):
    """The half-done work is in a commit that a ref keeps. None: there was nothing to save."""

    token: Token
    commit: Commit | None
    fault: str = ""
    """Why it could not be saved; the worktree then stays as it is."""
    strays: tuple[Stray, ...] = ()
    """What else has changed in its agent's turn, as `Collected` tells it too."""


class Collected(Signal, frozen=True, kw_only=True):
    """The delivered work is one commit on the bead's branch. Without a commit nothing had changed."""

    token: Token
    commit: Commit | None
    tree: Tree | None = None
    files: tuple[str, ...] = ()
    fault: str = ""
    strays: tuple[Stray, ...] = ()


class Checked(Signal, frozen=True, kw_only=True):
    """The bead's own checks ran in its worktree."""

    token: Token
    passed: bool
    command: str = ""
    """The one that failed."""
    output: str = ""
    """The end of what it printed."""
    fault: str = ""
    """Why they could not be run: then they say nothing of the work."""


class Composed(Signal, frozen=True, kw_only=True):
    """The bead's work is one commit on top of `onto`."""

    token: Token
    onto: Commit
    onto_tree: Tree
    commit: Commit
    tree: Tree


class NotComposed(Signal, frozen=True, kw_only=True):
    """It conflicts with `onto` (CONFLICT), or `onto` holds all of it already (NO_CHANGE_NEEDED)."""

    token: Token
    onto: Commit
    onto_tree: Tree
    ending: Ending
    evidence: str = ""
    beads: tuple[BeadId, ...] = ()
    """Whose work it conflicts with."""


class Verified(Signal, frozen=True, kw_only=True):
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


class NotVerified(Signal, frozen=True, kw_only=True):
    """The checks could not be run: that says nothing of the tree."""

    bead: BeadId
    tree: Tree
    evidence: str


class Advanced(Signal, frozen=True, kw_only=True):
    """The target is at, or past, `commit`."""

    commit: Commit


class TargetFound(Signal, frozen=True, kw_only=True):
    """The target was not where the train began: somebody else has moved it, or the commit to move it to is gone."""

    old: Commit
    commit: Commit
    """Where the landing would have taken it."""


class Landed(Signal, frozen=True, kw_only=True):
    """The bead stood on the target already: an earlier landing whose signal was lost."""

    token: Token
    commit: Commit
    tree: Tree


class LandingRefused(Signal, frozen=True, kw_only=True):
    """The repository could not be read or written; nothing has moved."""

    token: Token
    """Of the attempt that was to be composed, or of the last that was to land."""
    evidence: str
    commit: Commit | None = None
    """Where the target was to move; None: it was still to be composed."""


class Pushed(Signal, frozen=True, kw_only=True):
    """The remote has the target as it was."""

    turn: int
    commit: Commit


class NotPushed(Signal, frozen=True, kw_only=True):
    turn: int
    round: int
    evidence: str


class Cleared(Signal, frozen=True, kw_only=True):
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
    RELEASE_WORKER = "release-worker"
    """It was put aside, and may have beads again."""
    LOG_LEVEL = "log-level"
    APPLY = "apply"
    RELOAD = "reload"


class Asked(Signal, frozen=True, kw_only=True):
    """An operator's request; `^C` is a `stop` without a number."""

    verb: Verb
    request: int | None = None
    bead: BeadId | None = None
    text: str = ""
    """What the verb needs beside a bead: an answer, a priority, a worker's name, how many, a level."""
    forced: bool = False
    """Of `add-workers`: they start however short the machine is."""
    by: str = ""
    revision: Revision | None = None
    """Of `apply`: what the run is to be from now on."""
    settings: Settings | None = None
    """Of `reload`."""
    asked_at: float | None = None
    """When the operator asked; a request waits while nobody is at work."""
