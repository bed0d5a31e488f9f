"""The tables of a manifest, one model each. The descriptions of the fields are the documentation of the format.

Knows keys and the kind of value that each takes. Does not know files, places, nor how beads relate.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrator.manifest.document import Plain
from orchestrator.manifest.fields import (
    AgentKey,
    Branch,
    Count,
    Duration,
    Flag,
    Folder,
    Gravity,
    Hold,
    HoursList,
    Id,
    Message,
    Money,
    OfHost,
    OfMode,
    OfPer,
    OfPredict,
    OfPushWhen,
    OfStyle,
    OfUnasked,
    OnQuestion,
    Override,
    Patterns,
    Pause,
    Places,
    PoolKey,
    Priority,
    PullRequestCommand,
    Remote,
    Revision,
    Routes,
    Share,
    Size,
    Text,
    Texts,
    Version,
    Whole,
    Workers,
)

_ROUTES = (
    "Who may carry out a bead, as 'agent:model' or 'agent', in order of preference. The model may have colons "
    "and slashes in it."
)
_FILES = (
    "The files that the work will touch, relative to the repository's root: paths, directories or globs ('**' is "
    "any number of directories). Beads that may touch the same files never run at the same time. With 'read:' in "
    "front, files that it only relies on: beads may share those."
)


class Table(BaseModel):
    """A mapping with known keys. A key without a value counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    noun: ClassVar[str] = "a table"

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if not says_nothing(key, item)}


def says_nothing(key: str, item: Any) -> bool:
    """Whether a key is as good as left out."""
    # `id: null` is more likely a bead called null than a bead without an id.
    return item is None or (isinstance(item, Plain) and item.value is None and key != "id")


class BreakerTable(Table):
    """When a route is given a rest."""

    noun: ClassVar[str] = "'breaker'"

    failures: Count | None = Field(default=None, description="Failures of a route that open its breaker. Default 3.")
    rate: Share | None = Field(
        default=None,
        description="The share of its attempts in the window that must have failed as well. Default none.",
    )
    provider_failures: Count | None = Field(
        default=None,
        description="Failures of several routes of one provider that shut the whole provider. Default 5.",
    )
    window: Duration | None = Field(default=None, description="The time within which they count. Default 10m.")
    cooldown: Duration | None = Field(
        default=None,
        description="The rest before one attempt may probe the route; doubled at each failed probe. Default 60s.",
    )
    max_cooldown: Duration | None = Field(default=None, description="The longest rest. Default 1h.")
    max_outage: Duration | None = Field(
        default=None,
        description="The longest rest of a provider that is not to be reached, or whose routes fail. Default 5m.",
    )
    jitter: Pause | None = Field(
        default=None, description="How much later than a limit's reset the provider may be asked again. Default 5s."
    )
    slow: Pause | None = Field(
        default=None,
        description="Between starts of a provider that was rate limited; doubled at each further limit. Default 5s.",
    )
    max_slow: Pause | None = Field(default=None, description="The longest time between such starts. Default 60s.")


class BackoffTable(Table):
    """How long a bead waits after a failure."""

    noun: ClassVar[str] = "'backoff'"

    first: Pause | None = Field(
        default=None, description="Before the next try; doubled at each failure in a row. Default 5s."
    )
    most: Pause | None = Field(default=None, description="The longest wait. Default 1h.")


class BudgetTable(Table):
    """Limits of money, tokens and time. Without one there is no limit."""

    noun: ClassVar[str] = "'budget'"

    usd: Money | None = Field(
        default=None, description="For the whole run, in US dollars: a number, or text such as '$50'."
    )
    bead_usd: Money | None = Field(default=None, description="For each bead, in US dollars.")
    day_usd: Money | None = Field(default=None, description="For any 24 hours of the run, in US dollars.")
    tokens: Count | None = Field(default=None, description="For the whole run, in tokens.")
    bead_tokens: Count | None = Field(default=None, description="For each bead, in tokens.")
    day_tokens: Count | None = Field(default=None, description="For any 24 hours of the run, in tokens.")
    time: Duration | None = Field(default=None, description="For the whole run: the time of all agents together.")
    bead_time: Duration | None = Field(default=None, description="For each bead: the time of its agents.")
    day_time: Duration | None = Field(default=None, description="For any 24 hours of the run: the time of all agents.")
    warn: Share | None = Field(
        default=None, description="The share of a limit at which you are warned, once. Default 80%."
    )
    hard: Flag | None = Field(
        default=None, description="Whether limits are kept; otherwise they only warn. Default true."
    )
    stop: Flag | None = Field(
        default=None,
        description="Whether what runs is ended when the limit of the run or day is reached; otherwise it may finish. "
        "Default false.",
    )


class AlertRuleTable(Table):
    """A rule of your own, or what differs in a built-in one."""

    noun: ClassVar[str] = "a rule"

    on: Text | None = Field(
        default=None, description="Of a rule of your own: the event, as the log names it ('landing.delayed')."
    )
    level: Gravity | None = Field(default=None, description="How grave it is: info, warning or error.")
    threshold: Count | None = Field(default=None, description="How many such events make an alert. Default 1.")
    window: Duration | None = Field(default=None, description="The time within which they count. Default 10m.")
    cooldown: Pause | None = Field(
        default=None, description="How long the same bead, route or worker is not spoken of again. Default 30m."
    )
    off: Flag | None = Field(default=None, description="'true' silences a built-in rule.")


class AlertsTable(Table):
    """Who is told when it matters."""

    noun: ClassVar[str] = "'alerts'"

    to: Places | None = Field(
        default=None,
        description="Where alerts go: addresses as apprise takes them ('ntfy://topic', 'mailto://…'), with ${NAME} for "
        'a value of the environment, and commands ({command: "notify-send night"}). Default: nowhere.',
    )
    level: Gravity | None = Field(default=None, description="Nothing less grave is told. Default warning.")
    group: Pause | None = Field(
        default=None, description="How long an alert waits for others, to be told together. Default 10s."
    )
    rules: dict[str, AlertRuleTable] = Field(
        default_factory=dict, description="Rules of your own, and changes to the built-in ones, by name."
    )


class LogsTable(Table):
    """What is kept of what was said and shown."""

    noun: ClassVar[str] = "'logs'"

    compress: Flag | None = Field(
        default=None, description="Whether logs that are rotated away are compressed (gzip). Default false."
    )
    recordings: Size | None = Field(
        default=None,
        description="How much room the recordings of a repository may take together: beyond it the oldest go. "
        "Default 10GiB.",
    )


class LocksTable(Table):
    """What becomes of files beyond those that a bead names."""

    noun: ClassVar[str] = "'locks'"

    predict: OfPredict | None = Field(
        default=None,
        description="How likely a file must be before a bead that names no 'files' takes it: 'off' predicts nothing, "
        "'careful' takes what is more likely than not, 'bold' what one in four such beads touches. Default careful.",
    )
    unasked: OfUnasked | None = Field(
        default=None,
        description="A bead that was seen to change files which another one holds: 'wait' lets it work on and land "
        "after the other, 'hand-back' puts it back until they are free, 'ignore' locks nothing beyond 'files'. "
        "Default wait.",
    )
    watch: Pause | None = Field(
        default=None,
        description="How often worktrees are looked at; 0: only when the work is collected. Default 15s.",
    )
    put_back_first: Count | None = Field(
        default=None,
        description="So often put back, a bead takes all of its files before others may start on them. Default 2.",
    )


class PushTable(Table):
    """Where the target goes to beyond the repository."""

    noun: ClassVar[str] = "'push'"

    remote: Remote | None = Field(
        default=None, description="A remote of the repository, or a URL. Default: it is not pushed."
    )
    when: OfPushWhen | None = Field(
        default=None,
        description="'each': after each landing; 'end': once, when nothing else is to be done. Default each.",
    )
    tries: Count | None = Field(
        default=None,
        description="So often in a row a push may fail before the end of the run does not wait for it. Default 5.",
    )


class PullRequestTable(Table):
    """How landed work is proposed, where `mode` is 'pull-request'."""

    noun: ClassVar[str] = "'pull_request'"

    per: OfPer | None = Field(
        default=None,
        description="'night': one, of the target; 'bead': one for each bead that landed, of a branch of its own. "
        "Default night.",
    )
    base: Branch | None = Field(
        default=None,
        description="The branch on the remote that they are to go into. Default: the one that the target began on.",
    )
    host: OfHost | None = Field(
        default=None,
        description="Whose program opens them: 'gh' (GitHub) or 'glab' (GitLab). Default gh, unless 'open' is said.",
    )
    find: PullRequestCommand | None = Field(
        default=None, description="A command that prints the address of the one that is open for {head}, or nothing."
    )
    open: PullRequestCommand | None = Field(
        default=None,
        description="A command that opens one and prints its address; {head}, {base}, {title}, {body_file}, {url}, "
        "{bead}, {run} and {remote} are filled in, each as one word of the shell.",
    )
    update: PullRequestCommand | None = Field(
        default=None, description="A command that gives the one at {url} its new title and body."
    )


class LimitTable(Table):
    """What a provider, an agent or a route may be asked for."""

    noun: ClassVar[str] = "a limit"

    requests_per_minute: Count | None = Field(
        default=None,
        description="How many sessions may start in a minute; starts are spread evenly. Default none.",
    )
    tokens_per_day: Count | None = Field(
        default=None,
        description="How many tokens its sessions may use in the 24 hours from a first start. Default none.",
    )
    sessions: Count | None = Field(default=None, description="How many sessions may run at once. Default none.")


class DependencyTable(Table):
    """A folder that a tool makes from a lock file."""

    noun: ClassVar[str] = "a folder of dependencies"

    lock: Texts = Field(description="The files that say all of what is in it, relative to the repository's root.")
    make: Texts = Field(description="The commands that make it: 'npm ci'.")
    link: Flag | None = Field(
        default=None,
        description="'true': worktrees get hard links instead of copies. Only where nothing ever writes into its "
        "files: what one agent changes in place is changed for all. Default false.",
    )


class DefaultsTable(Table):
    """What a bead has that does not say otherwise."""

    noun: ClassVar[str] = "'defaults'"

    timeout: Duration | None = Field(default=None, description="See the same key of a bead. Default 45m.")
    silence: Duration | None = Field(default=None, description="See the same key of a bead. Default 15m.")
    tries: Count | None = Field(default=None, description="See the same key of a bead. Default 3.")
    priority: Priority | None = Field(default=None, description="See the same key of a bead. Default P2.")
    routes: Routes | None = Field(
        default=None, description="See the same key of a bead. Default: the top level's 'routes'."
    )
    verify: Texts | None = Field(default=None, description="See the same key of a bead. Default: no checks of its own.")
    files: Patterns | None = Field(default=None, description="See the same key of a bead. Default: none.")


class BeadTable(Table):
    """One task. It has exactly one of 'prompt' and 'run'."""

    noun: ClassVar[str] = "a bead"

    id: Id = Field(
        description="Its name, unique in the manifest. It becomes part of a branch and of file names: letters, "
        "digits, '.', '_' and '-', at most 100 characters."
    )
    title: Text | None = Field(default=None, description="One line. Default: the first line of the prompt, or the id.")
    prompt: Text | None = Field(default=None, description="What the agent is asked to do.")
    run: Text | None = Field(
        default=None,
        description="A shell command that carries the bead out instead of an agent: codemods, generators.",
    )
    needs: Texts | None = Field(
        default=None, description="The ids of the beads that must have landed before this one starts."
    )
    priority: Priority | None = Field(default=None, description="P0 (most urgent) to P4, or 0 to 4.")
    files: Patterns | None = Field(default=None, description=_FILES)
    verify: Texts | None = Field(
        default=None, description="Commands that must succeed in the bead's own worktree before it may land."
    )
    routes: Routes | None = Field(default=None, description=_ROUTES)
    timeout: Duration | None = Field(default=None, description="How long one attempt may take: 90s, 45m, 1h30m.")
    silence: Duration | None = Field(default=None, description="How long its agent may show no sign of life.")
    tries: Count | None = Field(default=None, description="How many failed attempts are its end.")
    estimate: Duration | None = Field(default=None, description="How long its author thinks that it takes.")
    labels: Texts | None = Field(default=None, description="Words of your own; shown, and never acted on.")
    hold: Hold | None = Field(
        default=None,
        description="A reason why a person must release it before it may start; 'true' without a reason.",
    )


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
    breaker: BreakerTable = Field(default_factory=BreakerTable, description="When a route is given a rest.")
    backoff: BackoffTable = Field(default_factory=BackoffTable, description="How long a bead waits after a failure.")
    locks: LocksTable = Field(
        default_factory=LocksTable, description="What becomes of files beyond those that a bead names."
    )
    logs: LogsTable = Field(default_factory=LogsTable, description="What is kept of what was said and shown.")
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
    push: PushTable = Field(default_factory=PushTable, description="Where the target goes to beyond the repository.")
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
        default_factory=PullRequestTable, description="How it is proposed, where the mode is 'pull-request'."
    )
    on_question: OnQuestion | None = Field(
        default=None,
        description="What becomes of a question that no rule answers: 'hold', 'fail', or 'answer:' and a text. "
        "Default hold.",
    )
    question_wait: Pause | None = Field(
        default=None, description="How long a session that asked is kept open for its answer. Default 10m."
    )
    routes: Routes | None = Field(default=None, description=_ROUTES)
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
    budget: BudgetTable = Field(default_factory=BudgetTable, description="Hard limits of money.")
    alerts: AlertsTable = Field(default_factory=AlertsTable, description="Who is told when it matters.")
    defaults: DefaultsTable = Field(
        default_factory=DefaultsTable, description="What a bead has that does not say otherwise."
    )


class ManifestTable(SettingsTable):
    """The top level of a manifest, its beads apart: those are read one by one."""

    noun: ClassVar[str] = "a manifest"

    version: Version = Field(default=1, description="The version of this format.")
    name: Id | None = Field(
        default=None,
        description="The run's name; safe like a bead's id. Default: the file's name without its suffix.",
    )
    beads: Any = Field(
        default=None, description="The tasks; or the path of a beads issues.jsonl, relative to this file."
    )


class DocumentedManifest(ManifestTable):
    """A task graph for coding agents, and how it is carried out."""

    model_config = ConfigDict(title="orchestrator manifest")

    beads: list[BeadTable] | str = Field(
        description="The tasks; or the path of a beads issues.jsonl, relative to this file."
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest."""
    schema = DocumentedManifest.model_json_schema()
    bead = schema["$defs"]["BeadTable"]
    bead["oneOf"] = [{"required": ["prompt"]}, {"required": ["run"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
