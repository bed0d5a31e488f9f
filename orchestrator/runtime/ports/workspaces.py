"""Worktrees and what is done in them, from preparing one to clearing it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.core.messages import (
    Advance,
    Check,
    Clear,
    Collect,
    Compose,
    Follow,
    Foresee,
    OpenSession,
    Propose,
    Push,
    Save,
    Verify,
)
from orchestrator.core.model import BeadId, Commit, Guess, Stray, Tree
from orchestrator.core.values import Struct, field
from orchestrator.runtime.confinement import Walls
from orchestrator.runtime.ports.landing import Brought, CheckResult, Composition, Conflict, Empty, LandedAt, Letter


class Work(Struct, frozen=True, kw_only=True):
    """What was in a worktree, as one commit. Without a commit nothing differs from where it began."""

    commit: Commit | None
    tree: Tree | None = None
    files: tuple[str, ...] = ()


class Overlap(Struct, frozen=True, kw_only=True):
    """Two commits that git does not merge by itself."""

    one: Commit
    other: Commit
    """Another checkpoint, or the target's tip."""
    paths: tuple[str, ...]
    target: Commit


class Look(Struct, frozen=True, kw_only=True):
    found: tuple[Overlap, ...] = ()
    more: bool = False
    """There was more to be looked at than is done at a time."""


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

    def collisions(self, checkpoints: Sequence[Commit]) -> Look:
        """What of these, the newest first, does not merge with each other or with the target, and was not told before.

        One call at a time. Raises `WorkspaceFault`.
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
