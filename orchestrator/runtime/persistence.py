"""Persistence with a store that cannot be written for a while: a full disk, one that was remounted read-only.

Nothing is acted upon that is not committed, so all there is to do is to wait, and to ask again with the very same
events. Agents go on meanwhile; what they tell waits in the inbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from orchestrator.core import messages as m
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import Request, Store, StoreFull, StoreReadOnly

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 10.0

Answer = TypeVar("Answer")


class Waited(Struct, frozen=True, kw_only=True):
    """A wait that is over."""

    seconds: float
    reason: str


class PatientStore:
    def __init__(self, store: Store, *, wait: Callable[[float], bool], say: Callable[[str], None]) -> None:
        """`wait` takes so many seconds, and less when somebody wants us to leave: then it says True, and the fault is
        raised."""
        self._store = store
        self._wait = wait
        self._say = say
        self._over: list[Waited] = []

    def begin(self, events: Sequence[m.Event]) -> None:
        """Without patience: whoever has just begun the run is there to make room. Raises `StoreFault`."""
        self._store.append(events)

    def append(self, events: Sequence[m.Event]) -> None:
        self._insist(lambda: self._store.append(events))

    def requests(self) -> Sequence[Request]:
        return self._insist(self._store.requests)

    def beat(self, at: float) -> None:
        self._insist(lambda: self._store.beat(at))

    def tidy(self) -> None:
        self._insist(self._store.tidy)

    def waited(self) -> Waited | None:
        """The next wait that is over and was not told of yet."""
        return self._over.pop(0) if self._over else None

    def _insist(self, work: Callable[[], Answer]) -> Answer:
        """Raises `StoreFault`: at once where waiting does not help."""
        begun, wait_s, reason = time.monotonic(), FIRST_WAIT_S, ""
        while True:
            try:
                answer = work()
            except (StoreFull, StoreReadOnly) as fault:
                if not reason:
                    reason = str(fault)
                    self._say(f"{reason}. Nothing is decided until then; agents go on, and so does the run, by itself")
                if self._wait(wait_s):
                    raise
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                if reason:
                    waited = Waited(seconds=round(time.monotonic() - begun, 3), reason=reason)
                    self._over.append(waited)
                    self._say(f"the state can be written again, after {waited.seconds:.0f} s: the run goes on")
                return answer
