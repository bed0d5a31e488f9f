"""Events of beads, from their readiness to their landing."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.model import BeadId, Commit, Ending, RouteName, Token, Tree


class BeadReadied(Event, frozen=True, kw_only=True):
    bead: BeadId


class BeadWoke(Event, frozen=True, kw_only=True):
    """Its waiting time is over."""

    bead: BeadId


class BeadHeld(Event, frozen=True, kw_only=True):
    bead: BeadId
    reason: str
    briefing: str = ""
    """What whoever goes on with it is told, before the person's answer."""


class BeadReopened(Event, frozen=True, kw_only=True):
    """A person wants it tried again, or what blocked it is tried again."""

    bead: BeadId
    briefing: str = ""


class BeadReplanned(Event, frozen=True, kw_only=True):
    """By another manifest it waits for what it needs again."""

    bead: BeadId


class BeadReturned(Event, frozen=True, kw_only=True):
    """Back to `ready` after an attempt that did not bring it home."""

    bead: BeadId
    reason: str
    not_before: float
    resume: str | None
    """The session to take up again, where its agent can."""
    route: RouteName | None
    """The route to stay on; None: the chain decides."""
    keep: bool
    """Go on in the same worktree; else a fresh one on the target's tip."""
    briefing: str
    """What the next attempt is told beside the bead's prompt."""
    tried: bool
    """It counts as a try of the bead."""
    vain: bool = False
    """It counts as a start in vain: something outside, but not our own end, kept it from its work."""
    strike: RouteName | None = None
    """The route that was not up to it."""
    shun: RouteName | None = None
    """A route to leave alone until `shun_until`, where another one is to be had."""
    shun_until: float = 0.0
    merge: bool = False
    """The target is merged into that worktree, conflicts and all, before the agent starts."""
    signature: str = ""
    """What the failure looked like, without what differs from one time to the next; empty: it was none of its own."""
    handed_back: bool = False
    """It gave way to another bead that held files which it wanted."""


class BeadReprioritized(Event, frozen=True, kw_only=True):
    bead: BeadId
    priority: int
    """0 (most urgent) to 4."""
    by: str


class BeadQueued(Event, frozen=True, kw_only=True):
    """Verified, and in the merge queue."""

    bead: BeadId


class CarComposed(Event, frozen=True, kw_only=True):
    """The bead's work is merged onto the target's tip, or onto the car before it in the train."""

    bead: BeadId
    onto: Commit
    onto_tree: Tree
    commit: Commit
    tree: Tree


class CarSetAside(Event, frozen=True, kw_only=True):
    """Nothing could be composed of it on `onto`; final once the target is there."""

    bead: BeadId
    onto: Commit
    onto_tree: Tree
    ending: Ending
    evidence: str
    beads: tuple[BeadId, ...] = ()
    """Whose work it conflicts with."""


class CarChecked(Event, frozen=True, kw_only=True):
    """What the manifest's checks say of its merged tree."""

    bead: BeadId
    tree: Tree
    passed: bool
    command: str = ""
    output: str = ""


class CheckFlickered(Event, frozen=True, kw_only=True):
    """Checks failed and then passed on the very same tree: they are flaky."""

    bead: BeadId
    tree: Tree
    command: str
    failures: int


class TargetMoved(Event, frozen=True, kw_only=True):
    """By somebody else: the train goes on from where the target is now."""

    old: Commit


class LandingStarted(Event, frozen=True, kw_only=True):
    """The target is to move to this bead's commit: nothing else lands until it has, or was refused."""

    bead: BeadId
    beads: tuple[BeadId, ...] = ()
    """All that land with this move, in their order; this bead is the last of them."""


class LandingDelayed(Event, frozen=True, kw_only=True):
    """The repository could not be written: the landing is tried again later, the work stays as it is."""

    bead: BeadId
    until: float
    reason: str


class BeadLanded(Event, frozen=True, kw_only=True):
    bead: BeadId
    token: Token
    commit: Commit
    tree: Tree
    checks: tuple[str, ...] = ()
    """The commands that this very tree passed. In a batch, those before the last one need not have by themselves."""


class BeadDone(Event, frozen=True, kw_only=True):
    """Done without a commit: nothing was needed."""

    bead: BeadId
    reason: str


class BeadFailed(Event, frozen=True, kw_only=True):
    bead: BeadId
    reason: str
    tried: bool = True


class BeadBlocked(Event, frozen=True, kw_only=True):
    bead: BeadId
    by: BeadId


class BeadCancelled(Event, frozen=True, kw_only=True):
    bead: BeadId
    reason: str


class BeadCleared(Event, frozen=True, kw_only=True):
    """Its worktree is gone, its work is kept."""

    bead: BeadId
    fault: str = ""
    """Why it could not go, to the end of the run: it is left where it is."""


class ClearingDelayed(Event, frozen=True, kw_only=True):
    """Its worktree could not be cleared away, and that is tried again later."""

    bead: BeadId
    reason: str
    until: float
    failures: int
    """In a row."""


class ClearingWoke(Event, frozen=True, kw_only=True):
    """A clearing that failed is due again."""

    bead: BeadId
