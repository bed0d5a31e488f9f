"""One thread that does one thing at a time, the urgent ones first."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from enum import IntEnum


class Urgency(IntEnum):
    """What somebody waits for comes before what only tidies up."""

    NOW = 0
    LATER = 1


class Lane:
    """`watch` is told of what a piece of work raised: from the lane's own thread."""

    def __init__(self, name: str, watch: Callable[[BaseException], None]) -> None:
        self._watch = watch
        self._waiting: list[tuple[Urgency, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def submit(self, work: Callable[[], None], urgency: Urgency = Urgency.NOW) -> None:
        """In turn among those of the same urgency. Dropped when the lane is closed."""
        with self._changed:
            if not self._closed:
                heapq.heappush(self._waiting, (urgency, next(self._count), work))
                self._changed.notify()

    def close(self) -> None:
        """Let what is under way end, drop the rest, and wait for the thread."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                _, _, work = heapq.heappop(self._waiting)
            try:
                work()
            except BaseException as fault:  # whatever it is, the control thread must hear of it
                self._watch(fault)
