"""The task graph: waves, the critical path, collisions of files, and the order in which ready beads are taken.

Knows beads and what they need; knows nothing of attempts or time of day. What is asked of a plan is answered by
networkx; what a run needs at every step is kept beside it in plain tables, so that a run does not pay for networkx's
import (a quarter of a second) before its first agent starts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from orchestrator.core.claims import clashing
from orchestrator.core.model import Bead, BeadId
from orchestrator.core.values import Struct, replace

if TYPE_CHECKING:
    import networkx as nx

DEFAULT_ESTIMATE_S = 600.0
"""What a bead without an estimate is taken to need: only the proportions matter."""

Rank = tuple[int, float, int]
"""Sorts beads into the order in which they are taken: priority, what waits for them longest, place in the file."""


class Collision(Struct, frozen=True, kw_only=True):
    """Two beads that could run side by side, but for their files."""

    one: BeadId
    other: BeadId
    patterns: tuple[str, ...]


class TaskGraph:
    """Beads and their needs. Immutable once made; acyclic by the manifest's validation."""

    def __init__(self, beads: Iterable[Bead]) -> None:
        self.beads: dict[BeadId, Bead] = {bead.id: bead for bead in beads}
        self._dependents: dict[BeadId, list[BeadId]] = {bead: [] for bead in self.beads}
        for bead in self.beads.values():
            for need in bead.needs:
                self._dependents[need].append(bead.id)
        self._tails = self._longest_tails()
        self.ranks: dict[BeadId, Rank] = {
            bead.id: (bead.priority, -self._tails[bead.id], place) for place, bead in enumerate(self.beads.values())
        }

    def with_priority(self, bead: BeadId, priority: int) -> TaskGraph:
        """The same graph, but for the priority of one bead."""
        changed = copy(self)
        changed.beads = {**self.beads, bead: replace(self.beads[bead], priority=priority)}
        changed.ranks = {**self.ranks, bead: (priority, *self.ranks[bead][1:])}
        return changed

    def needs(self, bead: BeadId) -> Iterable[BeadId]:
        return self.beads[bead].needs

    def dependents(self, bead: BeadId) -> Iterable[BeadId]:
        """What needs this bead directly."""
        return self._dependents[bead]

    def unblocks_s(self, bead: BeadId) -> float:
        """Seconds of the longest chain of work that waits for this bead."""
        return self._tails[bead] - self.estimate_s(bead)

    def estimate_s(self, bead: BeadId) -> float:
        given = self.beads[bead].estimate_s
        return DEFAULT_ESTIMATE_S if given is None else given

    @cached_property
    def _graph(self) -> nx.DiGraph[BeadId]:
        import networkx as nx

        graph: nx.DiGraph[BeadId] = nx.DiGraph()
        graph.add_nodes_from(self.beads)
        graph.add_edges_from((need, bead.id) for bead in self.beads.values() for need in bead.needs)
        return graph

    def waves(self) -> list[list[BeadId]]:
        """Beads by the length of the longest chain of needs before them, each wave in the order of its ranks."""
        import networkx as nx

        return [sorted(wave, key=self.ranks.__getitem__) for wave in nx.topological_generations(self._graph)]

    def critical_path(self) -> list[BeadId]:
        """The chain that takes longest: no number of workers makes the night shorter than this."""
        if not self.beads:
            return []
        at = max(self.beads, key=lambda bead: (self._tails[bead], -self.ranks[bead][2]))
        path = [at]
        while following := self._dependents[at]:
            at = max(following, key=lambda bead: (self._tails[bead], -self.ranks[bead][2]))
            path.append(at)
        return path

    def critical_seconds(self) -> float:
        return max(self._tails.values(), default=0.0)

    def width(self) -> int:
        """The largest wave: more workers than this rarely help."""
        return max(map(len, self.waves()), default=0)

    def collisions(self) -> list[Collision]:
        """Pairs that no need keeps apart and whose files could meet, in the order of the file.

        Costs the square of the number of beads that name files; meant for `plan`, not for the scheduler.
        """
        import networkx as nx

        naming = [bead for bead in self.beads.values() if bead.files]
        found = []
        ancestors: Mapping[BeadId, set[BeadId]] = {bead.id: nx.ancestors(self._graph, bead.id) for bead in naming}
        for place, one in enumerate(naming):
            for other in naming[place + 1 :]:
                patterns = colliding(one, other)
                if patterns and one.id not in ancestors[other.id] and other.id not in ancestors[one.id]:
                    found.append(Collision(one=one.id, other=other.id, patterns=patterns))
        return found

    def _longest_tails(self) -> dict[BeadId, float]:
        """Seconds from a bead's start to the end of the longest chain that begins with it."""
        tails: dict[BeadId, float] = {}
        for bead in TopologicalSorter(self._dependents).static_order():
            below = max((tails[following] for following in self._dependents[bead]), default=0.0)
            tails[bead] = self.estimate_s(bead) + below
        return tails


def colliding(one: Bead, other: Bead) -> tuple[str, ...]:
    """The patterns over which two beads collide, each once, in the order they were written."""
    return clashing(one.files, other.files)


def backoff(first_s: float, failures: int, most_s: float, dice: int) -> float:
    """The wait before the next try: doubled for each failure in a row, and spread by up to a quarter.

    `dice` decides the spread: a token, so that the same history waits the same time while neighbours do not.
    """
    doubled = first_s * 2.0 ** min(max(failures - 1, 0), 40)
    return min(most_s, doubled) * (1.0 + 0.25 * spread(dice)) if math.isfinite(doubled) else most_s


def spread(dice: int) -> float:
    """From 0 to 1: the same for the same token, another for its neighbours."""
    return (dice * 2654435761 % 2**32) / 2**32
