"""What a profile says of an agent program, as values.

Knows the meaning of every key of `profiles/*.toml`. Does not know how the files are read (`shape`), where they come
from (`catalog`), or what an ended session amounts to (`verdict`).
"""

from __future__ import annotations

import re
from enum import StrEnum

from orchestrator.agents.confining import Confinement, Disk, OwnHome
from orchestrator.agents.template import CommandLine
from orchestrator.core.model import AgentName, AgentTraits, Ending
from orchestrator.core.template import Text
from orchestrator.core.values import Struct, field
from orchestrator.runtime.ports import ScreenRules

PLACEHOLDERS = ("prompt", "prompt_file", "model", "session", "worktree", "outcome_file", "scratch", "home", "python")
"""What a command line may have filled in."""

Place = tuple[str, ...]
"""Where a value stands in an event: keys and list indices; `*` is the first item under which the rest is found."""

Scalar = str | int | float | bool | None


class Home(StrEnum):
    USER = "user"
    """The person's: that is where sign-ins are kept."""
    OWN = "own"
    """An empty one for each attempt, with the profile's `files` in it."""


class Started(StrEnum):
    """What counts as the agent's first sign."""

    SPAWN = "spawn"
    OUTPUT = "output"
    EVENT = "event"
    """An event or a line whose rule says `started`."""


class Mode(StrEnum):
    HEADLESS = "headless"
    INTERACTIVE = "interactive"
    """As its `interactive` table says, which is laid over the rest."""


class Stream(StrEnum):
    TEXT = "text"
    SCREEN = "screen"
    """Drawn, for people: only its event files say what it does."""
    JSON = "json"
    """One JSON object a line; whatever else is on the screen is noise, and maybe the last words."""


class Test(Struct, frozen=True, kw_only=True):
    """What must hold of one value of an event. Everything that is set must hold."""

    path: Place
    any_of: tuple[Scalar, ...] | None = None
    none_of: tuple[Scalar, ...] | None = None
    matches: re.Pattern[str] | None = None
    exists: bool | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """Where an event says what was used. Several paths are added up."""

    usd: tuple[Place, ...] = ()
    tokens_in: tuple[Place, ...] = ()
    tokens_out: tuple[Place, ...] = ()
    adds: bool = False
    """Each event counts for itself; else each is the total so far."""
    once: Place | None = None
    """Events with the same value here are one: it is counted once."""


class EventRule(Struct, frozen=True, kw_only=True):
    """What an event means. All rules that match apply, in order: a later one refines an earlier."""

    when: tuple[Test, ...]
    started: bool = False
    session: Place | None = None
    note: tuple[Text, ...] = ()
    """The first whose every placeholder (a path) is there is taken."""
    error: tuple[Place, ...] = ()
    """Where the agent says what went wrong: the first path that is there. By itself it decides nothing."""
    status: Place | None = None
    """Where the HTTP status of that stands."""
    retry_at: Place | None = None
    """Where the time at which a limit is lifted stands, in seconds since the epoch: it goes before what words say."""
    closing: Place | None = None
    """Where its own summary of what it did stands: told when it ends well."""
    usage: Counts = field(default_factory=Counts)
    taken: bool = False
    """It has the prompt that was typed."""
    follow: Place | None = None
    """Where the path of a file stands in which it writes more events."""
    final: bool = False
    """The agent's last event: it decides, and the agent has a moment to leave."""
    ending: Ending | None = None
    """Of a final event: its class. A failure without one is classified by what `error` and `status` said.

    Of another event: nothing by itself, but a good end after it is this instead (it was interrupted, say).
    """


class LineRule(Struct, frozen=True, kw_only=True):
    """What a line of plain text means. Its named groups are note, session, usd, tokens_in and tokens_out."""

    matches: re.Pattern[str]
    started: bool = False
    hidden: bool = False
    """A spinner: no sign of anything."""
    adds: bool = False


class WordRule(Struct, frozen=True, kw_only=True):
    """A class that can be read off a text."""

    matches: re.Pattern[str]
    ending: Ending


class LastWords(Struct, frozen=True, kw_only=True):
    """Where, in the text of a session that ended badly, its reason is looked for."""

    rules: tuple[WordRule, ...] = ()
    """Asked before those that hold for every program."""
    lines: int = 3
    """How many of the last lines count."""
    after: re.Pattern[str] | None = None
    """Only what follows the last line that matches this counts: what it says when something worked."""
    common: bool = True
    """Whether the words that hold for every program are asked as well."""


class ExitRule(Struct, frozen=True, kw_only=True):
    codes: tuple[int, ...]
    ending: Ending
    reason: str = ""


class Quirks(Struct, frozen=True, kw_only=True):
    ignores_term: bool = False
    exit_zero_on_failure: bool = False
    """Its exit status says nothing: the last words are read although it is 0."""
    usage_spans_resume: bool = False
    """After a resume its totals hold what the earlier attempts used as well."""
    dash_is_option: bool = False
    """A prompt that begins with `-` would be read as an option (`-` alone: as standard input)."""


class SignIn(Struct, frozen=True, kw_only=True):
    """Where it can be seen, without asking the program, that somebody has signed in."""

    env: tuple[str, ...] = ()
    """Variables that hold a key or a token."""
    files: tuple[str, ...] = ()
    """Of the person's home."""
    elsewhere: bool = False
    """It may be kept where we do not look as well: a key ring, a configuration. So its absence says nothing."""


class Root(StrEnum):
    """Where a file that is written for an agent lies."""

    HOME = "home"
    """Written only into a home of its own."""
    SCRATCH = "scratch"
    WORKTREE = "worktree"


class SeedFile(Struct, frozen=True, kw_only=True):
    root: Root
    path: str
    """Relative to that."""
    content: Text


class EventSource(Struct, frozen=True, kw_only=True):
    """A file in which the program writes events."""

    path: Text
    """With `*` and `?` in it as of a shell."""
    mine: tuple[tuple[str, Text], ...] = ()
    """What its first object must say to be this session's."""


class Profile(Struct, frozen=True, kw_only=True):
    """One agent program. The keys of the TOML are these names."""

    name: AgentName
    provider: str
    """Whose limits it shares with other agents."""
    command: CommandLine
    resume: CommandLine | None = None
    continues: bool = False
    install: str = ""
    """How to get it, for the person who has not."""
    version: tuple[str, ...] = ()
    """The command that prints its version."""
    sign_in: SignIn = field(default_factory=SignIn)
    env: tuple[tuple[str, str], ...] = ()
    """`{scratch}` and `{worktree}` in the values are filled in."""
    pass_env: tuple[str, ...] = ()
    """Names, or beginnings with `*` at the end, that may pass from the person's environment."""
    home: Home = Home.USER
    files: tuple[SeedFile, ...] = ()
    share: tuple[str, ...] = ()
    """Paths of the person's home that a home of its own has links to: sign-ins, and caches that would cost much."""
    typed: bool = False
    """The prompt is typed into its terminal instead of being an argument."""
    screen: ScreenRules | None = None
    event_files: tuple[EventSource, ...] = ()
    leave: str = ""
    """What makes it leave, typed after its last event."""
    nudge: str = ""
    """What is typed once when it has fallen silent."""
    started: Started = Started.SPAWN
    stream: Stream = Stream.TEXT
    long_prompt: Text
    """What it is told when the prompt is too long for an argument."""
    events: tuple[EventRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    words: LastWords = field(default_factory=LastWords)
    exits: tuple[ExitRule, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    sandbox: Confinement | None = None

    @property
    def home_kind(self) -> Home:
        """In a sandbox it has one of its own, unless that says otherwise."""
        if self.sandbox is None or self.sandbox.disk is Disk.OPEN:
            return self.home
        return Home.OWN if self.sandbox.home is OwnHome.OWN else self.home

    @property
    def has_final(self) -> bool:
        """It says itself when it is done: an end without that is no success."""
        return any(rule.final for rule in self.events)

    @property
    def traits(self) -> AgentTraits:
        # A session is kept in the home that it was begun in.
        resumes = self.resume is not None and self.home_kind is Home.USER
        return AgentTraits(
            name=self.name,
            provider=self.provider,
            resumes=resumes,
            continues=self.continues,
            nudge=self.nudge,
        )
