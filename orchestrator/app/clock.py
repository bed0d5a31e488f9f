"""The clock of this machine: the one place that asks what time it is."""

from __future__ import annotations

import time


class SystemClock:
    def now(self) -> float:
        return time.time()
