"""What a person sets: budgets, limits, and how a night is run."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.core.model.names import HOLD
from orchestrator.core.values import Struct


class Unasked(StrEnum):
    """What becomes of a bead that was seen to change files which another one holds."""

    WAIT = "wait"
    """It works on, and lands after the other one"""
    HAND_BACK = "hand-back"
    """It is put back, and starts again when all that it needs is free"""
    IGNORE = "ignore"
    """Nothing: files that a bead changes beyond its own are not locked at all"""


class Collisions(StrEnum):
    """What becomes of two beads at work whose unfinished work is seen not to merge; of one, with the target."""

    IGNORE = "ignore"
    """It is not looked for"""
    TELL = "tell"
    """The agent of the later one is told"""
    PUT_BACK = "put-back"
    """The later one is put back, and starts again when the other one has landed or was given up"""


class Predict(StrEnum):
    """How likely a file must be before a bead whose author names none takes it."""

    OFF = "off"
    """Nothing is predicted"""
    CAREFUL = "careful"
    """More likely than not"""
    BOLD = "bold"
    """One in four"""


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
    collisions: Collisions = Collisions.TELL
    put_back_first: int = 2
    """So often put back, a bead takes its whole set before any other may start on something of it."""
