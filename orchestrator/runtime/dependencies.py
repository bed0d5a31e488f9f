"""Folders that a tool makes from a lock file, and that every worktree needs: `node_modules` and the like."""

from __future__ import annotations

from orchestrator.core.values import Struct


class Dependency(Struct, frozen=True, kw_only=True):
    folder: str
    """Relative to the top of a worktree; git ignores it."""
    lock: tuple[str, ...]
    """Files that say all of what is in it, relative to the top."""
    make: tuple[str, ...]
    """Commands that make it."""
    link: bool = False
    """Its files may be one and the same in all worktrees: nothing writes into them."""
