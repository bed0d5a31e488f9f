"""The three words that cross borders.

A *signal* comes in from the world, in the past tense, with its own time. An *event* has become true: it is
committed before anything acts on it, and the events alone give the state. An *effect* is an order to the shell:
owed by the state reached, idempotent, safe to ask for twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.core.model import (
    BeadId,
    Budget,
    Commit,
    Ending,
    Manifest,
    Policy,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    Verdict,
    WorkerId,
)

# ---------------------------------------------------------------- signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    at: float
    """When it happened, seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be another at each start of the same run."""

    policy: Policy
    budget: Budget
    token: Token
    """The highest fencing token that this repository has used by now: other runs use them too."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has used by now, per bead."""
    options: dict[str, str] = field(default_factory=dict)
    """What the command line said, for whoever goes on without saying it again."""


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
class WentSilent(Signal):
    """No event, no changed file, no processor time for as long as the bead allows."""

    token: Token
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Signal):
    """The agent is gone, and so is every process that it started."""

    token: Token
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Signal):
    """The half-done work is in a commit that a ref keeps. None: there was nothing to save."""

    token: Token
    commit: Commit | None
    fault: str = ""
    """Why it could not be saved; the worktree then stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected(Signal):
    """The delivered work is one commit on the bead's branch. Without a commit nothing had changed."""

    token: Token
    commit: Commit | None
    tree: Tree | None = None
    files: tuple[str, ...] = ()
    fault: str = ""


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
class Landed(Signal):
    """The target is at `commit`, whose tree passed the manifest's checks."""

    token: Token
    commit: Commit
    tree: Tree
    found: bool = False
    """It stood on the target already: an earlier landing whose signal was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToLand(Signal):
    """The target holds all that the bead changed: merging it changes nothing."""

    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingRefused(Signal):
    """The merge conflicts, the merged tree fails its checks, or the repository cannot be written."""

    token: Token
    ending: Ending
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Signal):
    """An operator's request; `^C` is a `stop` without a number."""

    verb: Verb
    request: int | None = None
    bead: BeadId | None = None
    text: str = ""
    by: str = ""
    asked_at: float | None = None
    """When the operator asked; a request waits while nobody is at work."""


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlanned(Event):
    manifest: Manifest
    target_base: Commit
    """Where the target was when the run was planned."""
    token: Token
    """The highest fencing token that this repository has already used."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has already used, per bead."""
    landed: dict[BeadId, Commit] = field(default_factory=dict)
    """Beads whose commit stands on the target already."""
    source: str = ""
    """The file that it was planned from."""
    tasks: dict[BeadId, str] = field(default_factory=dict)
    """A digest of what each bead asks for: the same id with another task is other work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened(Event):
    epoch: int
    process: ProcessName
    host: str
    terms: Terms | None = None
    """What holds from now on; None: what it was planned with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSwept(Event):
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStarted(Event):
    """The first wave of starts is over: what did not start is named, with its reason."""

    asked: int
    started: int
    seconds: float
    missing: tuple[tuple[WorkerId, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused(Event):
    """Nothing new starts; what runs may end. `resume` undoes it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping(Event):
    """`now`: sessions are ended and their work is kept; else they may finish."""

    reason: str
    now: bool
    asked: bool = False
    """A person wants it; else the run gives up by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped(Event):
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadReadied(Event):
    bead: BeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadWoke(Event):
    """Its waiting time is over."""

    bead: BeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadHeld(Event):
    bead: BeadId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadReopened(Event):
    """A person wants it tried again, or what blocked it is tried again."""

    bead: BeadId
    briefing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadReturned(Event):
    """Back to `ready` after an attempt that did not bring it home."""

    bead: BeadId
    reason: str
    not_before: float
    resume: str | None
    """The session to take up again, where its agent can."""
    route: RouteName | None
    """The route to stay on; None: the chain decides."""
    keep: bool
    """Go on in the same worktree; else a fresh one on the target's tip."""
    briefing: str
    """What the next attempt is told beside the bead's prompt."""
    tried: bool
    """It counts as a try of the bead."""
    vain: bool = False
    """It counts as a start in vain: something outside, but not our own end, kept it from its work."""
    strike: RouteName | None = None
    """The route that was not up to it."""
    shun: RouteName | None = None
    """A route to leave alone until `shun_until`, where another one is to be had."""
    shun_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadQueued(Event):
    """Verified, and in the merge queue."""

    bead: BeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingStarted(Event):
    """Its turn: no other bead lands until this one has, or has been refused."""

    bead: BeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingDelayed(Event):
    """The repository could not be written: the landing is tried again later, the work stays as it is."""

    bead: BeadId
    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadLanded(Event):
    bead: BeadId
    token: Token
    commit: Commit
    tree: Tree
    checks: tuple[str, ...] = ()
    """The commands that this very tree passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadDone(Event):
    """Done without a commit: nothing was needed."""

    bead: BeadId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadFailed(Event):
    bead: BeadId
    reason: str
    tried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadBlocked(Event):
    bead: BeadId
    by: BeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadCancelled(Event):
    bead: BeadId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeadCleared(Event):
    """Its worktree is gone, its work is kept."""

    bead: BeadId
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """A worker takes a bead, with its locks, on a route."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    resume: str | None = None
    keep: bool = False
    briefing: str = ""
    probe: bool = False
    """The one attempt that a half-open breaker lets through."""
    reserved_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpawned(Event):
    token: Token
    process: ProcessName
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted(Event):
    token: Token
    seconds: float
    """From the start of the attempt to this first sign."""
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProgressed(Event):
    token: Token
    note: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGivenUp(Event):
    """We end this session; `ending` is what the attempt will be booked as."""

    token: Token
    ending: Ending
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBroke(Event):
    """The session is over and did not deliver: what it left half-done is to be saved."""

    token: Token
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDelivered(Event):
    """The agent says that it is done: its work is to be collected."""

    token: Token
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCollected(Event):
    token: Token
    commit: Commit | None
    tree: Tree | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Event):
    """The one line that says all of an attempt."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    ending: Ending
    reason: str
    seconds: float
    usage: Usage
    files: tuple[str, ...] = ()
    saved: Commit | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBackedOff(Event):
    worker: WorkerId
    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWoke(Event):
    worker: WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed(Event):
    worker: WorkerId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFailed(Event):
    """A failure that counts against the route's breaker."""

    route: RouteName
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    route: RouteName
    until: float | None
    """None: for good, until a person resumes it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(Event):
    route: RouteName


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    route: RouteName


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered(Event):
    """What became of an operator's request, said once it has happened."""

    request: int
    accepted: bool
    text: str


# ---------------------------------------------------------------- effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """End every process that an earlier orchestrator of this repository left behind."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The run stops now: end the commands that are under way (setup, checks); they are owed again at the next start."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Make the worktree, start the agent in it, tell it what to do, and report what becomes of it."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    prompt: str
    resume: str | None
    keep: bool
    silence_s: float
    grace_s: float
    linger_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """End the session and its whole process tree. Its end is reported as `SessionEnded`."""

    token: Token
    worker: WorkerId
    reason: str
    grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Put what a broken session left in its worktree where nothing can lose it."""

    token: Token
    bead: BeadId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Make one commit of what the agent delivered."""

    token: Token
    bead: BeadId
    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Run the bead's own checks in its worktree."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    tree: Tree | None
    commands: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Merge the bead onto the target's tip, check the merged tree, move the target to exactly that."""

    token: Token
    bead: BeadId
    number: int
    route: RouteName
    title: str
    commit: Commit
    commands: tuple[str, ...]
    timeout_s: float
    turn: int = 0
    """Which try at landing it is: a later one is another order, not the same one asked for again."""
    task: str = ""
    """A digest of what the bead asks for: another task under the same id is other work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Keep all that the bead's worktree holds, then remove it. `landed`: its branch goes as well."""

    bead: BeadId
    number: int
    landed: bool


Effect = Sweep | Leave | OpenSession | EndSession | Save | Collect | Check | Land | Clear
