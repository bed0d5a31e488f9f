"""Who holds which files, who waits for more, and for whom: a side view that events move on.

Whom a bead waits for is kept exact at every change, so that a deadlock is seen in the very decision that closes it.
Knows no policy: who is to give way is `decide.locks`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.core.claims import added, clash, lacking
from orchestrator.core.model import BeadId, Claim, Token
from orchestrator.core.nearby import Nearby
from orchestrator.core.values import Struct


class Wait(Struct, frozen=True, kw_only=True):
    """A bead at work that wants more than it holds."""

    token: Token
    claims: tuple[Claim, ...]
    since: float
    requests: tuple[int, ...] = ()
    """Who is to be told when it is over."""
    until: float | None = None


@dataclass(slots=True)
class Locks:
    held: dict[BeadId, tuple[Claim, ...]] = field(default_factory=dict)
    waits: dict[BeadId, Wait] = field(default_factory=dict)
    """In the order in which they began."""
    blockers: dict[BeadId, dict[BeadId, None]] = field(default_factory=dict)
    """Whom each waiting bead waits for: exactly those who hold what it wants."""
    nearby: Nearby = field(default_factory=Nearby)
    guesses: dict[BeadId, tuple[Claim, ...]] = field(default_factory=dict)
    """What of it is held only because it was predicted, and has not been seen to be touched."""

    def against(self, bead: BeadId, claims: Sequence[Claim]) -> Iterator[BeadId]:
        """Who else holds something of this."""
        for holder in self.nearby.of(claims):
            if holder != bead and clash(claims, self.held[holder]):
                yield holder

    def firm(self, bead: BeadId) -> tuple[Claim, ...]:
        """What it holds because it is known to need it."""
        guesses = self.guesses.get(bead, ())
        return tuple(claim for claim in self.held.get(bead, ()) if claim not in guesses)

    def wanting(self, bead: BeadId, claims: Sequence[Claim]) -> BeadId | None:
        """Who else at work waits for something of this."""
        if claims:
            for waiter, wait in self.waits.items():
                if waiter != bead and clash(claims, wait.claims):
                    return waiter
        return None

    def grantable(self) -> BeadId | None:
        """Who waits for nobody any more, the longest waiting first."""
        return next((bead for bead in self.waits if not self.blockers[bead]), None)

    def hold(self, bead: BeadId, claims: tuple[Claim, ...]) -> None:
        self._forget(bead)
        self.held[bead] = added(self.held.get(bead, ()), claims)
        self.nearby.add(bead, self.held[bead])
        for waiter, wait in self.waits.items():
            if waiter != bead and bead not in self.blockers[waiter] and clash(claims, wait.claims):
                self.blockers[waiter][bead] = None

    def guess(self, bead: BeadId, claims: Sequence[Claim]) -> None:
        """Of what it holds, this is no more than likely to be needed."""
        self.guesses[bead] = added(self.guesses.get(bead, ()), claims)

    def confirm(self, bead: BeadId, claims: Sequence[Claim]) -> None:
        """It is known to need these: what they cover is no guess any more."""
        if bead in self.guesses:
            self.guesses[bead] = lacking(self.guesses[bead], claims)

    def give_up(self, bead: BeadId, claims: Sequence[Claim]) -> None:
        """Of what it holds, this. Whoever waited for nothing else of it waits for it no longer."""
        self._forget(bead)
        self.held[bead] = left = tuple(claim for claim in self.held[bead] if claim not in claims)
        self.guesses[bead] = tuple(claim for claim in self.guesses.get(bead, ()) if claim not in claims)
        self.nearby.add(bead, left)
        for waiter, blockers in self.blockers.items():
            if bead in blockers and not clash(self.waits[waiter].claims, left):
                del blockers[bead]

    def wait(self, bead: BeadId, wait: Wait) -> None:
        """In the place of its earlier wait, where it has one."""
        self.waits[bead] = wait
        self.blockers[bead] = dict.fromkeys(self.against(bead, wait.claims))

    def stop_waiting(self, bead: BeadId) -> bool:
        """Whether it did."""
        self.blockers.pop(bead, None)
        return self.waits.pop(bead, None) is not None

    def release(self, bead: BeadId) -> bool:
        """All that it holds, and its wait. Whether it held anything, or waited."""
        for blockers in self.blockers.values():
            blockers.pop(bead, None)
        waited = self.stop_waiting(bead)
        self._forget(bead)
        self.guesses.pop(bead, None)
        return self.held.pop(bead, None) is not None or waited

    def _forget(self, bead: BeadId) -> None:
        self.nearby.remove(bead, self.held.get(bead, ()))

    def cycle(self, bead: BeadId) -> list[BeadId]:
        """Beads of which each waits for the next and the last for the first, found from this one; empty: none."""
        if not any(blocker in self.waits for blocker in self.blockers.get(bead, ())):
            return []  # who waits for nobody is in no ring; and networkx takes its time to load
        import networkx as nx

        graph: nx.DiGraph[BeadId] = nx.DiGraph()
        for waiter, blockers in self.blockers.items():
            graph.add_edges_from((waiter, blocker) for blocker in blockers)
        try:
            return [edge[0] for edge in nx.find_cycle(graph, source=bead)]
        except nx.NetworkXNoCycle:
            return []
