"""Who holds something near a path: so that a claim is held against the few that it could meet, and not against all.

Two patterns can only meet where the plain beginning of one is above the other's, or is it. Knows paths by
`patterns.beginning` alone; whether two patterns do meet is `claims.clash`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.core.model import BeadId, Claim
from orchestrator.core.patterns import beginning


@dataclass(slots=True)
class Places:
    at: dict[str, dict[BeadId, int]] = field(default_factory=dict)
    """By the beginning of a pattern: who holds how many such."""
    below: dict[str, dict[BeadId, int]] = field(default_factory=dict)
    """By a path: who holds how many patterns that begin there or below."""

    def count(self, bead: BeadId, claims: Iterable[Claim], more: int) -> None:
        for path in map(_path, claims):
            _count(self.at, path, bead, more)
            for place in _and_above(path):
                _count(self.below, place, bead, more)

    def near(self, claims: Iterable[Claim]) -> dict[BeadId, None]:
        """Who holds something that these could meet."""
        found: dict[BeadId, None] = {}
        for path in dict.fromkeys(map(_path, claims)):
            found.update(dict.fromkeys(self.below.get(path, ())))
            for place in _and_above(path):
                found.update(dict.fromkeys(self.at.get(place, ())))
        return found


@dataclass(slots=True)
class Nearby:
    """All claims that are held, and beside them those that are not shared: two shared ones never clash."""

    every: Places = field(default_factory=Places)
    exclusive: Places = field(default_factory=Places)

    def add(self, bead: BeadId, claims: Sequence[Claim]) -> None:
        self.every.count(bead, claims, 1)
        self.exclusive.count(bead, _exclusive(claims), 1)

    def remove(self, bead: BeadId, claims: Sequence[Claim]) -> None:
        self.every.count(bead, claims, -1)
        self.exclusive.count(bead, _exclusive(claims), -1)

    def of(self, claims: Sequence[Claim]) -> dict[BeadId, None]:
        """Who holds something that these could clash with."""
        shared = [claim for claim in claims if claim.shared]
        return self.every.near(_exclusive(claims)) | self.exclusive.near(shared)


def _exclusive(claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if not claim.shared]


def _path(claim: Claim) -> str:
    return beginning(claim.pattern)


def _and_above(path: str) -> Iterator[str]:
    """The path, each folder above it, and the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _count(index: dict[str, dict[BeadId, int]], path: str, bead: BeadId, more: int) -> None:
    there = index.setdefault(path, {})
    there[bead] = there.get(bead, 0) + more
    if not there[bead]:
        del there[bead]
        if not there:
            del index[path]
