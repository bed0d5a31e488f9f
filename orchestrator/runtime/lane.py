"""One thread that does one thing at a time, the urgent ones first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from enum import IntEnum


class Urgency(IntEnum):
    """What somebody waits for comes before what only tidies up."""

    NOW = 0
    LATER = 1


PATIENCE = 8


class Lane:
    """`watch` is told of what a piece of work raised: from the lane's own thread.

    What can wait does not wait for ever: where more than `PATIENCE` pieces of it have gathered, every other turn is
    theirs.
    """

    def __init__(self, name: str, watch: Callable[[BaseException], None]) -> None:
        self._watch = watch
        self._waiting: dict[Urgency, deque[Callable[[], None]]] = {urgency: deque() for urgency in Urgency}
        self._last = Urgency.LATER
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def submit(self, work: Callable[[], None], urgency: Urgency = Urgency.NOW) -> None:
        """In turn among those of the same urgency. Dropped when the lane is closed."""
        with self._changed:
            if not self._closed:
                self._waiting[urgency].append(work)
                self._changed.notify()

    def close(self) -> None:
        """Let what is under way end, drop the rest, and wait for the thread."""
        with self._changed:
            self._closed = True
            for waiting in self._waiting.values():
                waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(self._waiting.values()) or self._closed)
                if self._closed:
                    return
                self._last = self._turn()
                work = self._waiting[self._last].popleft()
            try:
                work()
            except BaseException as fault:  # whatever it is, the control thread must hear of it
                self._watch(fault)

    def _turn(self) -> Urgency:
        gathered = len(self._waiting[Urgency.LATER])
        if gathered and (not self._waiting[Urgency.NOW] or (gathered > PATIENCE and self._last is Urgency.NOW)):
            return Urgency.LATER
        return Urgency.NOW
