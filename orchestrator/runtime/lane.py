"""One thread that does one thing at a time, the urgent ones first."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum


class Urgency(IntEnum):
    """What somebody waits for comes before what only tidies up."""

    NOW = 0
    LATER = 1


PATIENCE = 8
QUIET_S = 0.1
"""Urgent work comes in bursts: agents that began together end together, and what needs them starts together."""


class Lane:
    """`watch` is told of what a piece of work raised: from the lane's own thread.

    What can wait is begun where nothing urgent came for `quiet_s` seconds. It does not wait for ever: where more than
    `PATIENCE` pieces of it have gathered, every other turn is theirs.
    """

    def __init__(self, name: str, watch: Callable[[BaseException], None], *, quiet_s: float = QUIET_S) -> None:
        self._watch = watch
        self._quiet_s = quiet_s
        self._quiet_at = 0.0
        """When it will be quiet, by the monotonic clock, unless something urgent comes."""
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
                if urgency is Urgency.NOW:
                    self._quiet_at = time.monotonic() + self._quiet_s
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
                while not self._closed and (turn := self._turn()) is None:
                    tidying = bool(self._waiting[Urgency.LATER])
                    self._changed.wait(max(self._quiet_at - time.monotonic(), 0.0) if tidying else None)
                if self._closed or turn is None:
                    return
                self._last = turn
                work = self._waiting[turn].popleft()
            try:
                work()
            except BaseException as fault:  # whatever it is, the control thread must hear of it
                self._watch(fault)

    def _turn(self) -> Urgency | None:
        """Whose turn it is; None: nobody's yet."""
        gathered, urgent = len(self._waiting[Urgency.LATER]), bool(self._waiting[Urgency.NOW])
        if gathered > PATIENCE and (not urgent or self._last is Urgency.NOW):
            return Urgency.LATER
        if urgent:
            return Urgency.NOW
        return Urgency.LATER if gathered and time.monotonic() >= self._quiet_at else None
