"""Collisions of unfinished work: the signal of one, and the events that it leads to."""

from __future__ import annotations

from orchestrator.core.messages.events import Event
from orchestrator.core.messages.signals import Signal
from orchestrator.core.model import BeadId, Collisions, Commit, Token


class Collided(Signal, frozen=True, kw_only=True):
    """Two worktrees with agents in them do not merge as their checkpoints stand; or one of them with the target."""

    token: Token
    commit: Commit
    other: Token | None
    """None: the target."""
    against: Commit
    """The checkpoint of the other one, or the target's tip."""
    paths: tuple[str, ...]


class CollisionSeen(Event, frozen=True, kw_only=True):
    """Once for each two and for paths of theirs that were not in one before."""

    token: Token
    """Of the later one, which is told or put back."""
    bead: BeadId
    other: BeadId
    """Empty: the target."""
    paths: tuple[str, ...]
    commit: Commit
    against: Commit
    answer: Collisions
    text: str = ""
    """What is typed into its session; empty: nothing can be."""


class CollisionTold(Event, frozen=True, kw_only=True):
    """Its agent asked something, and heard of its collisions in the answer."""

    token: Token
    bead: BeadId
