"""The nouns: beads, attempts, workers, routes, breakers, and what a manifest says of them.

Knows no transitions (`machines`), no messages (`messages`) and no policy (`decide`). Times are seconds since
the epoch (UTC), durations are seconds, money is US dollars.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from orchestrator.core.values import Struct, field

BeadId = NewType("BeadId", str)
WorkerId = NewType("WorkerId", str)
AgentName = NewType("AgentName", str)
RouteName = NewType("RouteName", str)
"""`agent:model`, or the agent's name alone."""
Token = NewType("Token", int)
"""The fencing token of one attempt: unique and growing within a repository, across runs and restarts."""
Commit = NewType("Commit", str)
Tree = NewType("Tree", str)

HOLD = "hold"
FAIL = "fail"
ANSWER = "answer:"
"""The words of `on_question`; the answer follows the last."""

AUTO = "auto"
"""Of `workers`: how many there are is found out."""

SHELL_ROUTE = RouteName("run")
"""The route of beads that have `run:` instead of a prompt."""


class BeadState(StrEnum):
    """Each state is named after what the bead waits for."""

    WAITING = "waiting"
    """for what it needs to be done"""
    READY = "ready"
    """for a worker, its locks, a route and its time"""
    RUNNING = "running"
    """for the end of its attempt"""
    VERIFYING = "verifying"
    """for its own checks, in its worktree"""
    MERGING = "merging"
    """for its turn in the merge queue, and the checks on the merged tree"""
    DONE = "done"
    """for nothing: landed, or declared that nothing was needed"""
    FAILED = "failed"
    """for a person: every try is used up"""
    BLOCKED = "blocked"
    """for something it needs that failed or was cancelled"""
    HELD = "held"
    """for a person's answer"""
    CANCELLED = "cancelled"
    """for nothing: a person gave it up"""


class WorkerState(StrEnum):
    """Each state is named after what the worker waits for."""

    IDLE = "idle"
    """for a bead"""
    STARTING = "starting"
    """for the agent's first sign"""
    RUNNING = "running"
    """for the agent's end"""
    COMPLETING = "completing"
    """for the work to be collected and to pass the bead's own checks"""
    TIMEOUT = "timeout"
    """for the end of the processes of a session that we gave up"""
    ERROR = "error"
    """for the end of what a broken session left behind"""
    RECOVERY = "recovery"
    """for the half-done work to be saved"""
    BACKOFF = "backoff"
    """for a time, after starts that failed"""
    FAILED = "failed"
    """for a person: its starts fail again and again, or bead after bead fails on it alone"""


class BreakerState(StrEnum):
    CLOSED = "closed"
    """lets every attempt through"""
    OPEN = "open"
    """lets none through until its time"""
    HALF_OPEN = "half_open"
    """lets exactly one attempt through, the probe"""


class RunState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class Ending(StrEnum):
    """How an attempt ended. `decide.endings.ANSWERS` says what each one leads to."""

    DELIVERED = "delivered"
    NO_CHANGE_NEEDED = "no-change-needed"
    NOTHING_DONE = "nothing-done"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    SILENT = "silent"
    RATE_LIMITED = "rate-limited"
    USAGE_LIMITED = "usage-limited"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    CONTEXT_OVERFLOW = "context-overflow"
    ASKED = "asked"
    CHECKS_FAILED = "checks-failed"
    CONFLICT = "conflict"
    MERGED_RED = "merged-red"
    OVER_BUDGET = "over-budget"
    NOT_STARTED = "not-started"
    NOT_COLLECTED = "not-collected"
    STRAYED = "strayed"
    LOST = "lost"
    STOPPED = "stopped"
    PUT_BACK = "put-back"
    CANCELLED = "cancelled"


class Unasked(StrEnum):
    """What becomes of a bead that was seen to change files which another one holds."""

    WAIT = "wait"
    """It works on, and lands after the other one"""
    HAND_BACK = "hand-back"
    """It is put back, and starts again when all that it needs is free"""
    IGNORE = "ignore"
    """Nothing: files that a bead changes beyond its own are not locked at all"""


class Predict(StrEnum):
    """How likely a file must be before a bead whose author names none takes it."""

    OFF = "off"
    """Nothing is predicted"""
    CAREFUL = "careful"
    """More likely than not"""
    BOLD = "bold"
    """One in four"""


class Claim(Struct, frozen=True, kw_only=True):
    """A bead's wish for files: a path, a directory or a glob pattern, relative to the repository's root."""

    pattern: str
    shared: bool = False
    """`read:` in the manifest. Two shared claims never conflict."""


class Guess(Struct, frozen=True, kw_only=True):
    """A file that a bead may well touch although its author does not say so."""

    path: str
    """Of a file or a folder, one that is there or one that is to be made."""
    confidence: float
    """From 0 to 1."""
    why: str


class Bead(Struct, frozen=True, kw_only=True):
    """One task of the graph, as its author wrote it. Exactly one of `prompt` and `command` is set."""

    id: BeadId
    title: str
    prompt: str | None = None
    command: str | None = None
    """A shell command that carries the bead out (`run:`)."""
    needs: tuple[BeadId, ...] = ()
    """What must be done before it may start: only beads of the same graph that are to do."""
    priority: int = 2
    """0 (most urgent) to 4."""
    files: tuple[Claim, ...] = ()
    verify: tuple[str, ...] = ()
    routes: tuple[RouteName, ...] = ()
    timeout_s: float = 2700.0
    """Of one attempt, from its start to the agent's end."""
    silence_s: float = 900.0
    """How long an agent may show no sign of life."""
    tries: int = 3
    estimate_s: float | None = None
    hold: str = ""
    """Why a person must release it first; empty: nobody need."""
    labels: tuple[str, ...] = ()


class Skipped(Struct, frozen=True, kw_only=True):
    """Something of the file that is no work now, and why, in a word or a sentence."""

    id: BeadId
    reason: str


class AgentTraits(Struct, frozen=True, kw_only=True):
    """What policy must know of an agent program; the rest of its profile is the shell's."""

    name: AgentName
    provider: str
    """Whose limits it shares: a usage limit parks every route of this provider."""
    resumes: bool = False
    """It can take up a session by its id."""
    continues: bool = False
    """It can go on from half-done work; else each attempt gets a fresh worktree."""
    nudge: str = ""
    """What is typed once into a session that fell silent; empty: nothing can be."""


class Budget(Struct, frozen=True, kw_only=True):
    """Of the run, of each bead, and of any 24 hours; None: no limit."""

    usd: float | None = None
    bead_usd: float | None = None
    day_usd: float | None = None
    tokens: int | None = None
    bead_tokens: int | None = None
    day_tokens: int | None = None
    minutes: float | None = None
    """Of all agents together."""
    bead_minutes: float | None = None
    day_minutes: float | None = None
    warn: float = 0.8
    """The share of a limit at which a person is warned."""
    hard: bool = True
    """Else a limit only warns."""
    stop: bool = False
    """What runs when the run's or the day's limit is reached is ended; else it may finish."""


class Style(StrEnum):
    """How a bead's work stands on the target. The tree is the same in each."""

    SQUASH = "squash"
    """One commit."""
    MERGE = "merge"
    """A merge commit, with the work's own commits beside the target's line."""
    REBASE = "rebase"
    """The work's own commits, one on top of the other; the last one is what was checked."""


class PushWhen(StrEnum):
    """When the target is pushed."""

    EACH = "each"
    """After each landing; landings that come meanwhile go together"""
    END = "end"
    """Once, when nothing else is left to be done"""


class Per(StrEnum):
    """What a pull request is opened for."""

    NIGHT = "night"
    """One, of the target"""
    BEAD = "bead"
    """One for each bead, of a branch of its own"""


class PullRequests(Struct, frozen=True, kw_only=True):
    """How landed work is proposed to whoever keeps the base branch. The commands are templates for `/bin/sh`."""

    per: Per = Per.NIGHT
    base: str = ""
    """The branch on the remote that they are opened against; empty: the one that the target began on."""
    find: str = ""
    """Prints the address of one that is open for a branch; empty: there is no way to ask."""
    open: str
    """Prints its address."""
    update: str = ""
    """Gives an open one another title and body; empty: they stay as they were."""


class Limit(Struct, frozen=True, kw_only=True):
    """What a pool of routes may be asked for. None: no limit of ours."""

    pool: str
    """A provider, an agent or a route."""
    requests_per_minute: int | None = None
    """A start of a session is one request: what an agent asks for within it, nobody tells us."""
    tokens_per_day: int | None = None
    """A day begins with the first start after the end of the one before, and has 24 hours."""
    sessions: int | None = None
    """How many at once."""


class Policy(Struct, frozen=True, kw_only=True):
    """Every number that a decision depends on. The defaults are the manifest's."""

    workers: int = 4
    auto: bool = False
    """How many workers are worth their while is found out; it begins with `workers`."""
    most_workers: int | None = None
    """With `auto`; None: so many for each physical core as `decide.width` says."""
    min_workers: int = 1
    """Fewer started workers than this, and the run ends."""
    max_starts: int = 10
    """How many workers may be starting at once."""
    start_timeout_s: float = 30.0
    """From the start of a session to the agent's first sign."""
    grace_s: float = 10.0
    """From SIGTERM to SIGKILL."""
    linger_s: float = 20.0
    """How long an agent may stay after its final event."""
    health_floor: float = 0.5
    """A score below which a worker's health is told of."""
    checkpoint_s: float = 60.0
    """From one checkpoint of a worktree with an agent in it to the next; 0: none."""
    breaker_failures: int = 3
    breaker_rate: float | None = None
    """The share of a route's attempts in the window that must have failed as well; None: the count alone decides."""
    provider_failures: int = 5
    """Failures of several routes of one provider that shut the whole provider."""
    breaker_window_s: float = 600.0
    breaker_cooldown_s: float = 60.0
    """Doubled at each failed probe."""
    breaker_cooldown_max_s: float = 3600.0
    outage_cooldown_max_s: float = 300.0
    """Of a provider that is not to be reached: to ask costs next to nothing, and a night is short."""
    reset_jitter_s: float = 5.0
    """Up to so much after a limit's reset: whoever shares the account wakes at that very second as well."""
    slow_s: float = 5.0
    """Between starts of a provider that was limited on one of its routes; doubled at each further limit."""
    slow_max_s: float = 60.0
    backoff_s: float = 5.0
    """Before a bead's next try; doubled for each failure in a row, with jitter."""
    backoff_max_s: float = 3600.0
    tries_per_route: int = 2
    """Capability failures on one route before the chain's next is asked."""
    same_failures: int = 3
    """How often a bead may fail in the very same way, on whatever routes, before a person must look."""
    starts_in_vain: int = 20
    """How often limits, outages and the like may keep one bead from its work before a person must look."""
    worker_failures: int = 5
    """Failed starts in a row before a worker is given up."""
    memory_floor: float = 2.0**29
    """Bytes of memory that stay free when a session starts."""
    max_load: float = 32.0
    """Per physical core: above it nothing new starts; 0: none."""
    heed_host: bool = True
    """Else sessions start however short the machine is."""
    pack_logs: bool = False
    """Logs that are rotated away are compressed."""
    recordings: float = 10 * 2.0**30
    """Bytes that the recordings of a repository may take together: beyond that the oldest go."""
    disk_floor: float = 2.0**30
    """Bytes of free disk below which nothing new starts; 0: none."""
    check_timeout_s: float = 1800.0
    verify_slots: int = 2
    """Checks of beads that run at once."""
    train: int = 2
    """Merged trees that are checked at once: the first to land, and what would follow it."""
    train_load: float = 4.0
    """Per physical core: above it, fewer merged trees are checked ahead; 0: the load has no say."""
    batch: int = 1
    """How many beads one check of a merged tree stands for; red, the one that breaks it is looked for."""
    check_tries: int = 2
    """How often checks have to fail on a merged tree, one and the same, before they are believed."""
    landing: Style = Style.SQUASH
    message: str = "{title}"
    """Of the commit as which a bead lands, without its trailers: a template, see `core.commit_message`."""
    push_to: str = ""
    """A remote, by its name or URL; empty: the target stays in this repository."""
    push_when: PushWhen = PushWhen.EACH
    push_tries: int = 5
    """So often in a row a push may fail before the end of the run does not wait for it any more."""
    follow_base: bool = False
    """What is new on the branch that the target began on is taken into the target, while something is still to land."""
    requests: PullRequests | None = None
    """None: the target is what the night is for."""
    limits: tuple[Limit, ...] = ()
    closed: tuple[tuple[float, float], ...] = ()
    """Times in which nothing new starts, from and until: in order, and apart from each other."""
    on_question: str = HOLD
    """What becomes of a question that no rule of its profile answers: `hold`, `fail`, or `answer:TEXT`."""
    question_wait_s: float = 600.0
    """How long a session that asked is kept open for its answer; after that it is ended, and may be resumed."""
    predict: Predict = Predict.CAREFUL
    unasked: Unasked = Unasked.WAIT
    watch_s: float = 15.0
    """How often worktrees are looked at for files beyond the bead's own; 0: only when the work is collected."""
    put_back_first: int = 2
    """So often put back, a bead takes its whole set before any other may start on something of it."""


class Manifest(Struct, frozen=True, kw_only=True):
    """A validated task graph with its settings: acyclic, ids unique, every need known."""

    name: str
    base: str | None
    """A revision; None: what the repository's HEAD is at."""
    target: str
    beads: tuple[Bead, ...]
    agents: tuple[AgentTraits, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    setup: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    policy: Policy = field(default_factory=Policy)


class Usage(Struct, frozen=True, kw_only=True):
    """What an attempt used, as far as its agent said. None is unknown, which is not zero."""

    usd: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    computed: bool = False
    """`usd` was computed from the tokens, by a list of prices; else the agent said it."""

    @property
    def tokens(self) -> int | None:
        if self.tokens_in is None and self.tokens_out is None:
            return None
        return (self.tokens_in or 0) + (self.tokens_out or 0)


class ProcessName(Struct, frozen=True, kw_only=True):
    """A process beyond doubt: a pid alone may be another's by now."""

    pid: int
    started: float
    """Its creation time, seconds since the epoch, as the kernel tells."""


class Sample(Struct, frozen=True, kw_only=True):
    """What the processes of one session used, and when it last showed life. Bytes, and seconds before the sample."""

    token: Token
    processes: int
    stopped: int
    """Of these, how many somebody has stopped (SIGSTOP)."""
    cpu_share: float
    """Of one core, since the sample before."""
    cpu_s: float
    memory: int
    descriptors: int
    read: int
    written: int
    """From and to the disk."""
    said_s: float
    """Since its last event."""
    wrote_s: float
    """Since it last wrote to its terminal, whatever that was."""
    quiet_s: float
    """Since any evidence of life: an event, processor time, written files."""


class Host(Struct, frozen=True, kw_only=True):
    """What the machine has for all workers together. 0: unknown."""

    memory: int = 0
    descriptors: int = 0
    """That one process may have open."""


class Room(Struct, frozen=True, kw_only=True):
    """What the machine has left for more sessions. None: it cannot be told, or there is no limit."""

    memory: int | None = None
    """Bytes, within the control group that we run in."""
    load: float | None = None
    """Processes that run or wait for a core, over the last minute."""
    cores: int = 1
    """Physical ones."""
    descriptors: int | None = None
    """That we may still open."""
    processes: int | None = None
    """That may still be started."""


class Ground(StrEnum):
    """What an agent can get at although it is not its own."""

    REF = "ref"
    """A branch, a tag, or a ref of ours."""
    NEW_REF = "new ref"
    """A branch or a tag that was not there before."""
    REMOTE_REF = "remote ref"
    """What `git fetch` moves."""
    CHECKOUT = "checkout"
    """Which branch a checkout or another bead's worktree is on."""
    FILE = "file"
    """In the person's checkout, or in another bead's worktree."""
    SETTING = "setting"
    """Of the shared repository, harmless by its nature."""
    TRAP = "trap"
    """What has git run a program: a hook, or a setting that names one."""
    LINK = "link"
    """In its own worktree, leading out of it."""


class Stray(Struct, frozen=True, kw_only=True):
    """Something beyond an agent's own ground that has changed while it was at work."""

    ground: Ground
    what: str
    """The ref, the path or the setting."""
    how: str
    """What became of it, and what was done about it: one phrase."""
    shown: bool
    """There is evidence that it was this agent. Else it was left as it is, and may well be a person's doing."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What an ended session amounts to, read from the agent's events, exit and last words."""

    ending: Ending
    reason: str = ""
    """In the agent's own words where it has any; one line."""
    session: str | None = None
    """The id by which the agent can resume it."""
    usage: Usage = field(default_factory=Usage)
    retry_at: float | None = None
    """When the provider lets us in again, where it said so."""
