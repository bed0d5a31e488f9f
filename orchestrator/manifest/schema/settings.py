"""How a night is run: in the manifest, and in `orchestrator.toml`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from orchestrator.manifest.fields import (
    AgentKey,
    Branch,
    Count,
    Duration,
    Flag,
    Folder,
    HoursList,
    Message,
    OfMode,
    OfStyle,
    OnQuestion,
    Override,
    Pause,
    PoolKey,
    Revision,
    Routes,
    Share,
    Size,
    Text,
    Texts,
    Whole,
    Workers,
)
from orchestrator.manifest.schema.beads import DefaultsTable
from orchestrator.manifest.schema.parts import (
    BackoffTable,
    BreakerTable,
    BudgetTable,
    DependencyTable,
    LimitTable,
    LocksTable,
    LogsTable,
)
from orchestrator.manifest.schema.table import ROUTES, Table
from orchestrator.manifest.schema.telling import AlertsTable, PullRequestTable, PushTable


class SettingsTable(Table):
    """How beads are carried out: all that `orchestrator.toml` may say."""

    noun: ClassVar[str] = "the settings"

    repo: Text | None = Field(default=None, description="The repository, relative to this file. Or give --repo.")
    base: Revision | None = Field(
        default=None, description="The revision where the target branch starts. Default: HEAD."
    )
    target: Branch | None = Field(
        default=None,
        description="The branch into which beads are merged; made from 'base' if it is not there. "
        "Default: orchestrator/<name>.",
    )
    workers: Workers | None = Field(
        default=None,
        description="How many agents work at the same time; 'auto' begins with 4 and finds out how many are worth "
        "their while. Default 4.",
    )
    max_workers: Count | None = Field(
        default=None,
        description="With 'workers: auto', never more than this. Default 16 for each physical core.",
    )
    min_workers: Count | None = Field(
        default=None, description="With fewer workers that can be started than this, the run ends. Default 1."
    )
    max_starts: Count | None = Field(default=None, description="How many workers may be starting at once. Default 10.")
    start_timeout: Duration | None = Field(
        default=None, description="From the start of an agent to its first sign. Default 30s."
    )
    grace: Pause | None = Field(default=None, description="From asking a process to end to ending it. Default 10s.")
    linger: Pause | None = Field(
        default=None, description="How long an agent may stay after it said that it is done. Default 20s."
    )
    health_floor: Share | None = Field(
        default=None, description="The health score below which a worker is told of; 0: never. Default 50%."
    )
    checkpoint: Pause | None = Field(
        default=None, description="How often what an agent has written is put out of harm's way; 0: never. Default 60s."
    )
    breaker: BreakerTable = Field(
        default_factory=BreakerTable.model_construct, description="When a route is given a rest."
    )
    backoff: BackoffTable = Field(
        default_factory=BackoffTable.model_construct, description="How long a bead waits after a failure."
    )
    locks: LocksTable = Field(
        default_factory=LocksTable.model_construct, description="What becomes of files beyond those that a bead names."
    )
    logs: LogsTable = Field(
        default_factory=LogsTable.model_construct, description="What is kept of what was said and shown."
    )
    limits: dict[PoolKey, LimitTable] = Field(
        default_factory=dict,
        description="What a provider, an agent or a route may be asked for, by its name.",
    )
    curfew: HoursList | None = Field(
        default=None, description="Hours in which nothing new starts; what runs goes on, and lands."
    )
    active: HoursList | None = Field(default=None, description="Hours outside of which nothing new starts.")
    same_failures: Count | None = Field(
        default=None,
        description="How often a bead may fail in the very same way before it is not tried any more. Default 3.",
    )
    tries_per_route: Count | None = Field(
        default=None, description="Failures of a bead on one route before the next route is asked. Default 2."
    )
    starts_in_vain: Count | None = Field(
        default=None,
        description="How often limits, outages and the like may keep one bead from its work. Default 20.",
    )
    worker_failures: Count | None = Field(
        default=None, description="Failed starts in a row before a worker is given up. Default 5."
    )
    memory_floor: Size | None = Field(
        default=None, description="Memory that stays free when an agent starts. Default 512MiB."
    )
    max_load: Count | None = Field(
        default=None, description="The load per physical core above which nothing new starts. Default 32."
    )
    disk_floor: Size | None = Field(
        default=None, description="Free disk below which nothing new starts; 0 for none. Default 1GiB."
    )
    check_timeout: Duration | None = Field(default=None, description="How long one check may take. Default 30m.")
    verify_slots: Count | None = Field(
        default=None, description="How many beads are checked at the same time. Default 2."
    )
    train: Count | None = Field(
        default=None,
        description="How many merged trees are checked at the same time, each on top of the one before. Default 2.",
    )
    train_load: Whole | None = Field(
        default=None,
        description="The load per physical core above which fewer of them are checked ahead; 0: it has no say. "
        "Default 4.",
    )
    batch: Count | None = Field(
        default=None,
        description="How many beads one check of a merged tree stands for, where checks are slow. Default 1.",
    )
    check_tries: Count | None = Field(
        default=None,
        description="How often the checks must fail on a merged tree before it is believed to be red. Default 2.",
    )
    landing: OfStyle | None = Field(
        default=None,
        description="How a bead's work stands on the target: 'squash' is one commit, 'merge' a merge commit with the "
        "work's own commits beside it, 'rebase' the work's own commits one on top of the other. Default squash.",
    )
    message: Message | None = Field(
        default=None,
        description="What the commit says as which a bead lands, above its trailers; {title}, {bead}, {prompt}, "
        "{route}, {attempt} and {run} are filled in. Default '{title}'.",
    )
    push: PushTable = Field(
        default_factory=PushTable.model_construct, description="Where the target goes to beyond the repository."
    )
    follow_base: Flag | None = Field(
        default=None,
        description="What is new on the branch that the target began on is taken into the target while the run is at "
        "work. Default false.",
    )
    mode: OfMode | None = Field(
        default=None,
        description="'land': what is verified is on the target; 'pull-request': it is proposed from there as well. "
        "Default land.",
    )
    pull_request: PullRequestTable = Field(
        default_factory=PullRequestTable.model_construct,
        description="How it is proposed, where the mode is 'pull-request'.",
    )
    on_question: OnQuestion | None = Field(
        default=None,
        description="What becomes of a question that no rule answers: 'hold', 'fail', or 'answer:' and a text. "
        "Default hold.",
    )
    question_wait: Pause | None = Field(
        default=None, description="How long a session that asked is kept open for its answer. Default 10m."
    )
    routes: Routes | None = Field(default=None, description=ROUTES)
    agents: dict[AgentKey, Override] = Field(
        default_factory=dict,
        description="Agents of your own, and changes to the built-in ones: a name and what of its profile differs.",
    )
    sandbox: Override | None = Field(
        default=None,
        description="What agents may not do to the machine, and how much of it they may use: the 'sandbox' of every "
        "agent that does not say otherwise in 'agents'.",
    )
    dependencies: dict[Folder, DependencyTable] = Field(
        default_factory=dict,
        description="Folders that a tool makes from a lock file, by their path: each is made once for each state of "
        "that, and copied into every other worktree.",
    )
    setup: Texts | None = Field(default=None, description="Commands run once in each new worktree, such as 'npm ci'.")
    verify: Texts | None = Field(
        default=None, description="Commands that must succeed on every merged tree before the target moves to it."
    )
    budget: BudgetTable = Field(default_factory=BudgetTable.model_construct, description="Hard limits of money.")
    alerts: AlertsTable = Field(default_factory=AlertsTable.model_construct, description="Who is told when it matters.")
    defaults: DefaultsTable = Field(
        default_factory=DefaultsTable.model_construct, description="What a bead has that does not say otherwise."
    )
