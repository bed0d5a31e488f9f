"""Tables within the settings: how failures, money, locks, limits and folders are dealt with."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from orchestrator.manifest.fields import (
    Count,
    Duration,
    Flag,
    Money,
    OfCollisions,
    OfPredict,
    OfUnasked,
    Pause,
    Share,
    Size,
    Texts,
)
from orchestrator.manifest.schema.table import Table


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
    collisions: OfCollisions | None = Field(
        default=None,
        description="Two agents at work whose unfinished work is seen not to merge, or one with the target: 'tell' "
        "tells the later one, 'put-back' puts it back until the other has landed, 'ignore' does not look for it. "
        "Default tell.",
    )
    put_back_first: Count | None = Field(
        default=None,
        description="So often put back, a bead takes all of its files before others may start on them. Default 2.",
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
