"""Effects: orders to the shell. Owed by the state reached, idempotent, safe to ask for twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.model import BeadId, Commit, RouteName, Token, Tree, Usage, WorkerId


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


Effect = Sweep | Leave | OpenSession | EndSession | Type | Save | Collect | Check | Land | Clear
