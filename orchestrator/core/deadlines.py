"""Times at which something is due, by what it is due for. Setting, dropping and asking cost a logarithm."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0

    def set(self, key: K, at: float) -> None:
        self._due[key] = at
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, key))

    def drop(self, key: K) -> None:
        self._due.pop(key, None)

    def at(self, key: K) -> float | None:
        """When it is due; None: never."""
        return self._due.get(key)

    def next(self) -> float | None:
        """The earliest; None when nothing is due ever."""
        self._prune()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[K]:
        """What is due by now, earliest first. Each must be dropped or set anew before the next is asked for."""
        while True:
            self._prune()
            if not self._heap or self._heap[0][0] > now:
                return
            at, _, key = self._heap[0]
            yield key
            if self._due.get(key) == at:
                raise AssertionError(f"the deadline of {key} was not dealt with")

    def _prune(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
