"""What became of a composition, a check or a proposal."""

from __future__ import annotations

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct


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


class CheckResult(Struct, frozen=True, kw_only=True):
    passed: bool
    command: str = ""
    output: str = ""
