"""Effects: orders to the shell. Owed by the state reached, idempotent, safe to ask for twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.model import BeadId, Commit, RouteName, Style, Token, Tree, Usage, WorkerId


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
    used: Usage = field(default_factory=Usage)
    """By the session that is taken up again, before this attempt."""
    merge: bool = False
    """Begin to merge the target into the worktree, unless that has been done: the agent finds the conflict in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """End the session and its whole process tree. Its end is reported as `SessionEnded`."""

    token: Token
    worker: WorkerId
    reason: str
    grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """Type a text into the live session, as a person would, and report that it was taken: `Typed`."""

    token: Token
    turn: int
    """Which text of this session it is: the same text again is another order."""
    text: str


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
class Compose:
    """Merge the bead onto a commit, in the object database: neither the target nor any worktree moves."""

    token: Token
    bead: BeadId
    number: int
    route: RouteName
    title: str
    commit: Commit
    onto: Commit | None
    """None: the target's tip, wherever that is now."""
    onto_tree: Tree | None
    turn: int = 0
    """Which try at landing it is: a later one is another order, not the same one asked for again."""
    task: str = ""
    """A digest of what the bead asks for: another task under the same id is other work."""
    style: Style = Style.SQUASH
    message: str = ""
    """Of the commit, without trailers; empty: the title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Run the manifest's checks on exactly the tree of a composed commit, unless it has passed them before."""

    bead: BeadId
    number: int
    commit: Commit
    tree: Tree
    commands: tuple[str, ...]
    timeout_s: float
    round: int = 0
    """How often this tree has failed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One bead's arrival on the target."""

    bead: BeadId
    number: int
    task: str
    commit: Commit
    onto: Commit | None = None
    """What it was composed onto; None: its first parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Move the target from one commit to another, and note what has landed with it: all at one stroke, or nothing."""

    token: Token
    """Of the attempt that lands last."""
    old: Commit
    new: Commit
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Bring the target, as it is now, to a remote. Never by force: what is there and not on the target stays."""

    remote: str
    turn: int
    """How many beads have landed: a later one has more to bring."""
    round: int
    """How often it has failed in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Keep all that the bead's worktree holds, then remove it. `landed`: its branch goes as well."""

    bead: BeadId
    number: int
    landed: bool


Effect = (
    Sweep | Leave | OpenSession | EndSession | Type | Save | Collect | Check | Compose | Verify | Advance | Push | Clear
)
