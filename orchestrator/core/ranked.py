"""Beads of which only the first few by rank are asked for: what that costs grows with those, not with all."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from orchestrator.core.graph import Rank
from orchestrator.core.model import BeadId


@dataclass(slots=True)
class Ranked:
    ranks: dict[BeadId, Rank] = field(default_factory=dict)
    heap: list[tuple[Rank, BeadId]] = field(default_factory=list, compare=False)
    """Whoever is in it, and what dropped ones have left behind."""

    def __len__(self) -> int:
        return len(self.ranks)

    def __contains__(self, bead: BeadId) -> bool:
        return bead in self.ranks

    def add(self, bead: BeadId, rank: Rank) -> None:
        if self.ranks.get(bead) != rank:
            self.ranks[bead] = rank
            heapq.heappush(self.heap, (rank, bead))

    def drop(self, bead: BeadId) -> None:
        self.ranks.pop(bead, None)

    def first(self, most: int) -> tuple[BeadId, ...]:
        found: dict[BeadId, Rank] = {}
        while self.heap:
            rank, bead = self.heap[0]
            if self.ranks.get(bead) == rank and bead not in found:
                if len(found) == most:
                    break
                found[bead] = rank
            heapq.heappop(self.heap)
        for bead, rank in found.items():
            heapq.heappush(self.heap, (rank, bead))
        return tuple(found)
