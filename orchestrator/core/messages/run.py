"""Events of the run, and of its operator."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Verb
from orchestrator.core.messages.terms import Revision, Terms
from orchestrator.core.model import AgentName, BeadId, Commit, Manifest, ProcessName, Token, WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlanned(Event):
    manifest: Manifest
    target_base: Commit
    """Where the target was when the run was planned."""
    token: Token
    """The highest fencing token that this repository has already used."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has already used, per bead."""
    landed: dict[BeadId, Commit] = field(default_factory=dict)
    """Beads whose commit stands on the target already."""
    source: str = ""
    """The file that it was planned from."""
    tasks: dict[BeadId, str] = field(default_factory=dict)
    """A digest of what each bead asks for: the same id with another task is other work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened(Event):
    epoch: int
    process: ProcessName
    host: str
    terms: Terms | None = None
    """What holds from now on; None: what it was planned with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSwept(Event):
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStarted(Event):
    """The first wave of starts is over: what did not start is named, with its reason."""

    asked: int
    started: int
    seconds: float
    missing: tuple[tuple[WorkerId, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused(Event):
    """Nothing new starts; what runs may end. `resume` undoes it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    reason: str = ""
    budget_usd: float | None = None
    """What the run may cost from now on; None: as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWarned(Event):
    """A limit is near, or reached. Said once each."""

    scope: str
    """run, day, or a bead by its id."""
    what: str
    """usd, tokens or minutes."""
    spent: float
    limit: float
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping(Event):
    """`now`: sessions are ended and their work is kept; else they may finish."""

    reason: str
    now: bool
    asked: bool = False
    """A person wants it; else the run gives up by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped(Event):
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPushed(Event):
    """The remote has everything that had landed by then."""

    remote: str
    commit: Commit
    landings: int
    """How many beads had landed when the push began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDelayed(Event):
    """It failed, and is tried again later. Landings go on."""

    remote: str
    reason: str
    until: float
    failures: int
    """In a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushWoke(Event):
    """A push that failed is due again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRanLow(Event):
    """Nothing new starts until there is room again; what runs goes on."""

    free: int
    """Bytes."""
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFreed(Event):
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSkipped(Event):
    """Time that nobody saw is taken from no agent: each that is at work has as much left as before."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingResumed(Event):
    """Nothing was decided for a while, because nothing could be written down."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTightened(Event):
    """The machine has room for only so many more sessions; with none, nothing new starts until it has."""

    fits: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFreed(Event):
    """It has room for as many as may start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMeasured(Event):
    """A session of this agent needed more memory than any before it."""

    agent: AgentName
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursClosed(Event):
    """The hours in which nothing new starts have begun; what runs goes on, and lands."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursOpened(Event):
    """Beads may start, until then; None: as long as is known."""

    until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTaken(Event):
    """An operator's request that takes its time: it is answered when it has happened."""

    request: int
    verb: Verb
    bead: BeadId | None = None
    worker: WorkerId | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLevelSet(Event):
    level: str
    """The least grave that is logged: debug, info, warning or error."""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestChanged(Event):
    """What is to be done is something else from now on; what is under way goes on as it was begun."""

    revision: Revision
    by: str = ""
    added: tuple[BeadId, ...] = ()
    changed: tuple[BeadId, ...] = ()
    removed: tuple[BeadId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered(Event):
    """What became of an operator's request, said once it has happened."""

    request: int
    accepted: bool
    text: str
    verb: Verb | None = None
    bead: BeadId | None = None
    worker: WorkerId | None = None
    by: str = ""
    """Who asked."""
