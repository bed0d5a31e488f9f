"""What the control loop needs of the world, as Protocols: each has a real adapter and one for tests.

Knows no git, no terminal, no database. Adapters raise nothing across these borders but what is named here:
what goes wrong in the world is an answer, because policy has to decide about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.core.messages import (
    Advance,
    Asked,
    Check,
    Clear,
    Collect,
    Compose,
    Event,
    Follow,
    Foresee,
    LocksAsked,
    OpenSession,
    Propose,
    Push,
    Save,
    Signal,
    Verify,
)
from orchestrator.core.model import BeadId, Commit, Guess, ProcessName, RouteName, Stray, Token, Tree, Usage, Verdict
from orchestrator.core.values import Struct, field
from orchestrator.runtime.confinement import Limits, Sandbox, Walls

Emit = Callable[[Signal], None]
"""Hands a signal to the control loop, from any thread; never blocks."""


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...


# ---------------------------------------------------------------- the store


class Holder(Struct, frozen=True, kw_only=True):
    """The process that writes a repository's state."""

    process: ProcessName
    host: str
    since: float
    run: str


class StoreFault(Exception):
    """The state cannot be read or written. Its message says why, and what to do."""


class StoreFull(StoreFault):
    """No space is left. Nothing of the last batch is kept; all before it is."""


class StoreReadOnly(StoreFault):
    """The state folder cannot be written."""


class StoreDamaged(StoreFault):
    """The database is not one, or not whole."""


class StoreTooNew(StoreFault):
    """A newer orchestrator made it."""


class StoreTaken(StoreFault):
    """Another orchestrator writes it now."""

    def __init__(self, message: str, holder: Holder | None) -> None:
        super().__init__(message)
        self.holder = holder


Request = Asked | LocksAsked
"""What is written down for a run by somebody outside its process."""


class Store(Protocol):
    """The event log with its projections. One writer at a time; everybody else reads."""

    def append(self, events: Sequence[Event]) -> None:
        """Commit events and what follows from them in one transaction.

        Raises `StoreFault`; nothing of the batch is then kept.
        """
        ...

    def events(self) -> Iterable[Event]:
        """Every event of the run, in order."""
        ...

    def requests(self) -> Sequence[Request]:
        """Requests of operators and sessions that no event has answered yet, oldest first."""
        ...

    def beat(self, at: float) -> None:
        """A heartbeat: what the run holds is still held. To be told every few seconds. Raises `StoreFault`."""
        ...

    def tidy(self) -> int:
        """Let go of what agents muttered in attempts that are over, and make one event of what they did in each that is
        not; how many events went. Raises `StoreFault`."""
        ...

    def close(self) -> None: ...


# ---------------------------------------------------------------- agents


class Dialog(Struct, frozen=True, kw_only=True):
    """What a screen at rest may show, and the keys that answer it."""

    shows: re.Pattern[str]
    keys: str


class ScreenRules(Struct, frozen=True, kw_only=True):
    """How a program's screen is read. It is emulated; escapes are nobody's business but the emulator's."""

    ready: re.Pattern[str] | None = None
    """Shows where a prompt goes in: the agent is up."""
    asks: re.Pattern[str] | None = None
    """Shows that it waits for a person; a dialog that a rule answers goes first."""
    dialogs: tuple[Dialog, ...] = ()


class EventFile(Struct, frozen=True, kw_only=True):
    """Where a program writes its events, one JSON object a line, if not on its terminal."""

    path: str
    """A glob pattern: the file may not be there yet, nor its name be known."""
    mine: Mapping[str, str] = field(default_factory=dict)
    """What the file's first object must say to be this session's, by path."""


class Launch(Struct, frozen=True, kw_only=True):
    """How to start an agent for one attempt."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The whole environment: nothing is inherited beside it."""
    cwd: Path
    files: Mapping[Path, str] = field(default_factory=dict)
    """To be written before the start where they are not there yet (trust, onboarding)."""
    paste: str | None = None
    """Typed into an interactive agent once it is up."""
    screen: ScreenRules | None = None
    event_files: tuple[EventFile, ...] = ()
    leave: str = ""
    """Typed when it has said its last word, so that it leaves by itself."""
    ignores_term: bool = False
    """SIGTERM is a waste of the grace."""
    walls: Walls | None = None
    """None: it may write what this user may."""
    sandbox: Sandbox | None = None
    """Needs `walls`: they say what of the repository is its own."""
    limits: Limits = field(default_factory=Limits)


class Sign(Struct, frozen=True, kw_only=True):
    """Something that an agent's output means. Never raw output."""

    started: bool = False
    note: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)
    final: bool = False
    """Its last event: it has 20 s to leave."""
    taken: bool = False
    """It has the prompt that was typed."""
    follow: str = ""
    """A file in which it writes more events."""


class Exit(Struct, frozen=True, kw_only=True):
    """How the agent's own process ended."""

    code: int | None
    signal: int | None = None
    forced: bool = False
    """We ended it, or what was left of it after its final event."""


class Reader(Protocol):
    """Reads one session's output as it comes. Used by one thread."""

    def feed(self, chunk: bytes) -> Sequence[Sign]: ...

    def told(self, lines: bytes) -> Sequence[Sign]:
        """Whole lines of its event files."""
        ...

    def shown(self, screen: str) -> None:
        """What stands on its screen at the end, where it is emulated."""
        ...

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        """What it all amounts to. Whether anything changed is not known here: git says that later."""
        ...


class Agents(Protocol):
    """The agent programs of a run, by route."""

    def launch(self, order: OpenSession, *, worktree: Path, scratch: Path) -> Launch:
        """`scratch` is a folder of this attempt, outside the worktree: prompt file, outcome file, home.

        Raises `AgentMissing` when the program is not there.
        """
        ...

    def reader(self, order: OpenSession, *, scratch: Path) -> Reader: ...

    def starts_at_spawn(self, route: RouteName) -> bool:
        """This agent gives no first sign of its own: being spawned is its first sign."""
        ...


class AgentMissing(Exception):
    """The program of this route is not installed, or not executable. Its message says what was looked for."""


# ---------------------------------------------------------------- sessions


class Session(Protocol):
    """One agent in one pseudo-terminal, with a thread of its own."""

    def end(self, reason: str, grace_s: float) -> None:
        """Ask its thread to end the whole tree. Returns at once; `SessionEnded` follows."""
        ...

    def belongs(self, asked: LocksAsked) -> bool:
        """The request was made by this session."""
        ...

    def halt(self) -> None:
        """Have all of its processes stand still, those to come too, until `go_on`. Returns at once."""
        ...

    def go_on(self) -> None:
        """Let those go on that `halt` has stopped. Its silence counts from then. Returns at once."""
        ...

    def type(self, text: str, turn: int) -> None:
        """Have it typed, as a prompt or as the answer to what the screen asks. Returns at once; `Typed` follows, unless
        the session ends first."""
        ...


class Sessions(Protocol):
    def open(self, order: OpenSession, launch: Launch, reader: Reader, *, at_spawn: bool, emit: Emit) -> Session:
        """Start it, and return once it is spawned.

        Emits `Spawned`, `GaveSign`, `Progressed`, `WentSilent` and, as its last word, `SessionEnded`: when the
        agent and every process with its mark are gone. Raises `SpawnFailed` when it could not be started.
        """
        ...

    def sweep(self) -> int:
        """End every process with this repository's mark; how many there were."""
        ...

    def close(self) -> None:
        """End what is still there, at once, and wait for the threads."""
        ...


class SpawnFailed(Exception):
    """No terminal, no process: the machine's fault. Its message says which."""


class CommandResult(Struct, frozen=True, kw_only=True):
    code: int
    output: str
    """The end of what it printed, at most 8,000 characters, without terminal escapes."""
    timed_out: bool = False
    cancelled: bool = False
    """We ended it, because the orchestrator is leaving: its code says nothing."""
    not_run: bool = False
    """It could not be run, or not be watched to its end: the machine's fault, and `output` says which.

    Its code is 126, as of a command that exits with that by itself, and says nothing."""


class Commands(Protocol):
    """Runs shell commands of the person's: checks, setup. From any thread; never on a terminal."""

    def run(
        self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, name: str = ""
    ) -> CommandResult:
        """Run it by `/bin/sh -c`, with our own environment, `env` on top, and our mark. `end` knows it by its `name`.

        Its whole process tree is gone when this returns. Output goes to `log`, up to a bound past which the
        command is ended as failed.
        """
        ...

    def end(self, name: str) -> None:
        """End the commands of this name that run now: they come back `cancelled`."""
        ...

    def close(self) -> None:
        """End what runs, at once; later runs come back `cancelled`."""
        ...


# ---------------------------------------------------------------- the repository


class LandedAt(Struct, frozen=True, kw_only=True):
    """It stands on the target already."""

    commit: Commit
    tree: Tree


class Composition(Struct, frozen=True, kw_only=True):
    """One commit on top of another, in the object database."""

    onto: Commit
    onto_tree: Tree
    commit: Commit
    tree: Tree


class Letter(Struct, frozen=True, kw_only=True):
    """What a pull request says."""

    title: str
    body: str
    """Markdown."""


class Brought(Struct, frozen=True, kw_only=True):
    """A pull request that is open."""

    url: str
    """Empty: the command did not say."""
    branch: str
    commit: Commit
    found: bool
    """It was open before."""


class Conflict(Struct, frozen=True, kw_only=True):
    """The merge does not go through by itself."""

    onto: Commit
    onto_tree: Tree
    evidence: str
    beads: tuple[BeadId, ...] = ()
    """Whose landed work, or work that is ahead of it in the train, it conflicts with."""


class Empty(Struct, frozen=True, kw_only=True):
    """What it was to be merged onto has it all already."""

    onto: Commit
    onto_tree: Tree


class Work(Struct, frozen=True, kw_only=True):
    """What was in a worktree, as one commit. Without a commit nothing differs from where it began."""

    commit: Commit | None
    tree: Tree | None = None
    files: tuple[str, ...] = ()


class CheckResult(Struct, frozen=True, kw_only=True):
    passed: bool
    command: str = ""
    output: str = ""


class Place(Struct, frozen=True, kw_only=True):
    """Where an attempt happens."""

    worktree: Path
    scratch: Path
    """A folder of this attempt's own outside the worktree: its prompt, its outcome file."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What its agent is to find in its environment beside what its profile says."""
    walls: Walls | None = None
    """What of the repository is its own; None: nobody has said."""
    walled: bool = False
    """Walls can be made here, and are to be."""


class Predictor(Protocol):
    def foresee(self, order: Foresee) -> tuple[tuple[BeadId, tuple[Guess, ...]], ...]:
        """Files that beads may touch, the likeliest first. One call at a time. Raises `WorkspaceFault`."""
        ...


class Workspaces(Protocol):
    """Worktrees, the keeping of work, and the target branch.

    `prepare`, `save` and `clear` are called from one lane, `compose` and `advance` from another, the rest from any
    thread. Every
    method is safe to call again after a death in its middle.
    """

    def prepare(self, order: OpenSession) -> Path:
        """The worktree to work in. Raises `WorkspaceFault`."""
        ...

    def furnish(self, order: OpenSession) -> Place:
        """Make the prepared worktree fit to work in: `setup` once per worktree. May take minutes.

        Raises `WorkspaceFault` and `Leaving`.
        """
        ...

    def save(self, order: Save) -> Commit | None:
        """Keep everything in it under an attic ref; None: nothing differs from the base. Raises `WorkspaceFault`."""
        ...

    def checkpoint(self, bead: BeadId, number: int) -> Commit | None:
        """Hold what its worktree has now, while its agent is at work; None: that has not changed.

        `save`, `collect` and `clear` of the bead come after it, never beside it. Raises `WorkspaceFault`.
        """
        ...

    def touched(self, order: OpenSession) -> tuple[str, ...]:
        """All files that differ from where the bead began, while its agent is at work. Raises `WorkspaceFault`."""
        ...

    def collect(self, order: Collect) -> Work:
        """Raises `WorkspaceFault`."""
        ...

    def strays(self, order: Save | Collect) -> Sequence[Stray]:
        """What has changed beyond the agent's own ground in the turn that `save` or `collect` has just ended.

        It is put back where that is right; each says what was done. Raises `WorkspaceFault`.
        """
        ...

    def check(self, order: Check) -> CheckResult:
        """Raises `WorkspaceFault` and `Leaving`."""
        ...

    def compose(self, order: Compose) -> Composition | LandedAt | Conflict | Empty:
        """Raises `WorkspaceFault`."""
        ...

    def verify(self, order: Verify) -> CheckResult:
        """The manifest's checks on a composed tree; at once where it has passed them before.

        Raises `WorkspaceFault`, and `Leaving`: also where it was dropped.
        """
        ...

    def drop(self, order: Verify) -> None:
        """Nobody waits for this check any more: end it where it is under way. Returns at once."""
        ...

    def advance(self, order: Advance) -> bool:
        """Move the target. False: it is not where it was to be moved from, and not at its end either.

        Raises `WorkspaceFault`.
        """
        ...

    def follow(self, order: Follow) -> Composition | Conflict | Empty:
        """Merge what is new on the base with the target's tip; no ref moves. Raises `WorkspaceFault`."""
        ...

    def base(self) -> Commit | None:
        """Where the run's base branch is now; None: it has none, or it is gone. Raises `WorkspaceFault`."""
        ...

    def push(self, order: Push) -> Commit:
        """Bring the target to the remote; as what it is there now. May take minutes. Raises `WorkspaceFault`."""
        ...

    def propose(self, order: Propose, letter: Letter) -> Brought:
        """Push a branch, and have a pull request open for it; may take minutes. Raises `WorkspaceFault`, `InDoubt`."""
        ...

    def clear(self, order: Clear) -> None:
        """Raises `WorkspaceFault`; nothing is then removed."""
        ...

    def landed(self, tasks: Mapping[BeadId, str]) -> Mapping[BeadId, Commit]:
        """Those of the given beads that stand on the target with just this task, each with its commit.

        Raises `WorkspaceFault`.
        """
        ...

    def close(self) -> None:
        """Remove what is ours alone: the tree in which merges are checked. Raises `WorkspaceFault`."""
        ...


class WorkspaceFault(Exception):
    """The repository or the disk refused. Its message says what to do."""


class Broken(Exception):
    """A lane failed in a way that nobody foresaw: our own fault. The state is safe; the run can be taken up again."""


class InDoubt(Exception):
    """Whether it happened cannot be known from here. Its message says what to look at."""


class Leaving(Exception):
    """The orchestrator is on its way out, and what was asked for is cut short: it is owed again at the next start."""


# ---------------------------------------------------------------- listeners


class Listener(Protocol):
    """Sees every event once it is committed: logs, progress. Decides nothing; must not raise."""

    def heard(self, event: Event) -> None: ...

    def close(self) -> None:
        """The last event was heard."""
        ...


class Marks(Struct, frozen=True, kw_only=True):
    """What every process of ours carries in its environment, so that it is found whatever became of its group."""

    repository: str
    """The value of ORCHESTRATOR_MARK: names the repository's state folder."""

    def of(self, token: Token) -> Mapping[str, str]:
        return {"ORCHESTRATOR_MARK": self.repository, "ORCHESTRATOR_TOKEN": str(token)}
