"""The beat by which sessions and the machine are measured: a thread that looks every so often at all of them.

Samples are no events: the newest of each is put where readers find it, and told to the core, which makes an event only
of what crosses a threshold. So a night of weeks does not grow by them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from orchestrator.core.messages import Sampled
from orchestrator.core.model import Host, Room, Sample
from orchestrator.runtime.ports import Clock, Emit

EVERY_S = 10.0
"""A third of the time within which a worker that fails is to be known."""


class Pulse:
    """`keep` shows samples to readers; `also` is done at each beat; `broke` hears what nobody foresaw."""

    def __init__(
        self,
        measure: Callable[[], tuple[Sample, ...]],
        host: Callable[[], Host],
        room: Callable[[], Room],
        *,
        keep: Callable[[Sampled], None],
        clock: Clock,
        emit: Emit,
        broke: Callable[[BaseException], None],
        also: Callable[[], None] = lambda: None,
        every_s: float = EVERY_S,
    ) -> None:
        self._measure = measure
        self._host = host
        self._room = room
        self._keep = keep
        self._clock = clock
        self._emit = emit
        self._broke = broke
        self._also = also
        self._every_s = every_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closed.wait(self._every_s):
                at, samples = self._clock.now(), self._measure()
                told = Sampled(at=at, samples=samples, host=self._host(), room=self._room())
                self._keep(told)
                self._emit(told)
                self._also()
        except BaseException as fault:  # whatever it is, the control thread must hear of it
            self._broke(fault)
