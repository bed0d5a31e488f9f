"""Events of the run, and of its operator."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Verb
from orchestrator.core.messages.terms import Revision, Settings, Terms
from orchestrator.core.model import AgentName, BeadId, Commit, Manifest, ProcessName, Token, WorkerId
from orchestrator.core.values import field


class RunPlanned(Event, frozen=True, kw_only=True):
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
    base_branch: str = ""
    """The branch that the target began on, as a full ref; empty: it was no branch."""


class RunOpened(Event, frozen=True, kw_only=True):
    epoch: int
    process: ProcessName
    host: str
    terms: Terms | None = None
    """What holds from now on; None: what it was planned with."""


class RunSwept(Event, frozen=True, kw_only=True):
    ended: int


class WorkersStarted(Event, frozen=True, kw_only=True):
    """The first wave of starts is over: what did not start is named, with its reason."""

    asked: int
    started: int
    seconds: float
    missing: tuple[tuple[WorkerId, str], ...] = ()


class RunPaused(Event, frozen=True, kw_only=True):
    """Nothing new starts; what runs may end. `resume` undoes it."""

    reason: str


class RunResumed(Event, frozen=True, kw_only=True):
    reason: str = ""
    budget_usd: float | None = None
    """What the run may cost from now on; None: as before."""


class BudgetWarned(Event, frozen=True, kw_only=True):
    """A limit is near, or reached. Said once each."""

    scope: str
    """run, day, or a bead by its id."""
    what: str
    """usd, tokens or minutes."""
    spent: float
    limit: float
    reached: bool


class RunStopping(Event, frozen=True, kw_only=True):
    """`now`: sessions are ended and their work is kept; else they may finish."""

    reason: str
    now: bool
    asked: bool = False
    """A person wants it; else the run gives up by itself."""


class RunStopped(Event, frozen=True, kw_only=True):
    reason: str


class RunFinished(Event, frozen=True, kw_only=True):
    reason: str = ""


class TargetPushed(Event, frozen=True, kw_only=True):
    """The remote has everything that had landed by then."""

    remote: str
    commit: Commit
    landings: int
    """How many beads had landed when the push began."""


class PushDelayed(Event, frozen=True, kw_only=True):
    """It failed, and is tried again later. Landings go on."""

    remote: str
    reason: str
    until: float
    failures: int
    """In a row."""


class PushWoke(Event, frozen=True, kw_only=True):
    """A push that failed is due again."""


class DiskRanLow(Event, frozen=True, kw_only=True):
    """Nothing new starts until there is room again; what runs goes on."""

    free: int
    """Bytes."""
    floor: float


class DiskFreed(Event, frozen=True, kw_only=True):
    free: int


class TimeSkipped(Event, frozen=True, kw_only=True):
    """Time that nobody saw is taken from no agent: each that is at work has as much left as before."""

    seconds: float


class WritingResumed(Event, frozen=True, kw_only=True):
    """Nothing was decided for a while, because nothing could be written down."""

    seconds: float
    reason: str


class HostTightened(Event, frozen=True, kw_only=True):
    """The machine has room for only so many more sessions; with none, nothing new starts until it has."""

    fits: int
    reason: str


class HostFreed(Event, frozen=True, kw_only=True):
    """It has room for as many as may start."""


class TrainSized(Event, frozen=True, kw_only=True):
    """So many merged trees are checked at once from now on, as the machine has room."""

    places: int
    reason: str


class AgentMeasured(Event, frozen=True, kw_only=True):
    """A session of this agent needed more memory than any before it."""

    agent: AgentName
    memory: int


class HoursClosed(Event, frozen=True, kw_only=True):
    """The hours in which nothing new starts have begun; what runs goes on, and lands."""

    until: float


class HoursOpened(Event, frozen=True, kw_only=True):
    """Beads may start, until then; None: as long as is known."""

    until: float | None


class RequestTaken(Event, frozen=True, kw_only=True):
    """An operator's request that takes its time: it is answered when it has happened."""

    request: int
    verb: Verb
    bead: BeadId | None = None
    worker: WorkerId | None = None
    by: str = ""


class LogLevelSet(Event, frozen=True, kw_only=True):
    level: str
    """The least grave that is logged: debug, info, warning or error."""
    by: str


class SettingsChanged(Event, frozen=True, kw_only=True):
    """The run is carried out otherwise from now on; what is under way goes on as it was begun."""

    settings: Settings
    keys: tuple[str, ...]
    """What differs, as a person calls it."""
    by: str = ""


class ManifestChanged(Event, frozen=True, kw_only=True):
    """What is to be done is something else from now on; what is under way goes on as it was begun."""

    revision: Revision
    by: str = ""
    added: tuple[BeadId, ...] = ()
    changed: tuple[BeadId, ...] = ()
    removed: tuple[BeadId, ...] = ()


class RequestAnswered(Event, frozen=True, kw_only=True):
    """What became of an operator's request, said once it has happened."""

    request: int
    accepted: bool
    text: str
    verb: Verb | None = None
    bead: BeadId | None = None
    worker: WorkerId | None = None
    by: str = ""
    """Who asked."""
