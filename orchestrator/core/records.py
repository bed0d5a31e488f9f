"""What a state knows of each bead, worker, attempt and breaker. Frozen: an event replaces a record by the next.

Knows no transitions and no policy.
"""

from __future__ import annotations

from orchestrator.core.model import (
    Bead,
    BeadId,
    BeadState,
    BreakerState,
    Claim,
    Commit,
    Ending,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    Verdict,
    WorkerId,
    WorkerState,
)
from orchestrator.core.values import Struct, field


class Collision(Struct, frozen=True, kw_only=True):
    """Unfinished work was seen not to merge with somebody else's."""

    other: BeadId
    """Who was at work at the same time; empty: the target, as it had become."""
    paths: tuple[str, ...]
    told: bool
    """The agent knows of it, or it needs not: its session was given up for it."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at one bead; kept while its bead runs, is verified or waits to be merged."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    started: float
    resume: str | None = None
    keep: bool = False
    merge: bool = False
    briefing: str = ""
    probe: bool = False
    reserved_usd: float = 0.0
    reserved_tokens: float = 0.0
    reserved_minutes: float = 0.0
    process: ProcessName | None = None
    worktree: str = ""
    signed: float | None = None
    """When the agent gave its first sign."""
    session: str | None = None
    note: str = ""
    usage: Usage = field(default_factory=Usage)
    given_up: tuple[Ending, str] | None = None
    question: str = ""
    """What its session asks; empty: nothing."""
    asked: tuple[str, ...] = ()
    """What it asked before."""
    answers: tuple[str, ...] = ()
    time_left: float = 0.0
    """Of its time, when it asked, or was suspended: neither is its own."""
    nudged: bool = False
    typing: str = ""
    """What is owed to its terminal; empty: nothing."""
    turn: int = 0
    """How many texts it was owed."""
    suspended: float | None = None
    """Since when its processes stand still, because the machine is under pressure."""
    checkpoint: Commit | None = None
    """The newest one of its worktree, while its agent is at work."""
    checkpointed: float | None = None
    collisions: tuple[Collision, ...] = ()
    """Those of which it is the later one."""
    verdict: Verdict | None = None
    agent_ended: float | None = None
    collected: bool = False
    commit: Commit | None = None
    tree: Tree | None = None
    files: tuple[str, ...] = ()


class BeadRecord(Struct, frozen=True, kw_only=True):
    spec: Bead
    state: BeadState = BeadState.WAITING
    since: float = 0.0
    unmet: int = 0
    """How many of its needs are not done."""
    number: int = 0
    """Of its newest attempt; never used twice within a repository."""
    attempts: int = 0
    """In this run."""
    tries: int = 0
    """Attempts that counted, since it was last opened by a person."""
    vain: int = 0
    """Starts in vain, likewise: limits, outages, a repository that could not be written."""
    reason: str = ""
    route: RouteName | None = None
    commit: Commit | None = None
    """On the target."""
    tree: Tree | None = None
    checks: tuple[str, ...] = ()
    token: Token | None = None
    """Of the attempt that it is in."""
    not_before: float = 0.0
    resume: str | None = None
    stay: RouteName | None = None
    keep: bool = False
    merge: bool = False
    briefing: str = ""
    shunned: tuple[tuple[RouteName, float], ...] = ()
    strikes: tuple[RouteName, ...] = ()
    """The routes of its capability failures, one entry each."""
    signatures: tuple[str, ...] = ()
    """What its failures looked like, oldest first."""
    released: bool = False
    """A person has let it go although its author had said to hold it."""
    revised: Bead | None = None
    """By another manifest it is this; that holds from its next attempt on."""
    removed: bool = False
    """No manifest has it any more."""
    occupies: bool = False
    """It may have a worktree that nobody has cleared yet."""
    usd: float | None = None
    tokens: int | None = None
    minutes: float = 0.0
    """Of its agents."""
    used: tuple[str, Usage] | None = None
    """Its newest session by its id, and what that has used over all attempts in it."""
    found: tuple[Claim, ...] = ()
    """Files beyond those it names that it was found to need: it takes them with the others from its next start on."""
    predicted: tuple[Claim, ...] | None = None
    """Files that it may well need, as long as nobody knows better; None: that was not looked for."""
    overtaken: int = 0
    """How often another one that comes after it has taken some of its files, since it was last at work."""
    put_backs: int = 0
    """How often it gave way, since it was last opened by a person."""

    @property
    def vague(self) -> bool:
        """It says nothing of its files, and nobody has worked on it yet."""
        return self.spec.prompt is not None and not self.spec.files and not self.attempts


class Point(Struct, frozen=True, kw_only=True):
    """A commit and its tree."""

    commit: Commit
    tree: Tree


class Car(Struct, frozen=True, kw_only=True):
    """A bead's work, merged onto the target or onto the car before it."""

    bead: BeadId
    onto: Point
    made: Point | None = None
    """What was composed. None: nothing could be, for `refusal`."""
    refusal: Ending | None = None
    """CONFLICT, or NO_CHANGE_NEEDED where `onto` holds all of it already."""
    evidence: str = ""


class Following(Struct, frozen=True, kw_only=True):
    """The base's new commits, on their way into the target."""

    base: Commit
    onto: Point
    made: Point


class Trial(Struct, frozen=True, kw_only=True):
    """What the manifest's checks have said of a tree."""

    passed: bool
    failures: int
    command: str = ""
    """The one that failed last."""
    output: str = ""


class PullRequest(Struct, frozen=True, kw_only=True):
    """One that is open, or to be opened."""

    turn: int = 0
    """How much had landed of what it has; 0: it was never opened."""
    under_way: int | None = None
    """How much has landed of what it is being brought to."""
    base: str = ""
    grounds: tuple[Commit, ...] = ()
    """What it stands on, while it is being brought there: see `PullRequestBegun`."""
    url: str = ""
    branch: str = ""
    commit: Commit | None = None
    """Where its branch is."""
    failures: int = 0
    """In a row."""
    fault: str = ""
    waits: bool = False
    """Until its time."""
    doubt: str = ""
    """Why nobody knows whether it is open. It is not opened again; a person looks."""


class WorkerRecord(Struct, frozen=True, kw_only=True):
    id: WorkerId
    state: WorkerState = WorkerState.IDLE
    since: float = 0.0
    token: Token | None = None
    failures: int = 0
    """Starts that failed in a row."""
    reason: str = ""
    outcomes: tuple[Ending, ...] = ()
    """Of its last ten attempts, the newest last."""
    alike: int = 0
    """Of these, how many ended in the very same way, without another between them."""
    last: str = ""
    """How the newest of them ended, with its reason."""
    row: tuple[BeadId, ...] = ()
    """The beads that it failed at since it last delivered."""
    renewed: bool = False
    """Since then it begins anew with each of them."""
    delivered: int = 0
    busy_s: float = 0.0
    """In which its agents were at work."""
    unwell_at: float | None = None
    """Since when its health is below the floor; None: it is not."""


class Tuning(Struct, frozen=True, kw_only=True):
    """What is measured of so many workers as there are now, and what is known of fewer."""

    since: float
    done: int
    """Beads that were done then."""
    tokens: int
    """That agents had said to have used by then."""
    fewer: tuple[int, float, str] | None = None
    """How many there were before, and what they brought in an hour, of what; None: they are not compared."""
    rest_until: float = 0.0


class Breaker(Struct, frozen=True, kw_only=True):
    route: RouteName
    state: BreakerState = BreakerState.CLOSED
    since: float = 0.0
    until: float | None = None
    """When an open one lets a probe through; None: never by itself."""
    failures: tuple[float, ...] = ()
    answers: tuple[float, ...] = ()
    """When its model answered, within the window; kept only where a rate decides."""
    openings: int = 0
    """In a row, without a success between."""
    probe: Token | None = None
    reason: str = ""


class Account(Struct, frozen=True, kw_only=True):
    """A provider's account: the breaker over all of its routes, and how fast it is gone about."""

    provider: str
    state: BreakerState = BreakerState.CLOSED
    since: float = 0.0
    until: float | None = None
    failures: tuple[tuple[float, RouteName], ...] = ()
    openings: int = 0
    """In a row, without a success between."""
    probe: Token | None = None
    reason: str = ""
    slow_s: float = 0.0
    """Between two starts, until `slow_until`."""
    slow_since: float = 0.0
    slow_until: float = 0.0


class Window(Struct, frozen=True, kw_only=True):
    """What a pool was asked for since a time. It begins with the first start after the end of the one before."""

    since: float
    until: float
    requests: int = 0
    tokens: int = 0
    """Of sessions that ended in it, as far as agents said."""


class Pool(Struct, frozen=True, kw_only=True):
    """The ledger of what shares one limit: a provider's account, an agent, or a model of it (a route)."""

    name: str
    running: int = 0
    """Sessions that are starting or running."""
    next_at: float = 0.0
    """Before this nothing starts: starts are spread, not let off in volleys."""
    day: Window | None = None
    window: Window | None = None
    """The provider's own, as far as its limits have shown it."""
    length_s: float | None = None
    """Of the provider's own window; None: it has shown none."""
    held: int | None = None
    """Tokens after which the provider's last window was used up."""
    holds: int | None = None
    """The same, where two windows agree on it: limits can be of other things than tokens."""
    measured: int = 0
    """Ended sessions that said what they used."""
    tokens: int = 0
    """What they used."""

    @property
    def each(self) -> float:
        """Tokens that a session uses, as measured; 0 while nothing is known."""
        return self.tokens / self.measured if self.measured else 0.0


class Totals(Struct, frozen=True, kw_only=True):
    """Of ended attempts. Shell commands cost nothing and are not counted."""

    usd: float = 0.0
    """What agents said they cost, and what was computed for those that only told their tokens."""
    computed_usd: float = 0.0
    """The part of it that was computed."""
    assumed_usd: float = 0.0
    """What had been reserved for those of which nothing is known: unknown is not zero."""
    tokens: int = 0
    assumed_tokens: float = 0.0
    minutes: float = 0.0
    attempts: int = 0
    unpriced: int = 0
    """Attempts whose cost is not known."""
    uncounted: int = 0
    """Attempts whose tokens are not known."""


class Spent(Struct, frozen=True, kw_only=True):
    """Within an hour."""

    usd: float = 0.0
    tokens: float = 0.0
    minutes: float = 0.0
