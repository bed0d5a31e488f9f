"""Tables within the settings: who is told what, and where the result goes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from orchestrator.manifest.fields import (
    Branch,
    Count,
    Duration,
    Flag,
    Gravity,
    OfHost,
    OfPer,
    OfPushWhen,
    Pause,
    Places,
    PullRequestCommand,
    Remote,
    Text,
)
from orchestrator.manifest.schema.table import Table


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
