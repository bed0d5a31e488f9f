"""Events of attempts: their start, their session, their end."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.messages.events import Event
from orchestrator.core.model import (
    BeadId,
    Claim,
    Commit,
    Ending,
    ProcessName,
    RouteName,
    Stray,
    Token,
    Tree,
    Usage,
    Verdict,
    WorkerId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """A worker takes a bead, with its locks, on a route."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    resume: str | None = None
    keep: bool = False
    merge: bool = False
    briefing: str = ""
    probe: bool = False
    """The one attempt that a half-open breaker lets through."""
    reserved_usd: float = 0.0
    reserved_tokens: float = 0.0
    reserved_minutes: float = 0.0
    claims: tuple[Claim, ...] | None = None
    """The files that it holds from here on; None, in old histories: those that the bead names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpawned(Event):
    token: Token
    process: ProcessName
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted(Event):
    token: Token
    seconds: float
    """From the start of the attempt to this first sign."""
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProgressed(Event):
    token: Token
    note: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointMade(Event):
    """The worktree had changed since the last one, and a ref holds what it has now."""

    token: Token
    bead: BeadId
    commit: Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFailed(Event):
    """Twice in a row none could be taken: a death now would cost what was done since the last one."""

    token: Token
    bead: BeadId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRaised(Event):
    """A live session asks what no rule answers: its bead is held, and the session kept open until a person answers."""

    token: Token
    bead: BeadId
    question: str
    """Its screen, as text."""
    until: float
    """When the session is ended if nobody has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSettled(Event):
    """The session goes on: with an answer, which is owed to it, or without one, by itself."""

    token: Token
    bead: BeadId
    answer: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNudged(Event):
    """It showed no life, and is spoken to, once, before it is given up."""

    token: Token
    text: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTyped(Event):
    """What was owed to a session's terminal is in it."""

    token: Token
    fault: str = ""
    """Why it was not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGivenUp(Event):
    """We end this session; `ending` is what the attempt will be booked as."""

    token: Token
    ending: Ending
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBroke(Event):
    """The session is over and did not deliver: what it left half-done is to be saved."""

    token: Token
    verdict: Verdict
    gone_at: float | None = None
    """When its own process was found to be gone, where we did not end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDelivered(Event):
    """The agent says that it is done: its work is to be collected."""

    token: Token
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCollected(Event):
    token: Token
    commit: Commit | None
    tree: Tree | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceCrossed(Event):
    """Something beyond the agent's own ground has changed in its turn; each says what was done about it."""

    token: Token
    bead: BeadId
    strays: tuple[Stray, ...]
    beside: tuple[BeadId, ...] = ()
    """Whose agents were at work meanwhile: what is not shown may be theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Event):
    """The one line that says all of an attempt."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    ending: Ending
    reason: str
    seconds: float
    usage: Usage
    files: tuple[str, ...] = ()
    saved: Commit | None = None
    session: str | None = None
    assumed_usd: float = 0.0
    """What is counted as its cost while nobody knows it."""
    assumed_tokens: float = 0.0
    answered: bool = False
    """The route's model answered, whatever came of it."""
