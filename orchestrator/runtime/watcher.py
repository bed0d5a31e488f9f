"""Looks at worktrees while agents work in them, for files that their beads hold no lock for.

Knows when to look, not what to make of it: policy does. One thread for all worktrees, one after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from orchestrator.core.messages import OpenSession, Touched
from orchestrator.core.model import Token
from orchestrator.runtime.ports import Clock, Emit, WorkspaceFault


class Watcher:
    """`every_s` from the end of one round to the next; 0: nothing is looked at. `broke` hears what nobody foresaw."""

    def __init__(
        self, touched: Callable[[OpenSession], tuple[str, ...]], *, every_s: float, clock: Clock, emit: Emit,
        broke: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._touched = touched
        self._every_s = every_s
        self._clock = clock
        self._emit = emit
        self._broke = broke
        self._guard = threading.Lock()
        self._orders: dict[Token, OpenSession] = {}
        self._told: dict[Token, tuple[str, ...]] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, order: OpenSession) -> None:
        """Its agent is at work."""
        if self._every_s <= 0.0:
            return
        with self._guard:
            self._orders[order.token] = order
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
                self._thread.start()

    def end(self, token: Token) -> None:
        with self._guard:
            self._orders.pop(token, None)
            self._told.pop(token, None)

    def close(self) -> None:
        self._closed.set()
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while not self._closed.wait(self._every_s):
                with self._guard:
                    orders = list(self._orders.values())
                for order in orders:
                    self._look(order)
        except BaseException as fault:  # whatever it is, the control thread must hear of it
            self._broke(fault)

    def _look(self, order: OpenSession) -> None:
        if self._closed.is_set():
            return
        with suppress(WorkspaceFault):  # an agent may be in the middle of anything; the last look is the collection's
            files = self._touched(order)
            with self._guard:
                news = order.token in self._orders and files != self._told.get(order.token, ())
                if news:
                    self._told[order.token] = files
            if news:
                self._emit(Touched(at=self._clock.now(), token=order.token, files=files))
