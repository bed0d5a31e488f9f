"""Ready beads in the order in which they are to be taken.

Beads that ask for the same routes and the same files wait in one line; only the heads of lines are compared. A
line whose head cannot start now is set aside behind what it waits for (somebody's locks, a breaker) and costs
nothing until that goes away: so the cost of a decision grows with what an event touches, not with the graph.
Setting aside is a memory of an answer, not state: a replayed queue simply asks again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable

from orchestrator.core.graph import Rank
from orchestrator.core.model import BeadId

Line = Hashable
Barrier = Hashable


class ReadyQueue:
    def __init__(self) -> None:
        self._lines: dict[Line, list[tuple[Rank, BeadId]]] = {}
        self._line_of: dict[BeadId, Line] = {}
        self._rank_of: dict[BeadId, Rank] = {}
        self._heads: list[tuple[Rank, BeadId]] = []
        self._aside: dict[Line, tuple[Barrier, ...]] = {}
        self._behind: dict[Barrier, dict[Line, None]] = {}

    def __len__(self) -> int:
        return len(self._line_of)

    def __contains__(self, bead: BeadId) -> bool:
        return bead in self._line_of

    def add(self, bead: BeadId, rank: Rank, line: Line) -> None:
        self.drop(bead)
        self._line_of[bead], self._rank_of[bead] = line, rank
        heapq.heappush(self._lines.setdefault(line, []), (rank, bead))
        self._show_head(line)

    def drop(self, bead: BeadId) -> None:
        line = self._line_of.pop(bead, None)
        self._rank_of.pop(bead, None)
        if line is not None:
            self._show_head(line)

    def best(self, barriers: Callable[[BeadId], tuple[Barrier, ...]]) -> BeadId | None:
        """The first bead that nothing keeps; each line that something keeps is set aside behind it."""
        while self._heads:
            rank, bead = self._heads[0]
            line = self._line_of.get(bead)
            if line is None or line in self._aside or self._lines[line][0] != (rank, bead):
                heapq.heappop(self._heads)
                continue
            kept_by = barriers(bead)
            if not kept_by:
                return bead
            heapq.heappop(self._heads)
            self._aside[line] = kept_by
            for barrier in kept_by:
                self._behind.setdefault(barrier, {})[line] = None
        return None

    def release(self, barrier: Barrier) -> None:
        """What was kept by this is asked again."""
        for line in self._behind.pop(barrier, {}):
            for other in self._aside.pop(line, ()):
                if other in self._behind:
                    self._behind[other].pop(line, None)
            self._show_head(line)

    def _show_head(self, line: Line) -> None:
        waiting = self._lines[line]
        while waiting and not self._stands(line, *waiting[0]):
            heapq.heappop(waiting)
        if not waiting:
            del self._lines[line]
            for barrier in self._aside.pop(line, ()):
                self._behind.get(barrier, {}).pop(line, None)
        elif line not in self._aside:
            heapq.heappush(self._heads, waiting[0])

    def _stands(self, line: Line, rank: Rank, bead: BeadId) -> bool:
        """Whether an entry is the bead's own, not one that it has left behind."""
        return self._line_of.get(bead) == line and self._rank_of[bead] == rank
