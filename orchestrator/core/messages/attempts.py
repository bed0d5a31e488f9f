"""Events of attempts: their start, their session, their end."""

from __future__ import annotations

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
from orchestrator.core.values import field


class AttemptStarted(Event, frozen=True, kw_only=True):
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


class SessionSpawned(Event, frozen=True, kw_only=True):
    token: Token
    process: ProcessName
    worktree: str


class AgentStarted(Event, frozen=True, kw_only=True):
    token: Token
    seconds: float
    """From the start of the attempt to this first sign."""
    session: str | None = None


class AgentProgressed(Event, frozen=True, kw_only=True):
    token: Token
    note: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)


class CheckpointMade(Event, frozen=True, kw_only=True):
    """The worktree had changed since the last one, and a ref holds what it has now."""

    token: Token
    bead: BeadId
    commit: Commit


class CheckpointFailed(Event, frozen=True, kw_only=True):
    """Twice in a row none could be taken: a death now would cost what was done since the last one."""

    token: Token
    bead: BeadId
    reason: str


class QuestionRaised(Event, frozen=True, kw_only=True):
    """A live session asks what no rule answers: its bead is held, and the session kept open until a person answers."""

    token: Token
    bead: BeadId
    question: str
    """Its screen, as text."""
    until: float
    """When the session is ended if nobody has answered."""


class QuestionSettled(Event, frozen=True, kw_only=True):
    """The session goes on: with an answer, which is owed to it, or without one, by itself."""

    token: Token
    bead: BeadId
    answer: str = ""
    by: str = ""


class SessionNudged(Event, frozen=True, kw_only=True):
    """It showed no life, and is spoken to, once, before it is given up."""

    token: Token
    text: str
    evidence: str


class TextTyped(Event, frozen=True, kw_only=True):
    """What was owed to a session's terminal is in it."""

    token: Token
    fault: str = ""
    """Why it was not taken."""


class SessionGivenUp(Event, frozen=True, kw_only=True):
    """We end this session; `ending` is what the attempt will be booked as."""

    token: Token
    ending: Ending
    reason: str


class SessionBroke(Event, frozen=True, kw_only=True):
    """The session is over and did not deliver: what it left half-done is to be saved."""

    token: Token
    verdict: Verdict
    gone_at: float | None = None
    """When its own process was found to be gone, where we did not end it."""


class WorkDelivered(Event, frozen=True, kw_only=True):
    """The agent says that it is done: its work is to be collected."""

    token: Token
    verdict: Verdict


class WorkCollected(Event, frozen=True, kw_only=True):
    token: Token
    commit: Commit | None
    tree: Tree | None
    files: tuple[str, ...]


class FenceCrossed(Event, frozen=True, kw_only=True):
    """Something beyond the agent's own ground has changed in its turn; each says what was done about it."""

    token: Token
    bead: BeadId
    strays: tuple[Stray, ...]
    beside: tuple[BeadId, ...] = ()
    """Whose agents were at work meanwhile: what is not shown may be theirs."""


class AttemptEnded(Event, frozen=True, kw_only=True):
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
