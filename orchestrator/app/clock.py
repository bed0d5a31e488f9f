"""The clock of this machine: the one place that asks what time it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class SystemClock:
    """Never goes back. Where the machine's is set back, this one goes on at its pace until that is set right again."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.RLock()  # a signal handler asks for the time as well
        self._told, self._told_at = 0.0, steady()

    def now(self) -> float:
        with self._lock:
            steady = self._steady()
            self._told = max(self._wall(), self._told + steady - self._told_at if self._is_behind() else self._told)
            self._told_at = steady
            return self._told

    def go_on_from(self, at: float) -> None:
        """What is known already happened until then, by a clock that was set back since."""
        with self._lock:
            self._told = max(self._told, at)

    def _is_behind(self) -> bool:
        return self._wall() < self._told
