"""A whole process tree that stands still, and goes on later as if nothing had been.

Knows signals and the tree. Does not know why. What the agent itself had stopped stays so.
"""

from __future__ import annotations

import signal
import time

from orchestrator.sessions.processes import read_row, send
from orchestrator.sessions.tree import Tree

AGAIN_S = 1.0
"""A process may start another one in the very moment in which it is stopped."""
SETTLED_S = 10.0
"""How often it is looked whether somebody let one go on, once all stand still."""


class Halt:
    """For one thread: the session's own."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._held: set[tuple[int, int]] = set()
        self.under_way = False
        self.due = 0.0
        """When to look again (monotonic)."""

    def hold(self, now: float) -> None:
        """Stop what runs, when it is due."""
        if self.under_way and now < self.due:
            return
        self.under_way = True
        moving = [row for row in self._tree.look(time.monotonic()) if not row.stopped]
        for row in moving:
            try:
                if send(row, signal.SIGSTOP):
                    self._held.add(row.name)
            except PermissionError:
                continue  # another user's: it goes on, and is no worse than before
        self.due = now + (AGAIN_S if moving else SETTLED_S)

    def release(self) -> None:
        """Let go on what we have stopped."""
        for name in self._held:
            row = read_row(name[0])
            if row is not None and row.name == name:
                send(row, signal.SIGCONT)
        self._held.clear()
        self.under_way = False
