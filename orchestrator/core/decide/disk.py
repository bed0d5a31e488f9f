"""A floor of free disk: below it nothing new starts, and what waits goes on by itself once there is room.

Where nothing can be written at all, nothing can be decided either: that it was so is written down afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.state import State


def measured(state: State, signal: m.DiskMeasured) -> Iterator[m.Event]:
    floor = state.policy.disk_floor
    if state.disk_low is None and signal.free < floor:
        yield m.DiskRanLow(at=signal.at, free=signal.free, floor=floor)
    elif state.disk_low is not None and signal.free >= floor:
        yield m.DiskFreed(at=signal.at, free=signal.free)


def waited(state: State, signal: m.StoreWaited) -> Iterator[m.Event]:
    yield m.WritingResumed(at=signal.at, seconds=signal.seconds, reason=signal.reason)
