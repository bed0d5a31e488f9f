"""The beat of checkpoints: each worktree with an agent in it, every so often, and before the agent is ended.

One thread for all of them, one after the other, so that a hundred workers cost no more at any moment than one. Knows
when one is due, not how it is taken. A failure is told where it comes twice in a row: an agent may be in the middle of
anything when its files are read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from orchestrator.core.messages import Checkpointed, OpenSession
from orchestrator.core.model import BeadId, Commit, Token
from orchestrator.runtime.ports import Clock, Emit, WorkspaceFault

BEFORE_END_S = 2.0
"""How long the end of an agent waits for its checkpoint at most."""


class Checkpoints:
    """`every_s` from one look at a worktree to the next; 0: none is taken.

    `made` hears of each, `broke` what nobody foresaw.
    """

    def __init__(
        self, take: Callable[[BeadId, int], Commit | None], *, every_s: float, clock: Clock, emit: Emit,
        broke: Callable[[BaseException], None], made: Callable[[Token, Commit], None] = lambda token, commit: None,
    ) -> None:  # fmt: skip
        self._take = take
        self._every_s = every_s
        self._clock = clock
        self._emit = emit
        self._broke = broke
        self._made = made
        self._changed = threading.Condition()
        self._orders: dict[Token, OpenSession] = {}
        self._due: dict[Token, float] = {}
        """Monotonic; the soonest first."""
        self._ends: dict[Token, threading.Timer] = {}
        """What is to be ended once its checkpoint is taken."""
        self._faults: dict[Token, int] = {}
        self._under_way: Token | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def begin(self, order: OpenSession) -> None:
        """Its agent is at work."""
        with self._changed:
            if self._every_s <= 0.0 or self._closed:
                return
            self._orders[order.token] = order
            self._due[order.token] = time.monotonic() + self._every_s
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def before(self, token: Token, end: Callable[[], None]) -> None:
        """One more, and then `end`, which comes in any case, and may come twice."""
        with self._changed:
            if token in self._orders and not self._closed:
                timer = self._ends[token] = threading.Timer(BEFORE_END_S, end)
                timer.daemon = True
                timer.start()
                self._changed.notify_all()
                return
        end()

    def end(self, token: Token) -> None:
        """Its agent is gone. Returns when none of it is under way: what saves its work may begin."""
        with self._changed:
            self._orders.pop(token, None)
            self._due.pop(token, None)
            self._faults.pop(token, None)
            timer = self._ends.pop(token, None)
            self._changed.wait_for(lambda: self._under_way != token)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """What is under way is finished, and what was to be ended after its checkpoint is ended."""
        with self._changed:
            self._closed = True
            timers = list(self._ends.values())
            self._changed.notify_all()
        for timer in timers:
            timer.cancel()
            timer.function()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while (order := self._next()) is not None:
                try:
                    self._look(order)
                finally:
                    self._over(order.token)
        except BaseException as fault:  # whatever it is, the control thread must hear of it
            self._broke(fault)

    def _next(self) -> OpenSession | None:
        """Waits for it; those that are to be ended come first. None: it is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                token = next(iter(self._ends), None)
                if token is None:
                    soonest = next(iter(self._due), None)
                    token = soonest if soonest is not None and self._due[soonest] <= now else None
                if token is not None:
                    self._under_way = token
                    return self._orders[token]
                self._changed.wait(next(iter(self._due.values())) - now if self._due else None)
            return None

    def _over(self, token: Token) -> None:
        with self._changed:
            self._under_way = None
            timer = self._ends.pop(token, None)
            if token in self._due:
                del self._due[token]  # to the end of the line: each waits equally long
                self._due[token] = time.monotonic() + self._every_s
            self._changed.notify_all()
        if timer is not None:
            timer.cancel()
            timer.function()

    def _look(self, order: OpenSession) -> None:
        try:
            commit = self._take(order.bead, order.number)
        except WorkspaceFault as refused:
            with self._changed:
                self._faults[order.token] = times = self._faults.get(order.token, 0) + 1
            if times == 2:
                self._emit(Checkpointed(at=self._clock.now(), token=order.token, commit=None, fault=str(refused)))
            return
        with self._changed:
            self._faults.pop(order.token, None)
        if commit is not None:
            self._emit(Checkpointed(at=self._clock.now(), token=order.token, commit=commit))
            self._made(order.token, commit)
