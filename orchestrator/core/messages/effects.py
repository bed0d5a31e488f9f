"""Effects: orders to the shell. Owed by the state reached, idempotent, safe to ask for twice."""

from __future__ import annotations

from orchestrator.core.model import Bead, BeadId, Commit, RouteName, Style, Token, Tree, Usage, WorkerId
from orchestrator.core.values import Struct, field


class Sweep(Struct, frozen=True, kw_only=True):
    """End every process that an earlier orchestrator of this repository left behind."""

    epoch: int


class Leave(Struct, frozen=True, kw_only=True):
    """The run stops now: end the commands that are under way (setup, checks); they are owed again at the next start."""

    epoch: int


class OpenSession(Struct, frozen=True, kw_only=True):
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


class EndSession(Struct, frozen=True, kw_only=True):
    """End the session and its whole process tree. Its end is reported as `SessionEnded`."""

    token: Token
    worker: WorkerId
    reason: str
    grace_s: float


class Suspend(Struct, frozen=True, kw_only=True):
    """Have the session's whole process tree stand still, for as long as this is owed; then let it go on."""

    token: Token


class Type(Struct, frozen=True, kw_only=True):
    """Type a text into the live session, as a person would, and report that it was taken: `Typed`."""

    token: Token
    turn: int
    """Which text of this session it is: the same text again is another order."""
    text: str


class Save(Struct, frozen=True, kw_only=True):
    """Put what a broken session left in its worktree where nothing can lose it."""

    token: Token
    bead: BeadId
    number: int


class Collect(Struct, frozen=True, kw_only=True):
    """Make one commit of what the agent delivered."""

    token: Token
    bead: BeadId
    number: int
    title: str


class Check(Struct, frozen=True, kw_only=True):
    """Run the bead's own checks in its worktree."""

    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    tree: Tree | None
    commands: tuple[str, ...]
    timeout_s: float


class Compose(Struct, frozen=True, kw_only=True):
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


class Verify(Struct, frozen=True, kw_only=True):
    """Run the manifest's checks on exactly the tree of a composed commit, unless it has passed them before."""

    bead: BeadId
    number: int
    commit: Commit
    tree: Tree
    commands: tuple[str, ...]
    timeout_s: float
    round: int = 0
    """How often this tree has failed before."""


class Stop(Struct, frozen=True, kw_only=True):
    """One bead's arrival on the target."""

    bead: BeadId
    number: int
    task: str
    commit: Commit
    onto: Commit | None = None
    """What it was composed onto; None: its first parent."""


class Advance(Struct, frozen=True, kw_only=True):
    """Move the target from one commit to another, and note what has landed with it: all at one stroke, or nothing."""

    token: Token
    """Of the attempt that lands last; 0: it is the base that does."""
    old: Commit
    new: Commit
    stops: tuple[Stop, ...]
    base: Commit | None = None
    """What is new on the base: it alone lands, as `new`."""


class Follow(Struct, frozen=True, kw_only=True):
    """Merge what is new on the base with the target as it is, in the object database."""

    base: Commit
    turn: int
    """The target has moved since an earlier one."""


class Push(Struct, frozen=True, kw_only=True):
    """Bring the target, as it is now, to a remote. Never by force: what is there and not on the target stays."""

    remote: str
    turn: int
    """How many beads have landed: a later one has more to bring."""
    round: int
    """How often it has failed in a row."""


class Propose(Struct, frozen=True, kw_only=True):
    """Push a branch, and have a pull request open for it; one that is open already is brought up to date."""

    bead: BeadId
    """Whose change it is; empty: the whole target."""
    turn: int
    round: int
    """How often it has failed in a row."""
    base: str
    """The branch that it is to go into."""
    commit: Commit | None = None
    """As what the bead landed."""
    task: str = ""
    grounds: tuple[Commit, ...] = ()
    """Where the branches are of those that it needs: it stands on them."""
    url: str = ""
    """Where it is open already, as far as we know."""
    only_push: bool = False
    """It may be open or not: there is no way to ask, so that is left to a person."""


class Ask(Struct, frozen=True, kw_only=True):
    """A bead whose files are to be guessed."""

    bead: BeadId
    text: str
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, bead: Bead) -> Ask:
        return cls(bead=bead.id, text=f"{bead.title}\n\n{bead.prompt or ''}", labels=bead.labels)


class Foresee(Struct, frozen=True, kw_only=True):
    """Guess which files beads will touch, from what they say and what the target's history shows."""

    round: int
    asks: tuple[Ask, ...]


class Clear(Struct, frozen=True, kw_only=True):
    """Keep all that the bead's worktree holds, then remove it. `landed`: its branch goes as well."""

    bead: BeadId
    number: int
    landed: bool


Effect = (
    Sweep
    | Leave
    | OpenSession
    | EndSession
    | Suspend
    | Type
    | Save
    | Collect
    | Check
    | Compose
    | Verify
    | Advance
    | Follow
    | Push
    | Propose
    | Foresee
    | Clear
)
