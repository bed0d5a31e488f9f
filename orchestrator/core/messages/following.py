"""Signals and events of the base branch, and of taking what is new on it into the target."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Signal
from orchestrator.core.model import Commit, Tree


class BaseSeen(Signal, frozen=True, kw_only=True):
    """Where the branch is that the target began on."""

    commit: Commit


class Followed(Signal, frozen=True, kw_only=True):
    """The base's new commits are merged with the target as it is: no ref has moved."""

    base: Commit
    turn: int
    onto: Commit
    onto_tree: Tree
    commit: Commit
    tree: Tree


class NotFollowed(Signal, frozen=True, kw_only=True):
    """They conflict; or, with neither conflict nor fault, the target has all of it already."""

    base: Commit
    turn: int
    conflict: str = ""
    fault: str = ""
    """Why it could not be tried."""


class BaseMoved(Event, frozen=True, kw_only=True):
    """Somebody moved the branch that the target began on."""

    old: Commit
    new: Commit


class BaseComposed(Event, frozen=True, kw_only=True):
    """The target, with the base's new commits: until it is known whether that is green, nothing else lands."""

    base: Commit
    onto: Commit
    onto_tree: Tree
    commit: Commit
    """A merge; or the base's own commit, where nothing has landed yet."""
    tree: Tree


class BaseChecked(Event, frozen=True, kw_only=True):
    tree: Tree
    passed: bool
    command: str = ""
    """The one that failed."""
    output: str = ""


class BaseTaken(Event, frozen=True, kw_only=True):
    """The target has all of it."""

    base: Commit
    commit: Commit | None = None
    """As which it stands there; None: it had all of it before."""
    tree: Tree | None = None
    checks: tuple[str, ...] = ()


class BaseRefused(Event, frozen=True, kw_only=True):
    """It conflicts with what has landed, or fails its checks together with it: the target goes on without it."""

    base: Commit
    reason: str
    evidence: str = ""


class BaseDelayed(Event, frozen=True, kw_only=True):
    """It could not be tried now. Landings go on."""

    reason: str
    until: float


class BaseWoke(Event, frozen=True, kw_only=True):
    """It is tried again."""
